//! What a run refuses.

use skillbelt_train::disk::faults::Faults;

use crate::toy::{Notes, Toy};

#[test]
fn a_folder_that_holds_a_run_is_refused_unless_that_run_goes_on() {
    let toy = Toy::default();
    let folder = crate::toy::folder();
    toy.run(folder.path(), false).unwrap();
    let refused = toy.run(folder.path(), false).unwrap_err();
    assert!(refused.to_string().contains("holds a run"), "{refused}");
    assert!(refused.hint().unwrap().contains("--resume"));
}

#[test]
fn another_recipe_does_not_go_on_with_a_run_and_the_key_is_named() {
    let toy = Toy::default();
    let folder = crate::toy::folder();
    toy.run(folder.path(), false).unwrap();
    let mut other = toy.clone();
    other.identity = vec![("training.seed", "7".into())];
    let refused = other.run(folder.path(), true).unwrap_err().to_string();
    assert!(
        refused.contains("`training.seed` was 0, now it is 7"),
        "{refused}"
    );
    // Without the facts, the checkpoint itself knows.
    fs_err::remove_file(folder.path().join("run.json")).unwrap();
    let refused = other.run(folder.path(), true).unwrap_err().to_string();
    assert!(
        refused.contains("another recipe, base or data"),
        "{refused}"
    );
}

#[test]
fn two_runs_do_not_work_in_one_folder() {
    let folder = crate::toy::folder();
    let lock = fs_err::File::create(folder.path().join("lock")).unwrap();
    lock.file().lock().unwrap();
    let refused = Toy::default().run(folder.path(), false).unwrap_err();
    assert!(
        refused.to_string().contains("another run is working"),
        "{refused}"
    );
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_before_it_can_do_harm() {
    let mut toy = Toy {
        breaks_at: Some(9),
        ..Toy::default()
    };
    toy.training.save_steps = 2;
    let folder = crate::toy::folder();
    let refused = toy.run(folder.path(), false).unwrap_err();
    assert!(refused.to_string().contains("NaN in step 10"), "{refused}");
    assert!(refused.hint().unwrap().contains("learning_rate"));
    toy.breaks_at = None;
    toy.run(folder.path(), true).unwrap();
}

#[test]
fn a_log_that_was_cut_is_told() {
    let toy = Toy::default();
    let folder = crate::toy::folder();
    let faults = Faults::death_at("after-save", 2);
    let died = toy.run_with(folder.path(), false, faults, &mut Notes::default());
    assert!(died.is_err());
    fs_err::write(folder.path().join("metrics.jsonl"), b"").unwrap();
    let refused = toy.run(folder.path(), true).unwrap_err();
    assert!(
        refused.to_string().contains("metrics.jsonl has 0 bytes"),
        "{refused}"
    );
}

//! Looks for the adviser change nothing that is learnt, and a run that was stopped writes the same.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skillbelt_train::advise::{FILE, advise, read};
use skillbelt_train::disk::faults::Faults;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::recipe::{Balancing, Mixing};

use crate::toy::{Notes, Toy, assert_same, folder, outcome};

fn toy(advise_every: Option<u64>) -> Toy {
    let mut toy = Toy::default();
    toy.evaluation.advise_every = advise_every;
    toy
}

/// The adviser's lines without times.
fn lines(folder: &Path) -> Vec<serde_json::Value> {
    let text = fs_err::read_to_string(folder.join(FILE)).unwrap();
    let line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds");
        line
    };
    text.lines().map(line).collect()
}

#[test]
fn a_run_that_is_looked_at_makes_the_same_belt_log_and_report() {
    for (balancing, mixing, tasks_per_step) in [
        (Balancing::Fixed, Mixing::Temperature, 1),
        (Balancing::Coba, Mixing::Turns, 0),
        (Balancing::Pcgrad, Mixing::Turns, 0),
    ] {
        let mut off = toy(None);
        off.training.balancing = balancing;
        off.training.mixing = mixing;
        off.training.tasks_per_step = tasks_per_step;
        let mut on = off.clone();
        on.evaluation.advise_every = Some(1);
        let (plain, looked) = (folder(), folder());
        off.run(plain.path(), false).unwrap();
        on.run(looked.path(), false).unwrap();
        assert_same(looked.path(), &outcome(plain.path()), "looked at");
        assert!(!plain.path().join(FILE).exists(), "off it writes nothing");
        let state = newest_state(plain.path());
        assert!(
            !state.contains("\"advice\""),
            "off it is not in a checkpoint either"
        );
        assert!(newest_state(looked.path()).contains("\"advice\""));
    }
}

fn newest_state(folder: &Path) -> String {
    let mut places: Vec<_> = fs_err::read_dir(folder.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("state.json").exists())
        .collect();
    places.sort();
    fs_err::read_to_string(places.last().unwrap().join("state.json")).unwrap()
}

#[test]
fn a_run_that_was_stopped_writes_the_same_looks() {
    let toy = toy(Some(2));
    let whole = folder();
    toy.run(whole.path(), false).unwrap();
    let expected = lines(whole.path());
    assert!(expected.len() > 5, "{}", expected.len());
    for after in [1, 4, 7] {
        let stopped = folder();
        let stop = Arc::new(AtomicBool::new(false));
        let mut notes = Notes {
            stop: Some((after, Arc::clone(&stop))),
            ..Notes::default()
        };
        let faults = Arc::new(Faults::none());
        toy.run_until(stopped.path(), false, faults, &mut notes, stop)
            .unwrap();
        // What a kill in the middle of a line would leave behind the checkpoint.
        let path = stopped.path().join(FILE);
        let mut text = fs_err::read(&path).unwrap();
        text.extend(b"{\"kind\": \"loo");
        fs_err::write(&path, text).unwrap();
        toy.run(stopped.path(), true).unwrap();
        assert_eq!(lines(stopped.path()), expected, "stopped after {after}");
        assert_same(stopped.path(), &outcome(whole.path()), "stopped");
    }
}

#[test]
fn the_looks_of_a_run_can_be_read_and_advised_from() {
    let looked = folder();
    toy(Some(1)).run(looked.path(), false).unwrap();
    let found = read(looked.path()).unwrap();
    assert_eq!(found.tasks.tasks[0].rows, 40);
    assert_eq!(found.tasks.tasks[0].held, 16);
    assert_eq!(found.tasks.tasks[0].repeated, None, "a toy has no classes");
    let advice = advise(
        &[found],
        &Draws {
            seed: 0,
            count: 100,
        },
    )
    .unwrap();
    assert_eq!(advice.prediction.matrix.tasks, ["near", "far"]);
    assert!(advice.look_share.unwrap() > 0.0);
    assert!(advice.factors.iter().all(|one| one.stability.is_some()));
}

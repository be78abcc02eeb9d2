//! Real deaths: the toy run in a process of its own, killed by the system at moments nobody chose.
//! `SKILLBELT_KILLS` is how often.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use skillbelt_engine::random::Stream;
use skillbelt_train::disk::faults::Faults;

use crate::toy::{Notes, Toy, assert_same, outcome};

const FOLDER: &str = "SKILLBELT_TOY_FOLDER";

fn toy() -> Toy {
    let mut toy = Toy::default();
    toy.training.num_epochs = 10.0;
    toy.training.save_steps = 2;
    toy.evaluation.per_task_snapshots = true;
    toy
}

/// The process that is killed. Started by the tests below; by itself there is nothing for it to do.
#[test]
#[ignore = "runs as the child of other tests"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let faults = Faults::from_env().unwrap();
    let folder = std::path::Path::new(&folder);
    toy()
        .run_with(folder, true, faults, &mut Notes::default())
        .unwrap();
}

fn start(folder: &std::path::Path, kill_at: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child", "--ignored"])
        .env(FOLDER, folder)
        .env("SKILLBELT_KILL_AT", kill_at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_process_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let whole = crate::toy::folder();
    let started = Instant::now();
    assert!(start(whole.path(), "").wait().unwrap().success());
    let takes = started.elapsed();
    let expected = outcome(whole.path());
    let kills = std::env::var("SKILLBELT_KILLS").map_or(3, |count| count.parse().unwrap());
    let mut folder = crate::toy::folder();
    for kill in 0..kills {
        let mut child = start(folder.path(), "");
        let share = Stream::new(kill, 0, "moment of death").uniform(0);
        std::thread::sleep(takes.mul_f32(share).max(Duration::from_millis(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        if folder.path().join("belt").exists() {
            // Nearly or quite done: look at the end, and begin another one.
            assert!(start(folder.path(), "").wait().unwrap().success());
            assert_same(folder.path(), &expected, "killed at random moments");
            folder = crate::toy::folder();
        }
    }
    assert!(start(folder.path(), "").wait().unwrap().success());
    assert_same(folder.path(), &expected, "killed at random moments");
}

#[test]
fn the_points_of_death_are_reached_through_the_environment() {
    let folder = crate::toy::folder();
    assert!(
        !start(folder.path(), "before-rename:3")
            .wait()
            .unwrap()
            .success()
    );
    assert!(!folder.path().join("belt").exists());
    assert!(start(folder.path(), "").wait().unwrap().success());
    let whole = crate::toy::folder();
    toy().run(whole.path(), false).unwrap();
    assert_same(folder.path(), &outcome(whole.path()), "aborted");
}

//! `skillbelt train` and people: Ctrl-C, a second run in the same folder, another recipe for a run
//! that was begun, and another number of threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod trained;

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use trained::{Bench, Ended, KINDS};

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

/// A run that stands still in the middle: it has a checkpoint, and steps are left.
fn paused(bench: &Bench, name: &str) -> Child {
    let mut child = bench.command(name).spawn().unwrap();
    let (begun, folder) = (Instant::now(), bench.output(name));
    while !folder.join("checkpoints/step-000000003").exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not begin"
        );
        assert!(child.try_wait().unwrap().is_none(), "it is over already");
        std::thread::sleep(Duration::from_micros(200));
    }
    signal(&child, "STOP");
    assert!(!folder.join("belt").exists());
    child
}

fn long() -> Bench {
    Bench::new(KINDS[0]).epochs("10")
}

#[test]
fn a_person_stops_a_run_and_is_told_how_to_go_on() {
    let bench = long();
    bench.ends_well("whole", "");
    let child = paused(&bench, "stopped");
    signal(&child, "INT");
    signal(&child, "CONT");
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    for part in [
        "stopping after this step",
        "everything is saved",
        "--resume goes on",
    ] {
        assert!(ended.err.contains(part), "{part} in {}", ended.err);
    }
    assert!(!bench.output("stopped").join("belt").exists());
    let again = bench.run("stopped", |_| ());
    assert_eq!(again.code, Some(0));
    assert!(again.err.contains("going on after step"), "{}", again.err);
    bench.assert_same("stopped", &bench.outcome("whole"), "stopped by a person");
}

#[test]
fn a_second_run_in_the_same_folder_is_refused_and_disturbs_nothing() {
    let bench = long();
    bench.ends_well("whole", "");
    let child = paused(&bench, "shared");
    let second = bench.run("shared", |_| ());
    assert_eq!(second.code, Some(2));
    assert!(
        second.err.contains("another run is working in"),
        "{}",
        second.err
    );
    signal(&child, "CONT");
    let first = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(first.code, Some(0), "{}", first.err);
    bench.assert_same(
        "shared",
        &bench.outcome("whole"),
        "with a second run refused",
    );
}

#[test]
fn a_run_goes_on_only_under_what_it_began_with() {
    let bench = Bench::new(KINDS[0]);
    let died = bench.run("run", |command| {
        command.env("SKILLBELT_KILL_AT", "after-step:5");
    });
    assert_eq!(died.code, None);
    let refused = |flags: &[&str], part: &str| {
        let ended = bench.run("run", |command| {
            command.args(flags);
        });
        assert_eq!(ended.code, Some(2), "{flags:?}");
        let told = ended.err.contains(part) && ended.err.contains("another output folder");
        assert!(told, "{part} in {}", ended.err);
    };
    refused(&["--learning-rate", "1"], ": `training.learning_rate` was");
    refused(&["--lora-r", "4"], ": `belt.lora_");
    refused(&["--precision", "int8"], ": `base.precision` was");
    refused(&["--seed", "7"], ": `training.seed` was");
    refused(&["--tasks", "mark"], "holds another run: `");
    let other = trained::golden("roberta");
    refused(&["--base", other.to_str().unwrap()], ": `base");
    let rows = bench.path().join("mark-train.jsonl");
    let before = fs_err::read(&rows).unwrap();
    fs_err::write(&rows, &before[..before.len() / 2]).unwrap();
    let ended = bench.run("run", |_| ());
    assert_eq!(ended.code, Some(2), "half a row");
    let lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
    fs_err::write(&rows, lines[1..].concat()).unwrap();
    refused(&[], ": `rows of mark train` was");
    fs_err::write(&rows, before).unwrap();
    bench.ends_well("run", "with everything as it was");
    bench.ends_well("whole", "");
    bench.assert_same("run", &bench.outcome("whole"), "after all that");
}

#[test]
fn a_folder_that_holds_a_run_is_not_taken_for_another() {
    let bench = Bench::new(KINDS[0]);
    bench.ends_well("whole", "");
    let before = bench.outcome("whole");
    let mut command = bench.command("whole");
    let arguments: Vec<_> = command
        .get_args()
        .filter(|word| *word != "--resume")
        .collect();
    let mut anew = Command::new(command.get_program());
    anew.args(arguments);
    let ended = Ended::from(anew.output().unwrap());
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("holds a run"), "{}", ended.err);
    bench.assert_same("whole", &before, "refused");
    // Going on with a run that is done makes the same once more.
    assert!(command.output().unwrap().status.success());
    bench.assert_same("whole", &before, "done again");
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    for kind in KINDS {
        if !["dora", "double_seq_bn", "qlora", "full"].contains(&kind.name) {
            continue;
        }
        let bench = Bench::new(kind).epochs("1.5");
        let runs = ["one", "two", "five"].map(|name| {
            let threads = match name {
                "one" => "1",
                "two" => "2",
                _ => "5",
            };
            let inner = bench.command(name);
            let words = inner.get_args().map(|word| match word == "2" {
                true => threads.into(),
                false => word.to_owned(),
            });
            let words: Vec<_> = words.collect();
            let mut command = Command::new(inner.get_program());
            let ended = Ended::from(command.args(words).output().unwrap());
            assert_eq!(ended.code, Some(0), "{}", ended.err);
            name
        });
        let one = bench.outcome(runs[0]);
        bench.assert_same(runs[1], &one, "with two threads");
        bench.assert_same(runs[2], &one, "with five threads");
    }
}

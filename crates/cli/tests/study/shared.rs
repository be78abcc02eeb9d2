//! Many processes in one study's folder: they are killed, stopped, put to sleep, and what they find
//! together is what one process finds alone.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::tiny::{Ended, PLAN, SMALL, Tiny, comparable};

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success());
}

fn kills() -> u64 {
    let kills = std::env::var("SKILLBELT_KILLS").ok();
    kills.map_or(6, |kills| kills.parse().unwrap())
}

/// Waits until something is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A small study with long cells.
fn long() -> Tiny {
    Tiny::new(&SMALL.replace("max_steps: 6", "max_steps: 400"))
}

/// A process that is in the middle of its first cell.
fn begun(tiny: &Tiny, out: &str, flags: &[&str]) -> Child {
    let all = [&["--no-estimate"], flags].concat();
    let child = tiny.command(out, &all).spawn().unwrap();
    let work = tiny.path(out).join("work");
    until("a checkpoint", || {
        let runs = fs_err::read_dir(&work).into_iter().flatten();
        runs.flatten().any(|run| {
            let saved = fs_err::read_dir(run.path().join("checkpoints"));
            saved.is_ok_and(|saved| saved.count() > 1)
        })
    });
    child
}

/// The same, and asleep.
fn asleep(tiny: &Tiny, out: &str) -> Child {
    let child = begun(tiny, out, &[]);
    signal(&child, "STOP");
    child
}

#[test]
fn processes_that_are_killed_again_and_again_find_what_one_finds_alone() {
    let tiny = Tiny::new(PLAN);
    let alone = tiny.finds("alone", &[]);
    let cells = alone.cells.len();
    // A fixed sequence of pauses; where the processes are then differs from run to run.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut killed = 0;
    while killed < kills() {
        let start = || tiny.command("shared", &["--no-estimate"]).spawn().unwrap();
        let mut children: Vec<Child> = (0..3).map(|_| start()).collect();
        let finished = || {
            let done = fs_err::read_dir(tiny.path("shared/cells"));
            done.is_ok_and(|done| done.count() == cells)
        };
        while killed < kills() && !finished() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            std::thread::sleep(Duration::from_millis((state >> 32) & 0x7f));
            let place = (state >> 48) as usize % children.len();
            children[place].kill().unwrap();
            children[place].wait().unwrap();
            children[place] = start();
            killed += 1;
        }
        for child in children {
            let ended = Ended::from(child.wait_with_output().unwrap());
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        assert_eq!(comparable(&tiny.results("shared")), comparable(&alone));
        tiny.assert_each_once("shared", cells);
        fs_err::remove_dir_all(tiny.path("shared")).unwrap();
    }
}

#[test]
fn several_jobs_of_one_command_find_what_one_process_finds_alone() {
    let tiny = Tiny::new(PLAN);
    let alone = tiny.finds("alone", &[]);
    let shared = tiny.finds("shared", &["--jobs", "3"]);
    assert_eq!(comparable(&shared), comparable(&alone));
    tiny.assert_each_once("shared", alone.cells.len());
    assert!(
        tiny.claims("shared")
            .values()
            .all(|claims| claims.len() == 1)
    );
}

#[test]
fn whoever_sleeps_too_long_is_replaced_and_disturbs_nothing_when_it_wakes() {
    let tiny = long();
    let alone = tiny.finds("alone", &[]);
    let sleeper = asleep(&tiny, "shared");
    // Two seconds without a heartbeat.
    let other = tiny.finds("shared", &["--dead-after", "0.035"]);
    assert_eq!(comparable(&other), comparable(&alone));
    signal(&sleeper, "CONT");
    let ended = Ended::from(sleeper.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("was taken over by another process"),
        "{}",
        ended.err
    );
    assert_eq!(comparable(&tiny.results("shared")), comparable(&alone));
    tiny.assert_each_once("shared", 3);
}

#[test]
fn nobody_touches_the_cell_of_a_process_that_lives() {
    let tiny = long();
    let mut sleeper = asleep(&tiny, "shared");
    let other = tiny.finds("shared", &["--no-wait"]);
    assert_eq!((other.state.done, other.state.running), (2, 1));
    let running = other
        .cells
        .iter()
        .find_map(|cell| cell.message.as_ref())
        .unwrap();
    assert!(
        running.contains(&format!("process {}", sleeper.id())),
        "{running}"
    );
    // Killed, it is known to be gone at once.
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(tiny.finds("shared", &["--no-wait"]).state.done, 3);
}

#[test]
fn a_person_stops_a_study_and_goes_on_with_it() {
    let tiny = long();
    let alone = tiny.finds("alone", &[]);
    for flags in [&[][..], &["--jobs", "2"]] {
        let out = format!("stopped-{}", flags.len());
        let child = begun(&tiny, &out, flags);
        signal(&child, "INT");
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.err.contains("everything is saved"), "{}", ended.err);
        assert!(tiny.results(&out).state.done < 3);
        let whole = tiny.finds(&out, &[]);
        assert_eq!(comparable(&whole), comparable(&alone));
        tiny.assert_each_once(&out, 3);
    }
}

#[test]
fn the_job_array_is_a_script_that_a_shell_reads_and_that_does_the_work() {
    let tiny = Tiny::new(SMALL);
    let alone = tiny.finds("alone", &[]);
    let emitted = tiny.run("shared", &["--emit", "slurm", "jobs"]);
    assert_eq!(emitted.code, Some(0), "{emitted:?}");
    let script = tiny.path("jobs").join("study.sbatch");
    let text = fs_err::read_to_string(&script).unwrap();
    assert!(text.contains("#SBATCH --array=0-2\n"), "{text}");
    // As a job runs it, without the scheduler.
    let jobs: Vec<Child> = (0..3)
        .map(|_| Command::new("bash").arg(&script).spawn().unwrap())
        .collect();
    for mut job in jobs {
        assert!(job.wait().unwrap().success());
    }
    assert_eq!(
        comparable(&tiny.finds("shared", &["--results"])),
        comparable(&alone)
    );
    tiny.assert_each_once("shared", 3);
}

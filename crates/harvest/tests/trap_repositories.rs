//! Sixty-odd repositories that were made to stop a harvest: each is gone through to its end within
//! seconds, the good file beside the trap is used, and everything is accounted for.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;
mod traps;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use repository::{Repository, source};
use skillbelt_harvest::{LANGUAGES, Plan, Report, Seed, SplitBy, Task, harvest};
use traps::{TRAPS, Trap};

/// No trap takes so long on a machine that is busy with other things.
const MOST: Duration = Duration::from_secs(60);

fn harvested(repository: &Repository) -> Report {
    let plan = Plan {
        paths: vec![repository.path().to_owned()],
        out: repository.beside("out"),
        tasks: Task::ALL.into_iter().collect(),
        languages: LANGUAGES.into_iter().collect(),
        split: SplitBy::File,
        seed: Seed(0),
        max_rows: None,
        junit: vec![repository.path().to_owned()],
        base: "pocket".into(),
        commits: 200,
        force: false,
    };
    harvest(&plan, &|_| {}).unwrap()
}

const AT_ONCE: usize = 12;

/// Sets one trap and walks into it; says what was counted and how long it took.
fn sprung(set: fn(&Repository)) -> (Report, Duration) {
    let repository = Repository::new();
    for number in 0..3 {
        repository.write(&format!("good{number}.py"), &source(number));
    }
    repository.commit("Add", 1_000);
    repository.write("good0.py", &source(7));
    repository.commit("Fix crash", 2_000);
    set(&repository);
    let started = Instant::now();
    let report = harvested(&repository);
    assert!(repository.beside("out/summary.json").exists());
    (report, started.elapsed())
}

/// Walks into a trap on a thread of its own, so that one that hangs can be left behind and named.
fn walker(set: Trap) -> (mpsc::Receiver<(Report, Duration)>, JoinHandle<bool>) {
    let (tell, told) = mpsc::channel();
    let walker = std::thread::spawn(move || tell.send(sprung(set)).is_ok());
    (told, walker)
}

fn accounted(name: &str, report: &Report) {
    for census in [
        &report.files,
        &report.functions,
        &report.folders,
        &report.commits,
        &report.junit_files,
        &report.test_cases,
    ] {
        assert!(census.closes(), "{name}: {report}");
    }
    assert!(report.files.used >= 3, "{name}: {report}");
    assert!(report.rows() >= 6, "{name}: {report}");
}

#[test]
fn every_trap_is_walked_out_of_in_time_with_the_good_files() {
    let mut names: Vec<&str> = TRAPS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert!(
        names.len() == TRAPS.len() && TRAPS.len() >= 60,
        "{}",
        TRAPS.len()
    );
    let mut slowest: Vec<(Duration, &str)> = Vec::new();
    // Several at once: most of the time goes into setting them and into waiting for the disk.
    for some in TRAPS.chunks(AT_ONCE) {
        let walkers: Vec<_> = some
            .iter()
            .map(|(name, set)| (name, walker(*set)))
            .collect();
        for (name, (told, walker)) in walkers {
            let (report, took) = match told.recv_timeout(MOST) {
                Ok(told) => told,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: not out after {MOST:?}"),
                Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{name}: stopped by it"),
            };
            assert!(walker.join().unwrap());
            slowest.push((took, name));
            accounted(name, &report);
        }
    }
    slowest.sort_unstable_by(|one, other| other.cmp(one));
    if std::env::var_os("SKILLBELT_TOLD").is_some() {
        for (took, name) in &slowest {
            eprintln!("{took:?} {name}");
        }
    }
}

//! Killed at every point, refused at every call: the run goes on and ends as if nothing had been.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skillbelt_train::disk::faults::{Call, Faults, POINTS};
use skillbelt_train::recipe::{Balancing, Optimiser, Policy};
use skillbelt_train::run::Finished;

use crate::toy::{Notes, Toy, assert_same, outcome};

/// All that must be remembered is in use.
fn toy(balancing: Balancing, optim: Optimiser) -> Toy {
    let mut toy = Toy::default();
    toy.training.balancing = balancing;
    toy.training.optim = optim;
    toy.training.save_steps = 3;
    toy.training.freeze_after = 3;
    toy.training.logging_steps = 4;
    toy.training.balancing_options = match balancing {
        Balancing::Coba => [("every".to_owned(), 2.0)].into_iter().collect(),
        _ => Default::default(),
    };
    toy.evaluation.policy = Policy::WorstRegret;
    toy.evaluation.per_task_snapshots = true;
    toy
}

#[test]
fn killed_at_every_named_point_the_run_ends_with_the_same_bytes() {
    let toy = toy(Balancing::Uncertainty, Optimiser::AdamW8bit);
    let whole = crate::toy::folder();
    toy.run(whole.path(), false).unwrap();
    let expected = outcome(whole.path());
    for point in POINTS {
        let mut deaths = 0;
        for count in [1, 2, 5, 17] {
            let folder = crate::toy::folder();
            let faults = Faults::death_at(point, count);
            let died = toy.run_with(folder.path(), false, faults, &mut Notes::default());
            deaths += u32::from(died.is_err());
            toy.run(folder.path(), true).unwrap();
            assert_same(folder.path(), &expected, &format!("{point}:{count}"));
        }
        assert!(deaths > 0, "no run comes by {point}");
    }
}

#[test]
fn each_balancing_and_optimiser_goes_on_with_the_same_bytes_after_three_kills() {
    for (balancing, optim) in [
        (Balancing::Fixed, Optimiser::AdamW),
        (Balancing::Coba, Optimiser::AdamW),
        (Balancing::Pcgrad, Optimiser::AdamW8bit),
        (Balancing::StudySoftmax, Optimiser::AdamW),
    ] {
        let toy = toy(balancing, optim);
        let whole = crate::toy::folder();
        toy.run(whole.path(), false).unwrap();
        let folder = crate::toy::folder();
        for (point, count) in [("after-step", 7), ("mid-file", 9), ("during-eval", 3)] {
            let faults = Faults::death_at(point, count);
            let resume = folder.path().join("run.json").exists();
            let died = toy.run_with(folder.path(), resume, faults, &mut Notes::default());
            assert!(died.is_err(), "{balancing:?} {point}");
        }
        toy.run(folder.path(), true).unwrap();
        assert_same(
            folder.path(),
            &outcome(whole.path()),
            &format!("{balancing:?}"),
        );
    }
}

#[test]
fn whatever_call_is_refused_the_run_says_so_and_goes_on_later() {
    let toy = toy(Balancing::Fixed, Optimiser::AdamW);
    let whole = crate::toy::folder();
    let counting = Arc::new(Faults::none());
    let faults = Arc::clone(&counting);
    let mut notes = Notes::default();
    toy.run_until(whole.path(), false, faults, &mut notes, Arc::default())
        .unwrap();
    let expected = outcome(whole.path());
    for (call, said) in [
        (Call::Write, "No space left"),
        (Call::Fsync, "Input/output error"),
        (Call::Rename, "Input/output error"),
    ] {
        let calls = counting.calls(call);
        assert!(calls > 10);
        // Every call would be many runs; a few spread over all, and the first and the last.
        for part in 0..=12 {
            let count = (1 + part * (calls - 1) / 12).min(calls);
            let folder = crate::toy::folder();
            let faults = Faults::refusing(call, count);
            let refused = toy.run_with(folder.path(), false, faults, &mut Notes::default());
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
            assert!(
                message.contains(folder.path().to_str().unwrap()),
                "{message}"
            );
            toy.run(folder.path(), true).unwrap();
            assert_same(folder.path(), &expected, &format!("{call:?}:{count}"));
        }
    }
}

#[test]
fn a_person_may_stop_at_any_step_and_go_on() {
    let toy = toy(Balancing::Fixed, Optimiser::AdamW);
    let whole = crate::toy::folder();
    let Finished::Complete { steps, .. } = toy.run(whole.path(), false).unwrap() else {
        panic!("not complete");
    };
    let folder = crate::toy::folder();
    let mut done = 0;
    loop {
        let stop: Arc<AtomicBool> = Arc::default();
        let mut notes = Notes {
            stop: Some((4, Arc::clone(&stop))),
            ..Notes::default()
        };
        let faults = Arc::new(Faults::none());
        match toy
            .run_until(folder.path(), done > 0, faults, &mut notes, stop)
            .unwrap()
        {
            Finished::Stopped { step, steps: all } => {
                done += 4;
                assert_eq!((step, all >= steps), (done, true));
            }
            Finished::Complete { .. } => break,
        }
    }
    assert!(done >= 8);
    assert_same(
        folder.path(),
        &outcome(whole.path()),
        "stopped every four steps",
    );
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_older_one_taken() {
    let toy = toy(Balancing::Uncertainty, Optimiser::AdamW);
    let whole = crate::toy::folder();
    toy.run(whole.path(), false).unwrap();
    for file in ["params.bin", "optimiser.bin", "state.json", "manifest.json"] {
        let folder = crate::toy::folder();
        let faults = Faults::death_at("after-step", 11);
        let died = toy.run_with(folder.path(), false, faults, &mut Notes::default());
        assert!(died.is_err());
        let path = folder.path().join("checkpoints/step-000000009").join(file);
        let mut bytes = fs_err::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs_err::write(&path, bytes).unwrap();
        let mut notes = Notes::default();
        toy.run_with(folder.path(), true, Faults::none(), &mut notes)
            .unwrap();
        assert!(
            notes.warned[0].contains("step-000000009"),
            "{:?}",
            notes.warned
        );
        assert_same(folder.path(), &outcome(whole.path()), file);
    }
}

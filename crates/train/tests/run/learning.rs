//! What the loop learns.

use skillbelt_train::recipe::{Balancing, Mixing, Optimiser, Schedule, Training};

use crate::toy::{Notes, Toy, outcome};
use skillbelt_train::disk::faults::Faults;

fn belt(folder: &std::path::Path) -> Vec<f32> {
    let bytes = fs_err::read(folder.join("belt/belt.bin")).unwrap();
    let fours = bytes.chunks_exact(4);
    fours
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect()
}

#[test]
fn every_balancing_mixing_and_optimiser_lowers_the_losses() {
    let settings = [
        (Balancing::Fixed, Mixing::Temperature, 1, Optimiser::AdamW),
        (
            Balancing::Uncertainty,
            Mixing::Weights,
            1,
            Optimiser::AdamW8bit,
        ),
        (Balancing::Coba, Mixing::Turns, 0, Optimiser::AdamW),
        (Balancing::Pcgrad, Mixing::Turns, 0, Optimiser::AdamW8bit),
        (Balancing::StudySoftmax, Mixing::Turns, 2, Optimiser::AdamW),
    ];
    for (balancing, mixing, tasks_per_step, optim) in settings {
        let mut toy = Toy::default();
        toy.training = Training {
            balancing,
            mixing,
            tasks_per_step,
            optim,
            num_epochs: 12.0,
            learning_rate: 0.08,
            ..toy.training
        };
        let folder = crate::toy::folder();
        let mut notes = Notes::default();
        toy.run_with(folder.path(), false, Faults::none(), &mut notes)
            .unwrap();
        assert_eq!(
            !notes.warned.is_empty(),
            balancing == Balancing::StudySoftmax
        );
        let report = fs_err::read(folder.path().join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        for task in ["near", "far"] {
            let facts = &report["tasks"][task];
            let value = |name: &str| facts[name].as_f64().unwrap();
            let (before, after) = (value("untrained"), value("shipped"));
            assert!(
                after < 0.7 * before,
                "{balancing:?} {task}: {before} {after}"
            );
            assert!(facts["test"]["error"].as_f64().unwrap() > 0.0);
        }
    }
}

#[test]
fn accumulated_batches_learn_what_the_large_batch_learns() {
    let run = |batch_size, accumulation, mixing| {
        let toy = Toy {
            noise: 0.0,
            training: Training {
                batch_size,
                gradient_accumulation_steps: accumulation,
                mixing,
                tasks_per_step: 0,
                max_steps: Some(12),
                lr_scheduler_type: Schedule::Constant,
                ..Toy::default().training
            },
            ..Toy::default()
        };
        let folder = crate::toy::folder();
        let mut notes = Notes::default();
        toy.run_with(folder.path(), false, Faults::none(), &mut notes)
            .unwrap();
        (belt(folder.path()), notes.losses)
    };
    let (small, small_losses) = run(4, 3, Mixing::Turns);
    let (large, large_losses) = run(12, 1, Mixing::Turns);
    let off = |a: &f32, b: &f32| f64::from((a - b).abs());
    let worst = small
        .iter()
        .zip(&large)
        .map(|(a, b)| off(a, b))
        .fold(0.0, f64::max);
    assert!(worst < 1e-6, "{worst}");
    assert_eq!(small_losses.len(), large_losses.len());
    for (small, large) in small_losses.iter().zip(&large_losses) {
        assert!((small - large).abs() < 1e-6 * large.max(1.0));
    }
    // The control: another batch is not the same.
    assert_ne!(small, run(4, 2, Mixing::Turns).0);
}

#[test]
fn the_same_recipe_gives_the_same_files_and_another_seed_others() {
    let toy = Toy::default();
    let run = |toy: &Toy| {
        let folder = crate::toy::folder();
        toy.run(folder.path(), false).unwrap();
        outcome(folder.path())
    };
    assert_eq!(run(&toy), run(&toy));
    let mut other = toy.clone();
    other.training.seed = 1;
    assert_ne!(run(&toy), run(&other));
}

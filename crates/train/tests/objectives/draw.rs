//! Which rows become a set: limits and undersampling, drawn by the seed and nothing else.

use skillbelt_train::data::Split;
use skillbelt_train::recipe::{TaskSettings, TaskType};

use crate::bench::{Bench, text};
use crate::classify::settings;

fn rows() -> Vec<skillbelt_train::data::Content> {
    (0..1500)
        .map(|i| text(&format!("number {i}"), if i % 30 == 0 { "1" } else { "0" }))
        .collect()
}

#[test]
fn a_limit_draws_the_same_rows_for_the_same_seed_and_counts_the_others() {
    let bench = Bench::new("bert", &["query"], 0.0);
    let settings = TaskSettings {
        max_train_rows: Some(40),
        ..settings(TaskType::Classify)
    };
    let task = bench.task(&settings, rows());
    let load = |seed| {
        task.load(Split::Train, &bench.tokenizer, seed)
            .unwrap()
            .unwrap()
    };
    let set = load(1);
    assert_eq!(
        (set.items.len(), set.tally.used, set.tally.total()),
        (40, 40, 1500)
    );
    assert_eq!((&set.items, &set.hash), (&load(1).items, &load(1).hash));
    assert_ne!(set.hash, load(2).hash);
    // In the order of the rows, from anywhere among them.
    let line = |name: &str| name.rsplit(':').next().unwrap().parse::<u64>().unwrap();
    let lines: Vec<u64> = set.items.iter().map(|item| line(&item.name)).collect();
    assert!(lines.is_sorted() && lines[0] < 300 && lines[39] > 1200);
    assert!(
        task.load(Split::Valid, &bench.tokenizer, 1)
            .unwrap()
            .is_none()
    );
}

#[test]
fn undersampling_leaves_the_rarest_class_whole() {
    let bench = Bench::new("bert", &["query"], 0.0);
    let settings = TaskSettings {
        undersample: Some(2.0),
        ..settings(TaskType::Classify)
    };
    let task = bench.task(&settings, rows());
    let set = bench.set(&task);
    assert_eq!(set.counts, [100, 50]);
    assert_eq!(set.tally.rejected["left out by undersampling"].count, 1350);
    assert_eq!(set.tally.total(), 1500);
}

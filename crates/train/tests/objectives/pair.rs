//! `pair`, joined and apart, on pairs that are alike or not.

use skillbelt_train::data::Content;
use skillbelt_train::recipe::{TaskSettings, TaskType};

use crate::bench::Bench;
use crate::classify::settings;
use crate::gradients;

fn pair(first: &str, second: &str, label: &str) -> Content {
    Content::Pair {
        first: first.into(),
        second: second.into(),
        label: Some(label.into()),
    }
}

/// Texts that stand in several pairs each.
fn rows() -> Vec<Content> {
    let texts = [
        "return a + b",
        "import os",
        "while True: pass",
        "x = [1, 2]",
    ];
    let mut rows = Vec::new();
    for (i, first) in texts.iter().enumerate() {
        for second in &texts[i..] {
            let label = if first == second { "1" } else { "0" };
            rows.push(pair(first, second, label));
        }
    }
    rows
}

fn encoded(how: &str) -> TaskSettings {
    TaskSettings {
        encoding: Some(how.into()),
        max_length: Some(30),
        ..settings(TaskType::Pair)
    }
}

#[test]
fn pairs_are_learnt_joined_and_apart() {
    for how in ["joint", "separate"] {
        let bench = Bench::new("bert", &["query", "value"], 0.0);
        let task = bench.task(&encoded(how), rows());
        let set = bench.set(&task);
        let losses = bench.train(&task, &set, 40, 2e-2);
        assert!(losses[39] < 0.2, "{how}: {losses:?}");
        let stage = bench.stage(99, 40);
        let answers = task.objective.answer(&stage, &set).unwrap();
        let measures = task.objective.measure(&set, &answers);
        assert!(measures.contains(&("accuracy", 1.0)), "{how}: {measures:?}");
        let loss = task.objective.loss(&stage, &set).unwrap().loss;
        assert!(loss < 0.2, "{how}: {loss}");
    }
}

#[test]
fn gradients_are_those_of_the_loss_however_the_batch_is_cut() {
    for (family, sites) in [
        ("bert", ["query", "value"]),
        ("qwen2", ["q_proj", "v_proj"]),
    ] {
        for how in ["joint", "separate"] {
            let bench = Bench::new(family, &sites, 0.0);
            bench.stir();
            let settings = TaskSettings {
                class_weights: serde_json::from_str("\"balanced\"").unwrap(),
                ..encoded(how)
            };
            let task = bench.task(&settings, rows());
            let set = bench.set(&task);
            gradients::agree_with_differences(&bench, &task, &set);
            gradients::agree_for_every_cut(&bench, &task, &set);
        }
    }
}

#[test]
fn a_text_of_many_pairs_is_read_once() {
    let bench = Bench::new("bert", &["query"], 0.0);
    let task = bench.task(&encoded("separate"), rows());
    let set = bench.set(&task);
    assert_eq!((set.items.len(), set.shelf.len()), (10, 4));
    let (learnt, _) = gradients::learn(&bench, &task, &set, 4096, 1.0);
    let once: usize = set
        .items
        .iter()
        .filter(|item| item.label == 1)
        .map(|item| set.shelf.length(item.texts[0]))
        .sum();
    assert_eq!(learnt.tokens, once as u64);
}

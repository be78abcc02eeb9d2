//! `classify`, on texts that one word tells apart.

use skillbelt_train::recipe::{TaskSettings, TaskType};
use skillbelt_train::task::Answer;

use crate::bench::{Bench, text};
use crate::gradients;

pub fn settings(kind: TaskType) -> TaskSettings {
    TaskSettings {
        kind: Some(kind),
        max_length: Some(24),
        ..TaskSettings::default()
    }
}

fn rows(classes: &[&str]) -> Vec<skillbelt_train::data::Content> {
    let words = ["return a", "import os", "while True: pass"];
    let texts = (0..9usize).map(|i| {
        let class = i % classes.len();
        text(
            &format!("def f{i}(a): {} # {i}", words[class]),
            classes[class],
        )
    });
    texts.collect()
}

#[test]
fn two_and_three_classes_are_learnt_in_a_few_steps() {
    for classes in [&["no", "yes"][..], &["a", "b", "c"]] {
        let bench = Bench::new("bert", &["query", "value"], 0.0);
        let task = bench.task(&settings(TaskType::Classify), rows(classes));
        let set = bench.set(&task);
        assert_eq!(set.tally.used, 9);
        let losses = bench.train(&task, &set, 25, 2e-2);
        assert!(losses[24] < 0.1, "{classes:?}: {losses:?}");
        let stage = bench.stage(99, 30);
        let answers = task.objective.answer(&stage, &set).unwrap();
        let Answer::Scores(scores) = &answers[0] else {
            panic!("scores")
        };
        assert_eq!(scores.len(), if classes.len() == 2 { 1 } else { 3 });
        let measures = task.objective.measure(&set, &answers);
        assert!(measures.contains(&("accuracy", 1.0)), "{measures:?}");
        assert!(task.objective.loss(&stage, &set).unwrap().loss < 0.1);
    }
}

#[test]
fn gradients_are_those_of_the_loss_however_the_batch_is_cut() {
    for classes in [&["no", "yes"][..], &["a", "b", "c"]] {
        for weights in [
            "null",
            "\"balanced\"",
            if classes.len() == 2 {
                "[0.5, 3.0]"
            } else {
                "[1.0, 0.2, 2.0]"
            },
        ] {
            let bench = Bench::new("bert", &["query", "value"], 0.0);
            bench.stir();
            let mut rows = rows(classes);
            // The same text twice, with two labels.
            rows.push(text("def f0(a): return a # 0", classes[1]));
            let settings = TaskSettings {
                class_weights: serde_json::from_str(weights).unwrap(),
                ..settings(TaskType::Classify)
            };
            let task = bench.task(&settings, rows);
            let set = bench.set(&task);
            gradients::agree_with_differences(&bench, &task, &set);
            gradients::agree_for_every_cut(&bench, &task, &set);
        }
    }
}

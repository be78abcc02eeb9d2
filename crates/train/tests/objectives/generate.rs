//! `generate`, by a decoder and by an encoder-decoder.

use skillbelt_train::data::{Content, Source};
use skillbelt_train::recipe::{TaskSettings, TaskType};
use skillbelt_train::task::Answer;

use crate::bench::Bench;
use crate::gradients;

const BASES: [(&str, [&str; 2]); 2] = [("qwen2", ["q_proj", "v_proj"]), ("t5", ["q", "v"])];

fn writing(source: &str, target: &str) -> Content {
    Content::Writing {
        source: Source::Text(source.into()),
        target: Some(target.into()),
    }
}

fn rows() -> Vec<Content> {
    vec![
        writing("int add(int a, int b)", "add"),
        writing("void read(String path)", "read a file"),
        writing("list", "sort it"),
    ]
}

fn settings() -> TaskSettings {
    TaskSettings {
        kind: Some(TaskType::Generate),
        max_length: Some(40),
        max_target_length: Some(20),
        prompt_suffix: Some(" =>".into()),
        ..TaskSettings::default()
    }
}

#[test]
fn texts_are_learnt_by_heart_and_written_again() {
    for (family, sites) in BASES {
        let bench = Bench::new(family, &sites, 0.0);
        let task = bench.task(&settings(), rows());
        let set = bench.set(&task);
        assert_eq!(set.tally.used, 3, "{:?}", set.tally);
        let steps = if family == "t5" { 150 } else { 80 };
        let losses = bench.train(&task, &set, steps, 3e-2);
        let last = losses[losses.len() - 1];
        assert!(last < 0.5 * losses[0], "{family}: {} to {last}", losses[0]);
        let stage = bench.stage(500, 50);
        let answers = task.objective.answer(&stage, &set).unwrap();
        let loss = task.objective.loss(&stage, &set).unwrap();
        assert!((loss.loss - last).abs() < 0.3 * losses[0]);
        let Answer::Text { expected, loss, .. } = &answers[1] else {
            panic!()
        };
        assert_eq!(expected.as_deref(), Some("read a file"));
        assert_eq!(
            loss.unwrap().1,
            set.shelf.length(set.items[1].texts[1]) as u64
        );
        let measures = task.objective.measure(&set, &answers);
        assert!(
            last > 0.05 || measures[0].1 == 1.0,
            "{family}: {measures:?} {answers:?}"
        );
    }
}

#[test]
fn gradients_are_those_of_the_loss_however_the_batch_is_cut() {
    // A gated T5: the kinks of the other one's relu would show in differences.
    let smooth =
        BASES.map(|(family, sites)| (if family == "t5" { "t5_gated" } else { family }, sites));
    for (family, sites) in smooth {
        for loss_on_source in [false, true] {
            let bench = Bench::new(family, &sites, 0.0);
            bench.stir();
            let settings = TaskSettings {
                loss_on_source: Some(loss_on_source),
                ..settings()
            };
            let task = bench.task(&settings, rows());
            let set = bench.set(&task);
            gradients::agree_with_differences(&bench, &task, &set);
            gradients::agree_for_every_cut(&bench, &task, &set);
        }
    }
}

#[test]
fn the_loss_counts_the_answer_and_its_end_and_the_source_only_if_asked() {
    let bench = Bench::new("qwen2", &["q_proj"], 0.0);
    let units = |loss_on_source| {
        let settings = TaskSettings {
            loss_on_source: Some(loss_on_source),
            ..settings()
        };
        let task = bench.task(&settings, rows());
        let set = bench.set(&task);
        let length = |place: usize| -> usize {
            set.items
                .iter()
                .map(|item| set.shelf.length(item.texts[place]))
                .sum()
        };
        let (learnt, _) = gradients::learn(&bench, &task, &set, 4096, 1.0);
        (learnt.units as usize, length(0), length(1))
    };
    let (units_of_answers, _, answers) = units(false);
    assert_eq!(units_of_answers, answers);
    let (all, sources, answers) = units(true);
    assert_eq!(all, sources + answers - 3);
}

#[test]
fn an_encoder_is_refused_and_so_is_a_conversation_that_holds_no_text() {
    let bench = Bench::new("bert", &["query"], 0.0);
    assert!(bench.try_task(&settings(), rows()).is_err());
    let bench = Bench::new("qwen2", &["q_proj"], 0.0);
    let messages = |json: &str| Content::Writing {
        source: Source::Messages(serde_json::from_str(json).unwrap()),
        target: Some("yes".into()),
    };
    let rows = vec![
        messages(r#"[{"role": "user", "content": "do it"}]"#),
        messages(r#"[{"role": "user"}]"#),
    ];
    let task = bench.task(&settings(), rows);
    let set = bench.set(&task);
    assert_eq!((set.items.len(), set.tally.rejections()), (1, 1));
}

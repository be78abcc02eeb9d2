//! What is cut and what never is: labels, answers, and what stands around a text stay, whatever the
//! lengths are.

use proptest::prelude::*;
use skillbelt_train::data::{Content, Source};
use skillbelt_train::recipe::{TaskSettings, TaskType};
use skillbelt_train::task::Set;

use crate::bench::{Bench, text};
use crate::classify::settings;

fn ids(set: &Set, place: usize) -> Vec<u32> {
    set.shelf.get(set.items[0].texts[place]).unwrap()
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-z]{1,6}", 1..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_text_keeps_its_frame_and_its_label(text_of in words(), limit in 5usize..40) {
        let bench = Bench::new("bert", &["query"], 0.0);
        let settings = TaskSettings { max_length: Some(limit), ..settings(TaskType::Classify) };
        let task = bench.task(&settings, vec![text(&text_of, "b"), text("x", "a")]);
        let set = bench.set(&task);
        prop_assert_eq!(set.items[0].label, 1);
        prop_assert_eq!(ids(&set, 0), bench.tokenizer.encode_truncated(&text_of, limit).unwrap());
    }

    #[test]
    fn both_texts_of_a_pair_keep_a_fair_share(a in words(), b in words(), limit in 8usize..60) {
        let bench = Bench::new("bert", &["query"], 0.0);
        let settings = TaskSettings { max_length: Some(limit), ..settings(TaskType::Pair) };
        let pair = |first: &str, second: &str, label: &str| Content::Pair {
            first: first.into(), second: second.into(), label: Some(label.into()),
        };
        let task = bench.task(&settings, vec![pair(&a, &b, "1"), pair("x", "y", "0")]);
        let set = bench.set(&task);
        let found = ids(&set, 0);
        prop_assert!(found.len() <= limit);
        let [a, b] = [&a, &b].map(|text| bench.tokenizer.encode(text, false).unwrap());
        let room = limit - 4;
        let kept = found.len() - 4;
        prop_assert_eq!(kept, room.min(a.len() + b.len()));
        let first = found[1..].iter().zip(&a).take_while(|(x, y)| x == y).count();
        let first = first.min(found.iter().skip(1).position(|id| *id == 2).unwrap());
        let second = kept - first;
        prop_assert!(first >= a.len().min(room / 2) && second >= b.len().min(room / 2));
        prop_assert_eq!(&found[found.len() - 1 - second..found.len() - 1], &b[..second]);
    }

    #[test]
    fn an_answer_is_whole_or_the_row_is_rejected(source in words(), target in words(), limit in 4usize..50) {
        for (family, site, end) in [("qwen2", "q_proj", 0), ("t5", "q", 1)] {
            let bench = Bench::new(family, &[site], 0.0);
            let settings = TaskSettings {
                kind: Some(TaskType::Generate),
                max_length: Some(30),
                max_target_length: Some(limit),
                prompt_prefix: Some("do: ".into()),
                prompt_suffix: Some(" now".into()),
                ..TaskSettings::default()
            };
            let row = Content::Writing { source: Source::Text(source.clone()), target: Some(target.clone()) };
            let task = bench.task(&settings, vec![row]);
            let set = bench.set(&task);
            let mut whole = bench.tokenizer.encode(&target, false).unwrap();
            whole.push(end);
            if whole.len() > limit {
                prop_assert_eq!(set.items.len(), 0);
                prop_assert_eq!(set.tally.rejected["answer longer than max_target_length"].count, 1);
                continue;
            }
            prop_assert_eq!(ids(&set, 1), whole);
            let prompt = ids(&set, 0);
            prop_assert!(prompt.len() <= 30);
            let prefix = bench.tokenizer.encode("do:", false).unwrap();
            prop_assert_eq!(&prompt[..prefix.len()], &prefix[..]);
            let written = bench.tokenizer.decode(&prompt, true).unwrap();
            prop_assert!(written.ends_with("now"), "{}", written);
        }
    }
}

#[test]
fn rows_that_cannot_be_used_are_rejected_by_reason() {
    let bench = Bench::new("bert", &["query"], 0.0);
    let unlabelled = Content::Text {
        text: "x".into(),
        label: None,
    };
    let member = Content::Member {
        text: "x".into(),
        class: "c".into(),
    };
    let rows = vec![
        text("a", "0"),
        text("", "0"),
        text("b", "2"),
        unlabelled,
        member,
        text("c", "1"),
    ];
    let settings = TaskSettings {
        labels: Some(vec!["0".into(), "1".into()]),
        ..settings(TaskType::Classify)
    };
    let task = bench.task(&settings, rows);
    let set = bench.set(&task);
    let reasons: Vec<(&str, u64)> = set
        .tally
        .rejected
        .iter()
        .map(|(reason, found)| (*reason, found.count))
        .collect();
    let expected = [
        ("empty text", 1),
        ("no label or answer", 1),
        ("not a row of this kind of task", 1),
        ("unknown label", 1),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(
        (set.tally.used, set.tally.total(), set.items.len()),
        (2, 6, 2)
    );
}

#[test]
fn lengths_beyond_the_base_or_below_a_frame_are_refused_by_key() {
    let bench = Bench::new("bert", &["query"], 0.0);
    for (limit, found) in [(131, "at most 130"), (2, "room")] {
        let settings = TaskSettings {
            max_length: Some(limit),
            ..settings(TaskType::Classify)
        };
        let rows = vec![text("a", "0"), text("b", "1")];
        let error = bench.try_task(&settings, rows).err().unwrap().to_string();
        assert!(
            error.contains("tasks.toy: `max_length`") && error.contains(found),
            "{error}"
        );
    }
}

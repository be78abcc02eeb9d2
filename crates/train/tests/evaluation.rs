//! Answers that were written down: read back, measured from their files alone, and compared.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

use proptest::prelude::*;
use skillbelt_engine::random::Stream;
use skillbelt_train::data::Tally;
use skillbelt_train::evaluate::{self, Draws, Example, Judgement};
use skillbelt_train::metric;
use skillbelt_train::task::{Answer, Item};

const DRAWS: Draws = Draws {
    seed: 7,
    count: 500,
};

fn item(name: &str, label: u32) -> Item {
    Item {
        texts: Box::default(),
        label,
        name: name.to_owned(),
        expected: None,
    }
}

fn classes() -> Vec<String> {
    vec!["sound".to_owned(), "buggy".to_owned()]
}

/// Answers of one column; how well they go with the labels is told by `skill`.
fn answers(count: u32, skill: f32, seed: u64) -> Vec<Example> {
    let noise = Stream::new(seed, 0, "noise");
    let answer = |number: u32| {
        let label = u32::from(number.is_multiple_of(3));
        let logit = skill * (label as f32 - 0.5) + noise.normal(u64::from(number));
        let item = item(&format!("row {number}"), label);
        Example::new(&item, &Answer::Scores(vec![logit]), &classes())
    };
    (0..count).map(answer).collect()
}

fn of_each_kind() -> Vec<Example> {
    let scores = Answer::Scores(vec![0.25, f32::NAN, -3.0]);
    let ranks = |ranks: &[usize]| Answer::Ranks {
        ranks: ranks.to_vec(),
        pool: 9,
        best: vec!["a".into(), "b\n\"c\"".into()],
        cosines: vec![0.75, 0.5],
    };
    let text = |written: Option<&str>, loss| Answer::Text {
        written: written.map(str::to_owned),
        expected: Some("int a;\r\n\u{2028}".into()),
        loss,
    };
    vec![
        Example::new(&item("x", 2), &scores, &[]),
        Example::new(
            &item("y", Item::UNKNOWN),
            &Answer::Scores(vec![1.5]),
            &classes(),
        ),
        Example::new(&item("z", 0), &ranks(&[3]), &[]),
        Example::new(&item("z", 0), &ranks(&[2, 5, 7]), &[]),
        Example::new(&item("z", 0), &ranks(&[]), &[]),
        Example::new(&item("w", 0), &text(Some("int  a;"), Some((4.5, 3))), &[]),
        Example::new(&item("w", 0), &text(None, None), &[]),
    ]
}

#[test]
fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("task.test.jsonl");
    let examples = of_each_kind();
    evaluate::write(&path, &examples).unwrap();
    assert_eq!(evaluate::read(&path).unwrap(), examples);
    let text = fs_err::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), examples.len());
    let second = r#"{"name":"y","prediction":"buggy","probabilities":{"sound":0.18242552380635632,"buggy":0.8175744761936437},"scores":[1.5]}"#;
    assert_eq!(text.lines().nth(1), Some(second));
}

#[test]
fn a_line_that_is_no_answer_is_told_with_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let good = r#"{"name":"z","rank":3,"pool":9}"#;
    for (bad, told) in [
        ("{", "EOF"),
        ("[]", "expected an answer"),
        (r#"{"name":"z"}"#, "expected an answer"),
        (r#"{"pool":9}"#, "missing field `name`"),
        (r#"{"name":"z","pool":-1}"#, "invalid value"),
        (
            r#"{"name":"z","pool":1,"surprise":1}"#,
            "unknown field `surprise`",
        ),
    ] {
        fs_err::write(&path, format!("{good}\n\n{bad}\n")).unwrap();
        let error = evaluate::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("a.jsonl:3: ") && error.contains(told),
            "{error}"
        );
    }
    fs_err::write(&path, b"\xff\n").unwrap();
    assert!(
        evaluate::read(&path)
            .unwrap_err()
            .to_string()
            .contains(":1: not UTF-8")
    );
    assert!(evaluate::read(&folder.path().join("none")).is_err());
}

#[test]
fn measures_from_a_file_are_those_from_the_answers() {
    let examples = answers(200, 1.5, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    evaluate::write(&path, &examples).unwrap();
    let judged = evaluate::judged(&evaluate::read(&path).unwrap()).unwrap();
    let noise = Stream::new(1, 0, "noise");
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for number in 0..200u32 {
        labels.push(u32::from(number.is_multiple_of(3)));
        let middle = 1.5 * (labels[number as usize] as f32 - 0.5);
        scores.push(vec![middle + noise.normal(u64::from(number))]);
    }
    assert_eq!(
        judged.measures(),
        metric::classification(&scores, &labels, 2)
    );
}

#[test]
fn texts_and_losses_stand_in_one_list() {
    let examples = &of_each_kind()[5..];
    let measures = evaluate::judged(examples).unwrap().measures();
    assert_eq!(metric::value(&measures, "loss"), Some(1.5));
    assert_eq!(metric::value(&measures, "exact_match"), Some(0.0));
    assert!(metric::value(&measures, "bleu").is_some());
}

#[test]
fn answers_of_several_kinds_or_without_truth_are_refused() {
    assert!(evaluate::judged(&of_each_kind()).is_err());
    assert!(evaluate::judged(&of_each_kind()[1..2]).is_err());
    assert!(evaluate::judged(&[]).is_err());
}

#[test]
fn a_better_belt_is_found_better_and_an_equal_one_is_not() {
    let (good, bad) = (answers(300, 3.0, 1), answers(300, 0.5, 2));
    for measure in ["auc", "accuracy", "f1", "mcc"] {
        let found = evaluate::paired(&good, &bad, measure, &DRAWS).unwrap();
        let interval = found.interval.unwrap();
        assert!(
            found.difference > 0.05 && interval.low > 0.0,
            "{measure}: {found:?}"
        );
        assert!(found.p.unwrap() < 0.01, "{measure}: {found:?}");
        let turned = evaluate::paired(&bad, &good, measure, &DRAWS).unwrap();
        assert_eq!(turned.difference, -found.difference);
        assert_eq!(turned.p, found.p);
        let same = evaluate::paired(&good, &good, measure, &DRAWS).unwrap();
        assert_eq!((same.difference, same.p), (0.0, Some(1.0)));
    }
    let (one, other) = (answers(300, 1.0, 3), answers(300, 1.0, 4));
    let found = evaluate::paired(&one, &other, "auc", &DRAWS).unwrap();
    assert!(found.p.unwrap() > 0.05, "{found:?}");
}

#[test]
fn pairs_are_found_by_name_whatever_their_order() {
    let (a, mut b) = (answers(100, 1.0, 1), answers(100, 1.0, 2));
    let straight = evaluate::paired(&a, &b, "auc", &DRAWS).unwrap();
    b.reverse();
    assert_eq!(evaluate::paired(&a, &b, "auc", &DRAWS).unwrap(), straight);
}

#[test]
fn different_examples_are_not_compared() {
    let (a, b) = (answers(20, 1.0, 1), answers(22, 1.0, 2));
    let error = evaluate::paired(&a[1..], &b, "auc", &DRAWS)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("0 only in the first, 3 only in the second"),
        "{error}"
    );
    assert!(
        error.contains("`row 0`") && error.contains("`row 21`"),
        "{error}"
    );
    let mut other = a.clone();
    other[4] = Example::new(&item("row 4", 1), &Answer::Scores(vec![0.0]), &classes());
    let error = evaluate::paired(&a, &other, "auc", &DRAWS)
        .unwrap_err()
        .to_string();
    assert!(error.contains("`row 4`"), "{error}");
    let error = evaluate::paired(&a, &a, "mrr", &DRAWS).unwrap_err();
    assert!(error.hint().unwrap().contains("auc"));
}

#[test]
fn a_judgement_says_how_many_it_is_over_and_how_sure_it_is() {
    let mut examples = answers(90, 2.0, 5);
    examples.push(of_each_kind().remove(1));
    let of = |measure| {
        Judgement::new(
            "flaky",
            "test",
            &examples,
            &Tally::default(),
            measure,
            &DRAWS,
        )
    };
    let judgement = of(Some("auc")).unwrap();
    assert_eq!((judgement.examples, judgement.unknown), (90, 1));
    let interval = judgement.interval.unwrap();
    assert!(interval.low < judgement.value && judgement.value < interval.high);
    assert_eq!(of(None).unwrap().measure, "accuracy");
    assert!(of(Some("mrr")).is_err());
    let table = evaluate::table(std::slice::from_ref(&judgement));
    assert!(table.contains("flaky") && table.contains("auc") && table.contains(" .. "));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.json");
    evaluate::write_summary(&path, &[judgement]).unwrap();
    let read: serde_json::Value =
        serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
    assert_eq!(read["tasks"][0]["measures"]["base_rate"], 1.0 / 3.0);
}

proptest! {
    #[test]
    fn any_line_is_an_answer_or_an_error(line in ".{0,60}", cut in 0usize..200) {
        let _either = Example::parse(&line);
        let whole = serde_json::to_string(&of_each_kind()[cut % 7]).unwrap();
        let end = cut.min(whole.len());
        if end < whole.len() && whole.is_char_boundary(end) {
            prop_assert!(Example::parse(&whole[..end]).is_err());
        }
    }
}

//! The measures against the numbers of `tests/golden/metrics/`, and properties that hold on any input.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use skillbelt_train::metric::{self, Judged, Listed};
use skillbelt_train::task::Measures;

const GOLDEN: &str = include_str!("../../../tests/golden/metrics/metrics.json");
const GOLDEN_TEXTS: &str = include_str!("../../../tests/golden/metrics/texts.json");
/// Sums of some dozens of numbers near one, in another order than the reference's.
const TOLERANCE: f64 = 1e-12;

fn golden(part: &str) -> Vec<Value> {
    let all: Value = match part {
        "texts" | "stems" | "synonyms" => serde_json::from_str(GOLDEN_TEXTS).unwrap(),
        _ => serde_json::from_str(GOLDEN).unwrap(),
    };
    let cases = all[part].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// The names that differ between what was measured and what is expected, both ways.
fn differing(measured: &Measures, case: &Value) -> Vec<String> {
    let expected: BTreeMap<String, f64> = of(&case["expected"]);
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let found = metric::value(measured, name);
        if found.is_none_or(|found| (found - expected).abs() > TOLERANCE) {
            wrong.push(format!("{name}: expected {expected}, found {found:?}"));
        }
    }
    let more = measured
        .iter()
        .filter(|(name, _)| !expected.contains_key(*name));
    wrong.extend(more.map(|(name, value)| format!("{name}: {value} was not expected")));
    wrong
}

fn classes(case: &Value) -> (Vec<Vec<f32>>, Vec<u32>, usize) {
    (
        of(&case["scores"]),
        of(&case["labels"]),
        of(&case["classes"]),
    )
}

#[test]
fn measures_of_classes_are_those_of_scikit_learn() {
    for case in golden("classes") {
        let (scores, labels, classes) = classes(&case);
        let wrong = differing(&metric::classification(&scores, &labels, classes), &case);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", case["name"]);
    }
}

#[test]
fn measures_of_searches_are_those_of_their_definitions() {
    for case in golden("search") {
        let ranks: Vec<Vec<usize>> = of(&case["ranks"]);
        let wrong = differing(&metric::ranking(&ranks, of(&case["pool"])), &case);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

fn listed(case: &Value) -> metric::Ranked {
    let queries: Vec<(Vec<usize>, usize, usize)> = of(&case["queries"]);
    let lists = queries.into_iter().map(|(places, right, length)| Listed {
        places,
        right,
        length,
    });
    metric::Ranked::listed(&lists.collect::<Vec<_>>(), of(&case["pool"]))
}

/// What is not told by lists that end too early is left out, and everything else is there.
#[test]
fn lists_that_end_early_have_the_measures_that_they_tell() {
    for case in golden("lists") {
        let wrong = differing(&listed(&case).measures(), &case);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn measures_of_texts_are_those_of_their_dialects() {
    for case in golden("texts") {
        let written: Vec<String> = of(&case["written"]);
        let expected: Vec<String> = of(&case["expected_texts"]);
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let wrong = differing(&metric::text(&written, &expected), &case);
        assert!(wrong.is_empty(), "{written:?}: {wrong:#?}");
    }
}

/// The negative control: labels turned round, places moved by one, texts shifted by one must fail.
#[test]
fn wrong_answers_do_not_pass_as_right_ones() {
    let case = &golden("classes")[0];
    let (scores, mut labels, classes) = classes(case);
    labels.swap(0, 1);
    let wrong = differing(&metric::classification(&scores, &labels, classes), case);
    assert!(
        wrong.iter().any(|wrong| wrong.starts_with("auc")),
        "{wrong:?}"
    );

    let case = &golden("search")[1];
    let mut ranks: Vec<Vec<usize>> = of(&case["ranks"]);
    *ranks[0].last_mut().unwrap() += 1;
    let wrong = differing(&metric::ranking(&ranks, of(&case["pool"])), case);
    assert!(
        wrong.iter().any(|wrong| wrong.starts_with("map")),
        "{wrong:?}"
    );

    let mut case = golden("lists")[1].clone();
    case["queries"][0][2] = Value::from(9);
    let wrong = differing(&listed(&case).measures(), &case);
    assert!(
        wrong.iter().any(|wrong| wrong.starts_with("ndcg@10")),
        "{wrong:?}"
    );

    let case = &golden("texts")[1];
    let texts: Vec<String> = of(&case["written"]);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut shifted = texts.clone();
    shifted.rotate_left(1);
    let wrong = differing(&metric::text(&texts, &shifted), case);
    assert_eq!(
        wrong.len(),
        metric::text(&texts, &shifted).len(),
        "{wrong:?}"
    );
}

#[test]
fn a_perplexity_is_over_tokens_and_not_over_texts() {
    let measures = metric::language(&[(2.0, 1), (3.0, 9)]);
    assert_eq!(metric::value(&measures, "loss"), Some(0.5));
    assert!((metric::value(&measures, "perplexity").unwrap() - 0.5f64.exp()).abs() < TOLERANCE);
    assert!(metric::language(&[]).is_empty());
}

#[test]
fn a_score_that_is_no_number_counts_as_the_worst() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (label, said) in [(0, 1.0), (1, -1.0)] {
            let labels = [0, 1, label];
            let one = |last: f32| {
                metric::classification(&[vec![-0.5], vec![0.5], vec![last]], &labels, 2)
            };
            assert_eq!(one(bad), one(40.0 * said), "{bad} where {label} is true");
            let two = |last: f32| {
                let rows = [vec![0.5, -0.5], vec![-0.5, 0.5], vec![0.0, last]];
                metric::classification(&rows, &labels, 2)
            };
            assert_eq!(two(bad), two(40.0 * said), "{bad} where {label} is true");
        }
    }
    let all_bad = vec![vec![f32::NAN; 3]; 6];
    let measures = metric::classification(&all_bad, &[0, 1, 2, 0, 1, 2], 3);
    assert_eq!(metric::value(&measures, "accuracy"), Some(0.0));
    assert_eq!(metric::value(&measures, "auc"), Some(0.0));
}

#[test]
fn what_has_no_value_is_left_out() {
    assert!(metric::classification(&[], &[], 2).is_empty());
    assert!(metric::text(&[], &[]).is_empty());
    assert_eq!(metric::ranking(&[], 7), vec![("pool", 7.0)]);
    let one_class = metric::classification(&[vec![1.0]], &[1], 2);
    assert_eq!(metric::value(&one_class, "auc"), None);
    assert_eq!(metric::value(&one_class, "accuracy"), Some(1.0));
}

/// Rows of any numbers, of any length, with any labels: some of them no classes.
fn any_rows() -> impl Strategy<Value = (usize, Vec<(Vec<f32>, u32)>)> {
    (0usize..6).prop_flat_map(|classes| {
        let wide = proptest::collection::vec(any::<f32>(), 0..classes + 2);
        let fitting = proptest::collection::vec(-3f32..3.0, classes..=classes);
        let row = (prop_oneof![wide, fitting], 0..classes as u32 + 2);
        (Just(classes), proptest::collection::vec(row, 0..40))
    })
}

fn measure(classes: usize, rows: &[(Vec<f32>, u32)]) -> Measures {
    let (scores, labels): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
    metric::classification(&scores, &labels, classes)
}

/// Names equal, values equal but for the order of sums.
fn near(a: &Measures, b: &Measures) -> bool {
    let close =
        |((a, x), (b, y)): (&(&str, f64), &(&str, f64))| a == b && (x - y).abs() < TOLERANCE;
    a.len() == b.len() && a.iter().zip(b).all(close)
}

proptest! {
    #[test]
    fn any_scores_have_measures_within_bounds((classes, rows) in any_rows()) {
        for (name, value) in measure(classes, &rows) {
            let least = if name == "mcc" { -1.0 } else { 0.0 };
            prop_assert!((least..=1.0 + TOLERANCE).contains(&value), "{name}: {value}");
        }
    }

    #[test]
    fn the_order_of_examples_does_not_matter((classes, rows) in any_rows(), turn in 0usize..40) {
        let mut turned: Vec<_> = rows.iter().rev().cloned().collect();
        turned.rotate_left(turn % rows.len().max(1));
        prop_assert!(near(&measure(classes, &rows), &measure(classes, &turned)));
    }

    #[test]
    fn each_example_twice_changes_nothing((classes, rows) in any_rows()) {
        let twice: Vec<_> = rows.iter().chain(&rows).cloned().collect();
        prop_assert!(near(&measure(classes, &rows), &measure(classes, &twice)));
        let (scores, labels): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let judged = metric::Classified::new(&scores, &labels, classes);
        for (name, value) in judged.measures() {
            let counted = judged.value(name, &vec![3; labels.len()]).unwrap();
            prop_assert!((value - counted).abs() < TOLERANCE, "{name}");
        }
    }

    #[test]
    fn turning_the_labels_turns_the_area(rows in proptest::collection::vec((-2i8..3, any::<bool>()), 1..50)) {
        let scores: Vec<Vec<f32>> = rows.iter().map(|(score, _)| vec![f32::from(*score)]).collect();
        let area = |turned: bool| {
            let labels: Vec<u32> = rows.iter().map(|(_, label)| u32::from(*label != turned)).collect();
            metric::value(&metric::classification(&scores, &labels, 2), "auc")
        };
        match (area(false), area(true)) {
            (Some(area), Some(turned)) => prop_assert!((area - (1.0 - turned)).abs() < TOLERANCE),
            (None, None) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn searches_have_measures_within_bounds(ranks in proptest::collection::vec(proptest::collection::vec(0usize..50, 0..12), 1..20)) {
        let measures = metric::ranking(&ranks, 50);
        for (name, value) in &measures {
            prop_assert!(*name == "pool" || (0.0..=1.0 + TOLERANCE).contains(value), "{name}: {value}");
        }
        let value = |name| metric::value(&measures, name).unwrap();
        prop_assert!(value("mrr@10") <= value("mrr") && value("map@R") <= value("map") + TOLERANCE);
        let mut turned: Vec<Vec<usize>> = ranks.iter().rev().cloned().collect();
        turned.iter_mut().for_each(|places| places.reverse());
        prop_assert!(near(&measures, &metric::ranking(&turned, 50)));
    }

    #[test]
    fn a_text_is_most_like_itself(a in ".{0,80}", b in ".{0,80}") {
        let similar = metric::edit_similarity(&a, &b);
        prop_assert!((0.0..=1.0).contains(&similar));
        prop_assert_eq!(similar, metric::edit_similarity(&b, &a));
        prop_assert_eq!(metric::edit_similarity(&a, &a), 1.0);
        for (name, value) in metric::text(&[&a, &b], &[&b, &b]) {
            prop_assert!((0.0..=1.0 + TOLERANCE).contains(&value), "{name}: {value}");
        }
    }

    /// Against the full table, with texts long enough for several words of bits.
    #[test]
    fn the_longest_common_part_is_that_of_the_full_table(a in "[abc]{0,200}", b in "[abc]{0,200}") {
        let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
        let mut above = vec![0usize; right.len() + 1];
        for x in &left {
            let mut row = vec![0usize; right.len() + 1];
            for (j, y) in right.iter().enumerate() {
                row[j + 1] = if x == y { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
            above = row;
        }
        let both = left.len() + right.len();
        let expected = if both == 0 { 1.0 } else { 2.0 * above[right.len()] as f64 / both as f64 };
        prop_assert_eq!(metric::edit_similarity(&a, &b), expected);
    }
}

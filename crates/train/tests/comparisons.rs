//! Tests by example against `tests/golden/metrics/comparisons.json`, and families of comparisons.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails and says where"
)]

use serde_json::Value;
use skillbelt_engine::random::Stream;
use skillbelt_train::evaluate::{self, ByExample, Draws, Example, holm, mcnemar, wilcoxon};
use skillbelt_train::task::{Answer, Item};

const GOLDEN: &str = include_str!("../../../tests/golden/metrics/comparisons.json");
const TOLERANCE: f64 = 1e-12;
const DRAWS: Draws = Draws {
    seed: 1,
    count: 300,
};

fn golden<T: serde::de::DeserializeOwned>(part: &str) -> Vec<T> {
    let all: Value = serde_json::from_str(GOLDEN).unwrap();
    let cases: Vec<T> = serde_json::from_value(all[part].clone()).unwrap();
    assert!(cases.len() > 4);
    cases
}

#[test]
fn mcnemars_test_is_that_of_statsmodels() {
    for (a, b, p) in golden::<(u64, u64, f64)>("mcnemar") {
        let found = mcnemar(a, b);
        assert!(
            (found.p - p).abs() < TOLERANCE,
            "{a}, {b}: {found:?}, expected {p}"
        );
        assert_eq!(found.exact, a + b < 25);
        assert_eq!(mcnemar(b, a).p, found.p);
    }
}

#[test]
fn wilcoxons_test_is_that_of_scipy() {
    let mut moved = 0;
    for case in golden::<Value>("wilcoxon") {
        let differences: Vec<f64> = serde_json::from_value(case["differences"].clone()).unwrap();
        let (rank_sum, p) = (case["rank_sum"].as_f64(), case["p"].as_f64().unwrap());
        let found = wilcoxon(&differences);
        assert_eq!(Some(found.rank_sum), rank_sum, "{differences:?}");
        assert!(
            (found.p - p).abs() < TOLERANCE,
            "{found:?}, expected {p}: {differences:?}"
        );
        let turned: Vec<f64> = differences.iter().map(|difference| -difference).collect();
        assert!((wilcoxon(&turned).p - p).abs() < TOLERANCE);
        // The control: ties broken by a little are another test.
        let broken = differences
            .iter()
            .zip(1..)
            .map(|(d, n)| d * (1.0 + 1e-6 * f64::from(n)));
        let broken: Vec<f64> = broken.collect();
        moved += u32::from((wilcoxon(&broken).p - p).abs() > TOLERANCE);
    }
    assert!(moved > 3, "{moved}");
}

#[test]
fn holms_correction_is_that_of_statsmodels_and_passes_over_what_is_missing() {
    for (family, expected) in golden::<(Vec<f64>, Vec<f64>)>("holm") {
        let told: Vec<Option<f64>> = family.iter().copied().map(Some).collect();
        let near = |found: &[Option<f64>]| {
            let both = found.iter().flatten().zip(&expected);
            both.filter(|(a, b)| (*a - *b).abs() < TOLERANCE).count()
        };
        assert_eq!(near(&holm(&told)), family.len());
        let mut holes = told.clone();
        holes.insert(1, None);
        let found = holm(&holes);
        assert_eq!((found[1], near(&found)), (None, family.len()));
    }
    // The control: Bonferroni's is another correction.
    assert_ne!(holm(&[Some(0.01), Some(0.02)]), [Some(0.02), Some(0.04)]);
}

fn item(name: u32, label: u32) -> Item {
    Item {
        texts: Box::default(),
        label,
        name: name.to_string(),
        expected: None,
    }
}

/// Answers of one column; how well they go with the labels is told by `skill`.
fn classed(skill: f32, seed: u64) -> Vec<Example> {
    let noise = Stream::new(seed, 0, "noise");
    let classes = ["no".to_owned(), "yes".to_owned()];
    let answer = |number: u32| {
        let label = number % 2;
        let logit = skill * (label as f32 - 0.5) + noise.normal(u64::from(number));
        Example::new(&item(number, label), &Answer::Scores(vec![logit]), &classes)
    };
    (0..200).map(answer).collect()
}

fn written(texts: &[&str]) -> Vec<Example> {
    let example = |(number, text): (u32, &&str)| {
        let answer = Answer::Text {
            written: Some((*text).to_owned()),
            expected: Some("a b c d".to_owned()),
            loss: None,
        };
        Example::new(&item(number, 0), &answer, &[])
    };
    (0..).zip(texts).map(example).collect()
}

#[test]
fn classes_are_tested_by_right_and_wrong_whatever_the_measure() {
    let (good, bad) = (classed(4.0, 1), classed(0.5, 2));
    let of = |measure: &str| {
        evaluate::paired(&good, &bad, measure, &DRAWS)
            .unwrap()
            .by_example
    };
    let Some(ByExample::McNemar(test)) = of("accuracy") else {
        panic!("expected McNemar's test");
    };
    assert!(test.only_a > test.only_b && test.p < 0.001, "{test:?}");
    assert_eq!(of("auc"), of("accuracy"));
    let found = evaluate::paired(&good, &bad, "accuracy", &DRAWS).unwrap();
    let apart = test.only_a as f64 - test.only_b as f64;
    assert!((found.difference - apart / 200.0).abs() < TOLERANCE);
}

#[test]
fn texts_are_tested_by_their_numbers_where_they_have_some() {
    let a = written(&["a b c d", "a b c", "a b", "x", "a b c d", "a d"]);
    let b = written(&["a b c", "a b", "a", "x", "a b", "d"]);
    let of = |measure: &str| {
        evaluate::paired(&a, &b, measure, &DRAWS)
            .unwrap()
            .by_example
    };
    let Some(ByExample::Wilcoxon(test)) = of("rouge_l") else {
        panic!("expected Wilcoxon's test");
    };
    assert_eq!((test.differing, test.exact, test.p), (5, true, 2.0 / 32.0));
    assert!(matches!(of("exact_match"), Some(ByExample::McNemar(_))));
    assert_eq!(of("bleu_codexglue"), None, "a measure of all texts at once");
}

#[test]
fn every_two_of_a_family_are_compared_and_corrected_together() {
    let sets = [classed(4.0, 1), classed(2.0, 2), classed(0.0, 3)];
    let sets: Vec<&[Example]> = sets.iter().map(Vec::as_slice).collect();
    let found = evaluate::family(&sets, "accuracy", &DRAWS).unwrap();
    let pairs: Vec<(usize, usize)> = found.iter().map(|one| (one.a, one.b)).collect();
    assert_eq!(pairs, [(0, 1), (0, 2), (1, 2)]);
    for one in &found {
        let alone = evaluate::paired(sets[one.a], sets[one.b], "accuracy", &DRAWS).unwrap();
        assert_eq!(one.paired, alone);
        assert!(one.p_holm >= alone.p && one.by_example_p_holm >= alone.by_example.map(|t| t.p()));
    }
    let best = found[1].paired.by_example.unwrap().p();
    assert_eq!(found[1].by_example_p_holm, Some(3.0 * best));
    assert!(
        evaluate::family(&sets[..1], "accuracy", &DRAWS)
            .unwrap()
            .is_empty()
    );
}

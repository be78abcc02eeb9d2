//! CodeBLEU's dialect `package` against `tests/golden/code_bleu/package.json`, made with the package
//! by `tests/golden/make_code_bleu.py`; and what holds in both dialects on any text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use serde_json::Value;
use skillbelt_code::Language;
use skillbelt_train::metric::Judged;
use skillbelt_train::metric::code_bleu::{CodeWritten, Dialect};

const GOLDEN: &str = include_str!("../../../tests/golden/code_bleu/package.json");

/// Sums in another order.
const TOLERANCE: f64 = 1e-9;

const MEASURES: [&str; 5] = [
    "codebleu_package",
    "codebleu_package_ngram",
    "codebleu_package_weighted",
    "codebleu_package_syntax",
    "codebleu_package_dataflow",
];

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap()).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap()
}

/// Every number that is not the expected one, in words.
fn differences(judged: &CodeWritten, expected: &[f64], about: &str) -> Vec<String> {
    let times = vec![1; judged.count()];
    let found = MEASURES.map(|name| judged.value(name, &times).unwrap());
    let pairs = MEASURES.iter().zip(found).zip(expected);
    pairs
        .filter(|((_, found), expected)| (found - **expected).abs() > TOLERANCE)
        .map(|((name, found), expected)| format!("{name}: {found} for {expected}: {about}"))
        .collect()
}

#[test]
fn golden_every_number_of_the_package_is_met_one_by_one_and_together() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, golden) in golden["languages"].as_object().unwrap() {
        let language: Language = name.parse().unwrap();
        let programs: Vec<&str> = golden["expected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|program| program.as_str().unwrap())
            .collect();
        let (mut written, mut expected) = (Vec::new(), Vec::new());
        for pair in golden["pairs"].as_array().unwrap() {
            written.push(text(pair, "written"));
            expected.push(programs[pair["of"].as_u64().unwrap() as usize]);
            let (written, expected) = (
                &written[written.len() - 1..],
                &expected[expected.len() - 1..],
            );
            let judged = CodeWritten::new(language, Dialect::Package, written, expected).unwrap();
            wrong.extend(differences(
                &judged,
                &numbers(&pair["scores"]),
                &format!("{name}\n{}", written[0]),
            ));
            compared += 1;
        }
        let judged = CodeWritten::new(language, Dialect::Package, &written, &expected).unwrap();
        wrong.extend(differences(&judged, &numbers(&golden["together"]), name));
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 400, "{compared}");
}

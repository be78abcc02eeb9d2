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

/// `make_code_bleu.py --pairs` says how the file is made.
#[test]
#[ignore = "needs pairs that are not part of the repository"]
fn pairs_from_elsewhere_have_the_numbers_of_the_package() {
    let path = std::env::var("SKILLBELT_PAIRS").unwrap();
    let lines = fs_err::read_to_string(path).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for line in lines.lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let language: Language = text(&pair, "language").parse().unwrap();
        let (written, expected) = (text(&pair, "written"), text(&pair, "expected"));
        let judged = CodeWritten::new(language, Dialect::Package, &[written], &[expected]).unwrap();
        wrong.extend(differences(&judged, &numbers(&pair["scores"]), line));
        compared += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} numbers of {compared} pairs:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 0);
}

/// A program and what a model could have written for it.
const TEXTS: [(Language, &str, &str); 3] = [
    (
        Language::Java,
        "int f(int a) { int b = a; return b + 1; }",
        "int f(int a) { return a; }",
    ),
    (
        Language::Python,
        "def f(a):\n    b = a\n    return b\n",
        "def f(x):\n    y = x\n    return y\n",
    ),
    (
        Language::TypeScript,
        "function f(a: number) { let b = a; return b; }",
        "function f() {}",
    ),
];

fn judged(
    language: Language,
    dialect: Dialect,
    written: &[&str],
    expected: &[&str],
) -> CodeWritten {
    CodeWritten::new(language, dialect, written, expected).unwrap()
}

#[test]
fn the_paper_gives_one_to_the_same_program_and_less_to_any_other() {
    for (language, expected, written) in TEXTS {
        let same = judged(language, Dialect::Paper, &[expected], &[expected]);
        for name in same.names() {
            let value = same.value(name, &[1]).unwrap();
            assert!((value - 1.0).abs() < TOLERANCE, "{language} {name} {value}");
        }
        let other = judged(language, Dialect::Paper, &[written], &[expected]);
        assert!(
            other.value("codebleu_paper", &[1]).unwrap() < 0.99,
            "{language}"
        );
    }
    // Names alone make no difference to syntax and data flow, and one to words.
    let (language, expected, written) = TEXTS[1];
    let renamed = judged(language, Dialect::Paper, &[written], &[expected]);
    assert_eq!(renamed.value("codebleu_paper_syntax", &[1]), Some(1.0));
    assert_eq!(renamed.value("codebleu_paper_dataflow", &[1]), Some(1.0));
    assert!(renamed.value("codebleu_paper_ngram", &[1]).unwrap() < 0.5);
}

/// Counted by hand: one word of six is another, and the one keyword is right.
#[test]
fn the_papers_words_are_those_of_the_grammar_and_a_keyword_weighs_five() {
    let judged = judged(
        Language::Python,
        Dialect::Paper,
        &["return a+b"],
        &["return a + c"],
    );
    // One word in four is wrong: 3/4, 2/3, 1/2, and 0 of 1 without smoothing.
    assert_eq!(judged.value("codebleu_paper_ngram", &[1]), Some(0.0));
    let long = self::judged(
        Language::Python,
        Dialect::Paper,
        &["return a+b*c"],
        &["return a+b*d"],
    );
    let plain = (5.0 / 6.0 * 4.0 / 5.0 * 3.0 / 4.0 * 2.0 / 3.0_f64).powf(0.25);
    let weighed = (9.0 / 10.0 * 4.0 / 5.0 * 3.0 / 4.0 * 2.0 / 3.0_f64).powf(0.25);
    assert!((long.value("codebleu_paper_ngram", &[1]).unwrap() - plain).abs() < TOLERANCE);
    assert!((long.value("codebleu_paper_weighted", &[1]).unwrap() - weighed).abs() < TOLERANCE);
}

#[test]
fn a_part_without_anything_to_compare_is_left_out_of_the_papers_whole_and_is_one_in_the_packages() {
    let paper = judged(Language::Python, Dialect::Paper, &["pass"], &["pass"]);
    assert_eq!(paper.value("codebleu_paper_dataflow", &[1]), None);
    let package = judged(Language::Python, Dialect::Package, &["pass"], &["return"]);
    assert_eq!(package.value("codebleu_package_dataflow", &[1]), Some(0.0));
    assert!(package.value("codebleu_package", &[1]).unwrap() >= 0.25);
    assert!(CodeWritten::new(Language::TypeScript, Dialect::Package, &[""], &[""]).is_err());
}

#[test]
fn an_example_counted_twice_is_two_examples() {
    let (language, expected, written) = TEXTS[0];
    for dialect in [Dialect::Paper, Dialect::Package] {
        let weighed = judged(language, dialect, &[written, expected, "x"], &[expected; 3]);
        let repeated = judged(
            language,
            dialect,
            &[written, written, expected],
            &[expected; 3],
        );
        for name in weighed.names() {
            let difference =
                weighed.value(name, &[2, 1, 0]).unwrap() - repeated.value(name, &[1; 3]).unwrap();
            assert!(difference.abs() < TOLERANCE, "{name}");
        }
        assert_eq!(weighed.value(weighed.names()[0], &[0; 3]), None);
    }
}

#[test]
fn hostile_programs_are_scored_without_end_or_overflow() {
    let deep = format!(
        "int f() {{ return {}1{}; }}",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    let loops = format!(
        "void f() {{ {} {} }}",
        "while (x) {".repeat(300),
        "}".repeat(300)
    );
    let long = "a ".repeat(600_000);
    let quotes = "'\\'\\\"/*".repeat(500);
    for dialect in [Dialect::Paper, Dialect::Package] {
        for text in [&deep, &loops, &long, &quotes] {
            let found = judged(
                Language::Java,
                dialect,
                &[text, "int x;"],
                &["int x;", text],
            );
            let whole = found.value(found.names()[0], &[1, 1]).unwrap();
            assert!((0.0..=1.0).contains(&whole), "{whole}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn every_number_of_any_two_texts_is_a_fraction(
        language in prop::sample::select(&Language::ALL[..]),
        written in "\\PC{0,120}|(if|else|for|x|y|=|\\(|\\)|\\{|\\}|:|;|\n| |\"|'|#|//|1|0x){0,60}",
        expected in "\\PC{0,120}|(def f\\(a\\):\n b = a\n|x|y|=|\\(|\\)|:|;|\n| |\"\"\"|'|#|\t|1){0,60}",
    ) {
        for dialect in [Dialect::Paper, Dialect::Package] {
            let Ok(judged) = CodeWritten::new(language, dialect, &[&written], &[&expected]) else {
                continue;
            };
            for name in judged.names() {
                if let Some(value) = judged.value(name, &[1]) {
                    prop_assert!((0.0..=1.0 + TOLERANCE).contains(&value), "{} {}", name, value);
                }
            }
        }
    }
}

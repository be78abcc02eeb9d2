//! Scans with a belt that judges by words, so that every finding is foreseen: a function with `BUG` in
//! it is a defect, a test with `sleep` is flaky, and functions of the same letters are clones.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "what the tests of one file do not ask, those of another do"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use skillbelt_apply::checkout::{Hash, Parsers, Wish};
use skillbelt_apply::scan::{Answers, Choices, Keep, Oracle, Plan, Report, Worn, scan};
use skillbelt_model::belt::folder::{BeltFile, Calibration, CalibrationPoint, Limits, TaskRecord};
use skillbelt_train::{Error, Result};

/// Answers by words, and counts what it is asked.
#[derive(Default)]
pub struct Words {
    pub read: RefCell<Vec<String>>,
    pub compared: RefCell<usize>,
    /// So many texts are read, and then no more.
    pub dies_after: Option<usize>,
}

impl Oracle for Words {
    fn read(&mut self, tasks: &[&str], texts: &[&str], vectors: bool) -> Result<Answers> {
        let seen = self.read.borrow().len();
        if self.dies_after.is_some_and(|most| seen >= most) {
            return Err(Error::told("the belt has died"));
        }
        self.read
            .borrow_mut()
            .extend(texts.iter().map(|text| (*text).to_owned()));
        let share = |task: &str, text: &str| {
            let word = if task == "flaky" { "sleep" } else { "BUG" };
            if text.contains(word) { 0.9 } else { 0.1 }
        };
        let row = |task: &&str| {
            let one = |text: &&str| vec![1.0 - share(task, text), share(task, text)];
            texts.iter().map(one).collect()
        };
        let vector = |text: &&str| if vectors { letters(text) } else { Vec::new() };
        Ok(Answers {
            shares: tasks.iter().map(row).collect(),
            vectors: texts.iter().map(vector).filter(|v| !v.is_empty()).collect(),
        })
    }

    fn compare(&mut self, _task: &str, pairs: &[(&str, &str)]) -> Result<Vec<Vec<f32>>> {
        *self.compared.borrow_mut() += pairs.len();
        let same = |(one, other): &(&str, &str)| {
            let cosine: f32 = letters(one)
                .iter()
                .zip(letters(other))
                .map(|(a, b)| a * b)
                .sum();
            let share = if cosine > 0.9995 { 0.95 } else { 0.05 };
            vec![1.0 - share, share]
        };
        Ok(pairs.iter().map(same).collect())
    }
}

/// How often each letter stands in a text, as a vector of length one.
fn letters(text: &str) -> Vec<f32> {
    let mut counts = vec![0.0_f32; 128];
    for byte in text.bytes().filter(u8::is_ascii_alphanumeric) {
        counts[usize::from(byte)] += 1.0;
    }
    let length = counts.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
    counts.iter().map(|x| x / length).collect()
}

/// A belt's card with tables that say: from 0.5 on, 90 of 100 are right.
pub fn card() -> BeltFile {
    let task = |name: &str, objective: &str| TaskRecord {
        name: name.into(),
        objective: objective.into(),
        labels: vec!["0".into(), "1".into()],
        pool: None,
        head: None,
        limits: Limits::default(),
        settings: serde_json::Value::Null,
        metrics: BTreeMap::new(),
        calibration: vec![Calibration {
            class: "1".into(),
            rows: 400,
            of_class: 200,
            points: vec![CalibrationPoint {
                threshold: 0.5,
                told: 100,
                right: 90,
            }],
        }],
    };
    let mut card = BeltFile::new("lora", "pocket", "qwen2", &"0".repeat(64), "int8");
    card.tasks = vec![
        task("defect", "classify"),
        task("flaky", "classify"),
        task("clone", "pair"),
    ];
    card
}

pub fn plan(path: &Path) -> Plan {
    Plan {
        wish: Wish::of(vec![path.to_owned()]),
        choices: Choices::default(),
        diff: None,
        baseline_commit: None,
        baseline: None,
        keep: Keep::Beside,
    }
}

pub fn scanned_by(oracle: &mut Words, plan: &Plan, belt: &str) -> Result<Report> {
    let card = card();
    let mut worn = Worn {
        card: &card,
        key: Hash::of(belt.as_bytes()),
        oracle,
    };
    scan(plan, &mut worn, &Parsers::here(), &|_| {})
}

/// A scan, and how many texts were read.
pub fn scanned(plan: &Plan) -> (Report, usize) {
    let mut oracle = Words::default();
    let report = scanned_by(&mut oracle, plan, "belt").unwrap();
    let read = oracle.read.borrow().len();
    (report, read)
}

/// Rule, path, line and function of each finding.
pub fn told(report: &Report) -> Vec<(String, String, usize, String)> {
    let one = |finding: &skillbelt_apply::scan::Finding| {
        let rule = report.rule(finding).task.clone();
        (
            rule,
            finding.place.path.clone(),
            finding.place.line,
            finding.place.function.clone(),
        )
    };
    report.findings.iter().map(one).collect()
}

/// A function of enough words; `word` stands in it.
pub fn function(name: &str, word: &str) -> String {
    format!(
        "def {name}(rows, limit):\n    total = 0\n    for row in rows:\n        if row > limit:\n            total = total + row  # {word}\n    print(total, limit, rows, total, limit)\n    return total\n"
    )
}

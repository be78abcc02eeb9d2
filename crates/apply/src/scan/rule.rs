//! Which tasks of a belt make findings, of what, from which probability on, and how far that can be
//! believed.
//!
//! A task's name tells what it means (`defect_history`, `flaky`, `clone`); a person may say otherwise.
//! Thresholds come from the belt's own validation rows. They never come from the repository.

use std::collections::BTreeMap;

use serde::Serialize;
use skillbelt_model::belt::folder::{BeltFile, Calibration, TaskRecord};
use skillbelt_train::{Error, Result};

use super::kind::{Chosen, Kind, Level};

/// The precision that thresholds are chosen for unless someone says otherwise.
pub const PRECISION: f64 = 0.8;
/// The threshold where a belt says nothing about its own precision.
const UNCALIBRATED: f64 = 0.5;

/// What a person says about all rules, by task where it is about one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choices {
    pub rules: BTreeMap<String, Chosen>,
    pub thresholds: BTreeMap<String, f64>,
    pub levels: BTreeMap<String, Level>,
    /// Wanted of every rule; one that cannot reach it is silent.
    pub precision: Option<f64>,
    /// The share of functions that really are what is looked for.
    pub prevalence: Option<f64>,
}

/// How far a rule can be believed, from the belt's validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expected {
    pub precision: f64,
    pub recall: f64,
    /// Validation rows that would be findings, of so many.
    pub told: u64,
    pub rows: u64,
    /// The share of the class that the precision is for.
    pub prevalence: f64,
}

/// A task that makes findings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    pub task: String,
    pub kind: Kind,
    /// The class that is a finding, and its place among the classes.
    pub class: String,
    pub place: usize,
    pub threshold: f64,
    /// Nothing where the belt says nothing.
    pub expected: Option<Expected>,
    pub level: Level,
    /// Why it makes no findings, if it makes none.
    pub silent: Option<String>,
    /// What a person should know about the threshold.
    pub note: Option<String>,
}

/// The rules of a belt, in the order of its tasks, and its tasks that make none.
///
/// # Errors
/// A choice about a task that the belt has not, or that cannot be what was chosen.
pub fn rules(card: &BeltFile, choices: &Choices) -> Result<(Vec<Rule>, Vec<String>)> {
    let named = choices.rules.keys().chain(choices.thresholds.keys());
    for task in named.chain(choices.levels.keys()) {
        if card.task(task).is_none() {
            return Err(skillbelt_train::shipped::no_task(card, task));
        }
    }
    let (mut rules, mut unused) = (Vec::new(), Vec::new());
    for record in &card.tasks {
        let (kind, class) = match choices.rules.get(&record.name) {
            Some(Chosen::Off) => {
                unused.push(record.name.clone());
                continue;
            }
            Some(Chosen::As(kind, class)) => (Some(*kind), class.as_deref()),
            None => (Kind::of(record), None),
        };
        match kind {
            Some(kind) => rules.push(rule(record, kind, class, choices)?),
            None => unused.push(record.name.clone()),
        }
    }
    Ok((rules, unused))
}

fn rule(record: &TaskRecord, kind: Kind, class: Option<&str>, choices: &Choices) -> Result<Rule> {
    let task = &record.name;
    let pairs = kind == Kind::Clone;
    let fits = if pairs { "pair" } else { "classify" };
    if record.objective != fits {
        return Err(Error::told(format_args!(
            "--rule {task}={}: the task is of type `{}`, expected `{fits}`",
            kind.name(),
            record.objective
        )));
    }
    let place = positive(&record.labels, class).ok_or_else(|| {
        Error::told(format_args!(
            "task `{task}`: which of its classes is a finding is not clear"
        ))
        .with_hint(format_args!(
            "say so: --rule {task}={}:CLASS with one of {}",
            kind.name(),
            record.labels.join(", ")
        ))
    })?;
    let class = record.labels.get(place).cloned().unwrap_or_default();
    let table = record.calibration.iter().find(|table| table.class == class);
    let mut rule = Rule {
        task: task.clone(),
        kind,
        class,
        place,
        threshold: UNCALIBRATED,
        expected: None,
        level: Level::Note,
        silent: None,
        note: None,
    };
    rule.choose(table, choices);
    let usual = match (kind, rule.expected) {
        (Kind::Clone | Kind::Other, _) => Level::Note,
        (_, Some(expected)) if expected.precision >= 0.5 => Level::Warning,
        _ => Level::Note,
    };
    rule.level = choices.levels.get(task).copied().unwrap_or(usual);
    Ok(rule)
}

impl Rule {
    /// Sets the threshold and what can be expected from it.
    fn choose(&mut self, table: Option<&Calibration>, choices: &Choices) {
        let given = choices.thresholds.get(&self.task).copied();
        let prevalence = choices.prevalence;
        let Some(table) = table else {
            self.threshold = given.unwrap_or(UNCALIBRATED);
            self.note = Some("the belt says nothing about its precision".to_owned());
            return;
        };
        let wanted = choices.precision.unwrap_or(PRECISION);
        let point = match given {
            Some(threshold) => {
                self.threshold = threshold;
                // The lowest point is that of all rows.
                table.at(threshold).or(table.points.first())
            }
            None => table.reaching(wanted, prevalence).or_else(|| {
                let best = table.best(prevalence);
                let reached = best.map_or(0.0, |best| table.precision(best, prevalence));
                self.silent = Some(format!(
                    "no threshold reaches a precision of {wanted:.2} on validation rows; the best is {reached:.2}"
                ));
                best
            }),
        };
        let Some(point) = point else {
            self.note = Some("too few validation rows to say how precise it is".to_owned());
            return;
        };
        if given.is_none() {
            self.threshold = point.threshold;
        }
        self.expected = Some(Expected {
            precision: table.precision(point, prevalence),
            recall: table.recall(point),
            told: point.told,
            rows: table.rows,
            prevalence: prevalence.unwrap_or_else(|| table.prevalence()),
        });
    }

    /// Whether a word in an ignoring comment means this rule.
    pub fn is_called(&self, word: &str) -> bool {
        word == self.task || word == self.kind.name() || word == "*"
    }
}

/// The place of the class that is a finding: the one that was named, or whose name says so, or the
/// second of two.
fn positive(labels: &[String], named: Option<&str>) -> Option<usize> {
    const YES: &[&str] = &[
        "1",
        "yes",
        "true",
        "positive",
        "defect",
        "defective",
        "bug",
        "buggy",
        "vulnerable",
        "flaky",
        "clone",
        "same",
        "duplicate",
    ];
    if let Some(named) = named {
        return labels.iter().position(|label| label == named);
    }
    let told = labels
        .iter()
        .position(|label| YES.contains(&label.to_lowercase().as_str()));
    told.or((labels.len() == 2).then_some(1))
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;

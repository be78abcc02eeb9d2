//! Two belts on the same examples: is one better, and how sure is that?
//!
//! Examples are paired by name; two files that do not hold the same examples with the same truth are
//! refused, for a comparison of different examples says nothing.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::example::Example;
use super::judge::judged;
use super::mcnemar::{McNemar, mcnemar};
use super::resample::{Draws, Interval};
use super::wilcoxon::{Wilcoxon, wilcoxon};
use crate::error::{Error, Result};
use crate::metric::Judged;

/// Names that are told when examples do not match.
const TOLD: usize = 5;

/// The difference of a measure between two sets of answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Paired {
    pub measure: String,
    pub examples: usize,
    pub a: f64,
    pub b: f64,
    /// `a - b`
    pub difference: f64,
    pub interval: Option<Interval>,
    /// Two-sided, by the draws: twice the share of them in which the difference is zero or on the
    /// other side, with one draw added to both counts so that it is never nought.
    pub p: Option<f64>,
    /// A second opinion, from the examples one by one; none for measures of all texts at once and for
    /// losses.
    pub by_example: Option<ByExample>,
}

/// A test that looks at each example instead of the measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "test", rename_all = "lowercase")]
pub enum ByExample {
    /// Of classes, and of measures that are one or nought for each example.
    McNemar(McNemar),
    /// Of measures that are the mean of a number of each example.
    Wilcoxon(Wilcoxon),
}

impl ByExample {
    /// Two-sided.
    pub fn p(&self) -> f64 {
        match self {
            ByExample::McNemar(test) => test.p,
            ByExample::Wilcoxon(test) => test.p,
        }
    }

    fn new(a: &dyn Judged, b: &dyn Judged, measure: &str) -> Option<ByExample> {
        // Of classes it is right or wrong that counts, whatever the measure.
        let name = if a.names().contains(&"accuracy") {
            "accuracy"
        } else {
            measure
        };
        let (a, b) = (a.each(name)?, b.each(name)?);
        let count = |of: [f64; 2]| {
            let both = a.iter().zip(&b);
            both.filter(|(a, b)| [**a, **b] == of).count() as u64
        };
        let told = a
            .iter()
            .chain(&b)
            .all(|value| *value == 0.0 || *value == 1.0);
        Some(match told {
            true => ByExample::McNemar(mcnemar(count([1.0, 0.0]), count([0.0, 1.0]))),
            false => {
                let differences = a.iter().zip(&b).map(|(a, b)| a - b);
                ByExample::Wilcoxon(wilcoxon(&differences.collect::<Vec<f64>>()))
            }
        })
    }
}

/// Compares by the paired bootstrap: every draw takes the same examples of both.
pub fn paired(a: &[Example], b: &[Example], measure: &str, draws: &Draws) -> Result<Paired> {
    let pairs = aligned(a, b)?;
    let (a, b) = (
        judged(pairs.iter().map(|(a, _)| *a))?,
        judged(pairs.iter().map(|(_, b)| *b))?,
    );
    if !a.names().contains(&measure) || a.names() != b.names() {
        let told = Error::told(format_args!("no measure `{measure}` of these answers"));
        return Err(told.with_hint(format_args!("there are {}", a.names().join(", "))));
    }
    let both = |times: &[u32]| Some((a.value(measure, times)?, b.value(measure, times)?));
    let (of_a, of_b) = both(&vec![1; a.count()])
        .ok_or_else(|| Error::told(format_args!("`{measure}` has no value on these examples")))?;
    let values = draws.values(a.count(), |times| both(times).map(|(a, b)| a - b));
    let interval = draws.interval(&values);
    let side = |on: fn(&f64) -> bool| values.iter().filter(|value| on(value)).count() + 1;
    let least = side(|value| *value <= 0.0).min(side(|value| *value >= 0.0));
    Ok(Paired {
        measure: measure.to_owned(),
        examples: a.count(),
        a: of_a,
        b: of_b,
        difference: of_a - of_b,
        p: interval.map(|_| (2.0 * least as f64 / (values.len() + 1) as f64).min(1.0)),
        interval,
        by_example: ByExample::new(&*a, &*b, measure),
    })
}

/// The examples with a known truth, in the order of `a`. Those of one name are paired in their order.
fn aligned<'e>(a: &'e [Example], b: &'e [Example]) -> Result<Vec<(&'e Example, &'e Example)>> {
    let mut of_b: HashMap<(&str, usize), &Example> = numbered(b).collect();
    let (mut pairs, mut only_a) = (Vec::new(), Vec::new());
    for (key, a) in numbered(a) {
        match of_b.remove(&key) {
            Some(b) if truth(a) == truth(b) => pairs.push((a, b)),
            Some(_) => {
                return Err(Error::told(format_args!(
                    "example `{}`: the two files do not agree on what is true of it",
                    a.name()
                )));
            }
            None => only_a.push(a.name()),
        }
    }
    let left = |key: &(&str, usize)| of_b.contains_key(key);
    let only_b: Vec<&str> = numbered(b)
        .filter(|(key, _)| left(key))
        .map(|(_, example)| example.name())
        .collect();
    if only_a.is_empty() && only_b.is_empty() {
        return Ok(pairs);
    }
    let told = Error::told(format_args!(
        "the files do not hold the same examples: {} only in the first{}, {} only in the second{}",
        only_a.len(),
        some(&only_a),
        only_b.len(),
        some(&only_b)
    ));
    Err(told.with_hint("compare answers to the same split, with the same limits and seed of rows"))
}

/// Known examples under their name and its occurrence.
fn numbered(examples: &[Example]) -> impl Iterator<Item = ((&str, usize), &Example)> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let known = examples.iter().filter(|example| example.is_known());
    known.map(move |example| {
        let occurrence = seen.entry(example.name()).or_default();
        *occurrence += 1;
        ((example.name(), *occurrence), example)
    })
}

/// What is true of an example, as far as its line says it.
fn truth(example: &Example) -> (Option<&str>, usize) {
    match example {
        Example::Classed(example) => (example.label.as_deref(), 0),
        Example::Ranked(example) => (None, example.places().len()),
        Example::Written(example) => (example.expected.as_deref(), 1),
    }
}

fn some(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        _ => {
            let more = if names.len() > TOLD { ", .." } else { "" };
            let told: Vec<String> = names.iter().take(TOLD).map(|n| format!("`{n}`")).collect();
            format!(" ({}{more})", told.join(", "))
        }
    }
}

//! One task's measure in one cell, on the test rows as they are and on every draw of them.
//!
//! Rows are brought into one order for all cells of a task, so that a draw takes the same rows from
//! each: that is what makes comparisons paired. Cells that do not hold the same rows are refused.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::evaluate::{Draws, Example, judged};
use crate::study::results::{Interval, Measured};

/// The test rows of a task, in the order of the first cell that answered them.
pub struct Rows {
    cell: String,
    order: Vec<(String, usize)>,
    truths: Vec<Truth>,
}

/// What an answer says is true of its row: cells must agree on it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Truth {
    Class(Option<String>),
    /// Right answers, and the pool that they were sought in.
    Ranks(usize, usize),
    Text(Option<String>),
}

/// A measure with its values on all draws; `NaN` where a draw gave none.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub value: f64,
    pub draws: Vec<f64>,
}

impl Rows {
    pub fn new(cell: &str, examples: &[Example]) -> Rows {
        let known = numbered(examples);
        Rows {
            cell: cell.to_owned(),
            order: known.iter().map(|(key, _)| key.clone()).collect(),
            truths: known.iter().map(|(_, example)| truth(example)).collect(),
        }
    }

    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// The examples of another cell in this order. The first row that is not in both, or of which they
    /// do not agree what is true, is told with the names of both cells.
    fn align<'e>(
        &self,
        cell: &str,
        task: &str,
        examples: &'e [Example],
    ) -> Result<Vec<&'e Example>> {
        let told = |id: &str, what: &str| {
            let error = Error::told(format_args!(
                "task `{task}`: the test rows of `{}` and `{cell}` do not match: `{id}` {what}",
                self.cell
            ));
            error.with_hint("both must be asked the same split, with the same limits")
        };
        let known = numbered(examples);
        let mut places: HashMap<&(String, usize), &'e Example> =
            known.iter().map(|(key, example)| (key, *example)).collect();
        let mut aligned = Vec::with_capacity(self.order.len());
        for (key, expected) in self.order.iter().zip(&self.truths) {
            let example = places
                .remove(key)
                .ok_or_else(|| told(&key.0, "is only in the first"))?;
            if truth(example) != *expected {
                return Err(told(&key.0, "has another truth"));
            }
            aligned.push(example);
        }
        match known.iter().find(|(key, _)| places.contains_key(key)) {
            Some((key, _)) => Err(told(&key.0, "is only in the second")),
            None => Ok(aligned),
        }
    }
}

/// Known examples, each with its name and how often that name came.
fn numbered(examples: &[Example]) -> Vec<((String, usize), &Example)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let known = examples.iter().filter(|example| example.is_known());
    let keyed = known.map(|example| {
        let times = seen.entry(example.name()).or_default();
        *times += 1;
        ((example.name().to_owned(), *times), example)
    });
    keyed.collect()
}

fn truth(example: &Example) -> Truth {
    match example {
        Example::Classed(example) => Truth::Class(example.label.clone()),
        Example::Ranked(example) => Truth::Ranks(example.places().len(), example.pool),
        Example::Written(example) => Truth::Text(example.expected.clone()),
    }
}

/// Measures a cell's answers to a task. The sample is missing if the measure has no value.
pub fn measure(
    rows: &Rows,
    cell: &str,
    task: &str,
    examples: &[Example],
    measure: &str,
    draws: &Draws,
) -> Result<(Measured, Option<Sample>)> {
    let aligned = rows.align(cell, task, examples)?;
    let judged = judged(aligned)?;
    let measures: Vec<(String, Option<f64>)> = judged
        .measures()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.is_finite().then_some(value)))
        .collect();
    let value = measures.iter().find(|(name, _)| name == measure);
    let value = value.and_then(|(_, value)| *value);
    let sample = value.map(|value| Sample {
        value,
        // Draws without a value keep their place: those of other cells stand beside them.
        draws: draws.values(judged.count(), |times| {
            Some(judged.value(measure, times).unwrap_or(f64::NAN))
        }),
    });
    let interval = sample
        .as_ref()
        .and_then(|sample| interval(&sample.draws, draws));
    let measured = Measured {
        examples: Some(judged.count() as u64),
        value,
        interval,
        measures: measures.into_iter().collect(),
    };
    Ok((measured, sample))
}

/// The interval of values on draws, without those that are none.
pub fn interval(values: &[f64], draws: &Draws) -> Option<Interval> {
    let finite: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let found = draws.interval(&finite)?;
    Some(Interval {
        low: found.low,
        high: found.high,
    })
}

//! What an evaluation found, by task: as `summary.json` and as a table for people.

use std::fmt::Write;
use std::path::Path;

use indexmap::IndexMap;
use serde::Serialize;
use skillbelt_model::checkpoint::write::file;

use super::example::Example;
use super::judge::judged;
use super::resample::{Draws, Interval, interval};
use crate::data::Tally;
use crate::error::{Error, Result};

/// The measures of one task on one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    pub task: String,
    pub split: String,
    /// Answered examples whose truth is known; the measures are over these.
    pub examples: usize,
    /// Answered examples of which nothing is known to be true.
    pub unknown: usize,
    /// Rows that could not be used, and so were not answered.
    pub rejected: u64,
    /// The task's own measure, and how sure it is.
    pub measure: String,
    pub value: f64,
    pub interval: Option<Interval>,
    pub measures: IndexMap<&'static str, f64>,
}

impl Judgement {
    /// Measures the answers to a split. `measure` is the task's own [the usual one of its kind].
    pub fn new(
        task: &str,
        split: &str,
        examples: &[Example],
        tally: &Tally,
        measure: Option<&str>,
        draws: &Draws,
    ) -> Result<Judgement> {
        let judged = judged(examples)?;
        let measures: IndexMap<&'static str, f64> = judged.measures().into_iter().collect();
        let wanted = measure.or(measures.first().map(|(name, _)| *name));
        let found = wanted.and_then(|name| measures.get_key_value(name));
        let Some((name, value)) = found else {
            let told = Error::told(format_args!(
                "task `{task}`: the measure `{}` has no value on the {split} rows",
                wanted.unwrap_or_default()
            ));
            let there: Vec<&str> = measures.keys().copied().collect();
            return Err(told.with_hint(format_args!("there are {}", there.join(", "))));
        };
        Ok(Judgement {
            task: task.to_owned(),
            split: split.to_owned(),
            examples: judged.count(),
            unknown: examples.len() - judged.count(),
            rejected: tally.rejections(),
            measure: (*name).to_owned(),
            value: *value,
            interval: interval(&*judged, name, draws),
            measures: measures.clone(),
        })
    }
}

/// `{"tasks": [..]}`. Whoever reads sees the old file or the whole new one.
pub fn write_summary(path: &Path, judgements: &[Judgement]) -> Result<()> {
    Ok(file(path, |out| {
        let all = serde_json::json!({ "tasks": judgements });
        serde_json::to_writer_pretty(&mut *out, &all).map_err(std::io::Error::from)?;
        out.write_all(b"\n")
    })?)
}

/// A line for each task, then its other measures.
pub fn table(judgements: &[Judgement]) -> String {
    let mut text = String::new();
    let wide = judgements.iter().map(|of| of.task.chars().count()).max();
    let wide = wide.unwrap_or(0).max("task".len());
    let _infallible = writeln!(
        text,
        "{:<wide$}  {:<5}  {:>8}  {:>8}  {:<21}  {:>7}  95% interval",
        "task", "split", "examples", "rejected", "measure", "value"
    );
    for of in judgements {
        let sure = match &of.interval {
            Some(interval) => format!("{:.4} .. {:.4}", interval.low, interval.high),
            None => "none".to_owned(),
        };
        let _infallible = writeln!(
            text,
            "{:<wide$}  {:<5}  {:>8}  {:>8}  {:<21}  {:>7.4}  {sure}",
            of.task, of.split, of.examples, of.rejected, of.measure, of.value
        );
    }
    for of in judgements {
        let others = of.measures.iter().filter(|(name, _)| **name != of.measure);
        let others: Vec<String> = others.map(|(name, value)| shown(name, *value)).collect();
        let _infallible = writeln!(text, "\n{}: {}", of.task, others.join(", "));
    }
    text
}

fn shown(name: &str, value: f64) -> String {
    match name {
        "pool" => format!("{name} {value}"),
        _ => format!("{name} {value:.4}"),
    }
}

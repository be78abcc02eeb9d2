//! What a whole set of samples came to: pass@k with its interval, verdicts by count, and every
//! outcome.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use serde::Serialize;
use skillbelt_model::checkpoint::write::file;

use super::Settings;
use super::pass::pass_at;
use super::problem::Problem;
use super::verdict::Outcome;
use crate::error::{Error, Result};
use crate::evaluate::Interval;

/// pass@k over all problems.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassAt {
    pub k: u64,
    /// The mean over problems of the unbiased estimate.
    pub value: f64,
    /// From drawing problems with return.
    pub interval: Option<Interval>,
}

/// A set of samples, counted. A sample that could not be judged counts as not solved, and stands in
/// `unsupported`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub problems: usize,
    pub samples: usize,
    pub pass: Vec<PassAt>,
    pub verdicts: IndexMap<&'static str, usize>,
    pub unsupported: usize,
    /// Whether every layer of the sandbox was asked for.
    pub sandboxed: bool,
    #[serde(skip)]
    pub outcomes: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(
        problems: &[Problem],
        outcomes: Vec<Outcome>,
        settings: &Settings,
    ) -> Result<Report> {
        let mut counts: IndexMap<&str, (u64, u64)> = problems
            .iter()
            .map(|problem| (problem.id.as_str(), (0, 0)))
            .collect();
        let mut verdicts: IndexMap<&'static str, usize> = IndexMap::new();
        for outcome in &outcomes {
            if let Some((all, passed)) = counts.get_mut(outcome.task_id.as_str()) {
                *all += 1;
                *passed += u64::from(outcome.verdict.passed());
            }
            *verdicts.entry(outcome.verdict.word()).or_default() += 1;
        }
        verdicts.sort_by(|a, m, b, n| n.cmp(m).then(a.cmp(b)));
        let counts: Vec<(&str, (u64, u64))> = counts.into_iter().collect();
        let pass = settings.k.iter().map(|k| pass(*k, &counts, settings));
        Ok(Report {
            problems: problems.len(),
            samples: outcomes.len(),
            pass: pass.collect::<Result<_>>()?,
            unsupported: verdicts.get("unsupported").copied().unwrap_or(0),
            verdicts,
            sandboxed: !settings.unsafe_without_sandbox,
            outcomes,
        })
    }

    /// One line of JSON for each outcome. Whoever reads sees the old file or the whole new one.
    pub fn write_outcomes(&self, path: &Path) -> Result<()> {
        Ok(file(path, |out| {
            for outcome in &self.outcomes {
                serde_json::to_writer(&mut *out, outcome).map_err(std::io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?)
    }
}

fn pass(k: u64, counts: &[(&str, (u64, u64))], settings: &Settings) -> Result<PassAt> {
    let mut each = Vec::new();
    for (id, (all, passed)) in counts {
        each.push(pass_at(k, *all, *passed).ok_or_else(|| {
            Error::told(format_args!(
                "pass@{k}: problem `{id}` has only {all} samples"
            ))
        })?);
    }
    let mean = |times: &[u32]| {
        let sum: f64 = each
            .iter()
            .zip(times)
            .map(|(value, times)| value * f64::from(*times))
            .sum();
        let count: u32 = times.iter().sum();
        (count > 0).then(|| sum / f64::from(count))
    };
    let values = settings.draws.values(each.len(), mean);
    Ok(PassAt {
        k,
        value: mean(&vec![1; each.len()]).unwrap_or(0.0),
        interval: settings.draws.interval(&values),
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} problems, {} samples", self.problems, self.samples)?;
        for pass in &self.pass {
            write!(f, "pass@{:<4} {:.4}", pass.k, pass.value)?;
            match &pass.interval {
                Some(interval) => writeln!(f, "  [{:.4}, {:.4}]", interval.low, interval.high)?,
                None => writeln!(f)?,
            }
        }
        for (word, count) in &self.verdicts {
            writeln!(f, "{count:>8} {word}")?;
        }
        if !self.sandboxed {
            writeln!(f, "run without a complete sandbox")?;
        }
        Ok(())
    }
}

//! What a scoring found: every number with its 95% interval, as JSON and for people.

use std::fmt::Write;

use indexmap::IndexMap;
use serde::Serialize;

use super::code::{Beside, Code, side_by_side};
use super::{Files, Kind, found};
use crate::error::{Error, Result};
use crate::evaluate::{Draws, Interval, intervals};
use crate::metric::{Judged, names};
use crate::task::Measures;

/// A measure and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    pub value: f64,
    /// By which definition, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<&'static str>,
    /// None if the measure has no value on most draws.
    pub interval: Option<Interval>,
}

/// The measures of one file of predictions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scored {
    pub task: &'static str,
    /// Examples with a known truth; the measures are over these.
    pub examples: usize,
    pub unknown: usize,
    /// Of a search, how many candidates each query was ranked over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<usize>,
    /// The task's own measure first, or those that were asked for.
    pub measures: IndexMap<&'static str, Measured>,
    /// Of programs, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<Beside>,
}

/// Scores files. `wanted` names the measures; none named means all that have a value.
/// `code` says that the texts are programs, and what is measured of them as such.
pub fn score(
    kind: Kind,
    files: &Files,
    code: Option<&Code>,
    wanted: &[String],
    draws: &Draws,
) -> Result<Scored> {
    let found = found(kind, files, code)?;
    let mut values: Measures = Vec::new();
    for judged in &found.judged {
        values.extend(judged.measures());
    }
    let place = values.iter().position(|(name, _)| *name == "pool");
    let pool = place.map(|place| values.remove(place).1 as usize);
    let usual = values
        .iter()
        .position(|(name, _)| Some(*name) == kind.usual());
    if let Some(place) = usual {
        values[..=place].rotate_right(1);
    }
    if !wanted.is_empty() {
        let named = wanted.iter().map(|name| {
            let full = names::full(name);
            let found = values.iter().find(|(known, _)| *known == full);
            found.copied().ok_or_else(|| {
                let known: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
                let told = Error::told(format_args!("no measure `{name}` of these files"));
                match name.as_str() {
                    "meteor_nltk" => told.with_hint(
                        "its synonyms come from a folder of WordNet; without one there is \
                         meteor_exact_stem",
                    ),
                    _ => told.with_hint(format_args!("there are {}", known.join(", "))),
                }
            })
        });
        values = named.collect::<Result<_>>()?;
    }
    let sure = all_intervals(&found.judged, &values, draws);
    let measured = values.iter().zip(sure).map(|((name, value), interval)| {
        let measured = Measured {
            value: *value,
            dialect: names::dialect(name),
            interval,
        };
        (*name, measured)
    });
    Ok(Scored {
        task: kind.name(),
        examples: found.judged.first().map_or(0, |judged| judged.count()),
        unknown: found.unknown,
        pool,
        measures: measured.collect(),
        quality: found.quality,
    })
}

/// How sure each value is: asked of the part that knows it, all names of a part at once.
fn all_intervals(
    judged: &[Box<dyn Judged>],
    values: &Measures,
    draws: &Draws,
) -> Vec<Option<Interval>> {
    let mut sure = vec![None; values.len()];
    for part in judged {
        let places: Vec<usize> = (0..values.len())
            .filter(|place| part.names().contains(&values[*place].0))
            .collect();
        let names: Vec<&str> = places.iter().map(|place| values[*place].0).collect();
        for (place, interval) in places.into_iter().zip(intervals(&**part, &names, draws)) {
            sure[place] = interval;
        }
    }
    sure
}

/// A line for each measure.
pub fn table(scored: &Scored, draws: &Draws) -> String {
    let over = scored.pool.map(|pool| format!(" over a pool of {pool}"));
    let unknown = match scored.unknown {
        0 => String::new(),
        unknown => format!(", {unknown} more without a known truth"),
    };
    let mut text = format!(
        "{}: {} examples{}{unknown}\n",
        scored.task,
        scored.examples,
        over.unwrap_or_default()
    );
    let wide = scored.measures.keys().map(|name| name.len()).max();
    let wide = wide.unwrap_or(0);
    for (name, measured) in &scored.measures {
        let sure = match &measured.interval {
            Some(interval) => format!("{:.4} .. {:.4}", interval.low, interval.high),
            None => "no interval".to_owned(),
        };
        let dialect = measured
            .dialect
            .map_or(String::new(), |told| format!("  {told}"));
        let line = format!(
            "{name:<wide$}  {:>7.4}  {sure:<18}{dialect}",
            measured.value
        );
        let _infallible = writeln!(text, "{}", line.trim_end());
    }
    let _infallible = writeln!(
        text,
        "95% intervals by the bootstrap: {} draws, seed {}",
        draws.count, draws.seed
    );
    if let Some(beside) = &scored.quality {
        text.push_str(&side_by_side(beside));
    }
    text
}

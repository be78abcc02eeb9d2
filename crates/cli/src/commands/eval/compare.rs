//! Two files of answers to the same examples, compared.
//!
//! It computes nothing with a base; it reads what was written down when belts were evaluated.

use std::path::PathBuf;

use skillbelt_train::evaluate::{self, Draws, Paired};

use crate::exit::Failure;
use crate::output::Lines;

/// Tells how the first of two files differs from the second.
pub fn compare(files: &[PathBuf], measure: &str, draws: &Draws, json: bool) -> Result<(), Failure> {
    let files = files.iter().map(|path| evaluate::read(path));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let [a, b] = &files[..] else {
        return Err(Failure::told("expected two files of answers"));
    };
    let found = evaluate::paired(a, b, measure, draws)?;
    let mut lines = Lines::new();
    match json {
        true => lines.object(&found)?,
        false => lines.text(&text(&found))?,
    }
    lines.flush()
}

fn text(found: &Paired) -> String {
    let sure = match (&found.interval, found.p) {
        (Some(interval), Some(p)) => format!(
            "95% interval {:+.4} .. {:+.4}, p {p:.4} ({} draws, seed {})",
            interval.low, interval.high, interval.draws, interval.seed
        ),
        _ => "no interval: the measure has no value on most draws".to_owned(),
    };
    format!(
        "{} over {} examples: {:.4} against {:.4}\ndifference {:+.4}, {sure}\n",
        found.measure, found.examples, found.a, found.b, found.difference
    )
}

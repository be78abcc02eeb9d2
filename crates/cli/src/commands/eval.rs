//! `skillbelt eval --compare`: two files of answers to the same examples, compared.
//!
//! It computes nothing with a base; it reads what was written down when belts were evaluated.

use std::path::PathBuf;

use clap::Args;
use skillbelt_train::evaluate::{self, Draws, Paired};

use crate::exit::Failure;
use crate::output::Lines;

/// Compare the answers of two belts to the same examples, with a 95% interval of the difference.
///
/// Each file holds one answered example per line, as evaluations write them. Examples are paired by
/// name; files that do not hold the same examples with the same truth are refused. The interval and
/// p come from the paired bootstrap and are the same whenever the seed is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt eval --compare one-belt/flaky.test.jsonl four-belts/flaky.test.jsonl --measure auc
  skillbelt eval --compare a/search.test.jsonl b/search.test.jsonl --measure mrr --json | jq .interval")]
pub struct Eval {
    /// Two files of answers; the difference is the first minus the second
    #[arg(long, required = true, num_args = 2, value_names = ["A.jsonl", "B.jsonl"])]
    compare: Vec<PathBuf>,
    /// The measure to compare: accuracy, f1, mcc, auc, mrr, map@R, exact_match, bleu, loss, ..
    #[arg(long, value_name = "NAME")]
    measure: String,
    /// Draws of the bootstrap
    #[arg(long, value_name = "N", default_value_t = Draws::default().count, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    draws: u64,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = Draws::default().seed)]
    seed: u64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Eval {
    pub fn run(&self) -> Result<(), Failure> {
        let draws = Draws {
            seed: self.seed,
            count: self.draws,
        };
        let files = self.compare.iter().map(|path| evaluate::read(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let [a, b] = &files[..] else {
            return Err(Failure::told("expected two files of answers"));
        };
        let found = evaluate::paired(a, b, &self.measure, &draws)?;
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&found)?,
            false => lines.text(&text(&found))?,
        }
        lines.flush()
    }
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

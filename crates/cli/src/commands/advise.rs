//! `skillbelt advise`: which tasks of a run should share a belt.
//!
//! It only lays out arguments and results; what they mean is in `skillbelt_train::advise`.

use std::path::PathBuf;

use clap::Args;
use skillbelt_train::advise::{self, Folder};
use skillbelt_train::evaluate::Draws;

use crate::exit::Failure;
use crate::output::Lines;

/// Foresee from runs of several tasks which of them help each other, and propose who shares a belt.
///
/// The runs must have been trained with `evaluation: {advise_every: N}`. Several runs of one recipe
/// that differ in their seed make the answer surer.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt train recipes/four-analysis-tasks.yaml --advise-every 50
  skillbelt advise runs/four
  skillbelt advise runs/four-seed0 runs/four-seed1 runs/four-seed2 --json")]
pub struct Advise {
    /// Folders of runs
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Draws that certainty and intervals are made of
    #[arg(long, value_name = "N", default_value_t = Draws::default().count, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    draws: u64,
    /// Of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Advise {
    pub fn run(&self) -> Result<(), Failure> {
        let folders = self.runs.iter().map(|path| advise::read(path));
        let folders: Vec<Folder> = folders.collect::<Result<_, _>>()?;
        let draws = Draws {
            seed: self.seed,
            count: self.draws,
        };
        let advice = advise::advise(&folders, &draws)?;
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&advice)?,
            false => lines.text(&advice.to_string())?,
        }
        lines.flush()
    }
}

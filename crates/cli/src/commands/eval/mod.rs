//! `skillbelt eval`: a belt asked what it was made for, and such answers compared. It decides
//! nothing about how answers are made or measured.

mod ask;
mod compare;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use skillbelt_engine::Precision;
use skillbelt_train::data::Split;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::recipe::Override;

use super::{Everywhere, overrides, precision, score};
use crate::exit::Failure;

/// Ask a belt the rows of a split, write down each answer, and measure them with a 95% interval; or
/// compare such files of answers.
///
/// Files and fields come from the recipe: --recipe, else the one of the run that made the belt, else
/// --set tasks.NAME.test=FILE. Lengths, classes and all else are as the belt was trained. Files that
/// are compared must hold the same examples with the same truth; they are paired by name. Intervals
/// and p come from the bootstrap and are the same whenever the seed is; beside them stands McNemar's
/// test, or Wilcoxon's where each example has a number. Of more than two files every pair is compared,
/// and each p is told after Holm's correction too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt eval runs/four/belt --base ./unixcoder-base --out answers/four
  skillbelt eval belt --base ./unixcoder-base --set tasks.flaky.test=flaky.jsonl --tasks flaky --out answers/flaky
  skillbelt eval --compare one-belt/flaky.test.jsonl four-belts/flaky.test.jsonl --measure auc
  skillbelt eval --compare a/search.test.jsonl b/search.test.jsonl --measure mrr --json | jq .interval
  skillbelt eval --compare lora.jsonl serial.jsonl prefix.jsonl full.jsonl --measure f1")]
pub struct Eval {
    /// The folder of a belt
    #[arg(value_name = "BELT", required_unless_present = "compare")]
    belt: Option<PathBuf>,
    /// The base that the belt was trained on: a folder, or a name on the hub [default: as the recipe
    /// names it, else as the belt does]
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: Option<String>,
    /// The recipe that names the files [default: recipe.yaml of the run, beside the belt]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Set any key of a task, as tasks.NAME.test=FILE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = overrides::set)]
    set: Vec<Override>,
    /// Only these tasks of the belt, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tasks: Vec<String>,
    /// Which rows are asked
    #[arg(long, value_enum, default_value_t = Rows::Test)]
    split: Rows,
    /// How the weights of the base are held: f32, bf16, int8 or nf4 [default: as in training]
    #[arg(long, value_parser = precision)]
    precision: Option<Precision>,
    /// Tokens that are worked on at once [default: as in training]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch_tokens: Option<u32>,
    /// The folder for answers, a file for each task, and summary.json; files that are there stay
    #[arg(long, value_name = "FOLDER", required_unless_present = "compare")]
    out: Option<PathBuf>,
    /// Two files of answers or more; each is compared with each later one, the difference being the
    /// earlier minus the later
    #[arg(
        long,
        num_args = 2..,
        value_names = ["A.jsonl", "B.jsonl"],
        requires = "measure",
        conflicts_with_all = ["belt", "base", "recipe", "set", "tasks", "split", "precision", "batch_tokens", "out"]
    )]
    compare: Vec<PathBuf>,
    /// The measure to compare: accuracy, f1, mcc, auc, mrr, map@R, exact_match, bleu_codexglue, loss, ..
    #[arg(long, value_name = "NAME", requires = "compare")]
    measure: Option<String>,
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

/// The rows of one split.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Rows {
    Train,
    Valid,
    Test,
}

impl From<Rows> for Split {
    fn from(rows: Rows) -> Split {
        match rows {
            Rows::Train => Split::Train,
            Rows::Valid => Split::Valid,
            Rows::Test => Split::Test,
        }
    }
}

impl Eval {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let draws = Draws {
            seed: self.seed,
            count: self.draws,
        };
        score::choose_wordnet(None)?;
        match (&self.belt, &self.out, &self.measure) {
            (Some(belt), Some(out), _) => self.ask(belt, out, &draws, everywhere),
            (_, _, Some(measure)) => compare::compare(&self.compare, measure, &draws, self.json),
            _ => Err(Failure::told("expected a belt, or two files to compare")),
        }
    }
}

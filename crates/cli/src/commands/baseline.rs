//! `skillbelt baseline`: the tasks of a recipe answered with words alone, for a belt to be set
//! beside. It decides nothing about methods or measures.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use skillbelt_train::baseline::{self, Answered, Order};
use skillbelt_train::evaluate::{self, Draws};
use skillbelt_train::recipe::{self, Override};

use super::eval::Rows;
use super::{Everywhere, choose_tasks, overrides};
use crate::exit::{Failure, say};
use crate::locate;
use crate::output::Lines;
use crate::progress;

/// Answer the tasks of a recipe without any model: TF-IDF with logistic regression for classes and
/// pairs, BM25 for searches, the nearest training example's answer for texts.
///
/// Rows, names and measures are those of `skillbelt eval`, so that a belt can be compared with it
/// pair by pair. A belt that is no better than this is not worth its cost.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt baseline recipes/four-analysis-tasks.yaml --out answers/words
  skillbelt eval --compare answers/words/defect.test.jsonl runs/four/answers/defect.test.jsonl --measure auc")]
pub struct Baseline {
    /// The recipe, a YAML file
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// Only these tasks of the recipe, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tasks: Vec<String>,
    /// The rows that are asked
    #[arg(long, value_enum, default_value_t = Rows::Test)]
    split: Rows,
    /// The folder for answers, summary.json and baseline.json [default: `baseline` in the recipe's output]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Set any key, as tasks.NAME.KEY=VALUE; later ones win
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = overrides::set)]
    set: Vec<Override>,
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

impl Baseline {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let mut resolved = recipe::read(&self.recipe, &self.set)?;
        choose_tasks(&mut resolved.recipe.tasks, &self.tasks)?;
        let recipe = &resolved.recipe;
        let here = Everywhere {
            offline: true,
            ..everywhere.clone()
        };
        let base = &recipe.base;
        let found = locate::folder(&base.name, base.revision.as_deref(), &here);
        if found.is_err() && !everywhere.quiet {
            say(format_args!(
                "warning: the recipe's base {} is not on this machine, so rows are refused only for \
                 having no text; belts may be asked fewer",
                base.name
            ));
        }
        let rows_base = found.ok();
        let usual = || recipe.output.join("baseline");
        let out = self.out.clone().unwrap_or_else(usual);
        let order = Order {
            recipe,
            split: self.split.into(),
            out: &out,
            rows_base: rows_base.as_deref(),
            draws: Draws {
                seed: self.seed,
                count: self.draws,
            },
        };
        let mut watcher = progress::watcher(everywhere.quiet);
        let answered = baseline::answer(&order, &mut *watcher)?;
        let mut lines = Lines::new();
        match self.json {
            true => {
                let (tasks, made) = (&answered.judgements, &answered.records);
                lines.object(&json!({"tasks": tasks, "baseline": made}))?;
            }
            false => {
                let text = told(&answered);
                lines.text(&format!("{text}answers: {}\n", out.display()))?;
            }
        }
        lines.flush()
    }
}

fn told(answered: &Answered) -> String {
    let mut text = evaluate::table(&answered.judgements) + "\n";
    for record in &answered.records {
        text += &format!("{}: {}", record.task, record.method);
        if record.train_rows > 0 {
            text += &format!(", {} training rows", record.train_rows);
        }
        if let Some(c) = record.c {
            text += &format!(", {} weights, C = {c}", record.weights);
        }
        text += &format!(", {:.1} s\n", record.seconds);
    }
    text
}

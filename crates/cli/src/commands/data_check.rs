//! `skillbelt data check`: what is wrong with a data set, before anything learns from it.
//!
//! It only lays out arguments and results; what is looked for is in `skillbelt_train::data::check`.

use std::path::{Path, PathBuf};

use clap::Args;
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::json;
use skillbelt_model::Tokenizer;
use skillbelt_train::data::check::{Options, check};
use skillbelt_train::recipe::task::{LaidOut, SplitFiles};
use skillbelt_train::recipe::{self, Format, TaskSettings, TaskType};

use super::{Everywhere, choose_tasks};
use crate::exit::Failure;
use crate::locate;
use crate::output::Lines;

/// Read every row of a data set and tell what a model would stumble over.
///
/// Rows used and rejected, with file and line; balance of labels; lengths and what truncation cuts;
/// equal and nearly equal texts inside a split and in two splits; equal texts with different
/// labels; ids given twice; groups that stand in several splits. The data is that of a recipe, or of
/// one task that the flags describe.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing found; 1 rows rejected, label conflicts, or content or groups in two splits; 2 it could not be done.\n
Examples:
  skillbelt data check recipes/defect.yaml
  skillbelt data check recipes/four-analysis-tasks.yaml --tasks clone,search --json
  skillbelt data check --type classify --train train.jsonl --test test.jsonl --field text=func
  skillbelt data check --type pair --format bigclonebench --train train.txt --test test.txt
  skillbelt data check --type generate --train train.java --train train.cs --base ./codet5 --max-length 256
  skillbelt data check --type retrieve --train train.jsonl --test test.json --data code_idx_map.txt --json"
)]
pub struct Check {
    /// A recipe: all of its tasks are looked at
    #[arg(
        value_name = "RECIPE",
        required_unless_present = "kind",
        conflicts_with_all = ["kind", "train", "valid", "test", "data", "format", "fields", "labels", "max_length", "max_query_length", "max_target_length"]
    )]
    recipe: Option<PathBuf>,
    /// With a recipe: only these tasks of it, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "recipe")]
    tasks: Vec<String>,
    /// What is asked of the model: classify, pair, retrieve or generate
    #[arg(long = "type", value_name = "TYPE", value_parser = named::<TaskType>)]
    kind: Option<TaskType>,
    /// Training rows; given again for further files, and for the target of parallel text
    #[arg(long, value_name = "FILE")]
    train: Vec<PathBuf>,
    /// Validation rows
    #[arg(long, value_name = "FILE")]
    valid: Vec<PathBuf>,
    /// Test rows
    #[arg(long, value_name = "FILE")]
    test: Vec<PathBuf>,
    /// Functions that pairs name by number, or candidates that validation and test queries are ranked over
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// How the files are laid out, where their names do not say: jsonl, json, csv, tsv, parquet,
    /// parallel_text, bigclonebench, poj104, cosqa or messages
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>)]
    format: Option<Format>,
    /// The field that holds something, e.g. text=func; nothing behind `=` means that no field does
    #[arg(long = "field", value_name = "OURS=THEIRS", value_parser = pair)]
    fields: Vec<(String, String)>,
    /// The classes as the files write them; a row with another one is rejected
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    labels: Vec<String>,
    /// Count tokens with the tokenizer of this base, and tell what truncation cuts [default: the
    /// recipe's, where that is a folder]
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: Option<String>,
    /// Longest text in tokens [default: 256]
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Longest query in tokens [default: 64]
    #[arg(long, value_name = "N")]
    max_query_length: Option<usize>,
    /// Longest answer in tokens [default: 128]
    #[arg(long, value_name = "N")]
    max_target_length: Option<usize>,
    /// Texts with this share of their runs of five words in common are nearly equal
    #[arg(long, value_name = "SHARE", default_value_t = Options::default().near)]
    near: f64,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Check {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let (tasks, base) = self.asked()?;
        let base = match &self.base {
            Some(named) => Some(locate::folder(named, None, everywhere)?),
            // A base that is not on this machine is not fetched to count tokens.
            None => base.filter(|base| base.is_dir()),
        };
        let tokenizer = base.as_deref().map(Tokenizer::from_folder).transpose()?;
        let report = check(&tasks, tokenizer.as_ref(), Options { near: self.near })?;
        let findings = report.findings();
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&json!({"findings": findings, "tasks": report.tasks}))?,
            false => lines.text(&report.to_string())?,
        }
        lines.flush()?;
        match findings {
            0 => Ok(()),
            findings => Err(Failure::Found { findings }),
        }
    }

    /// The tasks to be looked at, and the base that a recipe names.
    fn asked(&self) -> Result<(IndexMap<String, TaskSettings>, Option<PathBuf>), Failure> {
        let Some(path) = &self.recipe else {
            let tasks = IndexMap::from([("data".to_owned(), self.settings())]);
            return Ok((tasks, None));
        };
        let mut recipe = recipe::read(path, &[])?.recipe;
        choose_tasks(&mut recipe.tasks, &self.tasks)?;
        Ok((recipe.tasks, Some(PathBuf::from(recipe.base.name))))
    }

    fn settings(&self) -> TaskSettings {
        let pool = self.data.as_deref();
        // Candidates are for queries that are ranked; training queries have their own answers.
        let of_train = pool.filter(|_| self.kind == Some(TaskType::Pair));
        TaskSettings {
            kind: self.kind,
            train: laid(&self.train, of_train),
            valid: laid(&self.valid, pool),
            test: laid(&self.test, pool),
            format: self.format,
            fields: self.fields.iter().cloned().collect(),
            labels: (!self.labels.is_empty()).then(|| self.labels.clone()),
            max_length: self.max_length,
            max_query_length: self.max_query_length,
            max_target_length: self.max_target_length,
            ..TaskSettings::default()
        }
    }
}

fn laid(files: &[PathBuf], data: Option<&Path>) -> Option<SplitFiles> {
    (!files.is_empty()).then(|| {
        SplitFiles::Laid(LaidOut {
            files: files.to_vec(),
            format: None,
            data: data.map(Path::to_owned),
        })
    })
}

/// A word of the recipe, such as `classify`.
fn named<T: DeserializeOwned>(word: &str) -> Result<T, String> {
    serde_json::from_value(json!(word)).map_err(|error| error.to_string())
}

/// What a task needs, and the name of the field that holds it.
pub fn pair(word: &str) -> Result<(String, String), String> {
    let (ours, theirs) = word
        .split_once('=')
        .ok_or("expected OURS=THEIRS, such as text=func")?;
    const OURS: [&str; 12] = [
        "text",
        "text_b",
        "label",
        "query",
        "candidate",
        "candidate_id",
        "negatives",
        "source",
        "target",
        "id",
        "group",
        "class",
    ];
    match OURS.contains(&ours) {
        true => Ok((ours.to_owned(), theirs.to_owned())),
        false => Err(format!(
            "expected one of {}, found `{ours}`",
            OURS.join(", ")
        )),
    }
}

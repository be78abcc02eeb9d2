//! `skillbelt harvest`: data sets from repositories. It only lays out arguments and what was counted;
//! how rows are made is in `skillbelt_harvest`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use skillbelt_harvest::{LANGUAGES, Plan, Seed, SplitBy, Task, harvest};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::output::Lines;

/// Make labelled, split data sets and a ready recipe from repositories, without a labeller.
///
/// Documented functions become rows of search, summarize and generate; functions rewritten in other
/// words, and copies that history shows, rows of clone; functions with a mistake put into them, rows of
/// defect_mutated; functions before and after bug-fixing commits, rows of defect_history; test runs
/// in JUnit's XML, rows of flaky. docs/harvest.md tells how, and what each is not good for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt harvest ~/src/project --out data
  skillbelt train data/recipe.yaml --check
  skillbelt harvest a b c --split project --tasks search,clone --languages java,go --out data
  skillbelt harvest project --junit ci-results --out data --force
  skillbelt harvest ./-odd-name --max-rows 0 --no-history --out data --json")]
pub struct Harvest {
    /// Folders of sources, with their git history if it is there
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The folder that is written; it is there whole or not at all
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
    /// Only these tasks [default: all that the input allows]
    #[arg(long, value_enum, value_name = "TASK", value_delimiter = ',')]
    tasks: Vec<Wanted>,
    /// Only these languages: c, cpp, csharp, go, java, javascript, python, rust, typescript
    #[arg(long, value_name = "LANGUAGE", value_delimiter = ',', value_parser = language)]
    languages: Vec<skillbelt_harvest::Language>,
    /// What is never parted between training and test rows: file, project, or time, which is by file
    /// with the ones changed last in the test rows
    #[arg(long, value_name = "BY", default_value = "file")]
    split: SplitBy,
    /// At most so many rows of each task, drawn by the seed; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    max_rows: usize,
    /// A folder of JUnit XML files of many test runs, for the task flaky. May be repeated
    #[arg(long, value_name = "DIR")]
    junit: Vec<PathBuf>,
    /// Commits of each repository that are read, the newest first
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    commits: usize,
    /// Read no history
    #[arg(long, conflicts_with = "commits")]
    no_history: bool,
    /// The base that the recipe names
    #[arg(long, value_name = "NAME_OR_FOLDER", default_value = "pocket")]
    base: String,
    /// Of every draw; the same seed and files give the same rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Replace an earlier harvest at --out
    #[arg(long)]
    force: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// A task, or a word for several.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Wanted {
    Search,
    Summarize,
    Clone,
    /// defect_mutated and defect_history, in files of their own
    Defect,
    DefectMutated,
    DefectHistory,
    Flaky,
    Generate,
}

impl Wanted {
    fn tasks(self) -> &'static [Task] {
        match self {
            Wanted::Search => &[Task::Search],
            Wanted::Summarize => &[Task::Summarize],
            Wanted::Clone => &[Task::Clone],
            Wanted::Defect => &[Task::DefectMutated, Task::DefectHistory],
            Wanted::DefectMutated => &[Task::DefectMutated],
            Wanted::DefectHistory => &[Task::DefectHistory],
            Wanted::Flaky => &[Task::Flaky],
            Wanted::Generate => &[Task::Generate],
        }
    }
}

impl Harvest {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let tell = |stage: &str| {
            if !everywhere.quiet {
                say(stage);
            }
        };
        let report = harvest(&self.plan()?, &tell)?;
        if !everywhere.quiet {
            for warning in &report.warnings {
                say(format_args!("warning: {warning}"));
            }
        }
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&report)?,
            false => lines.text(&report.to_string())?,
        }
        lines.flush()?;
        if !everywhere.quiet {
            say(format_args!(
                "{} rows in {}",
                report.rows(),
                self.out.display()
            ));
        }
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let mut tasks: BTreeSet<Task> = match self.tasks.is_empty() {
            true => Task::ALL.into_iter().collect(),
            false => self
                .tasks
                .iter()
                .flat_map(|task| task.tasks().iter().copied())
                .collect(),
        };
        let named = self.tasks.iter().any(|task| matches!(task, Wanted::Flaky));
        if self.junit.is_empty() {
            if named {
                return Err(Failure::told("--tasks flaky: no test runs are given")
                    .with_hint("give --junit DIR, a folder of JUnit XML files of many runs"));
            }
            tasks.remove(&Task::Flaky);
        }
        let languages = match self.languages.is_empty() {
            true => LANGUAGES.into_iter().collect(),
            false => self.languages.iter().copied().collect(),
        };
        Ok(Plan {
            paths: self.paths.clone(),
            out: self.out.clone(),
            tasks,
            languages,
            split: self.split,
            seed: Seed(self.seed),
            max_rows: Some(self.max_rows).filter(|most| *most > 0),
            junit: self.junit.clone(),
            base: self.base.clone(),
            commits: if self.no_history { 0 } else { self.commits },
            force: self.force,
        })
    }
}

fn language(word: &str) -> Result<skillbelt_harvest::Language, String> {
    let known = LANGUAGES.map(|language| language.name()).join(", ");
    let found: Option<skillbelt_harvest::Language> = word.parse().ok();
    found
        .filter(|language| LANGUAGES.contains(language))
        .ok_or_else(|| format!("expected one of {known}"))
}

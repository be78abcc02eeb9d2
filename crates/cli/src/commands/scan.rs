//! `skillbelt scan`: what a belt finds in a repository. It lays out arguments, progress and the report;
//! what a finding is, is decided in `skillbelt_apply`.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr, stdout};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use skillbelt_apply::checkout::{Language, Wish};
use skillbelt_apply::scan::{
    Belted, Choices, Chosen, Keep, Lazily, Level, Plan, Report, Stage, Worn, key, report, scan,
};
use skillbelt_engine::Precision;
use skillbelt_model::checkpoint::write::file;
use skillbelt_train::shipped;

use super::{Everywhere, language, parse, precision};
use crate::exit::Failure;
use crate::locate;
use crate::output::Lines;

/// Look through a repository with a belt: every function is read once, every task that makes findings
/// is asked.
///
/// A task's name tells what it means: defect and vulnerability are asked of functions, flaky of tests,
/// clone of pairs. Thresholds come from the belt's validation rows, and the report says how far each
/// can be believed. A comment `skillbelt: ignore[TASK] reason` in a function, or right above it, takes
/// a finding out. docs/scan.md tells the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt scan --belt runs/four/belt
  skillbelt scan ~/src/project --belt belt --precision 0.9 --fail-on warning
  skillbelt scan --belt belt --diff origin/main
  skillbelt scan --belt belt --baseline-commit HEAD~1 --format sarif --out findings.sarif
  skillbelt scan --belt belt --rule smells=other:bad --threshold clone=0.95 --level flaky=error
Exit codes: 0 nothing was found that --fail-on asks for; 1 something was; 2 it could not be done, or a
file could not be read.")]
pub struct Scan {
    /// Folders or files [default: the current folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The folder of a belt [default: .skillbelt/belt in the current folder]
    #[arg(long, value_name = "DIR")]
    belt: Option<PathBuf>,
    /// The base that the belt was trained on: a folder, or a name on the hub [default: as the belt
    /// names it]
    #[arg(long, value_name = "NAME_OR_FOLDER")]
    base: Option<String>,
    /// How the weights of the base are held: f32, bf16, int8 or nf4 [default: as in training]
    #[arg(long, value_name = "PRECISION", value_parser = precision)]
    weights: Option<Precision>,
    /// How the report is written
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write into this file instead of stdout; it is there whole or not at all
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 1 if there is a finding at least this loud: note, warning, error, or never
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Note)]
    fail_on: FailOn,
    /// The precision that thresholds are chosen for; a rule that cannot reach it is silent [default:
    /// 0.8]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    precision: Option<f64>,
    /// The share of functions that you think really are what is looked for; precision is told for it
    /// [default: as in the validation rows]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    prevalence: Option<f64>,
    /// A threshold of your own. May be repeated
    #[arg(long, value_name = "TASK=SHARE", value_parser = pair::<f64>)]
    threshold: Vec<(String, f64)>,
    /// How loud a task's findings are: note, warning, error. May be repeated
    #[arg(long, value_name = "TASK=LEVEL", value_parser = pair::<Level>)]
    level: Vec<(String, Level)>,
    /// What a task means: vulnerability, defect, flaky, clone, other, each with :CLASS if it must be
    /// said; or off. May be repeated
    #[arg(long, value_name = "TASK=KIND", value_parser = pair::<Chosen>)]
    rule: Vec<(String, Chosen)>,
    /// Only functions that are not in this revision
    #[arg(long, value_name = "REV", conflicts_with = "baseline_commit")]
    diff: Option<String>,
    /// Only findings that this revision had not
    #[arg(long, value_name = "REV")]
    baseline_commit: Option<String>,
    /// Only findings that are not in this file, which an earlier scan wrote as JSON or SARIF
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Only these languages: c, cpp, csharp, go, java, javascript, python, rust, typescript
    #[arg(long, value_name = "LANGUAGE", value_delimiter = ',', value_parser = language)]
    languages: Vec<Language>,
    /// Bytes of the largest file that is read
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_bytes: u64,
    /// Also read what tools wrote
    #[arg(long)]
    include_generated: bool,
    /// Also read what lies in folders of others' sources
    #[arg(long)]
    include_vendored: bool,
    /// The folder of the cache [default: .skillbelt in the repository]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Keep nothing for the next scan
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Note,
    Warning,
    Error,
    Never,
}

impl FailOn {
    fn level(self) -> Option<Level> {
        match self {
            FailOn::Note => Some(Level::Note),
            FailOn::Warning => Some(Level::Warning),
            FailOn::Error => Some(Level::Error),
            FailOn::Never => None,
        }
    }
}

impl Scan {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let belt = self.belt()?;
        let card = shipped::card(&belt)?;
        let base = self.base.as_deref().unwrap_or(&card.base.name);
        let base = locate::folder(base, None, everywhere)?;
        let held = self
            .weights
            .map_or_else(|| card.precision.clone(), |held| held.name().to_owned());
        let mut oracle = Lazily::new(|| Belted::open(&belt, &base, self.weights));
        let mut worn = Worn {
            card: &card,
            key: key(&belt, &card, &base, &held)?,
            oracle: &mut oracle,
        };
        let bar = Bar::new(everywhere.quiet);
        let told = scan(&self.plan(), &mut worn, &parse::parsers(), &|stage| {
            bar.show(stage);
        });
        bar.clear();
        let told = told?;
        self.write(&told)?;
        self.end(&told)
    }

    fn belt(&self) -> Result<PathBuf, Failure> {
        let usual = Path::new(".skillbelt/belt");
        match &self.belt {
            Some(belt) => Ok(belt.clone()),
            None if usual.is_dir() => Ok(usual.to_owned()),
            None => Err(
                Failure::told("no belt is named, and there is none at .skillbelt/belt")
                    .with_hint("--belt DIR; `skillbelt quickstart` makes one"),
            ),
        }
    }

    fn plan(&self) -> Plan {
        let mut wish = Wish::of(match self.paths.is_empty() {
            true => vec![PathBuf::from(".")],
            false => self.paths.clone(),
        });
        if !self.languages.is_empty() {
            wish.languages = self.languages.iter().copied().collect();
        }
        wish.most_bytes = self.max_bytes;
        wish.generated = self.include_generated;
        wish.vendored = self.include_vendored;
        Plan {
            wish,
            choices: Choices {
                rules: by_task(&self.rule),
                thresholds: by_task(&self.threshold),
                levels: by_task(&self.level),
                precision: self.precision,
                prevalence: self.prevalence,
            },
            diff: self.diff.clone(),
            baseline_commit: self.baseline_commit.clone(),
            baseline: self.baseline.clone(),
            keep: match (&self.cache, self.no_cache) {
                (_, true) => Keep::Nothing,
                (Some(folder), _) => Keep::In(folder.clone()),
                (None, _) => Keep::Beside,
            },
        }
    }

    fn write(&self, told: &Report) -> Result<(), Failure> {
        let coloured =
            self.out.is_none() && stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = match self.format {
            Form::Text => report::text(told, coloured),
            Form::Json => format!("{:#}\n", report::json::json(told)),
            Form::Sarif => format!("{}\n", report::sarif::sarif(told)),
        };
        match &self.out {
            Some(path) => Ok(file(path, |out| out.write_all(text.as_bytes()))?),
            None => Lines::new().text(&text),
        }
    }

    /// What was not read weighs more than what was found: a report that is not whole is no answer.
    fn end(&self, told: &Report) -> Result<(), Failure> {
        match told.failures() {
            0 => {}
            count => {
                return Err(Failure::told(format_args!(
                    "{count} files could not be read, as the report tells"
                )));
            }
        }
        let loud = |level: Level| self.fail_on.level().is_some_and(|least| level >= least);
        let findings = told.findings.iter();
        let findings = findings.filter(|one| loud(told.rule(one).level)).count() as u64;
        match findings {
            0 => Ok(()),
            findings => Err(Failure::Found { findings }),
        }
    }
}

/// What is shown while it lasts.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(quiet: bool) -> Bar {
        let shown = !quiet && stderr().is_terminal();
        Bar(shown.then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {eta}") {
                bar.set_style(style);
            }
            bar
        }))
    }

    fn show(&self, stage: Stage) {
        let Some(bar) = &self.0 else { return };
        let (what, done, all) = match stage {
            Stage::Files(done, all) => ("files", done, all),
            Stage::Functions(done, all) => ("functions", done, all),
            Stage::Pairs(done, all) => ("pairs", done, all),
        };
        bar.set_message(what);
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    }

    fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn by_task<T: Clone>(pairs: &[(String, T)]) -> BTreeMap<String, T> {
    pairs.iter().cloned().collect()
}

/// `TASK=VALUE`.
fn pair<T: FromStr>(word: &str) -> Result<(String, T), String>
where
    T::Err: std::fmt::Display,
{
    let (task, value) = word.split_once('=').ok_or("expected TASK=VALUE")?;
    let value = value.parse().map_err(|error| format!("{error}"))?;
    Ok((task.to_owned(), value))
}

fn share(word: &str) -> Result<f64, String> {
    let number: f64 = word.parse().map_err(|_| "expected a number from 0 to 1")?;
    match (0.0..=1.0).contains(&number) {
        true => Ok(number),
        false => Err("expected a number from 0 to 1".to_owned()),
    }
}

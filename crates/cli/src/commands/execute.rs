//! `skillbelt execute`: candidates for programming problems, run and counted. It decides nothing
//! about what passes; see `skillbelt_train::execute`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use skillbelt_train::evaluate::Draws;
use skillbelt_train::execute::{self, Report, Settings};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::output::Lines;

/// Run what a model wrote for programming problems, and tell pass@k.
///
/// Problems are those of MBPP or HumanEval, or programs with inputs and outputs in Python, Java, C++,
/// Rust or JavaScript. Every candidate runs in a sandbox without network and files; where this
/// machine cannot give a complete one, nothing is run and what is missing is named. `skillbelt score
/// --task execute` does the same.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt execute --problems mbpp.jsonl --predictions answers.jsonl
  skillbelt execute --problems HumanEval.jsonl --predictions samples.jsonl --k 1,10 --out outcomes.jsonl")]
pub struct Execute {
    /// Problems, one JSON object a line
    #[arg(long, value_name = "FILE")]
    problems: PathBuf,
    /// Predictions, one JSON object a line: `task_id` and `code`, `completion` or `prediction`
    #[arg(long, value_name = "FILE")]
    predictions: PathBuf,
    /// Write the outcome of every sample here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    running: Running,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// How candidates are run and counted.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Running {
    /// The k of pass@k [default: 1]
    #[arg(long, value_name = "K", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..))]
    k: Vec<u64>,
    /// CPU seconds of one candidate over all of its tests; the clock allows six times as many and a
    /// minute [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    cpu_seconds: Option<u64>,
    /// Memory of one candidate in MiB [default: 512]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(32..=65536))]
    memory: Option<u64>,
    /// The interpreter for Python [default: python3 of the search path]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Also the harder tests that some problems of MBPP have
    #[arg(long)]
    challenge: bool,
    /// Run generated code with the layers that this machine has, however few. It can then do what
    /// you can do
    #[arg(long)]
    unsafe_without_sandbox: bool,
}

impl Running {
    /// Whether anything was asked of it.
    pub fn is_given(&self) -> bool {
        let nothing = Running {
            k: Vec::new(),
            cpu_seconds: None,
            memory: None,
            python: None,
            challenge: false,
            unsafe_without_sandbox: false,
        };
        *self != nothing
    }

    /// Runs every prediction; tells on stderr that some could not be judged.
    pub fn report(
        &self,
        problems: &Path,
        predictions: &Path,
        draws: Draws,
        everywhere: &Everywhere,
    ) -> Result<Report, Failure> {
        let report = execute::score(problems, predictions, &self.settings(draws))?;
        if report.unsupported > 0 && !everywhere.quiet {
            say(format_args!(
                "{} samples could not be judged and count as not passed; the outcomes say why",
                report.unsupported
            ));
        }
        Ok(report)
    }

    fn settings(&self, draws: Draws) -> Settings {
        let mut settings = Settings {
            python: self.python.clone(),
            challenge: self.challenge,
            unsafe_without_sandbox: self.unsafe_without_sandbox,
            draws,
            ..Settings::default()
        };
        if !self.k.is_empty() {
            settings.k = self.k.clone();
        }
        let (seconds, memory) = (self.cpu_seconds.unwrap_or(10), self.memory.unwrap_or(512));
        settings.limits.cpu_seconds = seconds;
        settings.limits.wall = Duration::from_secs(60 + 6 * seconds);
        settings.limits.data = memory << 20;
        settings.limits.address_space = Some((memory << 20) + (512 << 20));
        settings
    }
}

impl Execute {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let (problems, predictions) = (&self.problems, &self.predictions);
        let draws = Draws::default();
        let report = self
            .running
            .report(problems, predictions, draws, everywhere)?;
        if let Some(path) = &self.out {
            report.write_outcomes(path)?;
        }
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&report)?,
            false => lines.text(&report.to_string())?,
        }
        lines.flush()
    }
}

//! `skillbelt execute`: candidates for programming problems, run and counted. It decides nothing
//! about what passes; see `skillbelt_train::execute`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use skillbelt_train::execute::{self, Settings};

use super::Everywhere;
use crate::exit::{Failure, say};
use crate::output::Lines;

/// Run what a model wrote for programming problems, and tell pass@k.
///
/// Problems are those of MBPP or HumanEval, or programs with inputs and outputs in Python, Java, C++,
/// Rust or JavaScript. Every candidate runs in a sandbox without network and files; where this
/// machine cannot give a complete one, nothing is run and what is missing is named.
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
    /// The k of pass@k
    #[arg(long, value_name = "K", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    k: Vec<u64>,
    /// Write the outcome of every sample here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// CPU seconds of one candidate over all of its tests; the clock allows six times as many and a minute
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    cpu_seconds: u64,
    /// Memory of one candidate in MiB
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u64).range(32..=65536))]
    memory: u64,
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
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Execute {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let mut settings = Settings {
            python: self.python.clone(),
            k: self.k.clone(),
            challenge: self.challenge,
            unsafe_without_sandbox: self.unsafe_without_sandbox,
            ..Settings::default()
        };
        settings.limits.cpu_seconds = self.cpu_seconds;
        settings.limits.wall = Duration::from_secs(60 + 6 * self.cpu_seconds);
        settings.limits.data = self.memory << 20;
        settings.limits.address_space = Some((self.memory << 20) + (512 << 20));
        let report = execute::score(&self.problems, &self.predictions, &settings)?;
        if let Some(path) = &self.out {
            report.write_outcomes(path)?;
        }
        if report.unsupported > 0 && !everywhere.quiet {
            say(format_args!(
                "{} samples could not be judged and count as not passed; the outcomes say why",
                report.unsupported
            ));
        }
        let mut lines = Lines::new();
        match self.json {
            true => lines.object(&report)?,
            false => lines.text(&report.to_string())?,
        }
        lines.flush()
    }
}

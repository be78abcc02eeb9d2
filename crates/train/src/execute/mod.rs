//! Correctness by execution: candidates for programming problems are run behind a sandbox, judged
//! outside of it, and counted as pass@k.
//!
//! The process that runs a candidate holds neither tests nor expected values; it answers questions
//! with exact values. What they are worth is found out in another process, where no candidate is.
//! This folder refuses to run anything without a complete sandbox unless it is told to, and a
//! problem that it cannot judge is counted as such and never as passed.
//!
//! Read in this order: `problem.rs`, `sample.rs`, `verdict.rs`, `wire.rs` (how values travel),
//! `dialogue.rs` (the two Python processes), `toolchain.rs` and `standard.rs` (programs with input
//! and output, in five languages), `pass.rs`, `report.rs`.

mod dialogue;
mod language;
mod pass;
mod problem;
mod report;
mod sample;
mod standard;
mod toolchain;
mod verdict;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use skillbelt_sandbox::{Limits, Sandbox};

pub use language::Language;
pub use pass::pass_at;
pub use problem::{Case, Problem, Tests, read_problems};
pub use report::{PassAt, Report};
pub use sample::{Sample, read_samples};
pub use verdict::{Outcome, Verdict};

use crate::error::{Error, Result};
use crate::evaluate::Draws;
use toolchain::Toolchains;

/// How candidates are run and counted.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The interpreter for Python [`python3` of the search path].
    pub python: Option<PathBuf>,
    /// What one candidate may use. Memory and address space are those of Python; other runtimes have
    /// their own, see `toolchain.rs`.
    pub limits: Limits,
    /// The k of pass@k.
    pub k: Vec<u64>,
    /// Also the harder tests that some problems of MBPP have.
    pub challenge: bool,
    /// Run with the layers that there are, however few. Only after an explicit flag.
    pub unsafe_without_sandbox: bool,
    pub draws: Draws,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            python: None,
            limits: Limits {
                cpu_seconds: 10,
                wall: Duration::from_secs(60),
                ..Limits::default()
            },
            k: vec![1],
            challenge: false,
            unsafe_without_sandbox: false,
            draws: Draws::default(),
        }
    }
}

/// Runs every sample against its problem's tests, on all cores. Outcomes stand in the order of the
/// samples; none depends on another, or on the number of threads.
pub fn run(problems: &[Problem], samples: &[Sample], settings: &Settings) -> Result<Vec<Outcome>> {
    let sandbox = match settings.unsafe_without_sandbox {
        true => Sandbox::as_far_as_possible(),
        false => Sandbox::complete(),
    }
    .map_err(refused)?;
    let languages = samples.iter().map(|sample| problems.get(sample.problem));
    let languages = languages.flatten().map(Problem::language);
    let toolchains = Toolchains::find(languages, settings).map_err(refused)?;
    standard::try_out(&sandbox, &toolchains, settings).map_err(refused)?;
    let judged = samples.par_iter().map(|sample| {
        let problem = problems.get(sample.problem).ok_or_else(|| {
            Error::told(format_args!(
                "sample {}: there is no such problem",
                sample.number
            ))
        })?;
        let verdict = match &problem.tests {
            Tests::Python { .. } | Tests::Check { .. } => {
                dialogue::judge(&sandbox, &toolchains, problem, sample, settings)
            }
            Tests::Cases { .. } => {
                standard::judge(&sandbox, &toolchains, problem, sample, settings)
            }
        }
        .map_err(refused)?;
        Ok(Outcome {
            task_id: problem.id.clone(),
            sample: sample.number,
            verdict,
        })
    });
    judged.collect()
}

/// Reads problems and predictions, runs them, counts.
pub fn score(problems: &Path, predictions: &Path, settings: &Settings) -> Result<Report> {
    if settings.k.is_empty() || settings.k.contains(&0) {
        return Err(Error::told(
            "pass@k needs at least one k, and each at least 1",
        ));
    }
    let problems = read_problems(problems)?;
    let samples = read_samples(predictions, &problems)?;
    let outcomes = run(&problems, &samples, settings)?;
    Report::new(&problems, outcomes, settings)
}

/// A refusal of the sandbox, as one of learning's errors.
fn refused(error: skillbelt_sandbox::Error) -> Error {
    let hint = error.hint();
    let told = Error::told(&error);
    match hint {
        Some(hint) => told.with_hint(hint),
        None => told,
    }
}

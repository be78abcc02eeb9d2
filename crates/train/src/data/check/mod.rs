//! `data check`: what a person should know about a data set before a model learns from it.
//!
//! It reads every row of every split once and trains nothing. Memory holds a hash per text and the
//! shingles of a bounded number of texts, never the texts themselves.

mod census;
mod lengths;
mod page;
mod report;
mod twice;

use indexmap::IndexMap;
use skillbelt_model::Tokenizer;

use super::{Split, read};
use crate::error::{Error, Result};
use crate::recipe::{TaskSettings, TaskType};
use census::Census;
pub use report::{Conflict, Crossing, Lengths, Pairing, Report, SplitReport, TaskReport};

/// How a check is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Texts that share this part of their shingles are near duplicates.
    pub near: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options { near: 0.8 }
    }
}

/// Checks tasks whose presets are applied. Lengths are counted in tokens where there is a tokenizer.
pub fn check(
    tasks: &IndexMap<String, TaskSettings>,
    tokenizer: Option<&Tokenizer>,
    options: Options,
) -> Result<Report> {
    if !(options.near > 0.0 && options.near <= 1.0) {
        return Err(Error::told(format_args!(
            "near duplicates share a part above 0 and up to 1, not {}",
            options.near
        )));
    }
    let mut report = Report::default();
    for (name, task) in tasks {
        report
            .tasks
            .insert(name.clone(), check_task(name, task, tokenizer, options)?);
    }
    Ok(report)
}

fn check_task(
    name: &str,
    task: &TaskSettings,
    tokenizer: Option<&Tokenizer>,
    options: Options,
) -> Result<TaskReport> {
    let Some(kind) = task.kind else {
        return Err(Error::told(format_args!("task `{name}` has no type")));
    };
    let mut census = Census::new(task, kind, tokenizer);
    for split in Split::ALL {
        let given = match split {
            Split::Train => task.train.is_some(),
            Split::Valid => task.valid.is_some(),
            Split::Test => task.test.is_some(),
        };
        if !given {
            continue;
        }
        census.begin(split);
        read::rows(name, task, split, &mut |row| census.take(row))?;
    }
    if census.is_empty() {
        return Err(Error::told(format_args!("task `{name}` names no files")));
    }
    Ok(census.finish(options.near))
}

/// What a text is longer than, where the task does not say: of a text, a query, an answer.
fn limits(task: &TaskSettings) -> [(&'static str, usize); 3] {
    [
        ("text", task.max_length.unwrap_or(256)),
        ("query", task.max_query_length.unwrap_or(64)),
        ("target", task.max_target_length.unwrap_or(128)),
    ]
}

/// Whether a pair is read as one sequence.
fn is_joint(task: &TaskSettings, kind: TaskType) -> bool {
    kind == TaskType::Pair && task.encoding.as_deref() != Some("separate")
}

//! Reads run folders for the adviser: its own lines, what the report says of evaluations, and the
//! answers to test rows. A file that is not there says nothing; one that is damaged is an error.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::confident;
use super::line::{self, Look, Tasks};
use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate;

/// What a run left.
#[derive(Debug, Clone)]
pub struct Folder {
    pub path: PathBuf,
    pub tasks: Tasks,
    pub looks: Vec<Look>,
    /// By evaluation and task: the task's own measure, turned so that more is better; empty where
    /// the run has not ended.
    pub evaluations: Vec<Vec<Option<f64>>>,
    /// Of the whole run, where it has ended.
    pub seconds: Option<f64>,
    /// By task: the share of test rows that the shipped belt contradicts with confidence.
    pub contradicted: Vec<Option<f64>>,
}

/// The parts of `report.json` that are read here.
#[derive(Deserialize)]
struct Report {
    evaluations: Vec<Evaluation>,
    costs: Costs,
}

#[derive(Deserialize)]
struct Evaluation {
    good: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Costs {
    seconds: f64,
}

/// Reads a run's folder.
pub fn read(path: &Path) -> Result<Folder> {
    if !path.is_dir() {
        return Err(
            Error::told(format_args!("{} is not a folder", path.display()))
                .with_hint("give the folder that the recipe's `output` names"),
        );
    }
    let (tasks, looks) = line::read(path)?;
    let report = report(&path.join("report.json"), tasks.tasks.len())?;
    let mut contradicted = Vec::new();
    for task in &tasks.tasks {
        let answers = path
            .join("answers")
            .join(evaluate::file_name(&task.name, Split::Test));
        contradicted.push(match answers.is_file() {
            true => confident::contradicted(&evaluate::read(&answers)?),
            false => None,
        });
    }
    let seconds = report.as_ref().map(|report| report.costs.seconds);
    let evaluations = report.map_or_else(Vec::new, |report| report.evaluations);
    Ok(Folder {
        path: path.to_owned(),
        tasks,
        looks,
        evaluations: evaluations.into_iter().map(|one| one.good).collect(),
        seconds,
        contradicted,
    })
}

fn report(path: &Path, tasks: usize) -> Result<Option<Report>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs_err::read(path).map_err(|error| Error::io(path, error))?;
    let damaged = |message: String| Error::told(format_args!("{}: {message}", path.display()));
    let report: Report =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    match report
        .evaluations
        .iter()
        .find(|one| one.good.len() != tasks)
    {
        Some(one) => Err(damaged(format!(
            "an evaluation of {} tasks, and the run has {tasks}",
            one.good.len()
        ))),
        None => Ok(Some(report)),
    }
}

//! From the folders of cells to what results say of each: costs, curves, measures. It reads what runs
//! wrote down, and compares nothing.

use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::metric::names;
use crate::study::asking;
use crate::study::cell::{Cell, Work};
use crate::study::folder::Done;
use crate::study::plan::Plan;
use crate::study::results::{Cost, Curve, Measured, Outcome, TaskOutcome};

/// What is read of a run's `report.json`.
#[derive(Deserialize)]
struct Report {
    steps: u64,
    shipped_step: u64,
    evaluations: Vec<Evaluation>,
    costs: Costs,
}

#[derive(Deserialize)]
struct Evaluation {
    step: u64,
    /// By task, in the order of the cell.
    measures: Vec<Vec<(String, Option<f64>)>>,
}

#[derive(Deserialize)]
struct Costs {
    seconds: f64,
    tokens: u64,
    peak_memory_kib: Option<u64>,
    joules: Option<f64>,
}

/// A line of `metrics.jsonl`, as far as it is read.
#[derive(Deserialize)]
struct Line {
    kind: String,
    step: u64,
    task: String,
    loss: Option<f64>,
    #[serde(default)]
    tokens: u64,
}

/// What a finished cell says, but for its answers to the test rows.
pub fn outcome(plan: &Plan, cell: &Cell, done: &Done, folder: &Path) -> Result<Outcome> {
    let recipe = match &cell.work {
        Work::Train(resolved) => &resolved.recipe,
        Work::Take(_) => return Ok(without_run(cell, done)),
        Work::Ask(_) => {
            let mut outcome = without_run(cell, done);
            let (asked, seconds, machine) = asking::asked(folder)?;
            outcome.cost.seconds = seconds;
            outcome.recipe = cell.recipe_text(plan)?;
            outcome.machine = machine;
            outcome.asked = Some(asked);
            return Ok(outcome);
        }
    };
    let report: Report = json(&folder.join("report.json"))?;
    let facts: Value = json(&folder.join("run.json"))?;
    let lines = lines(folder)?;
    let mut tasks = IndexMap::new();
    for (place, (name, settings)) in recipe.tasks.iter().enumerate() {
        let own = settings.metric.as_deref();
        let value = |measures: &[(String, Option<f64>)]| match own {
            Some(own) => {
                measures
                    .iter()
                    .find(|(name, _)| names::full(name) == own)?
                    .1
            }
            None => measures.first()?.1,
        };
        let of_task = |evaluation: &Evaluation| evaluation.measures.get(place).cloned();
        let points = report
            .evaluations
            .iter()
            .filter_map(|evaluation| Some((evaluation.step, value(&of_task(evaluation)?)?)));
        let shipped = report
            .evaluations
            .iter()
            .find(|evaluation| evaluation.step == report.shipped_step)
            .and_then(of_task)
            .filter(|measures| !measures.is_empty());
        let train = lines
            .iter()
            .filter(|line| line.kind == "train" && line.task == *name);
        let curve = Curve {
            train_loss: train
                .filter_map(|line| Some((line.step, line.loss?)))
                .collect(),
            valid: points.collect(),
        };
        let valid = shipped.map(|measures| Measured {
            examples: None,
            value: value(&measures),
            interval: None,
            measures: measures.into_iter().collect(),
        });
        let test = None;
        tasks.insert(name.clone(), TaskOutcome { test, valid, curve });
    }
    Ok(Outcome {
        tasks,
        cost: Cost {
            tokens: report.costs.tokens,
            seconds: report.costs.seconds,
            peak_memory_kib: report.costs.peak_memory_kib,
            joules: report.costs.joules,
            trained_parameters: done.trained_parameters,
            stored_bytes: done.stored_bytes,
            steps: report.steps,
            shipped_step: report.shipped_step,
        },
        recipe: cell.recipe_text(plan)?,
        machine: facts.get("machine").cloned().unwrap_or(Value::Null),
        asked: None,
    })
}

/// Of a cell that was not trained; of answers that were made elsewhere nothing is known beside.
fn without_run(cell: &Cell, done: &Done) -> Outcome {
    let empty = || TaskOutcome {
        test: None,
        valid: None,
        curve: Curve::default(),
    };
    let tasks = cell.tasks.iter().map(|task| (task.clone(), empty()));
    Outcome {
        tasks: tasks.collect(),
        cost: Cost {
            tokens: 0,
            seconds: 0.0,
            peak_memory_kib: None,
            joules: None,
            trained_parameters: done.trained_parameters,
            stored_bytes: done.stored_bytes,
            steps: 0,
            shipped_step: 0,
        },
        recipe: String::new(),
        machine: Value::Null,
        asked: None,
    }
}

/// Tokens that each task of a finished run read in a step, by task.
pub fn tokens_per_step(cell: &Cell, folder: &Path) -> Result<IndexMap<String, f64>> {
    let (lines, mut all) = (lines(folder)?, IndexMap::new());
    let steps = lines.iter().map(|line| line.step).max().unwrap_or(0);
    for task in &cell.tasks {
        let own = lines
            .iter()
            .filter(|line| line.kind == "train" && line.task == *task);
        let tokens: u64 = own.map(|line| line.tokens).sum();
        all.insert(task.clone(), tokens as f64 / steps.max(1) as f64);
    }
    Ok(all)
}

/// Seconds and tokens of a finished run.
pub fn seconds_and_tokens(folder: &Path) -> Result<(f64, u64)> {
    let report: Report = json(&folder.join("report.json"))?;
    Ok((report.costs.seconds, report.costs.tokens))
}

/// How many times more rows a whole split has than were asked; by `run.json`.
pub fn scale(folder: &Path, task: &str, split: &str, most: Option<usize>) -> Option<f64> {
    let facts: Value = json(&folder.join("run.json")).ok()?;
    let rows = facts.get("rows")?.get(format!("{task}.{split}"))?;
    let used = rows.get("used")?.as_u64()?;
    let all = most.map_or(used, |most| used.min(most as u64));
    Some(all as f64 / rows.get("items")?.as_u64()?.max(1) as f64)
}

fn lines(folder: &Path) -> Result<Vec<Line>> {
    let path = folder.join("metrics.jsonl");
    let text = fs_err::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Error::File {
            path: path.clone(),
            line: at as u64 + 1,
            message: format!("not a line of a run's log: {error}"),
            hint: None,
        })
    };
    text.lines().enumerate().map(read).collect()
}

pub(super) fn json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs_err::read(path).map_err(|error| Error::io(path, error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))
}

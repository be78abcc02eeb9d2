//! A cell that is asked and not trained: prompting with its answers in the cell's folder, and what of
//! that goes into results. How prompts are made and answers read stands with prompting.
//!
//! An endpoint's answers are kept in the work folder as they come, so that whoever goes on with the
//! cell asks nothing twice. A base on this machine begins again.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::Draws;
use crate::prompt::{self, Looked, Order};
use crate::report::machine;
use crate::study::Study;
use crate::study::cell::{Asking, Cell};
use crate::study::folder::Seat;
use crate::study::heart::Heart;
use crate::study::results::Asked;
use crate::watch::Watch;

/// What of a run's facts a cell that is asked has: the machine.
const FACTS: &str = "run.json";
/// The folder of answers, in the folder of the cell.
const ANSWERS: &str = "answers";

/// What is asked of whom, with nobody listening.
fn order<'o>(
    study: &'o Study,
    cell: &Cell,
    asking: &'o Asking,
    out: &'o Path,
) -> Result<Order<'o>> {
    let folder = |base: &str| study.contents.folder(base);
    Ok(Order {
        recipe: &asking.resolved.recipe,
        split: Split::Test,
        out,
        rows_base: Some(folder(&asking.rows)?),
        asked_base: match cell.base.as_str() {
            "" => None,
            base => Some(folder(base)?),
        },
        // Intervals are made with those of the other cells.
        draws: Draws {
            count: 1,
            ..Draws::default()
        },
        stop: Arc::default(),
        heard: &|_, _| (),
    })
}

/// Asks; false if it was stopped.
pub fn ask(
    study: &Study,
    cell: &Cell,
    asking: &Asking,
    seat: &Seat,
    heart: &Heart,
    watch: &mut dyn Watch,
) -> Result<bool> {
    let out = seat.work.join(ANSWERS);
    // Asked to the end by an owner that was killed before it could say so.
    if out.join(prompt::SUMMARY).is_file() {
        return Ok(true);
    }
    fs_err::create_dir_all(&out).map_err(|error| Error::io(&out, error))?;
    let facts = serde_json::to_vec(&json!({"machine": machine::machine()})).map_err(Error::told)?;
    study
        .folder
        .disk()
        .replace(&seat.work.join(FACTS), &facts)?;
    let mut asking = asking.clone();
    let prompting = asking.resolved.recipe.prompting.as_mut();
    if let Some(endpoint) = prompting.and_then(|prompting| prompting.endpoint.as_mut()) {
        endpoint.cache = Some(seat.work.join(prompt::CACHE));
    }
    let heard = |done: usize, all: usize| {
        let mut said = heart.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = format!("answer {done} of {all}");
    };
    let order = Order {
        stop: Arc::clone(&heart.stop),
        heard: &heard,
        ..order(study, cell, &asking, &out)?
    };
    match prompt::prompt(&order, watch) {
        Err(_) if heart.stop.load(Ordering::Relaxed) => Ok(false),
        asked => asked.map(|_| true),
    }
}

/// What would be asked, with nothing asked and nothing written.
pub fn look(study: &Study, cell: &Cell, asking: &Asking) -> Result<Vec<Looked>> {
    prompt::look(&order(study, cell, asking, Path::new(""))?)
}

/// The parts of `prompting.json` that are read here.
#[derive(Deserialize)]
struct Record {
    asked: Value,
    tasks: Vec<Task>,
    endpoint: Option<Costs>,
}

#[derive(Deserialize)]
struct Task {
    prompts: u64,
    failures: IndexMap<String, u64>,
    failure_rate: f64,
    seconds: f64,
}

#[derive(Deserialize)]
struct Costs {
    tokens_read: u64,
    tokens_written: u64,
    cost: f64,
}

/// What a cell that was asked says of it, the seconds that it took, and the machine.
pub fn asked(folder: &Path) -> Result<(Asked, f64, Value)> {
    let path = folder.join(ANSWERS).join(prompt::RECORD);
    let record: Record = super::gather::json(&path)?;
    let facts: Value = super::gather::json(&folder.join(FACTS))?;
    let mut failures: IndexMap<String, u64> = IndexMap::new();
    for (reason, count) in record.tasks.iter().flat_map(|task| &task.failures) {
        *failures.entry(reason.clone()).or_default() += count;
    }
    let costs = record.endpoint.as_ref();
    let asked = Asked {
        model: record.asked,
        prompts: record.tasks.iter().map(|task| task.prompts).sum(),
        failures,
        failure_rate: record.tasks.first().map_or(0.0, |task| task.failure_rate),
        tokens_read: costs.map(|costs| costs.tokens_read),
        tokens_written: costs.map(|costs| costs.tokens_written),
        cost: costs.map(|costs| costs.cost),
    };
    let seconds = record.tasks.iter().map(|task| task.seconds).sum();
    let machine = facts.get("machine").cloned().unwrap_or(Value::Null);
    Ok((asked, seconds, machine))
}

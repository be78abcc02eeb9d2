//! The thread that computes: takes what waits, reads one batch, writes one token of each text, again
//! and again. It ends when the desk is closed and everything taken is done.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::desk::Desk;
use super::flows::Flows;
use super::order::Asking;
use super::readings::{Batch, Readings};
use crate::serve::limits::Limits;
use crate::serve::model::Model;
use crate::serve::refusal::Refusal;

/// Works until the desk is closed and empty.
pub fn run(desk: &Desk, models: &[Arc<Model>], limits: &Limits) {
    let mut writers = BTreeMap::new();
    for (place, model) in models.iter().enumerate() {
        for task in model.writing_tasks() {
            if let Some(writer) = model.writer(task) {
                writers.insert((place, task), writer);
            }
        }
    }
    let mut readings = Readings::default();
    let mut askings = VecDeque::new();
    let mut flows = Flows::new(&writers);
    loop {
        let idle = readings.is_empty() && askings.is_empty() && flows.is_empty();
        let taken = desk.take(idle);
        if taken.closed && idle && taken.is_empty() {
            return;
        }
        askings.extend(taken.askings);
        taken.readings.into_iter().for_each(|one| readings.add(one));
        taken.writings.into_iter().for_each(|one| flows.add(one));
        readings.drop_unwanted(desk);
        flows.drop_unwanted(desk);
        if let Some(batch) = readings.batch(limits.batch_tokens, desk) {
            let vectors = read(desk, models, &batch);
            readings.finish(batch, vectors, desk);
        }
        if let Some(asking) = askings.pop_front() {
            ask(desk, models, asking);
        }
        // Nothing half done is seen after a defect: all texts of all flows are given up.
        let written = catch_unwind(AssertUnwindSafe(|| {
            flows.step(limits.writings, limits.batch_tokens, desk);
        }));
        if written.is_err() {
            desk.numbers.defects.fetch_add(1, Relaxed);
            flows.fail_all(&defect(), desk);
        }
    }
}

/// The vectors of a batch; a defect costs the batch and no more.
fn read(
    desk: &Desk,
    models: &[Arc<Model>],
    batch: &Batch,
) -> Result<skillbelt_engine::Mat, Refusal> {
    let started = Instant::now();
    let (model, way) = batch.way;
    let found = catch_unwind(AssertUnwindSafe(|| {
        models[model].vectors(way, &batch.texts)
    }));
    desk.timed(batch.tokens, started.elapsed().as_secs_f64());
    desk.numbers.batch(batch.tokens);
    desk.numbers
        .read_tokens
        .fetch_add(batch.tokens as u64, Relaxed);
    found.unwrap_or_else(|_| {
        desk.numbers.defects.fetch_add(1, Relaxed);
        Err(defect())
    })
}

/// Lets a task answer a few inputs that only it can read.
fn ask(desk: &Desk, models: &[Arc<Model>], asking: Asking) {
    let Asking {
        model,
        task,
        inputs,
        reply,
    } = asking;
    desk.done_reading(inputs.len(), 0);
    if reply.is_closed() {
        return;
    }
    desk.numbers
        .read_texts
        .fetch_add(inputs.len() as u64, Relaxed);
    let found = catch_unwind(AssertUnwindSafe(|| models[model].answer(task, inputs)));
    let found = found.unwrap_or_else(|_| {
        desk.numbers.defects.fetch_add(1, Relaxed);
        Err(defect())
    });
    let _gone = reply.send(found);
}

fn defect() -> Refusal {
    Refusal::failed("a defect of the server; its log says more")
}

//! `metrics.jsonl`, and the same numbers as event files: one line per task and logging step, one per
//! task and evaluation.
//!
//! But for `seconds`, a line is a function of the recipe and the data: a run that was killed and
//! went on writes the same lines, each once.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::events;
use crate::disk::{Disk, Growing};
use crate::error::Result;

/// How far both files are known to be good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    pub lines: u64,
    pub events: u64,
    /// Of the adviser's lines, which are not of the log; zero where nothing is advised.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub advice: u64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(length: &u64) -> bool {
    *length == 0
}

/// What a task learnt since its last line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Sum of the losses of its batches.
    pub loss: f64,
    pub batches: u64,
    pub units: u64,
    pub tokens: u64,
    /// The last one.
    pub weight: f64,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'m> {
    pub step: u64,
    pub epoch: f64,
    pub task: &'m str,
    pub seconds: f64,
}

/// The log of a run.
pub struct Log {
    lines: Growing,
    events: Growing,
}

impl Log {
    /// Opens both files and cuts off what was written after the lengths were taken.
    pub fn open(disk: &Disk, folder: &Path, lengths: Lengths) -> Result<Log> {
        let events = folder.join("tensorboard");
        fs_err::create_dir_all(&events).map_err(|error| crate::Error::io(&events, error))?;
        let mut log = Log {
            lines: Growing::open(disk, &folder.join("metrics.jsonl"), lengths.lines)?,
            events: Growing::open(disk, &events.join(events::FILE), lengths.events)?,
        };
        if lengths.events == 0 {
            log.events.append(&events::opening(now()))?;
        }
        Ok(log)
    }

    /// One task's line of a logging step.
    pub fn trained(
        &mut self,
        at: Moment<'_>,
        window: &Window,
        learning_rate: f64,
        grad_norm: f64,
    ) -> Result<()> {
        let loss = window.loss / window.batches.max(1) as f64;
        let line = json!({
            "kind": "train", "step": at.step, "epoch": at.epoch, "task": at.task, "loss": loss,
            "weight": window.weight, "learning_rate": learning_rate, "grad_norm": grad_norm,
            "units": window.units, "tokens": window.tokens, "seconds": at.seconds,
        });
        self.line(&line)?;
        self.scalar(at, "train", "loss", loss)?;
        self.scalar(at, "train", "weight", window.weight)?;
        self.scalar(at, "train", "learning_rate", learning_rate)?;
        self.scalar(at, "train", "grad_norm", grad_norm)
    }

    /// One task's answers, measured.
    pub fn measured(
        &mut self,
        at: Moment<'_>,
        split: &str,
        measures: &[(&'static str, f64)],
    ) -> Result<()> {
        let named: serde_json::Map<_, _> = measures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let line = json!({
            "kind": split, "step": at.step, "epoch": at.epoch, "task": at.task,
            "measures": named, "seconds": at.seconds,
        });
        self.line(&line)?;
        measures
            .iter()
            .try_for_each(|(name, value)| self.scalar(at, split, name, *value))
    }

    /// Flushes both files; the lengths that are now safe.
    pub fn sync(&mut self) -> Result<Lengths> {
        Ok(Lengths {
            lines: self.lines.sync()?,
            events: self.events.sync()?,
            advice: 0,
        })
    }

    fn line(&mut self, line: &serde_json::Value) -> Result<()> {
        self.lines.append(format!("{line}\n").as_bytes())
    }

    fn scalar(&mut self, at: Moment<'_>, group: &str, name: &str, value: f64) -> Result<()> {
        let tag = format!("{group}/{}/{name}", at.task);
        let record = events::scalar(now(), at.step, &tag, value as f32);
        self.events.append(&record)
    }
}

/// Seconds since 1970, for people who look at curves.
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |time| time.as_secs_f64())
}

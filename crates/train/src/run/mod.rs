//! A run: the loop from the first step to the shipped belt. It knows no objective, no kind of belt
//! and no file format of data by name.
//!
//! **Guarantee.** Whatever stops a run (a kill, a refused write, a person), `resume` goes on from the
//! last good checkpoint, and the final belt and the log (but for times) are to the byte what the
//! uninterrupted run would have made.

mod advise;
mod evaluate;
mod finish;
mod folder;
mod learn;
mod moments;
mod probe;
mod state;
mod step;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use skillbelt_engine::Param;
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;
use skillbelt_model::belt::folder::Calibration;

use crate::disk::Disk;
use crate::disk::faults::Faults;
use crate::error::{Error, Result};
use crate::recipe::{Evaluation, Training};
use crate::task::{Objective, Set};
use crate::watch::Watch;

use folder::RunFolder;
pub use moments::Moments;
use step::Run;

/// A task that is ready to be learnt.
pub struct Prepared {
    pub name: String,
    /// Of the recipe: how much the task counts.
    pub weight: f64,
    pub batch_size: usize,
    /// The measure that says which moment was best; the first one if none is named.
    pub metric: Option<String>,
    /// Whether a larger number of that measure is better.
    pub rises: bool,
    pub objective: Box<dyn Objective>,
    pub train: Set,
    pub valid: Option<Set>,
    pub test: Option<Set>,
}

/// Writes the belt, as its parameters are now, into an empty folder.
pub type SaveBelt<'w> = &'w dyn Fn(&Path, &Note) -> Result<()>;

/// Everything that a run works with, opened and checked.
pub struct Workshop<'w> {
    pub network: &'w dyn Network,
    pub tokenizer: &'w Tokenizer,
    /// All that is trained, each once: the belt's, then the heads'.
    pub params: Vec<Param>,
    pub tasks: Vec<Prepared>,
    /// What the folder is called in which the result is put: `belt`, or `base`.
    pub product: &'static str,
    pub save_belt: SaveBelt<'w>,
    pub papers: Papers,
}

/// What the run folder says about where the run came from.
#[derive(Debug, Clone, Default)]
pub struct Papers {
    /// The resolved recipe with the origin of each value, as text.
    pub recipe: String,
    /// All that numbers depend on, by name: keys of the recipe, hashes of base and data. A run goes
    /// on only under the same.
    pub identity: BTreeMap<String, String>,
    /// Anything else that belongs into `run.json`.
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// What a belt says about the moment that it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub step: u64,
    pub epoch: f64,
    /// `mean`, `worst_regret`, `last`, or `best of TASK`.
    pub policy: String,
    /// By task: measures on validation rows at this moment, and on test rows.
    pub valid: Vec<(String, Measured)>,
    pub test: Vec<(String, Measured)>,
    /// By task: how sure its classes are told, on validation rows at this moment.
    pub calibrations: Vec<(String, Vec<Calibration>)>,
}

/// Measures with names that can be read back.
pub type Measured = Vec<(String, f64)>;

/// How a run is started and stopped.
pub struct RunOptions {
    /// Go on from the last good checkpoint, if there is one.
    pub resume: bool,
    /// Set by Ctrl-C: the step is finished and everything saved.
    pub stop: Arc<AtomicBool>,
    /// What is to go wrong, for tests: `Faults::from_env()`.
    pub faults: Arc<Faults>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Finished {
    /// The belt is in its folder.
    Complete {
        belt: PathBuf,
        /// The step whose belt was shipped.
        shipped: u64,
        steps: u64,
        summary: String,
    },
    /// Stopped by a person; everything is saved.
    Stopped { step: u64, steps: u64 },
}

/// Trains, from the beginning or from the last good checkpoint, until the end or until told to stop.
pub fn run(
    workshop: Workshop<'_>,
    training: &Training,
    evaluation: &Evaluation,
    folder: &Path,
    options: &RunOptions,
    watch: &mut dyn Watch,
) -> Result<Finished> {
    check(&workshop)?;
    let disk = Disk::new(Arc::clone(&options.faults));
    let folder = RunFolder::claim(folder, &disk, &workshop.papers, options.resume, watch)?;
    let mut run = Run::open(&workshop, training, evaluation, &folder, &disk, watch)?;
    while run.has_steps() {
        run.step()?;
        if options.stop.load(Ordering::Relaxed) && run.has_steps() {
            return run.stop();
        }
    }
    run.finish()
}

/// The step of the newest whole checkpoint in a run folder; 0 where there is none.
pub fn newest_step(folder: &Path) -> Result<u64> {
    let disk = Disk::new(Arc::new(Faults::none()));
    let checkpoints = crate::checkpoint::Checkpoints::new(folder.join("checkpoints"), disk);
    Ok(checkpoints.newest(|_| {})?.map_or(0, |(step, _)| step))
}

/// Refuses what no run could be made of.
fn check(workshop: &Workshop<'_>) -> Result<()> {
    if workshop.tasks.is_empty() {
        return Err(Error::told("there is no task to train"));
    }
    if workshop.params.is_empty() {
        return Err(Error::told(
            "there is nothing to train: the belt has no parameters",
        ));
    }
    for task in &workshop.tasks {
        if task.train.items.is_empty() {
            return Err(
                Error::told(format_args!("task `{}` has no training rows", task.name))
                    .with_hint("`skillbelt data check` says why rows were rejected"),
            );
        }
    }
    Ok(())
}

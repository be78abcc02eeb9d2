//! Working on a study: cell after cell is claimed, run and published, until none is left that could be
//! had. One cell that fails does not keep the others from being run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::data::Split;
use crate::disk::faults::Faults;
use crate::error::{Error, Result};
use crate::evaluate;
use crate::run::{Finished, RunOptions};
use crate::start;
use crate::study::cell::{Cell, Work};
use crate::study::claim::Ended;
use crate::study::folder::{Asked, DONE, Done, Seat, bytes};
use crate::study::heart::Heart;
use crate::study::plan::Arm;
use crate::study::{Study, asking};
use crate::watch::{Plan, Stepped, Watch};

/// Between looks at cells that others hold: first, and at most.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const LOOK_AT_LEAST: Duration = Duration::from_secs(15);

/// Which cells are worked on, and until when.
pub struct Options {
    /// Set by Ctrl-C: the step is finished, everything saved, the cell given up.
    pub stop: Arc<AtomicBool>,
    pub faults: Arc<Faults>,
    /// Only cells that stand in one of these arms; all of them if there is none.
    pub only: Vec<Arm>,
    /// Only the cell at this place of the plan, from zero.
    pub index: Option<usize>,
    /// So many cells, and then no more.
    pub max_cells: Option<u64>,
    /// Stay until the cells that others work on are done, and take over those whose owner dies.
    pub wait: bool,
}

/// How work on a cell ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellEnd {
    Done,
    Stopped,
    /// Another process took it over.
    Lost,
    Failed {
        message: String,
        hint: Option<String>,
    },
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    pub done: u64,
    pub failed: u64,
    pub stopped: bool,
}

/// Told of what happens.
pub trait StudyWatch {
    /// A cell is begun or gone on with; what watches its run.
    fn began(&mut self, _cell: &Cell, _place: usize, _cells: usize) -> Box<dyn Watch> {
        Box::new(crate::watch::Unwatched)
    }

    fn ended(&mut self, _cell: &Cell, _end: &CellEnd) {}

    /// So many cells are in the hands of others.
    fn waiting(&mut self, _cells: usize) {}
}

/// Nobody watches.
pub struct Unwatched;

impl StudyWatch for Unwatched {}

/// Works on the cells of a study.
pub fn work(study: &Study, options: &Options, watch: &mut dyn StudyWatch) -> Result<Worked> {
    let mut worked = Worked::default();
    let mut pause = LOOK_AGAIN;
    study.folder.make()?;
    loop {
        let (mut tried, mut held) = (0, 0);
        for (place, cell) in study.cells.iter().enumerate() {
            if options.stop.load(Ordering::Relaxed) {
                worked.stopped = true;
                return Ok(worked);
            }
            if !options.wants(place, cell) {
                continue;
            }
            if options
                .max_cells
                .is_some_and(|most| worked.done + worked.failed >= most)
            {
                return Ok(worked);
            }
            match study.folder.ask(&cell.key)? {
                Asked::Held => held += 1,
                Asked::Over => {}
                Asked::Mine(seat) => {
                    tried += 1;
                    let mut run = watch.began(cell, place, study.cells.len());
                    let end = sit(study, cell, seat, options, &mut *run)?;
                    drop(run);
                    watch.ended(cell, &end);
                    match end {
                        CellEnd::Done => worked.done += 1,
                        CellEnd::Failed { .. } => worked.failed += 1,
                        CellEnd::Stopped | CellEnd::Lost => {}
                    }
                }
            }
        }
        if tried == 0 && (held == 0 || !options.wait) {
            return Ok(worked);
        }
        if tried > 0 {
            pause = LOOK_AGAIN;
            continue;
        }
        watch.waiting(held);
        rest(pause, &options.stop);
        pause = (2 * pause).min(LOOK_AT_LEAST);
    }
}

/// Sleeps, but not longer than until a person wants to stop.
fn rest(pause: Duration, stop: &AtomicBool) {
    let begun = Instant::now();
    while begun.elapsed() < pause && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK_AGAIN);
    }
}

impl Options {
    fn wants(&self, place: usize, cell: &Cell) -> bool {
        let arm = self.only.is_empty() || cell.arms.iter().any(|arm| self.only.contains(arm));
        arm && self.index.is_none_or(|index| index == place)
    }
}

/// Runs a cell that is ours, and gives it up.
fn sit(
    study: &Study,
    cell: &Cell,
    seat: Seat,
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<CellEnd> {
    let heart = Heart::start(
        seat.held.again(),
        study.dead_after,
        Arc::clone(&options.stop),
    );
    let outcome = run(study, cell, &seat, options, &heart, watch);
    drop(heart);
    if seat.held.is_lost() {
        // The successor has a copy; what is here is nobody's.
        let _left = study.folder.disk().remove_folder(&seat.work);
        let _unheard = seat.held.end(&Ended::Stopped);
        return Ok(CellEnd::Lost);
    }
    let end = match outcome {
        Ok(end) => end,
        Err(error) => CellEnd::Failed {
            message: error.to_string(),
            hint: error.hint(),
        },
    };
    let said = match &end {
        CellEnd::Done => Ended::Done,
        CellEnd::Stopped | CellEnd::Lost => Ended::Stopped,
        CellEnd::Failed { message, hint } => Ended::Failed {
            message: message.clone(),
            hint: hint.clone(),
        },
    };
    match (seat.held.end(&said), &end) {
        // On a full disk the failure itself cannot be written down; the claim ends with the process.
        (Err(_), CellEnd::Failed { .. }) | (Ok(()), _) => Ok(end),
        (Err(error), _) => Err(error),
    }
}

fn run(
    study: &Study,
    cell: &Cell,
    seat: &Seat,
    options: &Options,
    heart: &Heart,
    watch: &mut dyn Watch,
) -> Result<CellEnd> {
    let keep = study.plan.file.keep_belts;
    if seat.work.join(DONE).is_file() {
        study.folder.finish(seat, keep)?;
        return Ok(CellEnd::Done);
    }
    let mut done = Done::new(&cell.key, cell.name(), seat.held.number);
    match &cell.work {
        Work::Take(files) => take(study, seat, files)?,
        Work::Ask(asking) => {
            if !asking::ask(study, cell, asking, seat, heart, watch)? {
                return Ok(CellEnd::Stopped);
            }
        }
        Work::Train(resolved) => {
            let mut resolved = resolved.clone();
            resolved.recipe.output = seat.work.clone();
            let run = RunOptions {
                resume: true,
                stop: Arc::clone(&heart.stop),
                faults: Arc::clone(&options.faults),
            };
            reset_peak();
            let mut listening = Listening {
                watch,
                said: &heart.said,
                trained: 0,
                steps: 0,
            };
            let base = study.contents.folder(&cell.base)?;
            match start::train(&resolved, base, &run, &mut listening)? {
                Finished::Stopped { .. } => return Ok(CellEnd::Stopped),
                Finished::Complete { belt, .. } => {
                    done.trained_parameters = listening.trained as u64;
                    done.stored_bytes = bytes(&belt)?;
                }
            }
        }
    }
    if seat.held.is_lost() {
        return Ok(CellEnd::Lost);
    }
    study.folder.publish(seat, done, keep)?;
    Ok(CellEnd::Done)
}

/// Copies answers that were made elsewhere, after reading each line of them.
fn take(study: &Study, seat: &Seat, files: &[(String, std::path::PathBuf)]) -> Result<()> {
    let folder = seat.work.join("answers");
    fs_err::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
    for (task, path) in files {
        evaluate::read(path)?;
        let bytes = fs_err::read(path).map_err(|error| Error::io(path, error))?;
        let place = folder.join(evaluate::file_name(task, Split::Test));
        study.folder.disk().replace(&place, &bytes)?;
    }
    Ok(())
}

/// Lets the system measure the largest memory anew, where it can: one process runs many cells.
fn reset_peak() {
    let _unable = fs_err::write(Path::new("/proc/self/clear_refs"), "5");
}

/// Hears how many numbers are trained and how far the run is, and passes everything on.
struct Listening<'w> {
    watch: &'w mut dyn Watch,
    said: &'w Mutex<String>,
    trained: usize,
    steps: u64,
}

impl Watch for Listening<'_> {
    fn began(&mut self, plan: &Plan) {
        self.trained = plan.trained;
        self.steps = plan.steps;
        self.watch.began(plan);
    }

    fn stepped(&mut self, step: &Stepped) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        *said = format!("step {} of {}", step.step, self.steps);
        drop(said);
        self.watch.stepped(step);
    }

    fn asking(&mut self, task: &str, split: &str, rows: usize) {
        self.watch.asking(task, split, rows);
    }

    fn measured(&mut self, step: u64, task: &str, split: &str, measures: &[(&'static str, f64)]) {
        self.watch.measured(step, task, split, measures);
    }

    fn frozen(&mut self, step: u64, task: &str) {
        self.watch.frozen(step, task);
    }

    fn saved(&mut self, step: u64) {
        self.watch.saved(step);
    }

    fn warned(&mut self, warning: &str) {
        self.watch.warned(warning);
    }

    fn ended(&mut self) {
        self.watch.ended();
    }
}

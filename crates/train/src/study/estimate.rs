//! What a study will cost, before it is begun: from its finished cells where there are some, else from
//! a few steps of each belt with all tasks. A guess, and it says how sure it is.

use std::collections::BTreeMap;
use std::time::Instant;

use indexmap::IndexMap;

use crate::error::Result;
use crate::recipe::Resolved;
use crate::run::RunOptions;
use crate::start;
use crate::study::cell::{Cell, Work};
use crate::study::folder::Standing;
use crate::study::{Study, gather};
use crate::watch::{Plan, Stepped, Watch};

/// Steps of a calibration; the first one warms up and does not count.
const STEPS: u64 = 3;
/// Rows of each split that a calibration asks.
const ROWS: usize = 64;
/// How wrong a calibration may be, by experience: evaluation is scaled up from few rows.
const CALIBRATION_SPREAD: f64 = 0.35;
/// A single finished cell says nothing of its own spread.
const LEAST_SPREAD: f64 = 0.1;

/// Where an estimate comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// So many finished cells of the same base and belt.
    Finished(usize),
    /// A few steps that were run for it.
    Calibration,
    /// Prompts that were laid out and not sent, and what reading them costs by the prices of the
    /// plan; answers come on top. How long it takes, the plan does not know.
    Prompts(u64, f64),
    /// Nothing is left to do, or nothing is known: why.
    Unknown(String),
}

/// The cells of one base and belt.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub base: String,
    pub belt: String,
    pub cells: usize,
    /// Those that are not done.
    pub left: usize,
    /// Tokens to be read in training by those that are left.
    pub tokens: f64,
    /// On this machine, one cell at a time.
    pub seconds: f64,
    /// By which share the seconds may be wrong.
    pub spread: f64,
    pub source: Source,
}

/// What is known of one base and belt.
struct Rates {
    /// Tokens of a task in a step.
    tokens: IndexMap<String, f64>,
    seconds_per_token: f64,
    /// Of a task's cell, beside learning: reading rows, validation, test.
    beside: BTreeMap<String, f64>,
    spread: f64,
    source: Source,
}

impl Study {
    /// One part for each base and belt of the plan, in its order, then one for each way to ask.
    /// `calibrate`: where no cell is finished, run a few steps.
    pub fn estimate(&self, calibrate: bool) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for base in self.plan.file.bases.keys() {
            for belt in self.plan.file.belts.keys() {
                let of_part = |cell: &&Cell| cell.base == *base && cell.belt == *belt;
                let cells: Vec<&Cell> = self.cells.iter().filter(of_part).collect();
                if !cells.is_empty() {
                    parts.push(self.part(base, belt, &cells, calibrate)?);
                }
            }
        }
        parts.extend(self.to_be_asked()?);
        Ok(parts)
    }

    fn part(&self, base: &str, belt: &str, cells: &[&Cell], calibrate: bool) -> Result<Part> {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for cell in cells {
            match self.folder.standing(&cell.key)? {
                Standing::Done(_) => done.push(*cell),
                _ => left.push(*cell),
            }
        }
        let mut part = Part {
            base: base.to_owned(),
            belt: belt.to_owned(),
            cells: cells.len(),
            left: left.len(),
            tokens: 0.0,
            seconds: 0.0,
            spread: 0.0,
            source: Source::Unknown("nothing is left to do".into()),
        };
        if left.is_empty() {
            return Ok(part);
        }
        let rates = match (self.by_finished(&done), calibrate) {
            (Some(rates), _) if left.iter().all(|cell| rates.knows(cell)) => Ok(rates),
            (_, false) => {
                part.source = Source::Unknown("no cell of it is finished".into());
                return Ok(part);
            }
            (_, true) => self.calibrated(&left),
        };
        match rates {
            Ok(rates) => {
                for cell in left {
                    let (tokens, seconds) = rates.of(cell);
                    part.tokens += tokens;
                    part.seconds += seconds;
                }
                part.spread = rates.spread;
                part.source = rates.source;
            }
            // That it cannot be guessed is no reason not to begin; what is wrong is told by its cell.
            Err(error) => part.source = Source::Unknown(error.to_string()),
        }
        Ok(part)
    }

    fn by_finished(&self, done: &[&Cell]) -> Option<Rates> {
        let mut tokens = IndexMap::new();
        let mut each = Vec::new();
        let (mut all_seconds, mut all_tokens) = (0.0, 0.0);
        for cell in done {
            let folder = self.folder.cell(&cell.key);
            let (Ok((seconds, read)), Ok(of_tasks)) = (
                gather::seconds_and_tokens(&folder),
                gather::tokens_per_step(cell, &folder),
            ) else {
                continue;
            };
            if read > 0 && steps(cell) > 1 {
                tokens.extend(of_tasks);
                each.push(seconds / read as f64);
                all_seconds += seconds;
                all_tokens += read as f64;
            }
        }
        if each.is_empty() {
            return None;
        }
        let mean = each.iter().sum::<f64>() / each.len() as f64;
        let squares = each.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
        let spread = (squares / each.len() as f64).sqrt() / mean;
        Some(Rates {
            tokens,
            seconds_per_token: all_seconds / all_tokens,
            beside: BTreeMap::new(),
            spread: spread.max(LEAST_SPREAD),
            source: Source::Finished(each.len()),
        })
    }

    /// Runs a few steps of the cells with most tasks, until every task has been seen.
    fn calibrated(&self, left: &[&Cell]) -> Result<Rates> {
        let mut cells: Vec<&&Cell> = left.iter().collect();
        cells.sort_by_key(|cell| std::cmp::Reverse(cell.tasks.len()));
        let mut rates = Rates {
            tokens: IndexMap::new(),
            seconds_per_token: 0.0,
            beside: BTreeMap::new(),
            spread: CALIBRATION_SPREAD,
            source: Source::Calibration,
        };
        let (mut seconds, mut tokens) = (0.0, 0.0);
        for cell in cells {
            if rates.knows(cell) {
                continue;
            }
            let Work::Train(resolved) = &cell.work else {
                continue;
            };
            let timed = self.few_steps(cell, resolved, &mut rates)?;
            seconds += timed.0;
            tokens += timed.1;
        }
        rates.seconds_per_token = seconds / f64::max(tokens, 1.0);
        Ok(rates)
    }

    /// Seconds and tokens of the steps that count.
    fn few_steps(&self, cell: &Cell, resolved: &Resolved, rates: &mut Rates) -> Result<(f64, f64)> {
        let scratch =
            tempfile::tempdir().map_err(|error| crate::Error::io(&std::env::temp_dir(), error))?;
        let mut short = resolved.clone();
        short.recipe.output = scratch.path().join("run");
        short.recipe.training.max_steps = Some(STEPS);
        short.recipe.training.warmup_steps = None;
        short.recipe.training.logging_steps = 1;
        short.recipe.evaluation.eval_before = false;
        short.recipe.evaluation.eval_steps = STEPS;
        for settings in short.recipe.tasks.values_mut() {
            let most = settings.max_eval_rows.unwrap_or(ROWS).min(ROWS);
            settings.max_eval_rows = Some(most);
        }
        let run = RunOptions {
            resume: false,
            stop: Default::default(),
            faults: Default::default(),
        };
        let mut timing = Timing::new();
        start::train(&short, self.contents.folder(&cell.base)?, &run, &mut timing)?;
        let folder = &short.recipe.output;
        rates.tokens.extend(gather::tokens_per_step(cell, folder)?);
        let count = cell.tasks.len() as f64;
        for (name, settings) in &resolved.recipe.tasks {
            let asked = timing.of(name);
            let evaluations = evaluations(resolved, &timing, cell.tasks.len());
            let scale = |split: &str| match settings.kind {
                // The pool is read whole however few queries are asked.
                Some(crate::recipe::TaskType::Retrieve) => 1.0,
                _ => gather::scale(folder, name, split, settings.max_eval_rows).unwrap_or(1.0),
            };
            let valid = asked.0 * scale("valid") * evaluations;
            let beside = timing.loading / count + valid + asked.1 * scale("test");
            rates.beside.insert(name.clone(), beside);
        }
        Ok((timing.seconds, timing.tokens as f64))
    }
}

/// How often validation rows are asked in the whole run.
fn evaluations(resolved: &Resolved, timing: &Timing, tasks: usize) -> f64 {
    let (training, evaluation) = (&resolved.recipe.training, &resolved.recipe.evaluation);
    let steps = training.max_steps.unwrap_or(1) as f64;
    let before = f64::from(u8::from(evaluation.eval_before));
    let every = match evaluation.eval_steps {
        0 => timing.batches as f64 / tasks.max(1) as f64,
        some => some as f64,
    };
    before + (steps / every.max(1.0)).ceil()
}

impl Rates {
    fn knows(&self, cell: &Cell) -> bool {
        cell.tasks.iter().all(|task| self.tokens.contains_key(task))
    }

    /// Tokens and seconds of a cell.
    fn of(&self, cell: &Cell) -> (f64, f64) {
        let tokens = cell.tasks.iter().filter_map(|task| self.tokens.get(task));
        let tokens = tokens.sum::<f64>() * steps(cell) as f64;
        let beside = cell.tasks.iter().filter_map(|task| self.beside.get(task));
        let beside: f64 = beside.sum();
        (tokens, tokens * self.seconds_per_token + beside)
    }
}

fn steps(cell: &Cell) -> u64 {
    let recipe = cell.recipe();
    recipe
        .and_then(|recipe| recipe.training.max_steps)
        .unwrap_or(0)
}

/// Takes the time of steps and of evaluations.
struct Timing {
    last: Instant,
    loading: f64,
    seconds: f64,
    tokens: u64,
    batches: u64,
    asked: Vec<(String, String, f64)>,
}

impl Timing {
    fn new() -> Timing {
        Timing {
            last: Instant::now(),
            loading: 0.0,
            seconds: 0.0,
            tokens: 0,
            batches: 0,
            asked: Vec::new(),
        }
    }

    /// Seconds of the validation rows and of the test rows of a task.
    fn of(&self, task: &str) -> (f64, f64) {
        let split = |wanted: &str| {
            let of_split = self
                .asked
                .iter()
                .filter(|(name, split, _)| name == task && split == wanted);
            of_split.map(|(_, _, seconds)| seconds).sum()
        };
        (split("valid"), split("test"))
    }

    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        let lap = (now - self.last).as_secs_f64();
        self.last = now;
        lap
    }
}

impl Watch for Timing {
    fn began(&mut self, plan: &Plan) {
        self.loading = self.lap();
        let batches = plan
            .tasks
            .iter()
            .map(|task| task.rows.div_ceil(task.batch_size.max(1)));
        self.batches = batches.sum::<usize>() as u64;
    }

    fn stepped(&mut self, step: &Stepped) {
        let lap = self.lap();
        if step.step > 1 {
            self.seconds += lap;
            self.tokens += step.tokens;
        }
    }

    fn asking(&mut self, _task: &str, _split: &str, _rows: usize) {
        self.lap();
    }

    fn measured(&mut self, _step: u64, task: &str, split: &str, _measures: &[(&'static str, f64)]) {
        let lap = self.lap();
        self.asked.push((task.to_owned(), split.to_owned(), lap));
    }
}

/// The whole as a few lines for a person.
pub fn text(parts: &[Part], jobs: usize) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let (mut seconds, mut spread, mut unknown) = (0.0, 0.0, 0);
    for part in parts {
        let how = match &part.source {
            Source::Finished(1) => "from 1 finished cell".to_owned(),
            Source::Finished(cells) => format!("from {cells} finished cells"),
            Source::Calibration => format!("from {} steps just run", STEPS - 1),
            Source::Prompts(prompts, price) if *price > 0.0 => {
                format!("{prompts} prompts, {price:.4} to read them, answers on top")
            }
            Source::Prompts(prompts, _) => format!("{prompts} prompts"),
            Source::Unknown(why) => why.clone(),
        };
        let known = part.seconds > 0.0;
        let cost = match known {
            false if part.tokens > 0.0 => {
                format!(", {:.2} million tokens to be read", part.tokens * 1e-6)
            }
            true => format!(
                ", {:.2} million tokens, {} (give or take {:.0}%)",
                part.tokens * 1e-6,
                clock(part.seconds),
                100.0 * part.spread
            ),
            false => String::new(),
        };
        if !known {
            unknown += part.left;
        }
        seconds += part.seconds;
        spread += part.seconds * part.spread;
        let of = format!("{} {}", part.base, part.belt);
        let _infallible = writeln!(
            text,
            "{}: {} cells, {} left{cost}; {how}",
            of.trim(),
            part.cells,
            part.left
        );
    }
    let left: usize = parts.iter().map(|part| part.left).sum();
    let apart = match unknown {
        0 => String::new(),
        cells => format!(", and {cells} cells that take nobody knows how long"),
    };
    if left > 0 {
        let at_once = match jobs {
            0 | 1 => "one cell at a time on this machine".to_owned(),
            // Cells share the cores: doing several at once fills gaps and gains little more.
            jobs => {
                format!("on this machine; {jobs} at once share its cores and gain less than that")
            }
        };
        let _infallible = writeln!(
            text,
            "{left} cells left, about {} to {}{apart} ({at_once})",
            clock(seconds - spread),
            clock(seconds + spread)
        );
    }
    text
}

/// `1 h 02 min`, `3 min 20 s`, `12.5 s`.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

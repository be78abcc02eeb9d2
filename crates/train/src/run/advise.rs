//! Looks for the adviser, every so many steps: how the tasks' gradients agree, and what a step on one
//! does to the others. Whether looks are made cannot be seen in the belt: they draw rows from streams
//! of their own and give the belt back as it was.

use std::collections::BTreeSet;
use std::path::Path;

use skillbelt_engine::Grads;
use skillbelt_engine::random::Stream;

use super::Workshop;
use super::probe::some_of;
use super::step::Run;
use crate::advise::line::{FILE, Line, Tasks};
use crate::advise::look::{ROWS, Source, look};
use crate::advise::survey;
use crate::disk::{Disk, Growing};
use crate::error::{Error, Result};
use crate::recipe::Training;
use crate::task::Set;

/// What a run needs for its looks.
pub(super) struct Adviser {
    every: u64,
    rate: f64,
    /// By task: the rows whose loss is asked, the same in every look.
    held: Vec<Set>,
    lines: Growing,
}

impl Adviser {
    /// Opens the file behind what is known to be good, and begins a new one with what the tasks are.
    pub(super) fn open(
        workshop: &Workshop<'_>,
        training: &Training,
        every: u64,
        (disk, folder, length): (&Disk, &Path, u64),
    ) -> Result<Adviser> {
        let (mut held, mut facts) = (Vec::new(), Vec::new());
        for task in &workshop.tasks {
            let valid = task.valid.as_ref().filter(|set| !set.items.is_empty());
            let from = valid.unwrap_or(&task.train);
            let rows = some_of(
                from,
                training.seed,
                &format!("advice of {}", task.name),
                ROWS,
            )?;
            facts.push(survey(task, rows.items.len(), valid.is_some()));
            held.push(rows);
        }
        let mut adviser = Adviser {
            every: every.max(1),
            rate: training.learning_rate,
            held,
            lines: Growing::open(disk, &folder.join(FILE), length)?,
        };
        if length == 0 {
            adviser.write(&Line::Tasks(Tasks {
                seed: training.seed,
                every: adviser.every,
                rate: adviser.rate,
                tasks: facts,
            }))?;
        }
        Ok(adviser)
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(Error::told)?;
        text.push(b'\n');
        self.lines.append(&text)
    }

    /// Flushes the file; the length that is now safe.
    pub(super) fn sync(&mut self) -> Result<u64> {
        self.lines.sync()
    }
}

impl Run<'_> {
    /// Looks, if it is time, and writes down what was seen.
    pub(super) fn advise(&mut self) -> Result<()> {
        let Some(adviser) = &self.adviser else {
            return Ok(());
        };
        if !self.step.is_multiple_of(adviser.every) {
            return Ok(());
        }
        let source = Rows {
            run: self,
            held: &adviser.held,
        };
        let seen = look(
            self.step,
            &self.belt,
            adviser.held.len(),
            adviser.rate,
            &source,
        )?;
        match &mut self.adviser {
            Some(adviser) => adviser.write(&Line::Look(seen)),
            None => Ok(()),
        }
    }
}

/// The rows of a look: training rows drawn anew for each, and the held ones.
struct Rows<'a, 'r> {
    run: &'a Run<'r>,
    held: &'a [Set],
}

impl Source for Rows<'_, '_> {
    fn learn(&self, task: usize, grads: &mut Grads) -> Result<()> {
        let prepared = &self.run.workshop.tasks[task];
        let rows = drawn(
            Stream::new(
                self.run.training.seed,
                self.run.step,
                &format!("advice on {}", prepared.name),
            ),
            prepared.train.items.len(),
        );
        let stage = self.run.stage(task, self.run.step);
        let set = &prepared.train;
        prepared.objective.learn(&stage, set, &rows, 1.0, grads)?;
        Ok(())
    }

    fn loss(&self, task: usize) -> Result<f64> {
        let objective = &self.run.workshop.tasks[task].objective;
        Ok(objective
            .loss(&self.run.stage(task, 0), &self.held[task])?
            .loss)
    }
}

/// Places of a few rows, each once.
fn drawn(stream: Stream, count: usize) -> Vec<usize> {
    let wanted = ROWS.min(count);
    let mut places = BTreeSet::new();
    let mut bits = (0u64..).map(|index| stream.bits(index));
    while places.len() < wanted {
        let Some(bits) = bits.next() else { break };
        places.insert(((u128::from(bits) * count as u128) >> 64) as usize);
    }
    places.into_iter().collect()
}

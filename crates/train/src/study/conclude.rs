//! From a study's folder to its results: every cell is looked at, its answers are measured, the tables
//! are made, and the file is written. What is missing is shown as missing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use indexmap::IndexMap;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::{self, Draws};
use crate::recipe::BeltKind;
use crate::study::cell::Cell;
use crate::study::folder::Standing;
use crate::study::foreseen::Trying;
use crate::study::results::{self, CellState, FORMAT, Facts, Outcome, Results, State, Tables};
use crate::study::sample::{self, Rows};
use crate::study::tables::{Placed, Tabling};
use crate::study::{NUMBERS, Study, gather, grouping, page};

/// What results are called in a study's folder.
pub const RESULTS: &str = "results.json";
/// Of the draws; with it they come again.
pub(super) const SEED: u64 = 0;
pub(super) const INSIDE: f64 = 0.95;

/// Where results were written.
pub struct Written {
    pub results: PathBuf,
    pub page: PathBuf,
}

impl Study {
    /// What was found so far.
    pub fn results(&mut self) -> Result<Results> {
        let tasks = self.task_facts();
        let mut concluding = Concluding {
            study: self,
            measures: tasks
                .iter()
                .map(|task| (task.name.clone(), task.measure.clone()))
                .collect(),
            rows: IndexMap::new(),
            samples: Vec::new(),
            warnings: Vec::new(),
        };
        let mut cells = Vec::with_capacity(concluding.study.cells.len());
        for cell in &concluding.study.cells.clone() {
            cells.push(concluding.cell(cell)?);
        }
        let Concluding {
            rows,
            samples,
            mut warnings,
            ..
        } = concluding;
        warnings.extend(odd_machines(&cells));
        if self.plan.file.seeds.len() == 1 {
            warnings.push(
                "one seed: intervals are over test rows alone and say nothing of other seeds"
                    .into(),
            );
        }
        let mut facts = self.facts(tasks)?;
        for task in &mut facts.tasks {
            task.test_examples = rows.get(&task.name).map(|rows| rows.count() as u64);
        }
        let mut tables = self.tables(&facts, &samples, &cells);
        let trying = Trying {
            folder: &self.folder,
            facts: &facts,
            cells: &cells,
            tables: &tables,
            draws: self.draws(),
        };
        let (foreseen, unread) = trying.foreseen();
        tables.foreseen = foreseen;
        warnings.extend(unread);
        Ok(Results {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            numbers: NUMBERS,
            study: facts,
            state: state(&cells),
            warnings,
            cells,
            tables,
        })
    }

    /// Writes results, and the page that shows them, beside the cells. Several processes may do so at
    /// once; the last one stays.
    pub fn write(&self, results: &Results) -> Result<Written> {
        let mut text = serde_json::to_vec_pretty(results).map_err(Error::told)?;
        text.push(b'\n');
        Ok(Written {
            results: self.publish(RESULTS, &text)?,
            page: self.publish(page::PAGE, page::page(results)?.as_bytes())?,
        })
    }

    fn publish(&self, name: &str, text: &[u8]) -> Result<PathBuf> {
        let root = self.folder.root();
        let aside = root.join(format!("{name}.{}", std::process::id()));
        let place = root.join(name);
        let disk = self.folder.disk();
        disk.replace(&aside, text)?;
        disk.rename(&aside, &place)?;
        disk.sync_folder(root)?;
        Ok(place)
    }

    fn tables(&self, facts: &Facts, samples: &[Placed], cells: &[results::Cell]) -> Tables {
        let tasks: Vec<String> = self.plan.file.tasks.keys().cloned().collect();
        let belts = self.plan.file.belts.iter();
        let full = belts.filter(|(_, belt)| belt.settings.kind == BeltKind::Full);
        let full: Vec<String> = full.map(|(name, _)| name.clone()).collect();
        let rises = facts
            .tasks
            .iter()
            .map(|task| (task.name.clone(), task.rises));
        let tabling = Tabling {
            samples,
            tasks: &tasks,
            full: &full,
            random: &self.random(),
            draws: self.draws(),
        };
        Tables {
            means: tabling.means(),
            multi_minus_single: tabling.multi_minus_single(),
            belt_minus_full: tabling.belt_minus_full(),
            pairs: tabling.pairs(),
            leave_one_out: tabling.leave_one_out(),
            trained_minus_untrained: tabling.trained_minus_untrained(),
            belt_minus_prompted: tabling.belt_minus_prompted(),
            pretrained_minus_random: tabling.pretrained_minus_random(),
            groupings: grouping::groupings(&tabling, &rises.collect(), cells),
            foreseen: Vec::new(),
        }
    }

    /// Bases with those that have their shape and random weights: the same folder or hub name.
    fn random(&self) -> Vec<(String, String)> {
        let bases = &self.plan.file.bases;
        let (random, trained): (Vec<_>, Vec<_>) =
            bases.iter().partition(|(_, base)| base.is_random());
        let pairs = trained.iter().flat_map(|(name, base)| {
            let same = random.iter().filter(|(_, other)| other.name == base.name);
            same.map(|(other, _)| ((*name).clone(), (*other).clone()))
        });
        pairs.collect()
    }

    fn draws(&self) -> Draws {
        Draws {
            seed: SEED,
            count: self.plan.file.draws,
        }
    }
}

/// What has been read so far.
struct Concluding<'c> {
    study: &'c Study,
    measures: IndexMap<String, String>,
    rows: IndexMap<String, Rows>,
    samples: Vec<Placed>,
    warnings: Vec<String>,
}

impl Concluding<'_> {
    fn cell(&mut self, cell: &Cell) -> Result<results::Cell> {
        let mut shown = results::Cell {
            key: cell.key.clone(),
            name: cell.name(),
            base: cell.base.clone(),
            belt: cell.belt.clone(),
            arms: cell.arms.iter().map(|arm| arm.name().to_owned()).collect(),
            tasks: cell.tasks.clone(),
            seed: cell.seed,
            state: CellState::Waiting,
            message: None,
            outcome: None,
        };
        (shown.state, shown.message) = match self.study.folder.standing(&cell.key)? {
            Standing::Waiting => (CellState::Waiting, None),
            Standing::Running(who) => (CellState::Running, Some(who)),
            Standing::Failed(message, _) => (CellState::Failed, Some(message)),
            Standing::Damaged(message) => (CellState::Damaged, Some(message)),
            Standing::Done(done) => {
                let folder = self.study.folder.cell(&cell.key);
                let outcome = gather::outcome(&self.study.plan, cell, &done, &folder)
                    .and_then(|outcome| self.measured(cell, &folder, outcome));
                match outcome {
                    Ok(outcome) => {
                        shown.outcome = Some(outcome);
                        (CellState::Done, None)
                    }
                    Err(error) => (CellState::Damaged, Some(error.to_string())),
                }
            }
        };
        Ok(shown)
    }

    /// Adds what the answers to the test rows say.
    fn measured(
        &mut self,
        cell: &Cell,
        folder: &std::path::Path,
        mut outcome: Outcome,
    ) -> Result<Outcome> {
        let mut samples = Vec::new();
        for (task, shown) in &mut outcome.tasks {
            let path = folder
                .join("answers")
                .join(evaluate::file_name(task, Split::Test));
            let examples = evaluate::read(&path)?;
            let measure = self.measures.get(task).cloned().unwrap_or_default();
            if !self.rows.contains_key(task) {
                self.rows
                    .insert(task.clone(), Rows::new(&cell.name(), &examples));
            }
            let draws = Draws {
                // Rows of different tasks are drawn apart from each other.
                seed: seed_of(task),
                count: self.study.plan.file.draws,
            };
            let (measured, sample) = sample::measure(
                &self.rows[task],
                &cell.name(),
                task,
                &examples,
                &measure,
                &draws,
            )?;
            shown.test = Some(measured);
            match sample {
                Some(sample) => samples.push(Placed {
                    cell: cell.key.clone(),
                    base: cell.base.clone(),
                    belt: cell.belt.clone(),
                    arms: cell.arms.clone(),
                    tasks: cell.tasks.clone(),
                    seed: cell.seed,
                    task: task.clone(),
                    sample,
                }),
                None => self.warnings.push(format!(
                    "`{}`: the measure `{measure}` has no value on the test rows of `{task}`",
                    cell.name()
                )),
            }
        }
        self.samples.append(&mut samples);
        Ok(outcome)
    }
}

/// A seed for the draws of a task's rows.
fn seed_of(task: &str) -> u64 {
    let hash = blake3::hash(task.as_bytes());
    let bytes = hash.as_bytes().first_chunk::<8>();
    SEED ^ u64::from_le_bytes(bytes.copied().unwrap_or_default())
}

fn state(cells: &[results::Cell]) -> State {
    let count = |state: CellState| cells.iter().filter(|cell| cell.state == state).count() as u64;
    State {
        cells: cells.len() as u64,
        done: count(CellState::Done),
        running: count(CellState::Running),
        waiting: count(CellState::Waiting),
        failed: count(CellState::Failed),
        damaged: count(CellState::Damaged),
    }
}

/// Other instructions round otherwise: differences of cells are then a little of that, too.
fn odd_machines(cells: &[results::Cell]) -> Option<String> {
    let kernels: BTreeSet<&str> = cells
        .iter()
        .filter_map(|cell| cell.outcome.as_ref()?.machine.get("kernel")?.as_str())
        .collect();
    let shown: Vec<&str> = kernels.iter().copied().collect();
    (kernels.len() > 1).then(|| {
        format!(
            "cells were run with different instruction sets ({}), which round differently",
            shown.join(", ")
        )
    })
}

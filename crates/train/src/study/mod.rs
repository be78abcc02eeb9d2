//! Studies: plans over arms, belts, bases and seeds; cells that are run once, by whoever comes; and
//! what was found, in one file.
//!
//! Read in this order: `plan.rs`, `cell.rs`, `claim.rs`, `folder.rs`, `work.rs`, `results.rs`. It
//! trains nothing itself: a cell is a run like any other.

mod asking;
pub mod cell;
pub mod claim;
pub mod compare;
mod conclude;
mod content;
pub mod estimate;
mod facts;
pub mod folder;
mod foreseen;
mod gather;
mod grouping;
mod heart;
pub mod owner;
pub mod page;
pub mod plan;
mod prices;
mod prompted;
pub mod read;
pub mod results;
pub mod sample;
pub mod slurm;
mod tables;
mod trial;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::disk::faults::Faults;
use crate::error::Result;
use crate::recipe::Problem;
use crate::recipe::check::{check, check_prompting};
use crate::start::{self, RowsOf};
use cell::{Cell, Work};
use content::Contents;
use folder::StudyFolder;
use plan::Plan;

pub use conclude::{RESULTS, Written};
pub use read::read;

/// To be raised whenever the program computes other numbers from the same recipe and data: cells
/// that were run before are then other cells.
pub const NUMBERS: u32 = 1;

/// A plan with its cells and the folder where they are run.
pub struct Study {
    pub plan: Plan,
    /// In the order of the plan.
    pub cells: Vec<Cell>,
    pub folder: StudyFolder,
    contents: Contents,
    dead_after: Duration,
}

impl Study {
    /// Makes the cells of a plan, whose bases are in these folders. Nothing is written yet. Claims without a heartbeat for
    /// `dead_after` may be taken over.
    pub fn open(
        plan: Plan,
        bases: IndexMap<String, PathBuf>,
        root: &Path,
        dead_after: Duration,
        faults: Arc<Faults>,
    ) -> Result<Study> {
        let random = plan.file.bases.iter().filter(|(_, base)| base.is_random());
        let random = random.map(|(name, _)| name.clone()).collect();
        let mut contents = Contents::new(bases, random);
        let cells = cell::cells(&plan, &mut contents)?;
        Ok(Study {
            folder: StudyFolder::new(root, dead_after, faults),
            plan,
            cells,
            contents,
            dead_after,
        })
    }
}

impl Study {
    /// What does not fit together in the recipes of the cells, each problem once.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.odd_rows();
        for cell in &self.cells {
            let found = match &cell.work {
                Work::Train(resolved) => {
                    let mut resolved = resolved.clone();
                    resolved.recipe.output = self.folder.cell(&cell.key).join("unmade");
                    check(&resolved)
                }
                Work::Ask(asking) => check_prompting(&asking.resolved),
                Work::Take(_) => Vec::new(),
            };
            for problem in found {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
    }

    /// Limits on rows that would draw other test rows for each seed, which cannot be compared.
    fn odd_rows(&self) -> Vec<Problem> {
        let file = &self.plan.file;
        let limited = file
            .tasks
            .iter()
            .filter(|(_, task)| file.seeds.len() > 1 && task.max_eval_rows.is_some());
        let problem = |(name, _): (&String, &_)| {
            let path = ["tasks", name, "max_eval_rows"];
            let given = self.plan.given.at(&path).unwrap_or(&self.plan.given);
            let message = "draws other test rows for each seed where there are more of them";
            Problem::new(given.origin.clone(), path.join("."), message)
                .hint("cut the file of test rows instead")
                .warning()
        };
        limited.map(problem).collect()
    }

    /// Reads every row of every split of every task as training would, on the first base.
    pub fn check_rows(&self) -> Result<Vec<RowsOf>> {
        let mut seen: Vec<&String> = Vec::new();
        let mut rows = Vec::new();
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_by_key(|cell| std::cmp::Reverse(cell.tasks.len()));
        for cell in cells {
            let Work::Train(resolved) = &cell.work else {
                continue;
            };
            let mut recipe = resolved.recipe.clone();
            recipe.tasks.retain(|name, _| !seen.contains(&name));
            if !recipe.tasks.is_empty() {
                let folder = self.contents.folder(&cell.base)?;
                rows.extend(start::check_rows(&recipe, folder)?);
                seen.extend(&cell.tasks);
            }
        }
        Ok(rows)
    }
}

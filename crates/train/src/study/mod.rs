//! Studies: plans over arms, belts, bases and seeds; cells that are run once, by whoever comes; and
//! what was found, in one file.
//!
//! Read in this order: `plan.rs`, `cell.rs`, `claim.rs`, `folder.rs`, `work.rs`, `results.rs`. It
//! trains nothing itself: a cell is a run like any other.

pub mod cell;
pub mod claim;
pub mod compare;
mod conclude;
mod content;
pub mod estimate;
pub mod folder;
mod gather;
mod grouping;
mod heart;
pub mod owner;
pub mod page;
pub mod plan;
pub mod read;
pub mod results;
pub mod sample;
pub mod slurm;
mod tables;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::disk::faults::Faults;
use crate::error::Result;
use crate::recipe::Problem;
use crate::recipe::check::check;
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
        let mut contents = Contents::new(bases);
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
        let mut problems: Vec<Problem> = Vec::new();
        for cell in &self.cells {
            let Work::Train(resolved) = &cell.work else {
                continue;
            };
            let mut resolved = resolved.clone();
            resolved.recipe.output = self.folder.cell(&cell.key).join("unmade");
            for problem in check(&resolved) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
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

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
pub mod folder;
mod gather;
mod grouping;
mod heart;
pub mod owner;
pub mod plan;
pub mod read;
pub mod results;
pub mod sample;
mod tables;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use crate::disk::faults::Faults;
use crate::error::Result;
use cell::Cell;
use content::Contents;
use folder::StudyFolder;
use plan::Plan;

pub use conclude::RESULTS;
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
    /// Makes the cells of a plan, whose bases are in these folders. Claims without a heartbeat for
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
            folder: StudyFolder::open(root, dead_after, faults)?,
            plan,
            cells,
            contents,
            dead_after,
        })
    }
}

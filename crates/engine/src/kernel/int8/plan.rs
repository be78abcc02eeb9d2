//! How a product is cut into tasks, and what a task works in.
//!
//! It decides nothing that a result could depend on.

use std::cell::Cell;
use std::ops::Range;

use rayon::prelude::*;

use super::super::Isa;
use super::{Line, PANEL, Sums, tile_rows};

/// Bytes of weights that a task goes through for every tile of rows: half of a usual second-level
/// cache or less, so that they stay there.
const GROUP_BYTES: usize = 768 * 1024;

/// Products smaller than this (rows times outputs times depth) are not worth a second thread.
const SERIAL: usize = 1 << 20;

/// The kernel to use for so many rows, one that this machine has: tiles pay only when there are rows
/// to fill them.
pub(crate) fn kernel_for(isa: Isa, rows: usize) -> Isa {
    match isa.or_portable() {
        Isa::Amx if rows <= 4 => Isa::Avx512,
        isa => isa,
    }
}

/// A cut of rows by panels into tasks, as even as whole tiles and panels allow.
pub(crate) struct Plan {
    rows: usize,
    panels: usize,
    /// Rows of a tile.
    tile: usize,
    /// Parts that the rows are cut into.
    parts: usize,
    /// Groups that the panels are cut into.
    groups: usize,
}

impl Plan {
    /// `fewest` rows are worth a task of their own: few where panels are at hand, more where each
    /// task has the cost of making its panels.
    pub(crate) fn new(
        isa: Isa,
        (rows, panels, depth): (usize, usize, usize),
        fewest: usize,
    ) -> Plan {
        let threads = rayon::current_num_threads();
        let tiles = rows.div_ceil(tile_rows(isa)).max(1);
        let wanted = if rows * panels * PANEL * depth <= SERIAL {
            1
        } else {
            4 * threads
        };
        let splits = (rows / fewest).clamp(1, tiles);
        let cached = (GROUP_BYTES / (depth * PANEL).max(1)).max(1);
        let groups = panels.div_ceil(cached).max(wanted.div_ceil(splits));
        let groups = groups.clamp(1, panels.max(1));
        // Where panels are too few to keep all threads busy, even costly splits pay.
        let parts = wanted.div_ceil(groups).min(splits);
        let parts = parts.max(threads.min(wanted).div_ceil(groups).min(tiles));
        Plan {
            rows,
            panels,
            tile: tile_rows(isa),
            parts,
            groups,
        }
    }

    pub(crate) fn tasks(&self) -> usize {
        if self.rows == 0 {
            0
        } else {
            self.parts * self.groups
        }
    }

    /// Rows and panels of a task. Tasks that follow one another share panels.
    pub(crate) fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let tiles = self.rows.div_ceil(self.tile);
        let row = |part: usize| (part * tiles / self.parts * self.tile).min(self.rows);
        let panel = |group: usize| group * self.panels / self.groups;
        let (part, group) = (task % self.parts, task / self.parts);
        (row(part)..row(part + 1), panel(group)..panel(group + 1))
    }
}

/// Memory that a thread keeps from one product to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    pub turned: Vec<Line>,
    pub sums: Vec<Sums>,
}

/// Runs every task of a plan, each with the memory of the thread that it runs on.
pub(crate) fn each_task(
    plan: &Plan,
    task: impl Fn(&mut Scratch, (Range<usize>, Range<usize>)) + Sync,
) {
    thread_local! {
        static SCRATCH: Cell<Scratch> = Cell::default();
    }
    let run = |i: usize| {
        let mut scratch = SCRATCH.take();
        task(&mut scratch, plan.task(i));
        SCRATCH.set(scratch);
    };
    match plan.tasks() {
        0 => {}
        1 => run(0),
        tasks => (0..tasks).into_par_iter().with_max_len(1).for_each(run),
    }
}

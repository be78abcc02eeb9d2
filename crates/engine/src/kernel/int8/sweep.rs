//! The walk over a product: how it is cut into tasks, and in which order a task meets its tiles.
//!
//! It decides nothing that a result could depend on.

use std::ops::Range;

use super::super::{Isa, quantise::Quantised};
use super::finish::Finish;
use super::{Left, PANEL, Panel, ROW_STEP, Sums, multiply, tile_rows};

/// Bytes of weights that a task goes through for every tile of rows: half of a usual second-level
/// cache or less, so that they stay there.
pub(crate) const GROUP_BYTES: usize = 768 * 1024;

/// Products smaller than this (rows times outputs times depth) are not worth a second thread.
const SERIAL: usize = 1 << 20;

/// The kernel to use for so many rows: tiles pay only when there are rows to fill them.
pub(crate) fn kernel_for(isa: Isa, rows: usize) -> Isa {
    if isa == Isa::Amx && rows <= 4 {
        Isa::Avx512
    } else {
        isa
    }
}

/// A cut of rows by panels into tasks.
pub(crate) struct Plan {
    rows: usize,
    panels: usize,
    rows_each: usize,
    panels_each: usize,
}

impl Plan {
    /// `shared_panels` says that rows may be split freely; otherwise each task has the cost of
    /// making its panels, and rows are split only when panels alone do not keep all threads busy.
    pub(crate) fn new(
        isa: Isa,
        (rows, panels, depth): (usize, usize, usize),
        shared_panels: bool,
    ) -> Plan {
        let threads = rayon::current_num_threads();
        let tiles = rows.div_ceil(tile_rows(isa)).max(1);
        let wanted = if rows * panels * PANEL * depth <= SERIAL {
            1
        } else {
            4 * threads
        };
        let free_tiles = if shared_panels { tiles } else { 1 };
        let cached = (GROUP_BYTES / (depth * PANEL).max(1)).max(1);
        let groups = panels.div_ceil(cached);
        let groups = groups
            .max(wanted.div_ceil(free_tiles))
            .clamp(1, panels.max(1));
        let panels_each = panels.div_ceil(groups).max(1);
        let groups = panels.div_ceil(panels_each).max(1);
        let parts = if shared_panels {
            wanted.div_ceil(groups)
        } else {
            threads.min(wanted).div_ceil(groups)
        };
        Plan {
            rows,
            panels,
            rows_each: tiles.div_ceil(parts.min(tiles)) * tile_rows(isa),
            panels_each,
        }
    }

    pub(crate) fn tasks(&self) -> usize {
        self.rows.div_ceil(self.rows_each) * self.panels.div_ceil(self.panels_each)
    }

    /// Rows and panels of a task. Tasks that follow one another share panels.
    pub(crate) fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let parts = self.rows.div_ceil(self.rows_each);
        let row = task % parts * self.rows_each;
        let panel = task / parts * self.panels_each;
        (
            row..self.rows.min(row + self.rows_each),
            panel..self.panels.min(panel + self.panels_each),
        )
    }
}

/// What a sweep does with the sums.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// They start here and end here: nothing is kept.
    Whole { first: bool },
    /// They are kept for the next stretch of depth.
    Kept { begins: bool },
    /// They are added to those that are kept, and end here.
    Last { first: bool },
}

/// Multiplies `rows` of `left`, from column `depth` on, with `panels`, tile after tile of rows, all
/// panels for each.
///
/// # Safety
/// No one else reads or writes these rows and panels of the result at the same time.
pub(crate) unsafe fn sweep<'a>(
    isa: Isa,
    (left, depth): (&Quantised, usize),
    (rows, panels): (Range<usize>, Range<usize>),
    panel: impl Fn(usize) -> Panel<'a>,
    (sums, stage): (&mut Vec<Sums>, Stage),
    finish: &Finish<'_>,
) {
    #[cfg(target_arch = "x86_64")]
    let _tiles = super::amx::Tiles::hold(isa);
    let step = tile_rows(isa);
    let pace = if isa == Isa::Amx { ROW_STEP } else { step };
    let kept = !matches!(stage, Stage::Whole { .. });
    let needed = if kept {
        rows.len().div_ceil(step) * panels.len()
    } else {
        1
    };
    if sums.len() < needed * pace {
        sums.resize(needed * pace, Sums::ZERO);
    }
    for (tile, row) in rows.clone().step_by(step).enumerate() {
        let count = step.min(rows.end - row);
        let left = Left {
            bytes: &left.bytes()[row * left.stride() + depth..],
            stride: left.stride(),
        };
        for p in panels.clone() {
            let at = if kept {
                tile * panels.len() + p - panels.start
            } else {
                0
            };
            let sums = &mut sums[at * pace..][..pace];
            let more = matches!(stage, Stage::Kept { begins: false } | Stage::Last { .. });
            if !matches!(stage, Stage::Kept { .. }) {
                finish.announce(count, (row, p * PANEL));
            }
            multiply(isa, (left, count), panel(p), sums, more);
            if let Stage::Whole { first } | Stage::Last { first } = stage {
                // SAFETY: the caller's promise.
                unsafe { finish.tile(isa, &sums[..count], (row, p * PANEL), first) };
            }
        }
    }
}

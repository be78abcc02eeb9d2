//! How a product is cut into tasks. It sees sizes only; no choice made here changes a bit of a result.

use std::ops::Range;

use crate::kernel::tile::tile_rows;
use crate::kernel::{Isa, PANEL};
use crate::panel::Panels;

/// Most panels of a task.
pub(super) const GROUP: usize = 8;
/// Rows of a task, where they are cut at all, and twice as many where each task makes its panels:
/// with fewer, that would show. (In a product of short depth an idle thread shows more.)
const ROWS: usize = 256;
/// Panels of a task, where rows need not be cut: with fewer, copying or fetching rows would show.
const WIDE: usize = 7;
/// Tasks per thread, where there is enough to do.
const TASKS: usize = 4;
/// Most panels of a task of a product of parts.
const PARTED_GROUP: usize = 8;
/// Up to so many rows, a task of a product of parts has nothing to gain from many panels.
const PARTED_FEW: usize = 16;
/// Products of fewer multiplications than this stay on one thread.
const SMALL: usize = 64 * 1024;

/// How a result is cut into tasks: a grid of row blocks and groups of panels.
pub(super) struct Cut {
    rows: usize,
    panels: usize,
    blocks: usize,
    groups: usize,
}

impl Cut {
    pub(super) fn new(isa: Isa, rows: usize, source: &impl Panels) -> Cut {
        let (panels, depth) = (source.columns().div_ceil(PANEL), source.depth());
        let short = depth <= ROWS;
        let least = if source.stored() || short {
            ROWS
        } else {
            2 * ROWS
        };
        let threads = rayon::current_num_threads();
        let mut groups = panels.div_ceil(GROUP);
        let mut blocks = 1;
        if threads > 1 && rows * panels * PANEL * depth >= SMALL {
            let wanted = TASKS * threads;
            if rows > tile_rows(isa) {
                blocks = rows.div_ceil(least).min(wanted.div_ceil(groups));
                groups = groups.max(wanted.div_ceil(blocks).min(panels.div_ceil(WIDE)));
                if blocks * groups < 2 * threads {
                    blocks = (2 * threads)
                        .div_ceil(groups)
                        .min(rows.div_ceil(tile_rows(isa)));
                }
            } else {
                groups = groups.max(wanted);
            }
            // Tasks of equal size leave no thread waiting only if their number is a multiple.
            if !(groups * blocks).is_multiple_of(threads) {
                groups = groups.next_multiple_of(threads);
            }
            groups = groups.min(panels);
        }
        Cut {
            rows,
            panels,
            blocks,
            groups,
        }
    }

    /// The same for a product of parts: blocks of rows high enough, and groups of panels wide enough,
    /// that cutting the other operand into parts does not show.
    pub(super) fn parted(rows: usize, source: &impl Panels) -> Cut {
        let panels = source.columns().div_ceil(PANEL);
        let threads = rayon::current_num_threads();
        let (mut groups, mut blocks) = (1, 1);
        if threads > 1 && rows * panels * PANEL * source.depth() >= SMALL {
            let wanted = TASKS * threads;
            groups = panels.div_ceil(PARTED_GROUP);
            blocks = wanted.div_ceil(groups).min(rows.div_ceil(2 * ROWS));
            groups = groups.max(wanted.div_ceil(blocks).min(panels.div_ceil(WIDE)));
            if blocks * groups < threads {
                groups = threads.min(panels);
            }
            if !(groups * blocks).is_multiple_of(threads) {
                groups = groups.next_multiple_of(threads);
            }
            if rows <= PARTED_FEW {
                groups = groups.max(wanted);
            }
            groups = groups.min(panels);
        }
        Cut {
            rows,
            panels,
            blocks,
            groups,
        }
    }

    pub(super) fn tasks(&self) -> usize {
        self.blocks * self.groups
    }

    /// Rows and panels of a task.
    pub(super) fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let share = |len: usize, parts: usize, i: usize| len * i / parts..len * (i + 1) / parts;
        let (block, group) = (task / self.groups, task % self.groups);
        let rows = share(self.rows, self.blocks, block);
        (rows, share(self.panels, self.groups, group))
    }
}

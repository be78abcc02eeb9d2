//! The loops of a product: chunks of the depth, panels in scratch memory, tiles of rows over them.
//!
//! It knows nothing of where panels come from.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::Epilogue;
use super::cut::{Cut, GROUP};
use crate::kernel::aligned::Aligned;
use crate::kernel::multiply::{Left, Write, assert_reach};
use crate::kernel::tile::{Tile, tile_rows, tiles};
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL};
use crate::panel::Panels;

/// Steps of the depth taken at a time where there are many rows: with `GROUP` panels a megabyte of
/// right operand, which stays in a core's second cache while all rows pass by.
const STEPS: usize = 1024;
/// The same where one tile holds all rows: what has just been decoded is still in the first cache.
const FEW_STEPS: usize = 128;
/// The same where rows of the left operand lie across its storage: all tiles read the same pages.
const ACROSS_STEPS: usize = 256;
/// Numbers from one step to the next in a copied tile of the left operand.
const STRIP: usize = 16;

/// One product, its result behind a pointer that tasks share because they write disjoint parts.
pub(super) struct Product<'a, P> {
    pub isa: Isa,
    pub panels: &'a P,
    pub left: Left<'a>,
    pub result: *mut f32,
    /// Numbers from one row of the result to the next.
    pub row: usize,
    pub epilogue: Epilogue<'a>,
    /// As [`super::rough`]; asked once, so that all tasks of a product do the same.
    #[cfg(target_arch = "x86_64")]
    pub rough: bool,
}

// SAFETY: the pointer is used by tasks for rows and columns of their own only (see `drive`).
unsafe impl<P: Sync> Sync for Product<'_, P> {}

/// Checks the operands, cuts the result into tasks and runs them.
pub(super) fn drive<P: Panels>(
    isa: Isa,
    panels: &P,
    rows: usize,
    left: Left<'_>,
    (result, row): (&mut [f32], usize),
    epilogue: Epilogue<'_>,
) {
    let (depth, columns) = (panels.depth(), panels.columns());
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(isa.is_available(), "this machine has no {}", isa.name());
    assert!(rows == 1 || row >= columns, "rows of the result overlap");
    assert_reach(result.len(), (rows, row), (columns, 1));
    assert_reach(left.data.len(), (rows, left.row), (depth, left.col));
    assert!(epilogue.bias.is_none_or(|bias| bias.len() == columns));
    assert!(epilogue.residual.is_none_or(|r| r.len() == rows * columns));
    let product = Product {
        isa,
        panels,
        left,
        result: result.as_mut_ptr(),
        row,
        epilogue,
        #[cfg(target_arch = "x86_64")]
        rough: super::is_rough(),
    };
    let parted = is_parted(isa, depth, columns);
    let cut = if parted {
        Cut::parted(rows, panels)
    } else {
        Cut::new(isa, rows, panels)
    };
    let run = |task: usize| {
        let (rows, panels) = cut.task(task);
        SCRATCH.with_borrow_mut(|scratch| {
            #[cfg(target_arch = "x86_64")]
            if parted {
                // SAFETY: as below, and `is_parted` asked the machine and the depth.
                return unsafe { product.parted(rows, panels, scratch) };
            }
            // SAFETY: tasks are pairs of disjoint ranges of rows and of panels, all inside the result.
            unsafe { product.task(rows, panels, scratch) }
        });
    };
    if cut.tasks() == 1 {
        run(0);
    } else {
        (0..cut.tasks())
            .into_par_iter()
            .with_max_len(1)
            .for_each(run);
    }
}

/// Whether a product is made of parts (see `kernel::parts`).
pub(super) fn is_parted(isa: Isa, depth: usize, columns: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    return crate::kernel::parts::suit(isa, depth, columns);
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (isa, depth, columns);
        false
    }
}

/// Memory of one thread, kept from product to product.
pub(super) struct Scratch {
    /// Panels of a chunk of the depth.
    pub right: Aligned,
    /// A tile of the left operand, copied: `[steps x STRIP]`, or by rows for one that is cut into parts.
    pub left: Aligned,
    #[cfg(target_arch = "x86_64")]
    pub right_parts: Aligned,
    #[cfg(target_arch = "x86_64")]
    pub left_parts: Aligned,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        right: Aligned::zeros(0),
        left: Aligned::zeros(0),
        #[cfg(target_arch = "x86_64")]
        right_parts: Aligned::zeros(0),
        #[cfg(target_arch = "x86_64")]
        left_parts: Aligned::zeros(0),
    });
}

impl<P: Panels> Product<'_, P> {
    /// Few rows read every panel once and must read it in the order in which it lies, panel by panel;
    /// many rows take a group of panels at a time.
    ///
    /// # Safety
    /// `drive` has checked the operands, and no other task has these rows and panels.
    unsafe fn task(&self, rows: Range<usize>, panels: Range<usize>, scratch: &mut Scratch) {
        let few = rows.len() <= tile_rows(self.isa) && self.left.col == 1;
        let most = if few { 1 } else { GROUP };
        for panel in panels.clone().step_by(most) {
            let panels = panel..(panel + most).min(panels.end);
            // SAFETY: the caller's promise, for a part of the panels.
            unsafe { self.part(rows.clone(), panels, scratch) };
        }
    }

    /// A block of rows against a group of panels: for each chunk of the depth all panels are made
    /// once, then every tile of rows passes over them.
    ///
    /// # Safety
    /// `drive` has checked the operands, and no other task has these rows and panels.
    unsafe fn part(&self, rows: Range<usize>, panels: Range<usize>, scratch: &mut Scratch) {
        let depth = self.panels.depth();
        let few = rows.len() <= tile_rows(self.isa);
        let most = match (few, self.left.col) {
            (true, 1) if self.panels.stored() => depth,
            (true, _) => FEW_STEPS,
            (false, 1) => STEPS,
            (false, _) => ACROSS_STEPS,
        };
        let chunks = depth.div_ceil(most.max(1)).max(1);
        let chunk = depth.div_ceil(chunks).max(1).next_multiple_of(2 * PANEL);
        let made = scratch.right.at_least(panels.len() * chunk * PANEL);
        let strip = scratch.left.at_least(chunk * STRIP);
        let copied = !few && self.left.col != 1;
        for from in (0..depth.max(1)).step_by(chunk) {
            let steps = from..(from + chunk).min(depth);
            let mut blocks: [&[f32]; GROUP] = [&[]; GROUP];
            let parts = made.chunks_exact_mut(chunk * PANEL);
            for ((block, part), panel) in blocks.iter_mut().zip(parts).zip(panels.clone()) {
                *block = self.panels.block(self.isa, panel, steps.clone(), part);
            }
            for rows in tiles(self.isa, rows.clone()) {
                let left = if copied {
                    self.copy_left(rows.clone(), steps.clone(), strip)
                } else {
                    let from = rows.start * self.left.row + steps.start * self.left.col;
                    let data = self.left.data.as_ptr().wrapping_add(from);
                    (data, self.left.row, self.left.col)
                };
                for (panel, block) in panels.clone().zip(blocks) {
                    // SAFETY: the caller's promise; the block holds `steps` rows of a panel.
                    unsafe { self.tile(rows.clone(), panel, steps.clone(), left, block) };
                }
                if steps.end == depth {
                    // SAFETY: the caller's promise.
                    unsafe { self.finish(rows, panels.clone()) };
                }
            }
        }
    }

    /// A tile of the left operand as `[steps x STRIP]`: one stretch of memory instead of rows that
    /// may all fall on the same lines of the cache.
    fn copy_left(
        &self,
        rows: Range<usize>,
        steps: Range<usize>,
        strip: &mut [f32],
    ) -> (*const f32, usize, usize) {
        let Left { data, row, col } = self.left;
        let data = &data[rows.start * row + steps.start * col..];
        if col == 1 {
            let shape = (rows.len(), steps.len());
            transpose(self.isa, shape, (data, row), (strip, STRIP));
        } else {
            for (k, to) in strip.chunks_exact_mut(STRIP).take(steps.len()).enumerate() {
                let from = &data[k * col..];
                match from.first_chunk::<STRIP>() {
                    // Numbers of rows beyond the tile are copied too, and not used.
                    Some(from) if row == 1 => to.copy_from_slice(from),
                    _ => {
                        for (r, to) in to.iter_mut().take(rows.len()).enumerate() {
                            *to = from[r * row];
                        }
                    }
                }
            }
        }
        (strip.as_ptr(), 1, STRIP)
    }

    /// One tile over one chunk of the depth; a later chunk continues the sums of the one before.
    ///
    /// # Safety
    /// As `part`; `left` reaches over the rows and the steps, `block` is `[steps x PANEL]`.
    unsafe fn tile(
        &self,
        rows: Range<usize>,
        panel: usize,
        steps: Range<usize>,
        (a, a_row, a_col): (*const f32, usize, usize),
        block: &[f32],
    ) {
        let from = panel * PANEL;
        let tile = Tile {
            rows: rows.len(),
            cols: PANEL.min(self.panels.columns() - from),
            depth: steps.len(),
            a,
            a_row,
            a_col,
            b: block.as_ptr(),
            b_row: PANEL,
            c: self.result.wrapping_add(rows.start * self.row + from),
            c_row: self.row,
            into: if steps.start == 0 {
                self.epilogue.into
            } else {
                Write::Add
            },
        };
        // SAFETY: the caller's promise.
        unsafe { tile.run(self.isa) };
    }

    /// Adds bias and residual to sums that are complete.
    ///
    /// # Safety
    /// As `part`.
    pub(super) unsafe fn finish(&self, rows: Range<usize>, panels: Range<usize>) {
        let Epilogue { bias, residual, .. } = self.epilogue;
        if bias.is_none() && residual.is_none() {
            return;
        }
        let width = self.panels.columns();
        let columns = panels.start * PANEL..(panels.end * PANEL).min(width);
        for row in rows {
            let from = self.result.wrapping_add(row * self.row + columns.start);
            // SAFETY: this row and these columns belong to this task alone.
            let y = unsafe { std::slice::from_raw_parts_mut(from, columns.len()) };
            if let Some(bias) = bias {
                for (y, bias) in y.iter_mut().zip(&bias[columns.clone()]) {
                    *y += bias;
                }
            }
            if let Some(residual) = residual {
                let residual = &residual[row * width..][columns.clone()];
                for (y, residual) in y.iter_mut().zip(residual) {
                    *y += residual;
                }
            }
        }
    }
}

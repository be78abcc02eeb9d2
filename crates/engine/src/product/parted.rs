//! The loops of a product of parts (see `kernel::parts`): chunks of the depth, both operands cut
//! into parts in scratch memory, tiles over them.
//!
//! Its bits differ from those of `drive`'s other loops, so which of the two makes a product is never
//! decided here.

use std::ops::Range;

use super::drive::{Product, Scratch};
use crate::kernel::PANEL;
use crate::kernel::aligned::Aligned;
use crate::kernel::amx::Tiles;
use crate::kernel::multiply::{Left, Write};
use crate::kernel::parts::{self, HIGH, LOW, Parts, STEP, Sums};
use crate::kernel::transpose::transpose;
use crate::panel::Panels;

/// Steps of the depth taken at a time where there are many rows: the parts of a group of panels take
/// up to 1.3 MB of the second cache, and the result is rarely read again.
const STEPS: usize = 896;
/// The same where one tile holds all rows: parts are made where the next tiles find them, in the
/// first cache, and they must not drive out the rows on the left.
const FEW_STEPS: usize = 32;
/// Most panels that are cut into parts at a time.
const GROUP: usize = 8;
/// Panels that go side by side where there are few rows.
const PAIR: usize = 2;

impl<P: Panels> Product<'_, P> {
    fn parts(&self) -> Parts {
        match (self.rough, self.panels.is_bf16()) {
            (true, _) => Parts::High,
            (false, true) => Parts::One,
            (false, false) => Parts::Three,
        }
    }

    /// Rows of the result against panels.
    ///
    /// # Safety
    /// `drive` has checked the operands, and no other task has these rows and panels; the machine has
    /// tiles of bf16, and the depth is not zero.
    pub(super) unsafe fn parted(
        &self,
        rows: Range<usize>,
        panels: Range<usize>,
        scratch: &mut Scratch,
    ) {
        // SAFETY: the caller's promise, for all of it or for a part of the panels.
        unsafe {
            if rows.len() <= LOW && self.left.col == 1 {
                return self.few(rows, panels, scratch);
            }
            for panel in panels.clone().step_by(GROUP) {
                let panels = panel..(panel + GROUP).min(panels.end);
                self.many(rows.clone(), panels, scratch);
            }
        }
    }

    /// For each chunk of the depth, all panels are cut once, then every tile of rows passes over
    /// them.
    ///
    /// # Safety
    /// As `parted`.
    unsafe fn many(&self, all: Range<usize>, panels: Range<usize>, scratch: &mut Scratch) {
        let (depth, parts) = (self.panels.depth(), self.parts());
        let chunk = even(depth, STEPS);
        let len = parts::right_len(parts, chunk);
        let made = scratch.right.at_least(chunk * PANEL);
        let right = scratch.right_parts.at_least(panels.len() * len);
        let _tiles = Tiles::hold();
        for from in (0..depth).step_by(chunk) {
            let steps = from..(from + chunk).min(depth);
            for (part, panel) in right.chunks_exact_mut(len).zip(panels.clone()) {
                let block = self.panels.block(self.isa, panel, steps.clone(), made);
                parts::right(parts, block, part);
            }
            for row in all.clone().step_by(HIGH) {
                let rows = row..(row + HIGH).min(all.end);
                let left = scratch
                    .left_parts
                    .at_least(parts::left_len(parts, HIGH, chunk));
                self.cut_left(&rows, &steps, (left, HIGH), &mut scratch.left);
                for (right, panel) in right.chunks_exact(len).zip(panels.clone()) {
                    let next = rows.end..(rows.end + HIGH).min(all.end);
                    if panel + 1 < panels.end {
                        self.announce(&rows, panel + 1);
                    } else {
                        self.announce(&next, panels.start);
                    }
                    let (left, right) = (left.as_ptr(), (right.as_ptr(), parts));
                    let count = steps.len().div_ceil(STEP);
                    // SAFETY: the caller's promise; tiles are held, and both operands were cut.
                    unsafe {
                        self.sums::<HIGH, PANEL>(&rows, panel..panel + 1, steps.start, |sums| {
                            parts::high(left, right, count, sums);
                        });
                    }
                }
                if steps.end == depth {
                    // SAFETY: the caller's promise.
                    unsafe { self.finish(rows, panels.clone()) };
                }
            }
        }
    }

    /// Asks the memory for a part of the result that comes next.
    fn announce(&self, rows: &Range<usize>, panel: usize) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for row in rows.clone() {
            let at = self.result.wrapping_add(row * self.row + panel * PANEL);
            // SAFETY: SSE is part of every x86-64, and a prefetch reads nothing.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(at.cast());
                _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(PANEL / 2).cast());
            }
        }
    }

    /// Few rows are cut once, and pass over each pair of panels as it is read.
    ///
    /// # Safety
    /// As `parted`; at most `LOW` rows.
    unsafe fn few(&self, rows: Range<usize>, panels: Range<usize>, scratch: &mut Scratch) {
        let (depth, parts) = (self.panels.depth(), self.parts());
        let chunk = even(depth, FEW_STEPS);
        let len = parts::right_len(parts, chunk);
        let made = scratch.right.at_least(chunk * PANEL);
        let right = scratch.right_parts.at_least(PAIR * len);
        let left = scratch
            .left_parts
            .at_least(parts::left_len(parts, rows.len(), depth));
        self.cut_left(&rows, &(0..depth), (left, rows.len()), &mut scratch.left);
        let _tiles = Tiles::hold_low(rows.len());
        for panel in panels.clone().step_by(PAIR) {
            let panels = panel..(panel + PAIR).min(panels.end);
            for from in (0..depth).step_by(chunk) {
                let steps = from..(from + chunk).min(depth);
                for (part, panel) in right.chunks_exact_mut(len).zip(panels.clone()) {
                    let block = self.panels.block(self.isa, panel, steps.clone(), made);
                    parts::right(parts, block, part);
                }
                // A missing second panel is the first one again.
                let next = (panels.len() - 1) * len;
                let right = ([right.as_ptr(), right[next..].as_ptr()], parts);
                let left = (
                    left[parts::left_len(parts, rows.len(), from)..].as_ptr(),
                    rows.len(),
                );
                let count = steps.len().div_ceil(STEP);
                // SAFETY: the caller's promise; tiles are held, and both operands were cut.
                unsafe {
                    self.sums::<LOW, { PAIR * PANEL }>(&rows, panels.clone(), from, |sums| {
                        parts::low(left, right, count, sums);
                    });
                }
            }
            // SAFETY: the caller's promise.
            unsafe { self.finish(rows.clone(), panels) };
        }
    }

    /// Lets `multiply` sum in the result where that has `ROWS` rows and `COLUMNS` columns of these
    /// panels, and otherwise in a copy from which the others are left out.
    ///
    /// # Safety
    /// As `parted`; `multiply` writes nothing but those rows and columns of its sums.
    unsafe fn sums<const ROWS: usize, const COLUMNS: usize>(
        &self,
        rows: &Range<usize>,
        panels: Range<usize>,
        begin: usize,
        multiply: impl FnOnce(Sums),
    ) {
        let from = panels.start * PANEL;
        let columns = (panels.end * PANEL).min(self.panels.columns()) - from;
        let at = |r: usize| self.result.wrapping_add((rows.start + r) * self.row + from);
        let add = begin > 0 || self.epilogue.into == Write::Add;
        // Few rows have tiles that are no higher than they.
        let whole = columns == COLUMNS && (rows.len() == ROWS || ROWS == LOW);
        if whole {
            return multiply(Sums {
                at: at(0),
                row: self.row,
                add,
            });
        }
        let mut copy = [[0.0f32; COLUMNS]; ROWS];
        // SAFETY: these rows and columns lie in the result and belong to this task alone.
        let line = |r| unsafe { std::slice::from_raw_parts_mut(at(r), columns) };
        if add {
            for (r, copy) in copy.iter_mut().take(rows.len()).enumerate() {
                copy[..columns].copy_from_slice(line(r));
            }
        }
        multiply(Sums {
            at: copy.as_mut_ptr().cast(),
            row: COLUMNS,
            add,
        });
        for (r, copy) in copy.iter().take(rows.len()).enumerate() {
            line(r).copy_from_slice(&copy[..columns]);
        }
    }

    /// Cuts a tile of the left operand, by way of a copy where its rows lie across its storage.
    fn cut_left(
        &self,
        rows: &Range<usize>,
        steps: &Range<usize>,
        to: (&mut [f32], usize),
        copy: &mut Aligned,
    ) {
        let Left { data, row, col } = self.left;
        let data = &data[rows.start * row + steps.start * col..];
        let shape = (rows.len(), steps.len());
        if col == 1 {
            return parts::left(self.parts(), (data, row), shape, to);
        }
        // An odd number of lines apart, or rows would share lines of the cache.
        let width = steps.len().next_multiple_of(2 * STEP) + STEP / 2;
        let copy = copy.at_least(rows.len() * width);
        if row == 1 {
            transpose(self.isa, (shape.1, shape.0), (data, col), (copy, width));
        } else {
            for (r, copy) in copy.chunks_exact_mut(width).take(rows.len()).enumerate() {
                for (k, copy) in copy.iter_mut().take(steps.len()).enumerate() {
                    *copy = data[r * row + k * col];
                }
            }
        }
        parts::left(self.parts(), (copy, width), shape, to);
    }
}

/// Chunks of nearly equal length, a multiple of a panel's width and at most `most` steps.
fn even(depth: usize, most: usize) -> usize {
    depth.div_ceil(depth.div_ceil(most)).next_multiple_of(PANEL)
}

//! Products on all cores: the left operand's rows against panels of the right one.
//!
//! Each element of a result is made by one task from beginning to end, as one sum over the depth in
//! ascending order. How the work is cut into tasks, tiles and chunks of the depth therefore changes
//! no bit: neither the number of threads nor the number of rows in the batch can be seen in a row.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use crate::kernel::aligned::Aligned;
use crate::kernel::multiply::{Into, Left, assert_reach};
use crate::kernel::tile::{Tile, tile_rows, tiles};
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL};
use crate::panel::{Backward, Forward, Packed, Panels, Rows, Turned};

/// Steps of the depth taken at a time where there are many rows: with `GROUP` panels a megabyte of
/// right operand, which stays in a core's second cache while all rows pass by.
const STEPS: usize = 1024;
/// The same where one tile holds all rows: what has just been decoded is still in the first cache.
const FEW_STEPS: usize = 128;
/// The same where rows of the left operand lie across its storage: all tiles read the same pages.
const ACROSS_STEPS: usize = 256;
/// Most panels of a task.
const GROUP: usize = 8;
/// Rows of a task, where they are cut at all, and twice as many where each task makes its panels:
/// with fewer, that would show.
const ROWS: usize = 256;
/// Panels of a task, where rows need not be cut: with fewer, copying or fetching rows would show.
const WIDE: usize = 7;
/// Tasks per thread, where there is enough to do.
const TASKS: usize = 4;
/// Numbers from one step to the next in a copied tile of the left operand.
const STRIP: usize = 16;
/// Products of fewer multiplications than this stay on one thread.
const SMALL: usize = 64 * 1024;

/// What is added to a product while it is still in the cache, in this order: what was there (with
/// `Into::Add`), the sum, the bias, the residual.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// `[N]`, added to every row.
    pub bias: Option<&'a [f32]>,
    /// `[T x N]`.
    pub residual: Option<&'a [f32]>,
    pub into: Into,
}

impl Epilogue<'_> {
    /// Nothing is added.
    pub const SET: Epilogue<'static> = Epilogue {
        bias: None,
        residual: None,
        into: Into::Set,
    };

    /// The product is added to what is there.
    pub const ADD: Epilogue<'static> = Epilogue {
        bias: None,
        residual: None,
        into: Into::Add,
    };

    fn plain(into: Into) -> Epilogue<'static> {
        match into {
            Into::Set => Epilogue::SET,
            Into::Add => Epilogue::ADD,
        }
    }
}

/// `y [T x N] = x [T x K] W^T`, with what the epilogue adds.
pub fn forward<W: Packed>(
    isa: Isa,
    panels: &Forward<'_, W>,
    x: &[f32],
    t: usize,
    y: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let columns = panels.columns();
    let left = Left::rows(x, panels.depth());
    drive(isa, panels, t, left, (y, columns), epilogue);
}

/// `dx [T x K] (+)= dy [T x N] W`.
pub fn backward<W: Packed>(
    isa: Isa,
    panels: &Backward<'_, W>,
    dy: &[f32],
    t: usize,
    dx: &mut [f32],
    into: Into,
) {
    let columns = panels.columns();
    let left = Left::rows(dy, panels.depth());
    drive(isa, panels, t, left, (dx, columns), Epilogue::plain(into));
}

/// `y [T x N] = x [T x K] W^T` for a trained `W [N x K]`, rows as they lie.
pub fn trained_forward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    x: &[f32],
    weight: &[f32],
    y: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    assert_eq!(weight.len(), n * k, "a weight of {n} x {k}");
    let panels = Turned {
        data: weight,
        depth: k,
        columns: n,
    };
    drive(isa, &panels, t, Left::rows(x, k), (y, n), epilogue);
}

/// `y [T x N] += h [T x R] B^T`, `B [N x R]`: the way up of a low-rank path.
pub fn low_rank_up(isa: Isa, shape: (usize, usize, usize), h: &[f32], up: &[f32], y: &mut [f32]) {
    trained_forward(isa, shape, h, up, y, Epilogue::ADD);
}

/// `dx [T x K] (+)= dy [T x N] W` for a trained `W [N x K]`, rows as they lie.
pub fn trained_backward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    weight: &[f32],
    dx: &mut [f32],
    into: Into,
) {
    let shape = (t, k, n);
    dense(isa, shape, Left::rows(dy, n), (weight, k), (dx, k), into);
}

/// `dW [N x K] (+)= dy [T x N]^T x [T x K]`.
pub fn weight_gradient(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    x: &[f32],
    gradient: &mut [f32],
    into: Into,
) {
    let shape = (n, k, t);
    let left = Left::transposed(dy, n);
    dense(isa, shape, left, (x, k), (gradient, k), into);
}

/// `kernel::multiply` on all cores, for operands of any size that are not packed.
pub fn dense(
    isa: Isa,
    (m, n, depth): (usize, usize, usize),
    a: Left<'_>,
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
    into: Into,
) {
    assert_reach(b.len(), (depth, b_row), (n, 1));
    let panels = Rows {
        data: b,
        row: b_row,
        depth,
        columns: n,
    };
    drive(isa, &panels, m, a, (c, c_row), Epilogue::plain(into));
}

/// One product, its result behind a pointer that tasks share because they write disjoint parts.
struct Product<'a, P> {
    isa: Isa,
    panels: &'a P,
    left: Left<'a>,
    result: *mut f32,
    /// Numbers from one row of the result to the next.
    row: usize,
    epilogue: Epilogue<'a>,
}

// SAFETY: the pointer is used by tasks for rows and columns of their own only (see `drive`).
unsafe impl<P: Sync> Sync for Product<'_, P> {}

/// Checks the operands, cuts the result into tasks and runs them.
fn drive<P: Panels>(
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
    };
    let cut = Cut::new(isa, rows, panels);
    let run = |task: usize| {
        let (rows, panels) = cut.task(task);
        // SAFETY: tasks are pairs of disjoint ranges of rows and of panels, all inside the result.
        SCRATCH.with_borrow_mut(|scratch| unsafe { product.task(rows, panels, scratch) });
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

/// How a result is cut into tasks: a grid of row blocks and groups of panels.
struct Cut {
    rows: usize,
    panels: usize,
    blocks: usize,
    groups: usize,
}

impl Cut {
    fn new(isa: Isa, rows: usize, source: &impl Panels) -> Cut {
        let (panels, depth) = (source.columns().div_ceil(PANEL), source.depth());
        let least = if source.stored() {
            ROWS
        } else {
            ROWS + ROWS / 2
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

    fn tasks(&self) -> usize {
        self.blocks * self.groups
    }

    /// Rows and panels of a task.
    fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let share = |len: usize, parts: usize, i: usize| len * i / parts..len * (i + 1) / parts;
        let (block, group) = (task / self.groups, task % self.groups);
        let rows = share(self.rows, self.blocks, block);
        (rows, share(self.panels, self.groups, group))
    }
}

/// Memory of one thread, kept from product to product.
struct Scratch {
    /// Panels of a chunk of the depth.
    right: Aligned,
    /// A tile of the left operand, `[steps x STRIP]`.
    left: Aligned,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        right: Aligned::zeros(0),
        left: Aligned::zeros(0),
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
                Into::Add
            },
        };
        // SAFETY: the caller's promise.
        unsafe { tile.run(self.isa) };
    }

    /// Adds bias and residual to sums that are complete.
    ///
    /// # Safety
    /// As `part`.
    unsafe fn finish(&self, rows: Range<usize>, panels: Range<usize>) {
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

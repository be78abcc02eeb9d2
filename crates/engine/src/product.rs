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
use crate::kernel::tile::{Tile, tile_height, tile_rows};
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL};
use crate::panel::{Backward, Forward, Packed, Panels, Rows, Turned};

/// Steps of the depth taken at a time where there are many rows: with `GROUP` panels a megabyte of
/// right operand, which stays in a core's second cache while all rows pass by.
const STEPS: usize = 512;
/// The same where one tile holds all rows: what has just been decoded is still in the first cache.
const FEW_STEPS: usize = 128;
/// Most panels of a task.
const GROUP: usize = 16;
/// Fewest rows of a task, where they are cut at all: below, making panels would show.
const ROWS: usize = 256;
/// From so many panels on, copying a tile of the left operand pays for itself.
const COPIED: usize = 6;
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
    let cut = Cut::new(isa, rows, columns.div_ceil(PANEL), depth);
    let run = |task: usize| {
        let (rows, panels) = cut.task(task);
        // SAFETY: tasks are pairs of disjoint ranges of rows and of panels, all inside the result.
        SCRATCH.with_borrow_mut(|scratch| unsafe { product.part(rows, panels, scratch) });
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
    block: usize,
    group: usize,
}

impl Cut {
    fn new(isa: Isa, rows: usize, panels: usize, depth: usize) -> Cut {
        let threads = rayon::current_num_threads();
        if threads == 1 || rows * panels * PANEL * depth < SMALL {
            let (block, group) = (rows, panels.min(GROUP));
            return Cut {
                rows,
                panels,
                block,
                group,
            };
        }
        let wanted = 4 * threads;
        let few = rows <= tile_rows(isa);
        let groups = if few {
            wanted.min(panels)
        } else {
            panels.div_ceil(GROUP)
        };
        let groups = groups.max(panels.div_ceil(GROUP));
        let blocks = if few {
            1
        } else {
            wanted.div_ceil(groups).min(rows.div_ceil(ROWS))
        };
        let groups = groups.max(wanted.div_ceil(blocks).min(panels.div_ceil(COPIED)));
        let block = rows.div_ceil(blocks);
        Cut {
            rows,
            panels,
            block,
            group: panels.div_ceil(groups),
        }
    }

    fn tasks(&self) -> usize {
        self.rows.div_ceil(self.block) * self.panels.div_ceil(self.group)
    }

    /// Rows and panels of a task.
    fn task(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let groups = self.panels.div_ceil(self.group);
        let row = task / groups * self.block;
        let panel = task % groups * self.group;
        let rows = row..(row + self.block).min(self.rows);
        (rows, panel..(panel + self.group).min(self.panels))
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
    /// A block of rows against a group of panels: for each chunk of the depth all panels are made
    /// once, then every tile of rows passes over them.
    ///
    /// # Safety
    /// `drive` has checked the operands, and no other task has these rows and panels.
    unsafe fn part(&self, rows: Range<usize>, panels: Range<usize>, scratch: &mut Scratch) {
        let depth = self.panels.depth();
        let height = tile_height(self.isa, rows.len());
        let most = if rows.len() <= height {
            FEW_STEPS
        } else {
            STEPS
        };
        let chunks = depth.div_ceil(most).max(1);
        let chunk = depth.div_ceil(chunks).max(1).next_multiple_of(2 * PANEL);
        let made = scratch.right.at_least(panels.len() * chunk * PANEL);
        let strip = scratch.left.at_least(chunk * STRIP);
        let copied = panels.len() >= COPIED && rows.len() > height;
        for from in (0..depth.max(1)).step_by(chunk) {
            let steps = from..(from + chunk).min(depth);
            let mut blocks: [&[f32]; GROUP] = [&[]; GROUP];
            let parts = made.chunks_exact_mut(chunk * PANEL);
            for ((block, part), panel) in blocks.iter_mut().zip(parts).zip(panels.clone()) {
                *block = self.panels.block(self.isa, panel, steps.clone(), part);
            }
            for row in rows.clone().step_by(height) {
                let rows = row..(row + height).min(rows.end);
                let left = if copied {
                    self.copy_left(rows.clone(), steps.clone(), strip)
                } else {
                    let from = row * self.left.row + steps.start * self.left.col;
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
                for (r, to) in to.iter_mut().take(rows.len()).enumerate() {
                    *to = data[r * row + k * col];
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

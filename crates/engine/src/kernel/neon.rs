//! Tiles of up to 6 x 16 in 128-bit registers of aarch64: 24 accumulators, four vectors of the right
//! operand and one of the left. A panel is made of two such tiles side by side.
//!
//! It uses nothing but `core::arch::aarch64` and no other file, so that it can be compiled by itself
//! on a machine whose compiler has no more than that.

use core::arch::aarch64::*;

/// Lanes of a vector.
const LANES: usize = 4;
/// Columns of a tile.
const WIDTH: usize = 16;
/// Steps of the depth that are buffered at once where a tile is not full.
const STEPS: usize = 32;

/// See `Tile::run`.
///
/// # Safety
/// As `Tile::run`: at most 6 rows, every element may be read (`a`, `b`) or written (`c`).
pub unsafe fn tile(
    (rows, cols, depth): (usize, usize, usize),
    a: (*const f32, usize, usize),
    (b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    let mut from = 0;
    while from < cols {
        let width = (cols - from).min(WIDTH);
        let b = (b.wrapping_add(from), b_row);
        let c = (c.wrapping_add(from), c_row);
        // SAFETY: the caller's promise, for `width` columns that begin at `from`.
        unsafe {
            match rows {
                1 => columns::<1>(width, depth, a, b, c, add),
                2 => columns::<2>(width, depth, a, b, c, add),
                3 => columns::<3>(width, depth, a, b, c, add),
                4 => columns::<4>(width, depth, a, b, c, add),
                5 => columns::<5>(width, depth, a, b, c, add),
                6 => columns::<6>(width, depth, a, b, c, add),
                _ => debug_assert!(rows == 0, "{} rows in one tile", rows),
            }
        }
        from += WIDTH;
    }
}

/// `R` rows by `width <= 16` columns. Columns that do not fill the tile go through buffers on the
/// stack, so that no lane outside the operands is ever touched.
///
/// # Safety
/// As `tile`.
unsafe fn columns<const R: usize>(
    width: usize,
    depth: usize,
    a: (*const f32, usize, usize),
    (b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    // SAFETY: copies move `width` numbers of a row that the caller vouches for into or out of
    // buffers of 16; `whole` is given either the operands or those buffers.
    unsafe {
        if width == WIDTH {
            whole::<R>(depth, a, (b, b_row), (c, c_row), add);
            return;
        }
        let mut part = [[0.0f32; WIDTH]; R];
        if add {
            for (r, part) in part.iter_mut().enumerate() {
                core::ptr::copy_nonoverlapping(c.wrapping_add(r * c_row), part.as_mut_ptr(), width);
            }
        }
        // A few steps at a time: a sum continues from where it was, so cutting the depth changes no bit.
        let mut right = [[0.0f32; WIDTH]; STEPS];
        let sums = part.as_mut_ptr() as *mut f32;
        let (data, a_row, a_col) = a;
        let mut k = 0;
        while k < depth {
            let steps = (depth - k).min(STEPS);
            for (step, right) in right.iter_mut().take(steps).enumerate() {
                let from = b.wrapping_add((k + step) * b_row);
                core::ptr::copy_nonoverlapping(from, right.as_mut_ptr(), width);
            }
            let left = (data.wrapping_add(k * a_col), a_row, a_col);
            let right = (right.as_ptr() as *const f32, WIDTH);
            whole::<R>(steps, left, right, (sums, WIDTH), true);
            k += steps;
        }
        for (r, part) in part.iter().enumerate() {
            core::ptr::copy_nonoverlapping(part.as_ptr(), c.wrapping_add(r * c_row), width);
        }
    }
}

/// `R` rows by 16 columns.
///
/// # Safety
/// As `tile`, with all 16 columns present.
#[inline(always)]
#[allow(clippy::needless_range_loop)]
unsafe fn whole<const R: usize>(
    depth: usize,
    (mut a, a_row, a_col): (*const f32, usize, usize),
    (mut b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    const V: usize = WIDTH / LANES;
    // SAFETY: rows below `R`, steps below `depth` and 16 columns are what the caller vouches for;
    // NEON is part of every aarch64 that this is compiled for.
    unsafe {
        let mut sums = [[vdupq_n_f32(0.0); V]; R];
        if add {
            for r in 0..R {
                for v in 0..V {
                    sums[r][v] = vld1q_f32(c.wrapping_add(r * c_row + v * LANES));
                }
            }
        }
        for _ in 0..depth {
            let mut right = [vdupq_n_f32(0.0); V];
            for v in 0..V {
                right[v] = vld1q_f32(b.wrapping_add(v * LANES));
            }
            for r in 0..R {
                let left = vdupq_n_f32(*a.wrapping_add(r * a_row));
                for v in 0..V {
                    sums[r][v] = vfmaq_f32(sums[r][v], left, right[v]);
                }
            }
            a = a.wrapping_add(a_col);
            b = b.wrapping_add(b_row);
        }
        for r in 0..R {
            for v in 0..V {
                vst1q_f32(c.wrapping_add(r * c_row + v * LANES), sums[r][v]);
            }
        }
    }
}

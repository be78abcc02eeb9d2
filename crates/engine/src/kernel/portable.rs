//! Tiles of up to 4 x 8 in plain Rust, which a compiler can put into whatever vectors it has.
//! Products are added before they are rounded, by way of f64: a fused multiply-add without hardware
//! is a call, and rounding twice is enough to leave the references after a few optimiser steps.

const WIDTH: usize = 8;

/// See `Tile::run`.
///
/// # Safety
/// As `Tile::run`.
pub(super) unsafe fn tile(
    (rows, cols, depth): (usize, usize, usize),
    a: (*const f32, usize, usize),
    (b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    for from in (0..cols).step_by(WIDTH) {
        let width = (cols - from).min(WIDTH);
        let b = (b.wrapping_add(from), b_row);
        let c = (c.wrapping_add(from), c_row);
        // SAFETY: the caller's promise, for `width` columns that begin at `from`.
        unsafe {
            match (rows, width == WIDTH) {
                (1, true) => rows_of::<1, true>(width, depth, a, b, c, add),
                (2, true) => rows_of::<2, true>(width, depth, a, b, c, add),
                (3, true) => rows_of::<3, true>(width, depth, a, b, c, add),
                (4, true) => rows_of::<4, true>(width, depth, a, b, c, add),
                (1, false) => rows_of::<1, false>(width, depth, a, b, c, add),
                (2, false) => rows_of::<2, false>(width, depth, a, b, c, add),
                (3, false) => rows_of::<3, false>(width, depth, a, b, c, add),
                (4, false) => rows_of::<4, false>(width, depth, a, b, c, add),
                _ => debug_assert!(rows == 0, "{rows} rows in one tile"),
            }
        }
    }
}

/// `R` rows by `width` columns, which are all eight where `WHOLE`.
///
/// # Safety
/// As `tile`.
unsafe fn rows_of<const R: usize, const WHOLE: bool>(
    width: usize,
    depth: usize,
    (mut a, a_row, a_col): (*const f32, usize, usize),
    (mut b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    let width = if WHOLE { WIDTH } else { width };
    let mut sums = [[0.0f32; WIDTH]; R];
    if add {
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `width` columns of row `r` exist, and a row of `sums` holds eight.
            unsafe {
                let from = c.wrapping_add(r * c_row);
                std::ptr::copy_nonoverlapping(from, sums.as_mut_ptr(), width);
            }
        }
    }
    for _ in 0..depth {
        let mut right = [0.0f32; WIDTH];
        // SAFETY: as above, in `b`.
        unsafe { std::ptr::copy_nonoverlapping(b, right.as_mut_ptr(), width) };
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row `r < R` of the left operand, step `k < depth`.
            let left = unsafe { *a.wrapping_add(r * a_row) };
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = (f64::from(left) * f64::from(right) + f64::from(*sum)) as f32;
            }
        }
        a = a.wrapping_add(a_col);
        b = b.wrapping_add(b_row);
    }
    for (r, sums) in sums.iter().enumerate() {
        // SAFETY: as in the reading of `c`.
        unsafe {
            let to = c.wrapping_add(r * c_row);
            std::ptr::copy_nonoverlapping(sums.as_ptr(), to, width);
        }
    }
}

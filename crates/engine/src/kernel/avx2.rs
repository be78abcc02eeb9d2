//! Tiles of up to 6 x 16 in 256-bit registers: 12 accumulators, two vectors of the right operand
//! and a broadcast number of the left. A panel is made of two such tiles side by side.

use std::arch::x86_64::*;

/// See `Tile::run`.
///
/// # Safety
/// As `Tile::run`; the machine has AVX2 and FMA.
pub(super) unsafe fn tile(
    (rows, cols, depth): (usize, usize, usize),
    a: (*const f32, usize, usize),
    (b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    add: bool,
) {
    for from in (0..cols).step_by(16) {
        let cols = (cols - from).min(16);
        let b = (b.wrapping_add(from), b_row);
        let c = (c.wrapping_add(from), c_row);
        macro_rules! with_rows {
            ($($r:literal)*) => {
                // SAFETY: the caller's promise; the height matches the number of rows, and columns
                // beyond `cols` are masked.
                unsafe {
                    match (rows, cols <= 8) {
                        $(
                            ($r, true) => rows_of::<$r, 1>(depth, a, b, c, cols, add),
                            ($r, false) => rows_of::<$r, 2>(depth, a, b, c, cols, add),
                        )*
                        _ => debug_assert!(rows == 0, "{rows} rows in one tile"),
                    }
                }
            };
        }
        with_rows!(1 2 3 4 5 6)
    }
}

/// A mask of the first `n` of 8 lanes.
#[target_feature(enable = "avx2")]
fn first_lanes(n: usize) -> __m256i {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n.min(8) as i32), lanes)
}

/// `R` rows by `V` vectors of 8 columns, of which the first `cols` columns exist.
///
/// # Safety
/// As `Tile::run`.
#[target_feature(enable = "avx2,fma")]
unsafe fn rows_of<const R: usize, const V: usize>(
    depth: usize,
    (mut a, a_row, a_col): (*const f32, usize, usize),
    (mut b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    cols: usize,
    add: bool,
) {
    let whole = cols == V * 8;
    let last = first_lanes(cols - (V - 1) * 8);
    let mask = |v: usize| {
        if v + 1 == V {
            last
        } else {
            _mm256_set1_epi32(-1)
        }
    };
    let mut sums = [[_mm256_setzero_ps(); V]; R];
    if add {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: lanes outside the mask are not touched; the others are in `c`.
                *sum = unsafe { _mm256_maskload_ps(c.wrapping_add(r * c_row + v * 8), mask(v)) };
            }
        }
    }
    for _ in 0..depth {
        let mut right = [_mm256_setzero_ps(); V];
        for (v, right) in right.iter_mut().enumerate() {
            let from = b.wrapping_add(v * 8);
            // SAFETY: as above, in `b`; without the mask only where all columns exist.
            *right = unsafe {
                if whole {
                    _mm256_loadu_ps(from)
                } else {
                    _mm256_maskload_ps(from, mask(v))
                }
            };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row `r < R` of the left operand, step `k < depth`.
            let left = _mm256_set1_ps(unsafe { *a.wrapping_add(r * a_row) });
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = _mm256_fmadd_ps(left, right, *sum);
            }
        }
        a = a.wrapping_add(a_col);
        b = b.wrapping_add(b_row);
    }
    for (r, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: as in the loads of `c`.
            unsafe { _mm256_maskstore_ps(c.wrapping_add(r * c_row + v * 8), mask(v), *sum) };
        }
    }
}

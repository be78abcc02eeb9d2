//! Tiles of up to 14 x 32 in 512-bit registers: 28 accumulators, two vectors of the right operand
//! and a broadcast number of the left. It knows nothing of panels, threads or packing.

use std::arch::x86_64::*;

/// Steps of the depth by which the right operand is fetched before it is used: little where each
/// step has much to compute, much where it comes from far away for a row or two.
const AHEAD: [usize; 2] = [12, 64];

/// See `Tile::run`.
///
/// # Safety
/// As `Tile::run`; the machine has AVX-512F.
pub(super) unsafe fn tile(
    (rows, cols, depth): (usize, usize, usize),
    a: (*const f32, usize, usize),
    b: (*const f32, usize),
    c: (*mut f32, usize),
    add: bool,
) {
    let masks = [first_lanes(cols), first_lanes(cols.saturating_sub(16))];
    macro_rules! with_rows {
        ($($r:literal)*) => {
            // SAFETY: the caller's promise; the height matches the number of rows, and columns
            // beyond `cols` are masked.
            unsafe {
                match (rows, cols <= 16, a.1 == 1) {
                    $(
                        ($r, true, true) => rows_of::<$r, 1, true>(depth, a, b, c, masks, add),
                        ($r, true, false) => rows_of::<$r, 1, false>(depth, a, b, c, masks, add),
                        ($r, false, true) => rows_of::<$r, 2, true>(depth, a, b, c, masks, add),
                        ($r, false, false) => rows_of::<$r, 2, false>(depth, a, b, c, masks, add),
                    )*
                    _ => debug_assert!(rows == 0, "{rows} rows in one tile"),
                }
            }
        };
    }
    with_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14)
}

/// A mask of the first `n` of 16 lanes.
fn first_lanes(n: usize) -> __mmask16 {
    ((1u32 << n.min(16)) - 1) as __mmask16
}

/// `R` rows by `V` vectors of 16 columns. `NEXT`: the rows of the left operand lie one number apart,
/// which makes their addresses constants; otherwise every third row has a pointer, for a chain of
/// additions from row to row takes nearly as long as the arithmetic.
///
/// # Safety
/// As `Tile::run`, for the columns that `masks` lets through.
#[target_feature(enable = "avx512f")]
unsafe fn rows_of<const R: usize, const V: usize, const NEXT: bool>(
    depth: usize,
    (a, a_row, a_col): (*const f32, usize, usize),
    (mut b, b_row): (*const f32, usize),
    (c, c_row): (*mut f32, usize),
    masks: [__mmask16; 2],
    add: bool,
) {
    let mut sums = [[_mm512_setzero_ps(); V]; R];
    if add {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: lanes outside the mask are not touched; the others are in `c`.
                *sum =
                    unsafe { _mm512_maskz_loadu_ps(masks[v], c.wrapping_add(r * c_row + v * 16)) };
            }
        }
    }
    let a_row = if NEXT { 1 } else { a_row };
    let mut thirds: [_; 5] = std::array::from_fn(|i| a.wrapping_add(3 * i * a_row));
    for _ in 0..depth {
        let mut right = [_mm512_setzero_ps(); V];
        for (v, right) in right.iter_mut().enumerate() {
            // The line of a panel that is needed some steps from now: panels come from the second
            // cache, and a prefetch of an address that does not exist does nothing.
            _mm_prefetch::<_MM_HINT_T0>(
                b.wrapping_add(AHEAD[(R <= 4) as usize] * b_row + v * 16)
                    .cast(),
            );
            // SAFETY: as above, in `b`.
            *right = unsafe { _mm512_maskz_loadu_ps(masks[v], b.wrapping_add(v * 16)) };
        }
        macro_rules! rows {
            ($($r:literal)*) => {
                $(
                    if $r < R {
                        let from = thirds[$r / 3].wrapping_add($r % 3 * a_row);
                        // SAFETY: row `r < R` of the left operand, step `k < depth`.
                        let left = _mm512_set1_ps(unsafe { *from });
                        for (sum, right) in sums[$r].iter_mut().zip(right) {
                            *sum = _mm512_fmadd_ps(left, right, *sum);
                        }
                    }
                )*
            };
        }
        rows!(0 1 2 3 4 5 6 7 8 9 10 11 12 13);
        for third in &mut thirds {
            *third = third.wrapping_add(a_col);
        }
        b = b.wrapping_add(b_row);
    }
    for (r, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: as in the loads of `c`.
            unsafe { _mm512_mask_storeu_ps(c.wrapping_add(r * c_row + v * 16), masks[v], *sum) };
        }
    }
}

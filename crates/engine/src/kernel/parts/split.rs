//! Cuts f32 into parts of bf16 and lays them out as tiles.
//!
//! A line of a tile holds sixteen pairs: number `j` of one vector and number `j` of another, sixteen
//! steps of depth further on. Both operands are paired in the same way, so that order in depth within
//! a step of the tiles is the only thing that differs from the order in memory, and it costs nothing.

use std::arch::x86_64::*;

use super::{LINE, PANEL, Parts, STEP, left_len, right_len};

/// Bytes by which numbers of a right operand are fetched before they are cut.
const AHEAD: usize = 8192;

/// Steps of a row that are cut before the next row's: what they become stays in the first cache.
const BLOCK: usize = 4 * STEP;

/// Rows of a left operand, `row` numbers apart, as `[step][low, middle, high][height][32]` in
/// `to`, or with the high parts alone. Of the lines beyond `rows` nothing is written.
pub(crate) fn left(
    parts: Parts,
    (from, row): (&[f32], usize),
    (rows, depth): (usize, usize),
    (to, height): (&mut [f32], usize),
) {
    assert!(rows <= height && depth > 0 && to.len() >= left_len(parts, height, depth));
    assert!(rows == 0 || from.len() >= (rows - 1) * row + depth);
    assert!(super::amx::has_bf16(), "this machine has no tiles");
    for begin in (0..depth).step_by(BLOCK) {
        let steps = begin..(begin + BLOCK).min(depth);
        let to = &mut to[left_len(parts, height, begin)..];
        for r in 0..rows {
            let from = &from[r * row..][steps.clone()];
            // SAFETY: tiles come with AVX-512; every step of `from` has `height` lines for each part.
            unsafe { left_row(parts, from, to.as_mut_ptr().add(r * LINE), height) };
        }
    }
}

/// # Safety
/// The machine has AVX-512F; `to` points to the row's first line of `left_len(parts, height, depth)`.
#[target_feature(enable = "avx512f")]
unsafe fn left_row(parts: Parts, from: &[f32], mut to: *mut f32, height: usize) {
    for step in from.chunks(STEP) {
        let first = ((1u64 << step.len()) - 1) as u32;
        let masks = [first as __mmask16, (first >> LINE) as __mmask16];
        // SAFETY: masks keep to the numbers of the step; `to` has a line for each part, `height` lines apart.
        unsafe {
            let one = _mm512_maskz_loadu_ps(masks[0], step.as_ptr());
            let other = _mm512_maskz_loadu_ps(masks[1], step.as_ptr().wrapping_add(LINE));
            if parts == Parts::High {
                _mm512_storeu_si512(to.cast(), pair(near(one), near(other)));
            } else {
                let [high, middle, low] = cut(one, other);
                _mm512_storeu_si512(to.cast(), low);
                _mm512_storeu_si512(to.add(height * LINE).cast(), middle);
                _mm512_storeu_si512(to.add(2 * height * LINE).cast(), high);
            }
        }
        to = to.wrapping_add(parts.left() * height * LINE);
    }
}

/// A panel `[depth x PANEL]` as `[step][high, low, middle][2 halves of the columns][16][32]` in `to`;
/// of one part, the high one only.
pub(crate) fn right(parts: Parts, from: &[f32], to: &mut [f32]) {
    let depth = from.len() / PANEL;
    assert!(from.len() == depth * PANEL && to.len() >= right_len(parts, depth));
    assert!(super::amx::has_bf16(), "this machine has no tiles");
    let steps = from.chunks(STEP * PANEL);
    let tiles = to.chunks_exact_mut(right_len(parts, STEP));
    for (step, tiles) in steps.zip(tiles) {
        // SAFETY: tiles come with AVX-512; both are a step, whole in `tiles` and perhaps less in
        // `step`, which is a number of whole rows.
        unsafe { right_step(parts, step, tiles) };
    }
}

/// # Safety
/// The machine has AVX-512F; `to` is `right_len` of a step, `from` at most `STEP` rows of a panel.
#[target_feature(enable = "avx512f")]
unsafe fn right_step(parts: Parts, from: &[f32], to: &mut [f32]) {
    const PART: usize = PANEL * LINE;
    let rows = from.len() / PANEL;
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    let load = |k: usize, column: usize| {
        let at = from.wrapping_add(k * PANEL + column);
        // SAFETY: a row below the last, and half of its columns; a prefetch reads nothing.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(at.cast::<i8>().wrapping_add(AHEAD));
            let mask = if k < rows { !0 } else { 0 };
            _mm512_maskz_loadu_ps(mask, at)
        }
    };
    for k in 0..STEP / 2 {
        for half in 0..2 {
            let (one, other) = (load(k, half * LINE), load(k + STEP / 2, half * LINE));
            let to = to.wrapping_add((half * STEP / 2 + k) * LINE);
            // SAFETY: line `k` of a tile, in each of the parts there are.
            unsafe {
                match parts {
                    Parts::High => {
                        _mm512_storeu_si512(to.cast(), pair(near(one), near(other)));
                    }
                    Parts::One => _mm512_storeu_si512(to.cast(), pair(one, other)),
                    Parts::Three => {
                        let [high, middle, low] = cut(one, other);
                        _mm512_storeu_si512(to.cast(), high);
                        _mm512_storeu_si512(to.add(PART).cast(), low);
                        _mm512_storeu_si512(to.add(2 * PART).cast(), middle);
                    }
                }
            }
        }
    }
}

/// High, middle and low parts of sixteen pairs.
#[target_feature(enable = "avx512f")]
#[inline]
fn cut(one: __m512, other: __m512) -> [__m512i; 3] {
    let highs = [rounded(one), rounded(other)];
    let rest = [_mm512_sub_ps(one, highs[0]), _mm512_sub_ps(other, highs[1])];
    let middles = [rounded(rest[0]), rounded(rest[1])];
    // What is left now has no more than eight bits.
    let lows = [
        _mm512_sub_ps(rest[0], middles[0]),
        _mm512_sub_ps(rest[1], middles[1]),
    ];
    [highs, middles, lows].map(|[one, other]| pair(one, other))
}

/// To the nearest bf16; of two equally near the one further from zero. A finite number may become
/// infinite; a NaN may become a zero, but what it leaves over is then a NaN.
#[target_feature(enable = "avx512f")]
#[inline]
fn rounded(x: __m512) -> __m512 {
    let up = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
    _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(UPPER)))
}

/// As `rounded`, but what is not a number stays none.
#[target_feature(enable = "avx512f")]
#[inline]
fn near(x: __m512) -> __m512 {
    let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
    _mm512_mask_mov_ps(rounded(x), none, x)
}

/// The upper halves of two vectors, in pairs.
#[target_feature(enable = "avx512f")]
#[inline]
fn pair(one: __m512, other: __m512) -> __m512i {
    let one = _mm512_srli_epi32::<16>(_mm512_castps_si512(one));
    // one | (other & UPPER)
    _mm512_ternarylogic_epi32::<0xf8>(one, _mm512_castps_si512(other), _mm512_set1_epi32(UPPER))
}

const UPPER: i32 = 0xffff_0000_u32 as i32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::amx;

    fn part(line: &[f32], j: usize, second: bool) -> f32 {
        let bits = line[j].to_bits();
        f32::from_bits(if second { bits & !0xffff } else { bits << 16 })
    }

    #[test]
    fn the_parts_of_a_number_are_small_and_make_it_up_exactly() {
        if !amx::has_bf16() {
            return;
        }
        let row: Vec<f32> = (0..45)
            .map(|i| ((i * 7919 + 13) as f32).sin() * 10f32.powi(i % 9 - 4))
            .collect();
        let mut to = vec![9.0; left_len(Parts::Three, 2, 45)];
        left(Parts::Three, (&row, 0), (1, 45), (&mut to, 2));
        for k in 0..64 {
            let (step, j, second) = (k / 32, k % 16, k % 32 >= 16);
            let line = |p: usize| part(&to[(step * 6 + p * 2) * LINE..][..LINE], j, second);
            let [low, middle, high] = [line(0), line(1), line(2)];
            let x = row.get(k).copied().unwrap_or(0.0);
            assert_eq!(
                f64::from(high) + f64::from(middle) + f64::from(low),
                x.into()
            );
            assert!(middle.abs() <= high.abs() / 256.0 && low.abs() <= high.abs() / 65536.0);
        }
    }

    #[test]
    fn numbers_that_are_not_finite_leave_a_part_that_is_not() {
        if !amx::has_bf16() {
            return;
        }
        for bits in [
            0x7f80_0000,
            0xff80_0000,
            0x7fff_ffff,
            0xffff_ffff,
            0x7f80_0001,
        ] {
            let mut to = vec![0.0; left_len(Parts::Three, 1, 1)];
            left(
                Parts::Three,
                (&[f32::from_bits(bits)], 0),
                (1, 1),
                (&mut to, 1),
            );
            let finite = (0..3).all(|p| part(&to[p * LINE..], 0, false).is_finite());
            assert!(!finite, "{bits:#x}");
        }
    }
}

//! Transposing blocks: what turns a panel of the forward direction into one of the backward
//! direction, and rows of a trained weight into panels.
//!
//! It moves numbers and changes none.

use super::Isa;
use super::multiply::assert_reach;

/// `to[c * to_row + r] = from[r * from_row + c]` for `r < rows`, `c < cols`; nothing else is written.
pub fn transpose(
    isa: Isa,
    (rows, cols): (usize, usize),
    (from, from_row): (&[f32], usize),
    (to, to_row): (&mut [f32], usize),
) {
    assert_reach(from.len(), (rows, from_row), (cols, 1));
    assert_reach(to.len(), (cols, to_row), (rows, 1));
    #[cfg(target_arch = "x86_64")]
    if matches!(isa, Isa::Avx512 | Isa::Amx) {
        assert!(isa.is_available(), "this machine has no {}", isa.name());
        for row in (0..rows).step_by(16) {
            for col in (0..cols).step_by(16) {
                let part = ((rows - row).min(16), (cols - col).min(16));
                let from = (from.as_ptr().wrapping_add(row * from_row + col), from_row);
                let to = (to.as_mut_ptr().wrapping_add(col * to_row + row), to_row);
                // SAFETY: both reaches were asserted, the part lies inside them, `to` is borrowed
                // exclusively, and the machine has AVX-512.
                unsafe {
                    match part {
                        (16, 16) => avx512::whole(from, to),
                        _ => avx512::part(part, from, to),
                    }
                }
            }
        }
        return;
    }
    let _ = isa;
    const SIDE: usize = 8;
    for row in (0..rows).step_by(SIDE) {
        let rows = row..(row + SIDE).min(rows);
        for col in 0..cols {
            let to = &mut to[col * to_row..col * to_row + rows.end];
            for r in rows.clone() {
                to[r] = from[r * from_row + col];
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    //! A 16 x 16 block in sixteen registers.

    use std::arch::x86_64::*;

    /// All of a block. Four rows of each register are put together from quarters of lines: loads
    /// have a port of their own, and half of the shuffles are saved.
    ///
    /// # Safety
    /// `from` may be read and `to` written at every element of the formula.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn whole(
        (from, from_row): (*const f32, usize),
        (to, to_row): (*mut f32, usize),
    ) {
        for quarter in 0..4 {
            let from = from.wrapping_add(4 * quarter);
            // Lane l of register i: columns 4 quarter .. of row 4 l + i.
            let mut lines = [_mm512_setzero_ps(); 4];
            for (i, line) in lines.iter_mut().enumerate() {
                let at = |l: usize| from.wrapping_add((4 * l + i) * from_row);
                // SAFETY: four columns of rows below sixteen.
                *line = unsafe {
                    let first = _mm512_castps128_ps512(_mm_loadu_ps(at(0)));
                    let line = _mm512_mask_broadcast_f32x4(first, 0x00f0, _mm_loadu_ps(at(1)));
                    let line = _mm512_mask_broadcast_f32x4(line, 0x0f00, _mm_loadu_ps(at(2)));
                    _mm512_mask_broadcast_f32x4(line, 0xf000, _mm_loadu_ps(at(3)))
                };
            }
            let to = to.wrapping_add(4 * quarter * to_row);
            for (c, line) in fours(lines).into_iter().enumerate() {
                // SAFETY: sixteen rows of a column below sixteen.
                unsafe { _mm512_storeu_ps(to.wrapping_add(c * to_row), line) };
            }
        }
    }

    /// In each lane, the transpose of the 4 x 4 block that four registers hold there.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn fours(r: [__m512; 4]) -> [__m512; 4] {
        let low = _mm512_castps_pd(_mm512_unpacklo_ps(r[0], r[1]));
        let high = _mm512_castps_pd(_mm512_unpackhi_ps(r[0], r[1]));
        let next_low = _mm512_castps_pd(_mm512_unpacklo_ps(r[2], r[3]));
        let next_high = _mm512_castps_pd(_mm512_unpackhi_ps(r[2], r[3]));
        [
            _mm512_castpd_ps(_mm512_unpacklo_pd(low, next_low)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(low, next_low)),
            _mm512_castpd_ps(_mm512_unpacklo_pd(high, next_high)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(high, next_high)),
        ]
    }

    /// Less than a block.
    ///
    /// # Safety
    /// At most 16 x 16; `from` may be read and `to` written at every element of the formula.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn part(
        (rows, cols): (usize, usize),
        (from, from_row): (*const f32, usize),
        (to, to_row): (*mut f32, usize),
    ) {
        let read = ((1u32 << cols) - 1) as __mmask16;
        let write = ((1u32 << rows) - 1) as __mmask16;
        let mut lines = [_mm512_setzero_ps(); 16];
        for (r, line) in lines.iter_mut().enumerate() {
            if r < rows {
                // SAFETY: row `r` exists, and the mask keeps to its columns.
                *line = unsafe { _mm512_maskz_loadu_ps(read, from.wrapping_add(r * from_row)) };
            }
        }
        let lines = turned(lines);
        for (c, line) in lines.into_iter().enumerate() {
            if c < cols {
                // SAFETY: column `c` exists, and the mask keeps to its rows.
                unsafe { _mm512_mask_storeu_ps(to.wrapping_add(c * to_row), write, line) };
            }
        }
    }

    /// The transpose: pairs, then fours within each 128-bit lane, then the lanes themselves.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn turned(rows: [__m512; 16]) -> [__m512; 16] {
        let zero = _mm512_setzero_ps();
        // quads[g][c]: lane l holds column 4 l + c of rows 4 g .. 4 g + 4.
        let mut quads = [[zero; 4]; 4];
        for (quad, r) in quads.iter_mut().zip(rows.chunks_exact(4)) {
            *quad = fours([r[0], r[1], r[2], r[3]]);
        }
        let mut columns = [zero; 16];
        for c in 0..4 {
            let even = _mm512_shuffle_f32x4::<0x88>(quads[0][c], quads[1][c]);
            let odd = _mm512_shuffle_f32x4::<0xdd>(quads[0][c], quads[1][c]);
            let next_even = _mm512_shuffle_f32x4::<0x88>(quads[2][c], quads[3][c]);
            let next_odd = _mm512_shuffle_f32x4::<0xdd>(quads[2][c], quads[3][c]);
            columns[c] = _mm512_shuffle_f32x4::<0x88>(even, next_even);
            columns[4 + c] = _mm512_shuffle_f32x4::<0x88>(odd, next_odd);
            columns[8 + c] = _mm512_shuffle_f32x4::<0xdd>(even, next_even);
            columns[12 + c] = _mm512_shuffle_f32x4::<0xdd>(odd, next_odd);
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_lands_on_its_mirror_place_and_nothing_else_is_written() {
        for isa in Isa::available() {
            for (rows, cols) in [(1, 1), (3, 17), (16, 16), (14, 100), (33, 31), (32, 64)] {
                let (from_row, to_row) = (cols + 3, rows + 2);
                let from: Vec<f32> = (0..rows * from_row).map(|x| x as f32).collect();
                let mut to = vec![-1.0; cols * to_row];
                transpose(isa, (rows, cols), (&from, from_row), (&mut to, to_row));
                for c in 0..cols {
                    for r in 0..to_row {
                        let expected = if r < rows {
                            from[r * from_row + c]
                        } else {
                            -1.0
                        };
                        assert_eq!(to[c * to_row + r], expected, "{isa:?} {rows} x {cols}");
                    }
                }
            }
        }
    }
}

//! Transposing a tall narrow part of a matrix, in squares that fit the vector registers.

use super::every_isa::every_isa;

/// Side of the squares.
const SIDE: usize = 16;

every_isa! {
    /// `out[d * out_row + j] = from[j * row + d]` for `j < rows`, `d < width`; each slice comes with
    /// the distance between its rows, the shape is rows by width.
    pub(crate) fn transpose(
        from: (&[f32], usize),
        shape: (usize, usize),
        out: (&mut [f32], usize),
    ) {
        let ((from, row), (rows, width), (out, out_row)) = (from, shape, out);
        for first in (0..rows).step_by(SIDE) {
            for left in (0..width).step_by(SIDE) {
                if first + SIDE <= rows && left + SIDE <= width {
                    square(&from[first * row + left..], row, &mut out[left * out_row + first..], out_row);
                    continue;
                }
                for j in first..rows.min(first + SIDE) {
                    for d in left..width.min(left + SIDE) {
                        out[d * out_row + j] = from[j * row + d];
                    }
                }
            }
        }
    }
}

/// One full square: four rounds in which row `i` is interleaved with row `i + 8`.
#[inline(always)]
fn square(from: &[f32], row: usize, out: &mut [f32], out_row: usize) {
    let mut lines = [[0.0f32; SIDE]; SIDE];
    for (i, line) in lines.iter_mut().enumerate() {
        line.copy_from_slice(&from[i * row..i * row + SIDE]);
    }
    for _ in 0..SIDE.ilog2() {
        let mut next = [[0.0f32; SIDE]; SIDE];
        for i in 0..SIDE / 2 {
            let (above, below) = (lines[i], lines[i + SIDE / 2]);
            for k in 0..SIDE / 2 {
                next[2 * i][2 * k] = above[k];
                next[2 * i][2 * k + 1] = below[k];
                next[2 * i + 1][2 * k] = above[k + SIDE / 2];
                next[2 * i + 1][2 * k + 1] = below[k + SIDE / 2];
            }
        }
        lines = next;
    }
    for (i, line) in lines.iter().enumerate() {
        out[i * out_row..i * out_row + SIDE].copy_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn every_element_lands_in_its_place() {
        for (rows, width) in [(1, 1), (16, 16), (17, 5), (40, 33), (64, 64)] {
            let (row, out_row) = (width + 3, rows + 2);
            let from: Vec<f32> = (0..rows * row).map(|i| i as f32).collect();
            for isa in Isa::available() {
                let mut out = vec![-1.0; width * out_row];
                transpose(isa, (&from, row), (rows, width), (&mut out, out_row));
                for j in 0..rows {
                    for d in 0..width {
                        assert_eq!(out[d * out_row + j], from[j * row + d], "{rows} x {width}");
                    }
                }
            }
        }
    }
}

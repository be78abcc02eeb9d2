//! Sums over rows, in pieces of a fixed number of rows, so that the order of adding is a matter of
//! shape and never of threads; and their mirror, rows that are added up by index.

use rayon::prelude::*;

use crate::mat::Mat;

/// Rows that one thread sums before the pieces are put together.
const ROWS: usize = 64;

/// Sums down each column, `[1 x N]`.
pub(crate) fn column_sums(mat: &Mat) -> Mat {
    let cols = mat.cols();
    let pieces: Vec<Vec<f32>> = mat
        .data()
        .par_chunks((ROWS * cols).max(1))
        .map(|piece| {
            let mut sums = vec![0.0f32; cols];
            for row in piece.chunks_exact(cols) {
                add(&mut sums, row);
            }
            sums
        })
        .collect();
    piece_sums(cols, pieces)
}

/// The sum of the sums of pieces, in their order, `[1 x N]`.
pub(super) fn piece_sums(cols: usize, pieces: Vec<Vec<f32>>) -> Mat {
    let mut sums = Mat::zeros(1, cols);
    for piece in pieces {
        add(sums.data_mut(), &piece);
    }
    sums
}

/// `out [rows x C]`, whose row `r` is the sum of those rows of `grad` whose index is `r`, added in
/// the order of `grad`. Every index must be below `rows`.
pub(super) fn scatter_rows<I>(grad: &Mat, indices: &[I], rows: usize) -> Mat
where
    I: Copy + TryInto<usize>,
{
    let cols = grad.cols();
    // Pairs of (row of the result, row of `grad`), so that every row of the result finds its own.
    let mut pairs: Vec<(usize, usize)> = indices
        .iter()
        .enumerate()
        .filter_map(|(from, index)| Some(((*index).try_into().ok()?, from)))
        .collect();
    pairs.sort_unstable();
    let mut out = Mat::stale(rows, cols);
    out.data_mut()
        .par_chunks_mut((ROWS * cols).max(1))
        .enumerate()
        .for_each(|(piece, out)| {
            out.fill(0.0);
            let first = piece * ROWS;
            let begin = pairs.partition_point(|(row, _)| *row < first);
            let end = pairs.partition_point(|(row, _)| *row < first + ROWS);
            for (row, from) in &pairs[begin..end] {
                let place = (row - first) * cols;
                add(&mut out[place..place + cols], grad.row(*from));
            }
        });
    out
}

fn add(sums: &mut [f32], row: &[f32]) {
    for (sum, number) in sums.iter_mut().zip(row) {
        *sum += number;
    }
}

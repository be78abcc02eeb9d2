//! Sums and scalings of long slices, on all cores.

use rayon::prelude::*;

/// Slices are cut into pieces of this many numbers; the cut never depends on the number of threads.
pub const PIECE: usize = 8 * 1024;

/// `a += b`.
pub fn add_assign(a: &mut [f32], b: &[f32]) {
    a.par_chunks_mut(PIECE)
        .zip(b.par_chunks(PIECE))
        .for_each(|(a, b)| {
            for (a, b) in a.iter_mut().zip(b) {
                *a += b;
            }
        });
}

/// `a *= factor`.
pub fn scale(a: &mut [f32], factor: f32) {
    a.par_chunks_mut(PIECE).for_each(|a| {
        for a in a {
            *a *= factor;
        }
    });
}

//! The integer product in plain Rust: the definition that the other kernels are compared with.

use super::{Left, PANEL, Panel, Sums};

pub(super) fn multiply(
    left: Left<'_>,
    rows: usize,
    panel: Panel<'_>,
    sums: &mut [Sums],
    more: bool,
) {
    for (r, sums) in sums[..rows].iter_mut().enumerate() {
        if !more {
            *sums = Sums::ZERO;
        }
        let left = left.bytes[r * left.stride..].chunks_exact(4);
        for (x, w) in left.zip(panel.bytes.chunks_exact(4 * PANEL)) {
            let x: [i32; 4] = std::array::from_fn(|k| i32::from(x[k]) - 128);
            for (sum, w) in sums.0.iter_mut().zip(w.chunks_exact(4)) {
                *sum += (0..4).map(|k| x[k] * i32::from(w[k])).sum::<i32>();
            }
        }
    }
}

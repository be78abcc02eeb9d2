//! Numbers to multiply, the plain sum in f64, and the comparison of every element with it.

#![allow(dead_code)]

use skillbelt_engine::kernel::multiply::Left;

/// Numbers in -1..1 that depend on the seed and the place only.
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let number = |i: usize| {
        let mut x = (seed << 40) ^ (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x >> 40) as f32) / (1u32 << 23) as f32 - 1.0
    };
    (0..len).map(number).collect()
}

/// The formula itself, in f64: `[m x n]`.
pub fn oracle(
    (m, n, depth): (usize, usize, usize),
    a: Left<'_>,
    (b, b_row): (&[f32], usize),
) -> Vec<f64> {
    let element = |i: usize| {
        let (i, j) = (i / n, i % n);
        (0..depth)
            .map(|k| f64::from(a.data[i * a.row + k * a.col]) * f64::from(b[k * b_row + j]))
            .sum()
    };
    (0..m * n).map(element).collect()
}

/// Every element. Terms are at most 1 in magnitude, so each of `terms` roundings errs by at most
/// half a unit of a partial sum below `terms`; sums of random signs stay near its root.
pub fn assert_close(found: &[f32], expected: &[f64], terms: usize, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let tolerance = 4.0 * f64::from(f32::EPSILON) * (terms as f64).max(1.0);
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(
            error <= tolerance,
            "{what}: element {i} is {found}, expected {expected}, off by {error:e} > {tolerance:e}"
        );
    }
}

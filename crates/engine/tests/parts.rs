//! Products that matrix tiles make of parts of bf16: as near to the plain sum as products of f32
//! themselves, and never finite where a number was not. Without such tiles both sides are the same.

mod numbers;

use numbers::{numbers, oracle};
use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::{Left, Write};
use skillbelt_engine::product::{self, Epilogue};
use skillbelt_engine::weight::{Precision, Weight};

/// Sums of four, nearly normal, each row and column with a magnitude of its own between
/// `2^-range` and `2^range`.
fn spread(seed: u64, (rows, width): (usize, usize), range: f32) -> Vec<f32> {
    let four: Vec<Vec<f32>> = (0..4)
        .map(|i| numbers(4 * seed + i, rows * width))
        .collect();
    let (by_row, by_column) = (numbers(seed + 90, rows), numbers(seed + 91, width));
    (0..rows * width)
        .map(|i| {
            let scale = (range * (by_row[i / width] + by_column[i % width])).exp2();
            four.iter().map(|one| one[i]).sum::<f32>() * scale
        })
        .collect()
}

/// Largest and root mean square error of a product, in units of 2^-24 of the sum of magnitudes.
fn errors((t, n, k): (usize, usize, usize), x: &[f32], w: &[f32], y: &[f32]) -> (f64, f64) {
    let turned = |w: &[f32]| -> Vec<f32> { (0..k * n).map(|i| w[i % n * k + i / n]).collect() };
    let plain = oracle((t, n, k), Left::rows(x, k), (&turned(w), n));
    let magnitude = |v: &[f32]| -> Vec<f32> { v.iter().map(|v| v.abs()).collect() };
    let (size, weights) = (magnitude(x), turned(&magnitude(w)));
    let sizes = oracle((t, n, k), Left::rows(&size, k), (&weights, n));
    let mut most = 0.0f64;
    let mut squares = 0.0;
    for ((y, plain), size) in y.iter().zip(&plain).zip(&sizes) {
        let error = (f64::from(*y) - plain).abs() / size * f64::from(1u32 << 24);
        most = most.max(error);
        squares += error * error;
    }
    (most, (squares / y.len() as f64).sqrt())
}

fn forward(isa: Isa, (t, n, k): (usize, usize, usize), x: &[f32], w: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; t * n];
    Weight::pack(Precision::F32, n, k, w).forward(isa, x, t, &mut y, Epilogue::SET);
    y
}

const CASES: [((usize, usize, usize), f32); 5] = [
    ((33, 64, 32), 0.0),
    ((33, 64, 768), 0.0),
    ((33, 64, 768), 12.0),
    ((17, 40, 4864), 0.0),
    ((17, 40, 4864), 12.0),
];

#[test]
fn tiles_err_no_more_than_vectors_do() {
    if !Isa::Amx.is_available() {
        return;
    }
    for (shape, range) in CASES {
        let (t, n, k) = shape;
        let (x, w) = (spread(1, (t, k), range), spread(2, (n, k), range));
        let of = |isa| errors(shape, &x, &w, &forward(isa, shape, &x, &w));
        let ((most, mean), (vector_most, vector_mean)) = (of(Isa::Amx), of(Isa::Avx512));
        let what = format!(
            "{shape:?} 2^{range}: {most:.3} and {mean:.4}, vectors {vector_most:.3} and {vector_mean:.4}"
        );
        assert!(
            most <= 1.5 * vector_most && mean <= 1.5 * vector_mean,
            "{what}"
        );
    }
}

#[test]
fn operands_of_two_parts_would_be_noticed() {
    let shape = (33, 64, 768);
    let (x, w) = (spread(1, (33, 768), 0.0), spread(2, (64, 768), 0.0));
    // The sixteen upper bits of the significand: a high and a middle part.
    let two = |v: &[f32]| -> Vec<f32> {
        let rounded = |v: &f32| f32::from_bits((v.to_bits() + 0x80) & !0xff);
        v.iter().map(rounded).collect()
    };
    let y = forward(Isa::chosen(), shape, &two(&x), &two(&w));
    let (most, mean) = errors(shape, &x, &w, &y);
    let exact = forward(Isa::chosen(), shape, &x, &w);
    let (exact_most, exact_mean) = errors(shape, &x, &w, &exact);
    assert!(most > 1.5 * exact_most && mean > 1.5 * exact_mean);
}

#[test]
fn the_height_of_a_batch_cannot_be_seen_in_a_row() {
    for isa in Isa::available() {
        for (n, k) in [(96, 1000), (70, 33)] {
            let packed = Weight::pack(Precision::F32, n, k, &numbers(1, n * k));
            let x = numbers(2, 65 * k);
            let run = |from: usize, t: usize| {
                let mut y = vec![0.0; t * n];
                packed.forward(isa, &x[from * k..][..t * k], t, &mut y, Epilogue::SET);
                y
            };
            let all = run(0, 65);
            for (from, t) in [
                (0, 1),
                (64, 1),
                (3, 15),
                (3, 16),
                (3, 17),
                (20, 32),
                (1, 33),
            ] {
                assert!(run(from, t) == all[from * n..][..t * n], "{isa:?} {t} rows");
            }
        }
    }
}

#[test]
fn a_number_that_is_not_finite_leaves_no_sum_finite() {
    let (t, n, k) = (20, 40, 100);
    for isa in Isa::available() {
        for bad in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            let (mut x, mut w) = (numbers(1, t * k), numbers(2, n * k));
            x[7 * k + 55] = bad;
            let y = forward(isa, (t, n, k), &x, &w);
            for (row, y) in y.chunks(n).enumerate() {
                assert!(
                    y.iter().all(|y| y.is_finite() != (row == 7)),
                    "{isa:?} {bad}"
                );
            }
            x[7 * k + 55] = 1.0;
            w[9 * k + 99] = bad;
            let y = forward(isa, (t, n, k), &x, &w);
            for (i, y) in y.iter().enumerate() {
                assert!(y.is_finite() != (i % n == 9), "{isa:?} {bad}");
            }
        }
    }
}

#[test]
fn a_weight_gradient_sums_rows_in_tiles_as_well() {
    let (t, n, k) = (1100, 40, 70);
    let (dy, x) = (numbers(1, t * n), numbers(2, t * k));
    let plain = oracle((n, k, t), Left::transposed(&dy, n), (&x, k));
    for isa in Isa::available() {
        let mut gradient = vec![0.5; n * k];
        product::weight_gradient(isa, (t, n, k), &dy, &x, &mut gradient, Write::Add);
        for (found, plain) in gradient.iter().zip(&plain) {
            let error = (f64::from(*found) - plain - 0.5).abs();
            assert!(error < 1e-4, "{isa:?}: {found}, expected {plain}");
        }
    }
}

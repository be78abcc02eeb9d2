//! The 8-bit products by their definition, one element at a time in exact integers.

use skillbelt_engine::kernel::Isa;
use skillbelt_engine::kernel::multiply::Write;
use skillbelt_engine::kernel::quantise::Quantised;
use skillbelt_engine::product::Epilogue;
use skillbelt_engine::weight::PackedInt8;

/// Numbers that look random, in [-1, 1), with a few large ones.
pub fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|i| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let number = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            if i % 97 == 5 { number * 9.0 } else { number }
        })
        .collect()
}

/// Sums of integers that no sum can overflow in, one span of 2^17 after the other.
pub fn exact(depth: usize, scale: f32, product: impl Fn(usize) -> i32) -> Vec<f32> {
    let spans = (0..depth).step_by(1 << 17);
    spans
        .map(|from| {
            let sum: i64 = (from..depth.min(from + (1 << 17)))
                .map(|k| i64::from(product(k)))
                .sum();
            assert_eq!(i64::from(sum as i32), sum, "a span fits");
            sum as i32 as f32 * scale
        })
        .collect()
}

/// Gradients quantised, with no factors but one.
pub fn gradients(dy: &[f32], t: usize, n: usize) -> Quantised {
    let mut quantised = Quantised::default();
    quantised.refill(Isa::Portable, dy, (t, n), Some(&vec![1.0; n]));
    quantised
}

/// `x W^T * scales + bias + residual (+ y)`, one element at a time.
pub fn forward_by_definition(
    w: &PackedInt8,
    x: &Quantised,
    y: &[f32],
    bias: Option<&[f32]>,
    residual: Option<&[f32]>,
    add: bool,
) -> Vec<f32> {
    let n = w.outputs();
    (0..x.rows() * n)
        .map(|at| {
            let (t, n) = (at / n, at % n);
            let product = |k| x.integer(t, k) * w.integer(n, k);
            let mut number = exact(w.inputs(), x.scales()[t], product)[0] * w.scales()[n];
            if let Some(bias) = bias {
                number += bias[n];
            }
            if let Some(residual) = residual {
                number += residual[at];
            }
            if add { number + y[at] } else { number }
        })
        .collect()
}

/// `(dy * scales) W (+ dx)`, one element at a time.
pub fn backward_by_definition(w: &PackedInt8, dy: &[f32], dx: &[f32], add: bool) -> Vec<f32> {
    let (n, k) = (w.outputs(), w.inputs());
    let folded: Vec<f32> = dy
        .iter()
        .enumerate()
        .map(|(at, dy)| dy * w.scales()[at % n])
        .collect();
    let dy = gradients(&folded, dy.len() / n, n);
    (0..dy.rows() * k)
        .map(|at| {
            let (t, k) = (at / k, at % k);
            let product = |n| dy.integer(t, n) * w.integer(n, k);
            let parts = exact(n, dy.scales()[t], product);
            parts.into_iter().enumerate().fold(
                dx[at],
                |sum, (i, part)| {
                    if i > 0 || add { part + sum } else { part }
                },
            )
        })
        .collect()
}

pub fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

fn into(add: bool) -> Write {
    if add { Write::Add } else { Write::Set }
}

pub fn check_forward(isa: Isa, w: &PackedInt8, x: &[f32], t: usize, extras: bool) {
    let n = w.outputs();
    let (bias, residual) = (numbers(n, 4), numbers(t * n, 5));
    let bias = extras.then_some(&bias[..]);
    let residual = extras.then_some(&residual[..]);
    let mut y = numbers(t * n, 6);
    let quantised = Quantised::from_rows(Isa::Portable, x, t, w.inputs());
    let expected = forward_by_definition(w, &quantised, &y, bias, residual, extras);
    let epilogue = Epilogue {
        bias,
        residual,
        into: into(extras),
    };
    w.forward(isa, x, t, &mut y, epilogue);
    assert_eq!(
        bits(&y),
        bits(&expected),
        "{isa:?} {t} x {n} x {}",
        w.inputs()
    );
}

pub fn check_backward(isa: Isa, w: &PackedInt8, dy: &[f32], t: usize, add: bool) {
    let mut dx = numbers(t * w.inputs(), 7);
    let expected = backward_by_definition(w, dy, &dx, add);
    w.backward(isa, dy, t, &mut dx, into(add));
    assert_eq!(
        bits(&dx),
        bits(&expected),
        "{isa:?} {t} x {} x {}",
        w.outputs(),
        w.inputs()
    );
}

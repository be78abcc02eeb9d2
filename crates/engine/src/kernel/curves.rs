//! Curves applied element by element: the activations of the model families and their slopes.
//!
//! Every curve is free of branches and keeps its error near 1e-7 of its result, also in the tails;
//! a NaN stays a NaN. The coefficients are minimax fits of ours (least squares, reweighted towards
//! the largest relative error), stated with the error that they leave in exact arithmetic.

use super::every_isa::every_isa;
use super::exponential::exp_within_87;

/// A curve and its slope at a point.
pub trait Curve {
    /// `(f(x), f'(x))`; what is not used is not computed.
    fn at(x: f32) -> (f32, f32);
}

/// `max(x, 0)`; the slope at zero is zero.
pub struct Relu;
/// `x Phi(x)`, with the normal distribution `Phi` itself.
pub struct Gelu;
/// `x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2`.
pub struct GeluTanh;
/// `x sigmoid(1.702 x)`.
pub struct QuickGelu;
/// `x sigmoid(x)`.
pub struct Silu;
/// The hyperbolic tangent.
pub struct Tanh;
/// The element itself: a gate without a curve.
pub struct Straight;

every_isa! {
    /// `y = f(x)`.
    pub fn apply<C: Curve>(x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = C::at(*x).0;
        }
    }
}

every_isa! {
    /// `dy *= f'(x)`.
    pub fn apply_back<C: Curve>(x: &[f32], dy: &mut [f32]) {
        for (dy, x) in dy.iter_mut().zip(x) {
            *dy *= C::at(*x).1;
        }
    }
}

every_isa! {
    /// `y = f(gate) * up`.
    pub fn gate<C: Curve>(gate: &[f32], up: &[f32], y: &mut [f32]) {
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = C::at(*gate).0 * up;
        }
    }
}

every_isa! {
    /// `dgate = dy * up * f'(gate)`, `dup = dy * f(gate)`.
    pub fn gate_back<C: Curve>(
        gate: &[f32],
        up: &[f32],
        dy: &[f32],
        dgate: &mut [f32],
        dup: &mut [f32],
    ) {
        let inputs = gate.iter().zip(up).zip(dy);
        for (((gate, up), dy), (dgate, dup)) in inputs.zip(dgate.iter_mut().zip(dup)) {
            let (value, slope) = C::at(*gate);
            *dgate = dy * up * slope;
            *dup = dy * value;
        }
    }
}

impl Curve for Relu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        // Written so that a NaN passes through.
        let value = if x < 0.0 { 0.0 } else { x };
        (value, if x > 0.0 { 1.0 } else { 0.0 })
    }
}

impl Curve for Gelu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        const DENSITY_AT_ZERO: f32 = 0.398_942_3;
        let bell = exp_within_87(-0.5 * x * x);
        let below = normal_below(x, bell);
        (x * below, below + x * (bell * DENSITY_AT_ZERO))
    }
}

impl Curve for GeluTanh {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        // (1 + tanh(u)) / 2 = sigmoid(2u), and 2u = x (A + B x^2).
        const A: f32 = 1.595_769;
        const B: f32 = 0.071_354_814;
        let square = x * x;
        let (share, rest) = sigmoid(x * (A + B * square));
        (
            x * share,
            share + x * (share * rest) * (A + 3.0 * B * square),
        )
    }
}

impl Curve for QuickGelu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        const STEEPNESS: f32 = 1.702;
        let (share, rest) = sigmoid(STEEPNESS * x);
        (x * share, share + STEEPNESS * x * (share * rest))
    }
}

impl Curve for Silu {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let (share, rest) = sigmoid(x);
        (x * share, share + x * (share * rest))
    }
}

impl Curve for Tanh {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        let value = tanh(x);
        (value, 1.0 - value * value)
    }
}

impl Curve for Straight {
    #[inline(always)]
    fn at(x: f32) -> (f32, f32) {
        (x, 1.0)
    }
}

/// `(sigmoid(x), 1 - sigmoid(x))`, both to their own scale.
#[inline(always)]
fn sigmoid(x: f32) -> (f32, f32) {
    // Within bounds, so that the product below is never infinite times zero.
    let falling = exp_within_87(-x);
    let share = 1.0 / (1.0 + falling);
    (share, falling * share)
}

/// The normal distribution below `x`, given `bell = exp_within_87(-x^2 / 2)`.
#[inline(always)]
fn normal_below(x: f32, bell: f32) -> f32 {
    // The tail beyond |x| is bell * t * p(t) with t = 1 / (1 + 0.35 |x|); off by 3.2e-8 of itself.
    const TAIL: [f32; 9] = [
        0.139_621_3,
        0.139_863_54,
        0.119_821_1,
        0.105_553_26,
        -0.023_214_243,
        0.159_322_55,
        -0.255_841_58,
        0.144_032_2,
        -0.029_158_155,
    ];
    let t = 1.0 / (1.0 + 0.35 * x.abs());
    let tail = bell * (t * polynomial(t, TAIL));
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    // Off by 7e-9 of itself up to 0.65; beyond, 1 - 2 / (e^2x + 1) loses nothing.
    const SMALL: [f32; 5] = [
        -0.333_332_6,
        0.133_308_3,
        -0.053_688_023,
        0.020_469_416,
        -0.005_515_158_7,
    ];
    let square = x * x;
    let small = x + x * (square * polynomial(square, SMALL));
    let large = 1.0 - 2.0 / (exp_within_87(2.0 * x.abs()) + 1.0);
    if x.abs() < 0.625 {
        small
    } else {
        large.copysign(x)
    }
}

/// `c[0] + c[1] x + c[2] x^2 + ..`
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients.into_iter().rev() {
        sum = sum * x + coefficient;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;
    use crate::ops::activation::{Activation, plain};

    /// From -30 to 30, densest around zero.
    fn numbers() -> Vec<f32> {
        (-20_000..=20_000)
            .map(|i| (i as f32 / 20_000.0).powi(3) * 30.0)
            .collect()
    }

    /// Off by at most 5e-7 of the result (slopes: 4e-7). In the falling tail, where the rounding of
    /// an exponent shows, by 1e-8 on top.
    fn compare<C: Curve>(kind: Activation) {
        for x in numbers() {
            let (value, slope) = C::at(x);
            let f = |x: f64| plain::value(kind, x);
            let expected = f(f64::from(x));
            let off = (f64::from(value) - expected).abs();
            let floor = if x < -1.0 { 1e-8 } else { 1e-14 };
            assert!(
                off <= 5e-7 * expected.abs() + floor,
                "{kind:?} at {x}: {value}, expected {expected}"
            );
            if kind == Activation::Relu && x.abs() < 1e-4 {
                continue;
            }
            let step = 1e-5;
            let difference = (f(f64::from(x) + step) - f(f64::from(x) - step)) / (2.0 * step);
            let off = (f64::from(slope) - difference).abs();
            assert!(
                off <= 4e-7,
                "{kind:?} slope at {x}: {slope}, expected {difference}"
            );
        }
    }

    #[test]
    fn every_curve_and_its_slope_are_within_a_few_parts_in_ten_million() {
        compare::<Relu>(Activation::Relu);
        compare::<Gelu>(Activation::Gelu);
        compare::<GeluTanh>(Activation::GeluTanh);
        compare::<QuickGelu>(Activation::QuickGelu);
        compare::<Silu>(Activation::Silu);
        compare::<Tanh>(Activation::Tanh);
        compare::<Straight>(Activation::Identity);
    }

    #[test]
    fn far_out_every_curve_is_finite_and_a_nan_stays_one() {
        fn far<C: Curve>() {
            for x in [-1e4, -90.0, -88.0, 88.0, 90.0, 1e4] {
                let (value, slope) = C::at(x);
                assert!(
                    value.is_finite() && slope.is_finite(),
                    "{x}: {value} {slope}"
                );
            }
            assert!(C::at(f32::NAN).0.is_nan());
        }
        far::<Relu>();
        far::<Gelu>();
        far::<GeluTanh>();
        far::<QuickGelu>();
        far::<Silu>();
        far::<Tanh>();
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        fn bits<C: Curve>(isa: Isa) -> Vec<u32> {
            let x = numbers();
            let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.7; x.len()]);
            apply::<C>(isa, &x, &mut y);
            apply_back::<C>(isa, &x, &mut dx);
            y.iter().chain(&dx).map(|number| number.to_bits()).collect()
        }
        for isa in Isa::available() {
            assert!(bits::<Gelu>(isa) == bits::<Gelu>(Isa::Portable), "{isa:?}");
            assert!(
                bits::<GeluTanh>(isa) == bits::<GeluTanh>(Isa::Portable),
                "{isa:?}"
            );
            assert!(bits::<Silu>(isa) == bits::<Silu>(Isa::Portable), "{isa:?}");
            assert!(bits::<Tanh>(isa) == bits::<Tanh>(Isa::Portable), "{isa:?}");
        }
    }
}

//! The exponential function, in plain arithmetic that vectorises and gives the same bits on every
//! instruction set. What else is made of it (sigmoid, tanh, erf) lives elsewhere.

use super::every_isa::every_isa;

/// Below this the true value is under the smallest normal number; the result is zero.
const LOWEST: f32 = -87.336_54;
/// Above this the true value is beyond the largest number; the result is infinite.
const HIGHEST: f32 = 88.722_84;
/// Adding it rounds a small number to an integer that stands in the low bits.
const ROUNDER: f32 = 12_582_912.0;
/// `ln 2` in two parts, the first short enough that a small integer times it is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `e^x`, relative error below 2e-7; zero where the true value is not a normal number, infinite
/// where it is too large, NaN for NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (power, n) = parts(bound(x, -88.0, 89.0));
    // Times 2^n in two steps, since 2^128 itself is not a number.
    let half = n >> 1;
    let value = power * two_to(half) * two_to(n.wrapping_sub(half));
    let value = if x < LOWEST { 0.0 } else { value };
    if x > HIGHEST { f32::INFINITY } else { value }
}

/// `e^x` for `x` brought within -87..=87, in two thirds of the work; NaN for NaN. For curves and
/// sums in which `e^-87` is as good as nothing and `e^87` as good as infinite.
#[inline(always)]
pub(crate) fn exp_within_87(x: f32) -> f32 {
    let (power, n) = parts(bound(x, -87.0, 87.0));
    power * two_to(n)
}

/// Comparisons written so that NaN passes through.
#[inline(always)]
fn bound(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// `e^x = power * 2^n` with `power` near one.
#[inline(always)]
fn parts(bounded: f32) -> (f32, i32) {
    // x = n ln 2 + r with |r| <= ln 2 / 2.
    let shifted = bounded * std::f32::consts::LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let rest = (bounded - whole * LN2_HIGH) - whole * LN2_LOW;
    // e^r = 1 + r + r^2 P(r), P the minimax polynomial of degree 5 on the interval.
    let mut tail = 1.987_569_1e-4;
    tail = tail * rest + 1.398_2e-3;
    tail = tail * rest + 8.333_452e-3;
    tail = tail * rest + 4.166_579_6e-2;
    tail = tail * rest + 1.666_666_5e-1;
    tail = tail * rest + 0.5;
    let power = tail * (rest * rest) + rest + 1.0;
    let n = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
    (power, n)
}

/// `2^n` for `n` in -126..=127; anything for other `n`.
#[inline(always)]
fn two_to(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

every_isa! {
    /// `x = e^x`, element by element.
    pub fn exp_in_place(numbers: &mut [f32]) {
        for number in numbers {
            *number = exp(*number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    /// Every sixteen-thousandth or so of all numbers between the bounds.
    fn numbers() -> impl Iterator<Item = f32> {
        (0..=u32::MAX / 8191).map(|i| f32::from_bits(i * 8191))
    }

    #[test]
    fn the_exponential_is_within_two_parts_in_ten_million() {
        let mut checked = 0;
        for x in numbers().filter(|x| (LOWEST..=HIGHEST).contains(x)) {
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            let off = (found - expected).abs() / expected;
            assert!(off <= 2e-7, "e^{x} = {found}, expected {expected}");
            checked += 1;
        }
        assert!(checked > 200_000, "{checked}");
    }

    #[test]
    fn the_ends_of_the_line_are_zero_infinity_and_nan() {
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e30), 0.0);
        assert_eq!(exp(-87.4), 0.0);
        assert!(exp(-87.3) > 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert!(exp(88.7).is_finite());
        assert_eq!(exp(88.8), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn within_its_bounds_the_shorter_way_gives_the_same_bits() {
        for x in numbers().filter(|x| x.abs() <= 87.0) {
            assert_eq!(exp_within_87(x).to_bits(), exp(x).to_bits(), "{x}");
        }
        assert_eq!(exp_within_87(f32::NEG_INFINITY), exp(-87.0));
        assert_eq!(exp_within_87(f32::INFINITY), exp(87.0));
        assert!(exp_within_87(f32::NAN).is_nan());
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let inputs: Vec<f32> = numbers().step_by(5).filter(|x| !x.is_nan()).collect();
        let expected: Vec<u32> = inputs.iter().map(|x| exp(*x).to_bits()).collect();
        for isa in Isa::available() {
            for from in [0, 1, 5] {
                let mut found = inputs[from..].to_vec();
                exp_in_place(isa, &mut found);
                let found: Vec<u32> = found.iter().map(|x| x.to_bits()).collect();
                assert!(found == expected[from..], "{}", isa.name());
            }
        }
    }
}

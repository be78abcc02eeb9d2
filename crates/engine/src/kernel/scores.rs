//! Rows of scores to weights and back, for blocks of attention scores: element-wise passes and sums
//! in a fixed order, the same bits on every instruction set.
//!
//! A row's result depends on the columns it sees and on nothing else: neither on where the block
//! begins nor on what other rows see.

use super::every_isa::every_isa;
use super::exponential::exp;

/// Sums are kept in this many lanes, whatever the vector registers hold.
const LANES: usize = 16;

/// The columns that a row sees: from the first to before the second.
pub(crate) type Seen = (usize, usize);

every_isa! {
    /// Each row of `scores` (`shape`: rows so far apart, of so many columns) becomes `e^(score - largest)` in
    /// the columns it sees and zero in the others; `inverses` get one over the sum of each row.
    pub fn exponentiate(
        scores: &mut [f32],
        shape: (usize, usize),
        seen: &[Seen],
        inverses: &mut [f32],
    ) {
        let (stride, width) = shape;
        for ((row, &(first, end)), inverse) in
            scores.chunks_mut(stride).zip(seen).zip(inverses)
        {
            row[..first].fill(0.0);
            row[end..width].fill(0.0);
            let row = &mut row[first..end];
            let largest = largest(row);
            let mut sums = [0.0f32; LANES];
            let mut pieces = row.chunks_exact_mut(LANES);
            for piece in &mut pieces {
                for (sum, score) in sums.iter_mut().zip(piece) {
                    *score = weight(*score - largest);
                    *sum += *score;
                }
            }
            for (sum, score) in sums.iter_mut().zip(pieces.into_remainder()) {
                *score = weight(*score - largest);
                *sum += *score;
            }
            *inverse = 1.0 / total(sums);
        }
    }
}

every_isa! {
    /// From what `exponentiate` left and the gradients of the weights: `weights` are normalised and
    /// `gradients` become those of the scores, `w (g - sum of w g)`, zero in columns not seen.
    pub fn score_gradients(
        weights: &mut [f32],
        gradients: &mut [f32],
        shape: (usize, usize),
        seen: &[Seen],
        inverses: &[f32],
    ) {
        let (stride, width) = shape;
        let rows = weights.chunks_mut(stride).zip(gradients.chunks_mut(stride));
        for (((weights, gradients), &(first, end)), inverse) in rows.zip(seen).zip(inverses) {
            gradients[..first].fill(0.0);
            gradients[end..width].fill(0.0);
            let (weights, gradients) = (&mut weights[first..end], &mut gradients[first..end]);
            let mut sums = [0.0f32; LANES];
            let mut pieces = weights.chunks_exact_mut(LANES);
            let mut others = gradients.chunks_exact(LANES);
            for (weights, gradients) in (&mut pieces).zip(&mut others) {
                for ((sum, weight), gradient) in sums.iter_mut().zip(weights).zip(gradients) {
                    *weight *= inverse;
                    *sum += *weight * gradient;
                }
            }
            let rest = pieces.into_remainder().iter_mut().zip(others.remainder());
            for (sum, (weight, gradient)) in sums.iter_mut().zip(rest) {
                *weight *= inverse;
                *sum += *weight * gradient;
            }
            let mean = total(sums);
            for (gradient, weight) in gradients.iter_mut().zip(weights) {
                *gradient = *weight * (*gradient - mean);
            }
        }
    }
}

/// `e^below`, and zero where that adds nothing to a sum that holds a one: products of tiny numbers
/// would leave the range of normal ones, and those are slow.
#[inline(always)]
fn weight(below: f32) -> f32 {
    const LOWEST: f32 = -64.0;
    let weight = exp(below);
    if below < LOWEST { 0.0 } else { weight }
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let pieces = row.chunks_exact(LANES);
    let rest = pieces.remainder();
    for piece in pieces {
        for (lane, score) in lanes.iter_mut().zip(piece) {
            *lane = if *score > *lane { *score } else { *lane };
        }
    }
    for (lane, score) in lanes.iter_mut().zip(rest) {
        *lane = if *score > *lane { *score } else { *lane };
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let other = lanes[lane + half];
            lanes[lane] = if other > lanes[lane] {
                other
            } else {
                lanes[lane]
            };
        }
        half /= 2;
    }
    lanes[0]
}

/// The lanes added pair by pair.
#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

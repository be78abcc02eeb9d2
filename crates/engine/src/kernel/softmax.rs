//! The softmax of one long row of logits, for losses over a whole vocabulary.

use super::every_isa::every_isa;
use super::exponential::exp_within_87;

/// Numbers that are summed in f32 before the sum goes on in f64.
const STRETCH: usize = 1024;
/// Sums and maxima are kept in this many lanes, whatever the instruction set.
const LANES: usize = 32;

every_isa! {
    /// Turns logits into `e^(logit - largest)`; returns the largest logit and the sum.
    pub fn exponentials(row: &mut [f32]) -> (f32, f64) {
        let largest = largest(row);
        let mut sum = 0.0;
        for stretch in row.chunks_mut(STRETCH) {
            let mut lanes = [0.0f32; LANES];
            let (whole, rest) = stretch.as_chunks_mut::<LANES>();
            for chunk in whole {
                for (lane, number) in lanes.iter_mut().zip(chunk) {
                    *number = exp_within_87(*number - largest);
                    *lane += *number;
                }
            }
            for (lane, number) in lanes.iter_mut().zip(rest) {
                *number = exp_within_87(*number - largest);
                *lane += *number;
            }
            sum += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
        }
        (largest, sum)
    }
}

every_isa! {
    /// `row *= factor`, on this thread.
    pub fn multiply(row: &mut [f32], factor: f32) {
        for number in row {
            *number *= factor;
        }
    }
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane = if *number > *lane { *number } else { *lane };
        }
    }
    let all = lanes.iter().chain(rest);
    all.fold(f32::NEG_INFINITY, |a, b| if *b > a { *b } else { a })
}

//! How sure a mean over seeds is, and a difference of two: the paired bootstrap over examples and
//! seeds. It knows numbers, not cells.
//!
//! A draw takes as many test rows as there are, with return, the same from every cell; and as many
//! seeds as there are, with return, the same from both sides. With one seed only the rows are drawn:
//! the interval then says nothing of other seeds.

use skillbelt_engine::random::Stream;

use crate::evaluate::Draws;
use crate::study::results::Interval;
use crate::study::sample::{Sample, interval};

/// A number with how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sure {
    pub value: f64,
    pub interval: Option<Interval>,
    /// Two-sided, against nought: twice the share of draws at nought or on its other side, with one
    /// draw added so that it is never nought.
    pub p: Option<f64>,
}

/// The mean over seeds, as it is and on every draw.
#[derive(Debug, Clone, PartialEq)]
pub struct OverSeeds {
    pub value: f64,
    pub draws: Vec<f64>,
}

impl OverSeeds {
    /// Of one sample for each seed, in the order of the seeds.
    pub fn new(samples: &[&Sample], seeds: &Draws) -> OverSeeds {
        let count = samples.len();
        let value = samples.iter().map(|sample| sample.value).sum::<f64>() / count as f64;
        let draws = samples.iter().map(|sample| sample.draws.len()).min();
        let draw = |draw: usize| {
            let drawn = drawn(seeds.seed, draw as u64, count);
            let sum: f64 = drawn.map(|seed| samples[seed].draws[draw]).sum();
            sum / count as f64
        };
        OverSeeds {
            value,
            draws: (0..draws.unwrap_or(0)).map(draw).collect(),
        }
    }

    /// Both sides must have been made of the same seeds.
    pub fn minus(&self, other: &OverSeeds) -> OverSeeds {
        let pairs = self.draws.iter().zip(&other.draws);
        OverSeeds {
            value: self.value - other.value,
            draws: pairs.map(|(a, b)| a - b).collect(),
        }
    }

    /// The mean of several, each times its sign.
    pub fn mean(parts: &[(f64, OverSeeds)]) -> OverSeeds {
        let count = parts.len() as f64;
        let least = parts.iter().map(|(_, part)| part.draws.len()).min();
        let value = parts
            .iter()
            .map(|(sign, part)| sign * part.value)
            .sum::<f64>()
            / count;
        let draw = |draw: usize| {
            let values = parts.iter().map(|(sign, part)| sign * part.draws[draw]);
            values.sum::<f64>() / count
        };
        OverSeeds {
            value,
            draws: (0..least.unwrap_or(0)).map(draw).collect(),
        }
    }

    pub fn sure(&self, draws: &Draws) -> Sure {
        let interval = interval(&self.draws, draws);
        let finite = || self.draws.iter().filter(|value| value.is_finite());
        let below = finite().filter(|value| **value <= 0.0).count() + 1;
        let above = finite().filter(|value| **value >= 0.0).count() + 1;
        let share = 2.0 * below.min(above) as f64 / (finite().count() + 1) as f64;
        Sure {
            value: self.value,
            p: interval.map(|_| share.min(1.0)),
            interval,
        }
    }
}

/// The seeds of a draw, by their places.
fn drawn(seed: u64, draw: u64, count: usize) -> impl Iterator<Item = usize> {
    let stream = Stream::new(seed, draw, "study.seeds");
    (0..count as u64)
        .map(move |place| ((u128::from(stream.bits(place)) * count as u128) >> 64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(value: f64, draws: &[f64]) -> Sample {
        Sample {
            value,
            draws: draws.to_vec(),
        }
    }

    #[test]
    fn one_seed_leaves_the_draws_of_the_rows_as_they_are() {
        let one = sample(0.5, &[0.4, 0.6, f64::NAN]);
        let found = OverSeeds::new(&[&one], &Draws::default());
        assert_eq!(found.value, 0.5);
        assert_eq!(found.draws[..2], [0.4, 0.6]);
        assert!(found.draws[2].is_nan());
    }

    #[test]
    fn seeds_that_differ_widen_the_interval_and_a_shift_of_all_does_not() {
        let draws = Draws {
            seed: 0,
            count: 2000,
        };
        let flat = |value: f64| sample(value, &vec![value; 2000]);
        let (a, b, c) = (flat(0.1), flat(0.2), flat(0.3));
        let mean = OverSeeds::new(&[&a, &b, &c], &draws);
        let sure = mean.sure(&draws);
        let interval = sure.interval.unwrap();
        assert!((sure.value - 0.2).abs() < 1e-12);
        // Each mean of three drawn seeds is as likely as the textbook says: 0.1 and 0.3 come once in
        // 27 draws each, so both ends are reached.
        assert!((interval.low - 0.1).abs() < 1e-9 && (interval.high - 0.3).abs() < 1e-9);
        let (x, y, z) = (flat(0.15), flat(0.25), flat(0.35));
        let moved = OverSeeds::new(&[&x, &y, &z], &draws);
        let shift = moved.minus(&mean).sure(&draws);
        let interval = shift.interval.unwrap();
        assert!((interval.low - 0.05).abs() < 1e-9 && (interval.high - 0.05).abs() < 1e-9);
        assert!(shift.p.unwrap() < 0.002, "{shift:?}");
        let none = mean.minus(&mean).sure(&draws);
        assert_eq!(none.p, Some(1.0));
    }

    #[test]
    fn too_few_draws_with_a_value_give_neither_interval_nor_p() {
        let draws = Draws { seed: 0, count: 4 };
        let bad = sample(0.5, &[f64::NAN, f64::NAN, f64::NAN, 0.5]);
        let sure = OverSeeds::new(&[&bad], &draws).sure(&draws);
        assert_eq!((sure.interval, sure.p), (None, None));
    }
}

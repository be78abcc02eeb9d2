//! How sure a number is: the bootstrap, with draws that come again from the same seed.

use rayon::prelude::*;
use serde::Serialize;
use skillbelt_engine::random::Stream;

use crate::metric::Judged;

/// The share of the draws that stands between the ends of an interval.
const INSIDE: f64 = 0.95;

/// Draws of as many examples as there are, with return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    pub seed: u64,
    pub count: u64,
}

impl Default for Draws {
    fn default() -> Draws {
        Draws {
            seed: 0,
            count: 2000,
        }
    }
}

/// Between the percentiles 2.5 and 97.5 of the draws.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// Draws on which the measure had a value.
    pub draws: u64,
    pub seed: u64,
}

impl Draws {
    /// The values of a number on every draw of `examples`, in the order of the draws; the same on any
    /// number of threads. Draws on which it has no value are left out.
    pub fn values(
        &self,
        examples: usize,
        number: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Vec<f64> {
        let draws = (0..self.count).into_par_iter();
        let values: Vec<Option<f64>> = draws
            .map(|draw| number(&self.times(draw, examples)))
            .collect();
        values.into_iter().flatten().collect()
    }

    /// How many times each example was drawn.
    fn times(&self, draw: u64, examples: usize) -> Vec<u32> {
        let stream = Stream::new(self.seed, draw, "evaluation.bootstrap");
        let mut times = vec![0; examples];
        for index in 0..examples as u64 {
            let drawn = (u128::from(stream.bits(index)) * examples as u128) >> 64;
            times[drawn as usize] += 1;
        }
        times
    }

    /// The interval of values; none if a number had no value on most draws.
    pub fn interval(&self, values: &[f64]) -> Option<Interval> {
        if values.is_empty() || (values.len() as u64) < self.count.div_ceil(2) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Interval {
            low: quantile(&sorted, (1.0 - INSIDE) / 2.0),
            high: quantile(&sorted, (1.0 + INSIDE) / 2.0),
            draws: values.len() as u64,
            seed: self.seed,
        })
    }
}

/// Of sorted values, on the straight line between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The 95% interval of a measure.
pub fn interval(judged: &dyn Judged, measure: &str, draws: &Draws) -> Option<Interval> {
    let values = draws.values(judged.count(), |times| judged.value(measure, times));
    draws.interval(&values)
}

/// The 95% intervals of several measures, from the same draws, in the order of their names.
pub fn intervals(judged: &dyn Judged, measures: &[&str], draws: &Draws) -> Vec<Option<Interval>> {
    let all = (0..draws.count).into_par_iter();
    let drawn: Vec<Vec<Option<f64>>> = all
        .map(|draw| judged.values(measures, &draws.times(draw, judged.count())))
        .collect();
    let of = |place: usize| {
        let values = drawn.iter().filter_map(|values| *values.get(place)?);
        draws.interval(&values.collect::<Vec<f64>>())
    };
    (0..measures.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Ranked;

    #[test]
    fn the_interval_of_a_mean_has_the_width_of_its_standard_error() {
        // Half of the queries are found at once, half never within the first: p = 1/2.
        let ranks: Vec<Vec<usize>> = (0..400).map(|query| vec![1 + query % 2]).collect();
        let judged = Ranked::new(&ranks, 10);
        let found = interval(&judged, "recall@1", &Draws::default()).unwrap();
        let reach = 1.96 * (0.25f64 / 400.0).sqrt();
        assert!((found.low - (0.5 - reach)).abs() < 0.01, "{found:?}");
        assert!((found.high - (0.5 + reach)).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn intervals_of_several_measures_are_those_of_each() {
        let ranks: Vec<Vec<usize>> = (0..40).map(|query| vec![1 + query % 7]).collect();
        let judged = Ranked::new(&ranks, 10);
        let draws = Draws::default();
        let names = ["mrr", "none", "recall@5"];
        let each = names.map(|name| interval(&judged, name, &draws));
        assert!(each[0].is_some() && each[1].is_none());
        assert_eq!(intervals(&judged, &names, &draws), each);
    }

    #[test]
    fn the_same_seed_draws_the_same_on_any_number_of_threads() {
        let ranks: Vec<Vec<usize>> = (0..57).map(|query| vec![1 + query % 7]).collect();
        let judged = Ranked::new(&ranks, 10);
        let draws = |seed| Draws { seed, count: 300 };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| interval(&judged, "mrr", &draws(3)))
        };
        assert_eq!(on(1), on(5));
        assert_ne!(on(1), interval(&judged, "mrr", &draws(4)));
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let sorted = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(quantile(&sorted, 0.5), 2.0);
        assert_eq!(quantile(&sorted, 0.025), 0.1);
        assert_eq!(quantile(&[7.0], 0.975), 7.0);
    }
}

//! Measures of a search: where the right answers stand among all candidates.

use super::{Judged, mean};

const NAMES: &[&str] = &[
    "mrr",
    "mrr@10",
    "map",
    "map@R",
    "recall@1",
    "recall@5",
    "recall@10",
    "ndcg@10",
    "pool",
];

/// Queries with the places of their right answers. All but `pool` are means over the queries of:
///
/// - `mrr`: one over the place of the first right answer; `mrr@10`: the same, zero beyond place 10.
/// - `map`: over all right answers, the mean of the precision at each.
/// - `map@R`: with R right answers, the sum of the precisions at those in the first R places, over
///   R. This is what POJ-104 is measured by.
/// - `recall@K`: the share of the right answers in the first K places.
/// - `ndcg@10`: gain one for a right answer, discount `log2(1 + place)`, against the best order.
/// - `pool`: not a mean, the number of candidates that the queries were ranked over. A number of
///   this kind says little without it.
///
/// A query without any right answer counts zero.
pub struct Ranked {
    /// `[measures][queries]`
    values: Vec<Vec<f64>>,
    queries: usize,
    pool: usize,
}

impl Ranked {
    /// Places are counted from one; a place of zero is none.
    pub fn new(ranks: &[Vec<usize>], pool: usize) -> Ranked {
        let places: Vec<Vec<usize>> = ranks.iter().map(|ranks| in_order(ranks)).collect();
        let each = |number: &dyn Fn(&[usize]) -> f64| places.iter().map(|p| number(p)).collect();
        Ranked {
            values: vec![
                each(&|places| reciprocal(places, usize::MAX)),
                each(&|places| reciprocal(places, 10)),
                each(&|places| precisions(places, usize::MAX)),
                each(&|places| precisions(places, places.len())),
                each(&|places| recall(places, 1)),
                each(&|places| recall(places, 5)),
                each(&|places| recall(places, 10)),
                each(&|places| ndcg(places, 10)),
            ],
            queries: ranks.len(),
            pool,
        }
    }
}

impl Judged for Ranked {
    fn names(&self) -> &'static [&'static str] {
        NAMES
    }

    fn count(&self) -> usize {
        self.queries
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        if name == "pool" {
            return Some(self.pool as f64);
        }
        let place = NAMES.iter().position(|known| *known == name)?;
        mean(self.values.get(place)?, times)
    }
}

fn in_order(ranks: &[usize]) -> Vec<usize> {
    let mut places: Vec<usize> = ranks.iter().copied().filter(|rank| *rank > 0).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn reciprocal(places: &[usize], last: usize) -> f64 {
    match places.first() {
        Some(first) if *first <= last => 1.0 / *first as f64,
        _ => 0.0,
    }
}

/// The precisions at the right answers up to a place, summed, over the number of right answers.
fn precisions(places: &[usize], last: usize) -> f64 {
    let within = places
        .iter()
        .zip(1usize..)
        .filter(|(place, _)| **place <= last);
    let sum: f64 = within
        .map(|(place, found)| found as f64 / *place as f64)
        .sum();
    sum / places.len().max(1) as f64
}

fn recall(places: &[usize], last: usize) -> f64 {
    let found = places.iter().filter(|place| **place <= last).count();
    found as f64 / places.len().max(1) as f64
}

fn ndcg(places: &[usize], last: usize) -> f64 {
    let gain = |place: usize| 1.0 / ((place + 1) as f64).log2();
    let found = places.iter().filter(|place| **place <= last);
    let found: f64 = found.map(|place| gain(*place)).sum();
    let best: f64 = (1..=places.len().min(last)).map(gain).sum();
    if best > 0.0 { found / best } else { 0.0 }
}

//! Measures of a search: where the right answers stand among all candidates.

use super::{Judged, mean};

/// The measures, with those of whole rankings first.
const NAMES: &[&str] = &[
    "mrr",
    "mrr@10",
    "map",
    "map@R",
    "recall@1",
    "recall@5",
    "recall@10",
    "ndcg",
    "ndcg@10",
    "pool",
];

/// The same, and what lists that were cut off can always be measured by.
const OF_LISTS: &[&str] = &[
    "mrr",
    "mrr@10",
    "map",
    "map@R",
    "recall@1",
    "recall@5",
    "recall@10",
    "ndcg",
    "ndcg@10",
    "pool",
    "mrr@list",
];

/// Queries with the places of their right answers. All but `pool` are means over the queries of:
///
/// - `mrr`: one over the place of the first right answer; `mrr@10`: the same, zero beyond place 10.
/// - `map`: over all right answers, the mean of the precision at each.
/// - `map@R`: with R right answers, the sum of the precisions at those in the first R places, over
///   R. This is what POJ-104 is measured by.
/// - `recall@K`: the share of the right answers in the first K places.
/// - `ndcg`: gain one for a right answer, discount `log2(1 + place)`, against the best order;
///   `ndcg@10`: the same over the first 10 places of both.
/// - `pool`: not a mean, the number of candidates that the queries were ranked over. A number of
///   this kind says little without it.
///
/// A query without any right answer counts zero.
///
/// Of lists that name only the best candidates, a measure is left out unless the lists say all that
/// it needs: whatever stands beyond their ends would leave it the same. `mrr@list` is there always:
/// the reciprocal place of the first right answer of the list, zero where it has none. That is the
/// `MRR` of CodeXGLUE's evaluator of searches, and depends on how long the lists are.
pub struct Ranked {
    names: &'static [&'static str],
    /// By measure, in the order of the names, and query.
    values: Vec<Option<Vec<f64>>>,
    queries: usize,
    pool: usize,
}

/// What a list of the best candidates of a query says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Places of the right answers that are in the list, from one.
    pub places: Vec<usize>,
    /// How many right answers there are, in the list or not.
    pub right: usize,
    /// How many candidates the list names.
    pub length: usize,
}

impl Ranked {
    /// Places are counted from one; a place of zero is none.
    pub fn new(ranks: &[Vec<usize>], pool: usize) -> Ranked {
        let whole = ranks.iter().map(|ranks| {
            let places = in_order(ranks);
            Listed {
                right: places.len(),
                length: pool,
                places,
            }
        });
        Ranked::over(NAMES, &whole.collect::<Vec<_>>(), pool)
    }

    /// Of lists that may be cut off.
    pub fn listed(lists: &[Listed], pool: usize) -> Ranked {
        let ordered = lists.iter().map(|list| Listed {
            places: in_order(&list.places),
            ..*list
        });
        Ranked::over(OF_LISTS, &ordered.collect::<Vec<_>>(), pool)
    }

    fn over(names: &'static [&'static str], lists: &[Listed], pool: usize) -> Ranked {
        let all = usize::MAX;
        let each = |number: &dyn Fn(&Listed) -> Option<f64>| lists.iter().map(number).collect();
        let to = |last: usize, number: fn(&Listed, usize) -> f64| {
            each(&|list| list.tells(last, pool).then(|| number(list, last)))
        };
        let first = |last: usize| {
            each(&|list| {
                let told = !list.places.is_empty() || list.tells(last, pool);
                told.then(|| list.reciprocal(last))
            })
        };
        Ranked {
            names,
            values: vec![
                first(all),
                first(10),
                to(all, Listed::precisions),
                each(&|list| {
                    let told = list.tells(list.right, pool);
                    told.then(|| list.precisions(list.right))
                }),
                to(1, Listed::recall),
                to(5, Listed::recall),
                to(10, Listed::recall),
                to(all, Listed::ndcg),
                to(10, Listed::ndcg),
                None,
                each(&|list| Some(list.reciprocal(all))),
            ],
            queries: lists.len(),
            pool,
        }
    }

    fn numbers(&self, name: &str) -> Option<&[f64]> {
        let place = self.names.iter().position(|known| *known == name)?;
        self.values.get(place)?.as_deref()
    }
}

impl Judged for Ranked {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    fn count(&self) -> usize {
        self.queries
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        match name {
            "pool" => Some(self.pool as f64),
            _ => mean(self.numbers(name)?, times),
        }
    }

    fn each(&self, name: &str) -> Option<Vec<f64>> {
        self.numbers(name).map(<[f64]>::to_vec)
    }
}

fn in_order(ranks: &[usize]) -> Vec<usize> {
    let mut places: Vec<usize> = ranks.iter().copied().filter(|rank| *rank > 0).collect();
    places.sort_unstable();
    places.dedup();
    places
}

impl Listed {
    /// Whether it says which right answers stand in the first places.
    fn tells(&self, last: usize, pool: usize) -> bool {
        self.places.len() >= self.right || self.length >= last.min(pool)
    }

    fn reciprocal(&self, last: usize) -> f64 {
        match self.places.first() {
            Some(first) if *first <= last => 1.0 / *first as f64,
            _ => 0.0,
        }
    }

    /// The precisions at the right answers up to a place, summed, over the number of right answers.
    fn precisions(&self, last: usize) -> f64 {
        let within = self.places.iter().zip(1usize..);
        let within = within.filter(|(place, _)| **place <= last);
        let sum: f64 = within
            .map(|(place, found)| found as f64 / *place as f64)
            .sum();
        sum / self.right.max(1) as f64
    }

    fn recall(&self, last: usize) -> f64 {
        let found = self.places.iter().filter(|place| **place <= last).count();
        found as f64 / self.right.max(1) as f64
    }

    fn ndcg(&self, last: usize) -> f64 {
        let gain = |place: usize| 1.0 / ((place + 1) as f64).log2();
        let found = self.places.iter().filter(|place| **place <= last);
        let found: f64 = found.map(|place| gain(*place)).sum();
        let best: f64 = (1..=self.right.min(last)).map(gain).sum();
        if best > 0.0 { found / best } else { 0.0 }
    }
}

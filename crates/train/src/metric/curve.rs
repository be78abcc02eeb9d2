//! One class against the rest, in the order of the scores: what areas under curves are read from.
//!
//! The order is made once; each reading takes one walk, so a thousand resamples cost a thousand
//! walks and no sorting.

/// Examples from the highest score to the lowest.
pub struct Curve {
    /// The number of the example, and whether it is of the class.
    order: Vec<(u32, bool)>,
    /// Where each run of equal scores ends in `order`.
    ends: Vec<usize>,
}

impl Curve {
    /// Of `(score, is of the class)` by example. Scores that are no numbers stand lowest.
    pub fn new(examples: impl Iterator<Item = (f64, bool)>) -> Curve {
        // Adding zero makes one zero of two.
        let key = |score: f64| {
            if score.is_nan() {
                f64::NEG_INFINITY
            } else {
                score + 0.0
            }
        };
        let mut sorted: Vec<(f64, u32, bool)> = examples
            .zip(0u32..)
            .map(|((score, positive), number)| (key(score), number, positive))
            .collect();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let is_end = |at: &usize| {
            let next = sorted.get(at + 1);
            next.is_none_or(|next| next.0 != sorted[*at].0)
        };
        let ends = (0..sorted.len()).filter(is_end).map(|at| at + 1).collect();
        let order = sorted
            .iter()
            .map(|(_, number, positive)| (*number, *positive));
        Curve {
            order: order.collect(),
            ends,
        }
    }

    /// The chance that one of the class stands above one that is not; equal scores count half.
    pub fn area(&self, times: &[u32]) -> Option<f64> {
        let (mut positives, mut negatives, mut doubled) = (0u128, 0u128, 0u128);
        for (of_class, others) in self.runs(times) {
            let (of_class, others) = (u128::from(of_class), u128::from(others));
            doubled += 2 * positives * others + of_class * others;
            positives += of_class;
            negatives += others;
        }
        let pairs = positives * negatives;
        (pairs > 0).then(|| doubled as f64 / (2 * pairs) as f64)
    }

    /// The sum over the runs of `rise of recall * precision`.
    pub fn average_precision(&self, times: &[u32]) -> Option<f64> {
        let (mut positives, mut seen, mut sum) = (0u64, 0u64, 0.0);
        for (of_class, others) in self.runs(times) {
            positives += of_class;
            seen += of_class + others;
            if of_class > 0 {
                sum += of_class as f64 * (positives as f64 / seen as f64);
            }
        }
        (positives > 0 && seen > positives).then(|| sum / positives as f64)
    }

    /// By run of equal scores: how many of the class, and how many others.
    fn runs<'c>(&'c self, times: &'c [u32]) -> impl Iterator<Item = (u64, u64)> + 'c {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let run = &self.order[start..*end];
            start = *end;
            run.iter()
                .fold((0, 0), |(of_class, others), (number, positive)| {
                    let times = times
                        .get(*number as usize)
                        .map_or(0, |times| u64::from(*times));
                    match positive {
                        true => (of_class + times, others),
                        false => (of_class, others + times),
                    }
                })
        })
    }
}

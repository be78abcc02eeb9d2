//! A model of five tokens: interpolated modified Kneser-Ney, the strongest of its kind, over the same
//! tokens as the network. It is what a network must beat to be worth its cost, and nothing else.
//!
//! Counts lie in sorted rows of packed runs of tokens, so that neither memory nor order depends on a
//! hash: sixteen bits per token, the last token lowest.

use rayon::prelude::*;

/// Tokens of a run: four that are known, and the one that is told.
const ORDER: usize = 5;
const BITS: u32 = 16;
/// Larger vocabularies do not fit into a packed run.
pub const MOST_TOKENS: usize = 1 << BITS;

/// Runs of one length with their counts, and what is known of what stands before their last token.
struct Runs {
    keys: Vec<u128>,
    counts: Vec<u32>,
    before: Vec<u128>,
    /// Of each `before`: the sum of counts, and what is set aside for tokens not seen after it.
    sums: Vec<f64>,
    aside: Vec<f64>,
    discounts: [f64; 3],
}

/// A trained model.
pub struct Five {
    /// By length, from one token on.
    runs: Vec<Runs>,
    vocabulary: f64,
    begin: u32,
    end: u32,
}

impl Five {
    /// Counts all runs of the texts; each begins after `begin` and ends with `end`.
    pub fn train(texts: &[Vec<u32>], vocabulary: usize, begin: u32, end: u32) -> Five {
        let mut keys: Vec<u128> = Vec::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
        for text in texts {
            each(text, begin, end, |key| keys.push(key));
        }
        let mut runs = Vec::new();
        let mut longest = counted(keys);
        for length in (1..ORDER).rev() {
            // Of shorter runs counts how many different tokens stood before them.
            let mask = (1u128 << (BITS * length as u32)) - 1;
            let shorter = counted(longest.keys.iter().map(|key| key & mask).collect());
            runs.push(std::mem::replace(&mut longest, shorter));
        }
        runs.push(longest);
        runs.reverse();
        Five {
            runs,
            vocabulary: vocabulary as f64,
            begin,
            end,
        }
    }

    /// What a text costs in bits, its end included.
    pub fn bits(&self, text: &[u32]) -> f64 {
        let mut bits = 0.0;
        each(text, self.begin, self.end, |key| {
            bits -= self.chance(key).log2()
        });
        bits
    }

    /// The chance of the last token of a run of five after the four before it.
    fn chance(&self, key: u128) -> f64 {
        let mut chance = 1.0 / self.vocabulary;
        for (place, runs) in self.runs.iter().enumerate() {
            let mask = (1u128 << (BITS * (place as u32 + 1))) - 1;
            chance = runs.chance(key & mask, chance);
        }
        chance
    }
}

impl Runs {
    fn chance(&self, key: u128, shorter: f64) -> f64 {
        let Ok(place) = self.before.binary_search(&(key >> BITS)) else {
            return shorter;
        };
        let own = match self.keys.binary_search(&key) {
            Ok(run) => {
                let count = self.counts[run];
                f64::from(count) - self.discounts[(count.min(3) - 1) as usize]
            }
            Err(_) => 0.0,
        };
        (own + self.aside[place] * shorter) / self.sums[place]
    }
}

/// Every run of five of a text with its beginning and end.
fn each(text: &[u32], begin: u32, end: u32, mut found: impl FnMut(u128)) {
    let mask = (1u128 << (BITS * ORDER as u32)) - 1;
    let mut key = (0..ORDER).fold(0, |key, _| (key << BITS) | u128::from(begin));
    for token in text.iter().copied().chain([end]) {
        key = ((key << BITS) | u128::from(token)) & mask;
        found(key);
    }
}

/// Runs with their counts, discounts and sums.
fn counted(mut all: Vec<u128>) -> Runs {
    all.par_sort_unstable();
    let (mut keys, mut counts): (Vec<u128>, Vec<u32>) = (Vec::new(), Vec::new());
    for key in all {
        match keys.last() {
            Some(last) if *last == key => {
                if let Some(count) = counts.last_mut() {
                    *count = count.saturating_add(1);
                }
            }
            _ => {
                keys.push(key);
                counts.push(1);
            }
        }
    }
    let discounts = discounts(&counts);
    let (mut before, mut sums, mut aside): (Vec<u128>, Vec<f64>, Vec<f64>) = Default::default();
    for (key, count) in keys.iter().zip(&counts) {
        if before.last() != Some(&(key >> BITS)) {
            before.push(key >> BITS);
            sums.push(0.0);
            aside.push(0.0);
        }
        let last = before.len() - 1;
        sums[last] += f64::from(*count);
        aside[last] += discounts[(count.min(&3) - 1) as usize];
    }
    Runs {
        keys,
        counts,
        before,
        sums,
        aside,
        discounts,
    }
}

/// What is taken off counts of one, of two, and of more (Chen and Goodman).
fn discounts(counts: &[u32]) -> [f64; 3] {
    let times = |n: u32| counts.iter().filter(|count| **count == n).count().max(1) as f64;
    let n = [times(1), times(2), times(3), times(4)];
    let share = n[0] / (n[0] + 2.0 * n[1]);
    std::array::from_fn(|i| {
        let size = (i + 1) as f64;
        (size - (size + 1.0) * share * n[i + 1] / n[i]).clamp(0.05, size - 0.05)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<Vec<u32>> {
        (0..40u32)
            .map(|t| (0..30).map(|i| (i * (t % 5 + 1) + t % 3) % 7 + 1).collect())
            .collect()
    }

    #[test]
    fn chances_of_all_tokens_sum_to_one_after_what_was_seen_and_after_what_was_not() {
        let five = Five::train(&texts(), 9, 0, 8);
        for before in [
            0u128,
            0x0001_0002_0003_0004,
            0x0007_0007_0007_0007,
            0x0000_0000_0000_0001,
        ] {
            let sum: f64 = (0..9u128)
                .map(|token| five.chance((before << BITS) | token))
                .sum();
            assert!((sum - 1.0).abs() < 1e-9, "{before:x}: {sum}");
        }
    }

    #[test]
    fn a_chance_agrees_with_the_formula_over_plain_counts() {
        let texts = texts();
        let five = Five::train(&texts, 9, 0, 8);
        let padded: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| [&[0; 4][..], text, &[8]].concat())
            .collect();
        let windows = |length: usize| {
            let all = padded.iter().flat_map(move |text| {
                (4..text.len()).map(move |at| text[at + 1 - length..=at].to_vec())
            });
            all.collect::<Vec<_>>()
        };
        // A run's count: how often it stood there, or for shorter ones after how many tokens.
        let count = |run: &[u32]| -> f64 {
            if run.len() == ORDER {
                return windows(ORDER).iter().filter(|one| *one == run).count() as f64;
            }
            let longer = windows(run.len() + 1);
            let mut before: Vec<u32> = longer
                .iter()
                .filter(|one| one[1..] == *run)
                .map(|one| one[0])
                .collect();
            before.sort_unstable();
            before.dedup();
            before.len() as f64
        };
        let run = [3u32, 4, 5, 6, 7];
        let mut expected = 1.0 / 9.0;
        for length in 1..=ORDER {
            let own = &run[ORDER - length..];
            let follow: Vec<f64> = (0..9)
                .map(|w| count(&[&own[..length - 1], &[w]].concat()))
                .collect();
            let sum: f64 = follow.iter().sum();
            if sum == 0.0 {
                continue;
            }
            let d = five.runs[length - 1].discounts;
            let off = |c: f64| {
                if c == 0.0 {
                    0.0
                } else {
                    d[(c.min(3.0) - 1.0) as usize]
                }
            };
            let aside: f64 = follow.iter().map(|c| off(*c)).sum();
            let c = count(own);
            expected = (c - off(c) + aside * expected) / sum;
        }
        let key = run
            .iter()
            .fold(0u128, |key, token| (key << BITS) | u128::from(*token));
        assert!((five.chance(key) - expected).abs() < 1e-12);
        assert!((five.chance(key) - 1.0 / 9.0).abs() > 1e-3);
    }
}

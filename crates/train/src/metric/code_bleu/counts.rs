//! What a written text shares with the expected one, as counts that can be added up: all that
//! CodeBLEU needs to know of an example, in either dialect.
//!
//! It reads no program: words, subtrees and flows come from the dialects.

use std::collections::HashMap;
use std::hash::Hash;

/// Longest run of words that is compared.
pub const ORDERS: usize = 4;

/// Parts of a whole: what was found of it, and all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    pub found: f64,
    pub all: f64,
}

impl Share {
    pub fn add(&mut self, other: Share, times: f64) {
        self.found += times * other.found;
        self.all += times * other.all;
    }

    /// Nothing if there was nothing to find.
    pub fn value(self) -> Option<f64> {
        (self.all > 0.0).then(|| self.found / self.all)
    }
}

/// One example, or the sum of several.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    /// Runs of 1 to 4 words.
    pub runs: [Share; ORDERS],
    /// The same with words of the language weighing more.
    pub weighted: [Share; ORDERS],
    /// Examples.
    pub examples: f64,
    /// Words.
    pub written: f64,
    pub expected: f64,
    pub subtrees: Share,
    pub flows: Share,
}

impl Counts {
    /// Adds another example, counted so many times.
    pub fn add(&mut self, other: &Counts, times: u32) {
        let times = f64::from(times);
        for order in 0..ORDERS {
            self.runs[order].add(other.runs[order], times);
            self.weighted[order].add(other.weighted[order], times);
        }
        self.examples += times * other.examples;
        self.written += times * other.written;
        self.expected += times * other.expected;
        self.subtrees.add(other.subtrees, times);
        self.flows.add(other.flows, times);
    }
}

/// The factor for texts that are too short: `exp(1 - expected / written)`, at most one.
pub fn brevity(written: f64, expected: f64) -> f64 {
    if written == 0.0 {
        return 0.0;
    }
    (1.0 - expected / written).min(0.0).exp()
}

/// The geometric mean of the shares of all orders, each at least `least` runs. Without any run of
/// one word in common it is 0, and without one of the others too if `least` is.
pub fn precision(runs: &[Share; ORDERS], least: f64) -> f64 {
    if runs[0].found == 0.0 {
        return 0.0;
    }
    let share = |run: &Share| {
        let found = if run.found == 0.0 { least } else { run.found };
        (found / run.all.max(f64::MIN_POSITIVE)).ln()
    };
    (runs.iter().map(share).sum::<f64>() / ORDERS as f64).exp()
}

/// Each run of so many words of a text, in order of first appearance, with how often it is there.
pub fn runs<W: Hash + Eq>(words: &[W], order: usize) -> Vec<(&[W], u64)> {
    let mut places: HashMap<&[W], usize> = HashMap::new();
    let mut counted: Vec<(&[W], u64)> = Vec::new();
    for run in words.windows(order) {
        match places.get(run) {
            Some(place) => counted[*place].1 += 1,
            None => {
                places.insert(run, counted.len());
                counted.push((run, 1));
            }
        }
    }
    counted
}

/// How many things of `expected` are met in `written`, each of which is used up by the first.
pub fn met<T: Hash + Eq>(written: &[T], expected: &[T]) -> u64 {
    let mut left: HashMap<&T, u64> = HashMap::new();
    for thing in written {
        *left.entry(thing).or_default() += 1;
    }
    let mut met = 0;
    for thing in expected {
        if let Some(left) = left.get_mut(thing).filter(|left| **left > 0) {
            *left -= 1;
            met += 1;
        }
    }
    met
}

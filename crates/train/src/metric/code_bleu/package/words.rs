//! The two n-gram parts as the package counts them: words are what white space parts, the plain part
//! is a precision and the weighted one a recall, and every example adds at least one run of each
//! order to what is possible.

use std::collections::HashMap;

use super::super::counts::{Counts, ORDERS, Share, runs};

/// What a word that is no keyword weighs in the weighted part; keywords weigh one.
const OTHER: f64 = 0.2;

/// Counts the runs of words of one example.
pub fn count(counts: &mut Counts, written: &[&str], expected: &[&str], keywords: &[&str]) {
    counts.examples = 1.0;
    counts.written = written.len() as f64;
    counts.expected = expected.len() as f64;
    for order in 1..=ORDERS {
        let of_written = runs(written, order);
        let of_expected = runs(expected, order);
        counts.runs[order - 1] = shared(&of_written, &of_expected, |_| 1.0);
        counts.weighted[order - 1] = shared(&of_expected, &of_written, |run| {
            if order > 1 || keywords.contains(&run[0]) {
                1.0
            } else {
                OTHER
            }
        });
    }
}

/// Runs of the first text, weighed, and how many of them are met in the second.
fn shared(
    first: &[(&[&str], u64)],
    second: &[(&[&str], u64)],
    weight: impl Fn(&[&str]) -> f64,
) -> Share {
    let there: HashMap<&[&str], u64> = second.iter().copied().collect();
    let mut share = Share::default();
    for (run, times) in first {
        let met = there.get(run).copied().unwrap_or(0).min(*times);
        share.found += met as f64 * weight(run);
        share.all += *times as f64 * weight(run);
    }
    share.all = share.all.max(1.0);
    share
}

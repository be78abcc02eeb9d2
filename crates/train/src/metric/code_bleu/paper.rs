//! CodeBLEU as it was published (Ren et al., arXiv 2009.10297), where the text of the paper decides,
//! and as written here where it does not.
//!
//! - Words are the words of the language as its grammar parts them, without comments.
//! - BLEU of all texts at once, runs of one to four words, each at most as often as it is expected,
//!   without smoothing. In the weighted part a keyword weighs five times another word; runs of more
//!   words are not weighed, as published.
//! - Subtrees are taken without leaves; each expected one can be met once.
//! - Flows are items `(name, where it has its value from)` with names made alike in the order in
//!   which they appear; each expected one can be met once.
//! - A part without anything to compare in all of the expected texts has no value, and the whole is
//!   the mean of the others: the paper does not say, and neither 0 nor 1 would be true.

use skillbelt_code::dataflow;
use skillbelt_code::subtrees::{Shapes, View};
use skillbelt_code::{Language, Program, parse};

use super::Parts;
use super::counts::{Counts, ORDERS, Share, brevity, met, precision, runs};

/// What a keyword weighs, where any other word weighs one.
const KEYWORD: f64 = 5.0;

/// Counts one example. A text that is beyond the limits of parsing has no words.
pub fn count(language: Language, written: &str, expected: &str, keywords: &[&str]) -> Counts {
    let mut counts = Counts::default();
    let [written, expected] = [written, expected].map(|text| parse(language, text).ok());
    let [ours, theirs] = [&written, &expected].map(words);
    counts.examples = 1.0;
    counts.written = ours.len() as f64;
    counts.expected = theirs.len() as f64;
    for order in 1..=ORDERS {
        counts.runs[order - 1] = shared(&ours, &theirs, order, |_| 1.0);
        counts.weighted[order - 1] = shared(&ours, &theirs, order, |run| {
            if order == 1 && keywords.contains(&run[0]) {
                KEYWORD
            } else {
                1.0
            }
        });
    }
    let mut shapes = Shapes::default();
    let [ours, theirs] = [&written, &expected].map(|program| match program {
        Some(program) => shapes.of(program, View::Frame),
        None => Vec::new(),
    });
    counts.subtrees = Share {
        found: met(&ours, &theirs) as f64,
        all: theirs.len() as f64,
    };
    let [ours, theirs] = [&written, &expected].map(|program| match program {
        Some(program) => dataflow::items(program),
        None => Vec::new(),
    });
    counts.flows = Share {
        found: met(&ours, &theirs) as f64,
        all: theirs.len() as f64,
    };
    counts
}

fn words<'t>(program: &Option<Program<'t>>) -> Vec<&'t str> {
    let Some(program) = program else {
        return Vec::new();
    };
    let tokens = program.tokens().into_iter();
    tokens.map(|at| program.text_of(at)).collect()
}

/// Runs of the written words, weighed, and how many of them are expected.
fn shared(
    written: &[&str],
    expected: &[&str],
    order: usize,
    weight: impl Fn(&[&str]) -> f64,
) -> Share {
    let there: std::collections::HashMap<&[&str], u64> =
        runs(expected, order).into_iter().collect();
    let mut share = Share::default();
    for (run, times) in runs(written, order) {
        let met = there.get(run).copied().unwrap_or(0).min(times);
        share.found += met as f64 * weight(run);
        share.all += times as f64 * weight(run);
    }
    share
}

/// The parts of what was counted.
pub fn parts(counts: &Counts) -> Parts {
    let short = brevity(counts.written, counts.expected);
    let any = counts.expected > 0.0;
    let bleu = |runs| any.then(|| short * precision(runs, 0.0));
    let parts = [
        bleu(&counts.runs),
        bleu(&counts.weighted),
        counts.subtrees.value(),
        counts.flows.value(),
    ];
    let valued: Vec<f64> = parts.iter().flatten().copied().collect();
    Parts {
        whole: valued.iter().sum::<f64>() / valued.len().max(1) as f64,
        parts,
    }
}

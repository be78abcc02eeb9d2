//! CodeBLEU as the package `codebleu` 0.7 computes it, with what it does unlike the paper.
//!
//! - Words are what white space parts; the n-gram parts have add-nothing smoothing but for orders
//!   without any match, which count a tenth of one.
//! - The weighted part is a recall, a word that is no keyword weighs a fifth, and every expected text
//!   counts as two words long where texts that are too short are punished.
//! - Subtrees are compared as they are printed, with their leaves; a written subtree can be matched
//!   by any number of expected ones.
//! - Flows are those of [`flow`]. If none is found in all of the expected texts, or none of them is
//!   met, the part is shown as 0 *and counts as 1*.

mod clean;
mod flow;
mod numbered;
mod order;
mod python;
mod python_signs;
mod rules;
mod words;

use std::collections::HashSet;

use skillbelt_code::parse::{Limits, parse_page};
use skillbelt_code::subtrees::{Shapes, View};
use skillbelt_code::{Language, Program, Refusal};

use super::super::bleu;
use super::Parts;
use super::counts::{Counts, Share, brevity, met, precision};

/// What orders without a match count for.
const LEAST: f64 = 0.1;

/// The length that an expected text has in the weighted part: the package takes the length of the
/// pair of words and weights instead of that of the words.
const PAIR: f64 = 2.0;

/// Counts one example. A text that is beyond the limits of parsing has no subtrees and no flows;
/// where it was expected, it is one subtree that is not met.
pub fn count(language: Language, written: &str, expected: &str, keywords: &[&str]) -> Counts {
    let (written, expected) = (trimmed(written), trimmed(expected));
    let mut counts = Counts::default();
    words::count(
        &mut counts,
        &bleu::words(written),
        &bleu::words(expected),
        keywords,
    );
    let cleaned = [written, expected].map(|text| clean::cleaned(language, text));
    let [written, expected] = [&cleaned[0], &cleaned[1]].map(|text| grown(language, text));
    counts.subtrees.all = 1.0;
    let Ok(expected) = expected else {
        return counts;
    };
    let mut shapes = Shapes::default();
    let expected_shapes = shapes.of(&expected, View::Printed);
    counts.subtrees.all = expected_shapes.len() as f64;
    let expected_flows = flow::flows(&expected);
    counts.flows.all = expected_flows.len() as f64;
    if let Ok(written) = written {
        let there: HashSet<usize> = shapes.of(&written, View::Printed).into_iter().collect();
        let found = expected_shapes.iter().filter(|shape| there.contains(shape));
        counts.subtrees.found = found.count() as f64;
        counts.flows.found = met(&flow::flows(&written), &expected_flows) as f64;
    }
    counts
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(python::is_space)
}

fn grown(language: Language, text: &str) -> Result<Program<'_>, Refusal> {
    parse_page(language, text, Limits::USUAL)
}

/// The parts of what was counted.
pub fn parts(counts: &Counts) -> Parts {
    let value = |share: Share| share.value().unwrap_or(0.0);
    let dataflow = value(counts.flows);
    let parts = [
        brevity(counts.written, counts.expected) * precision(&counts.runs, LEAST),
        brevity(counts.written, counts.examples * PAIR) * precision(&counts.weighted, LEAST),
        value(counts.subtrees),
        dataflow,
    ];
    let counted = if dataflow == 0.0 { 1.0 } else { dataflow };
    Parts {
        whole: (parts[0] + parts[1] + parts[2] + counted) / 4.0,
        parts: parts.map(Some),
    }
}

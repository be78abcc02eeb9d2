//! How good answers are: every number by its name, with its definition and its dialect.
//!
//! All numbers are fractions (no hundreds), computed in f64. None of them depends on the order of
//! the examples beyond the rounding of sums. A number that has no value on the examples at hand
//! (the area under a curve where one class is missing, anything of no examples) is left out; it is
//! never made up. It knows neither tasks nor files, and it never panics: what cannot be used
//! (a score that is not finite, a label that is no class) counts as the worst answer.

mod bleu;
mod calibration;
mod chrf;
mod classes;
pub mod code_bleu;
mod curve;
mod edit;
mod losses;
mod meteor;
pub mod names;
mod porter;
mod ranking;
mod rouge;
mod sacre;
mod texts;
pub mod wordnet;

pub use classes::{Classified, predicted};
pub use edit::similarity as edit_similarity;
pub use losses::Losses;
pub use ranking::{Listed, Ranked};
pub use texts::Written;
pub use wordnet::WordNet;

use crate::task::Measures;

/// Judged examples, from which each measure can be computed again with some of them counted
/// several times and others not at all: what resampling needs.
pub trait Judged: Send + Sync {
    /// The measures in the order in which they are shown; the first is the usual one.
    fn names(&self) -> &'static [&'static str];

    /// The number of examples.
    fn count(&self) -> usize;

    /// One measure, with example `i` counted `times[i]` times. Nothing if it has no value there,
    /// or if there is none of that name.
    fn value(&self, name: &str, times: &[u32]) -> Option<f64>;

    /// Several measures at once, in the order of the names: the same values, with what they share
    /// counted once.
    fn values(&self, names: &[&str], times: &[u32]) -> Vec<Option<f64>> {
        names.iter().map(|name| self.value(name, times)).collect()
    }

    /// The numbers of the examples of which a measure is the plain mean; nothing if it is no such
    /// mean.
    fn each(&self, _name: &str) -> Option<Vec<f64>> {
        None
    }

    /// All measures that have a value, each example counted once.
    fn measures(&self) -> Measures {
        let once = vec![1; self.count()];
        let values = self.values(self.names(), &once);
        let named = self.names().iter().zip(values);
        named
            .filter_map(|(name, value)| Some((*name, value?)))
            .collect()
    }
}

/// Measures of classes: see [`Classified`].
///
/// `scores` has a row per example: one number (the logit of class 1 of two), or one per class.
pub fn classification(scores: &[Vec<f32>], labels: &[u32], classes: usize) -> Measures {
    Classified::new(scores, labels, classes).measures()
}

/// Measures of a search: see [`Ranked`].
///
/// `ranks` has, for each query, the places of all its right answers, from one.
pub fn ranking(ranks: &[Vec<usize>], pool: usize) -> Measures {
    Ranked::new(ranks, pool).measures()
}

/// Measures of texts that were written: see [`Written`].
pub fn text(written: &[&str], expected: &[&str]) -> Measures {
    Written::new(written, expected).measures()
}

/// `loss` and `perplexity` over texts of which the summed loss in nats and the number of tokens are
/// known: see [`Losses`].
pub fn language(losses: &[(f64, u64)]) -> Measures {
    Losses::new(losses).measures()
}

/// Whether less of a measure is better.
pub fn falls(name: &str) -> bool {
    matches!(name, "loss" | "perplexity" | "calibration_error@15")
}

/// A measure by its name, which may be an older one.
pub fn value(measures: &Measures, name: &str) -> Option<f64> {
    let name = names::full(name);
    let found = measures.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value)
}

/// The mean of one number per example, each counted so many times.
fn mean(values: &[f64], times: &[u32]) -> Option<f64> {
    let all: u64 = times.iter().map(|times| u64::from(*times)).sum();
    let sum: f64 = values
        .iter()
        .zip(times)
        .map(|(value, times)| value * f64::from(*times))
        .sum();
    (all > 0).then(|| sum / all as f64)
}

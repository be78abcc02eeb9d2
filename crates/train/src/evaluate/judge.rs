//! From written answers back to measures: the same numbers that a run shows, from its files alone.

use super::example::{Classed, Example, Ranked, Written};
use crate::error::{Error, Result};
use crate::metric::{self, Judged};

/// The measures of the examples whose truth is known. All must be answers of one kind.
pub fn judged<'e>(examples: impl IntoIterator<Item = &'e Example>) -> Result<Box<dyn Judged>> {
    let (mut classed, mut ranked, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for example in examples.into_iter().filter(|example| example.is_known()) {
        match example {
            Example::Classed(example) => classed.push(example),
            Example::Ranked(example) => ranked.push(example),
            Example::Written(example) => written.push(example),
        }
    }
    match (&classed[..], &ranked[..], &written[..]) {
        ([], [], []) => Err(Error::told("no example has a known truth to measure by")),
        (classed, [], []) => of_classes(classed),
        ([], ranked, []) => Ok(Box::new(of_ranks(ranked))),
        ([], [], written) => Ok(Box::new(Texts::new(written))),
        _ => Err(Error::told(
            "the examples are answers of several kinds: classes, ranks or texts",
        )),
    }
}

fn of_classes(examples: &[&Classed]) -> Result<Box<dyn Judged>> {
    let classes: Vec<&str> = match examples.first() {
        Some(first) => first.probabilities.keys().map(String::as_str).collect(),
        None => Vec::new(),
    };
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for example in examples {
        if !example.probabilities.keys().eq(classes.iter()) {
            return Err(Error::told(format_args!(
                "example `{}`: expected the classes {}, found {}",
                example.name,
                classes.join(", "),
                example
                    .probabilities
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            )));
        }
        let label = example.label.as_deref().unwrap_or_default();
        let number = example.probabilities.get_index_of(label).ok_or_else(|| {
            Error::told(format_args!(
                "example `{}`: its label `{label}` is none of the classes {}",
                example.name,
                classes.join(", ")
            ))
        })?;
        // A score that is no number counts as the worst answer; so does an answer that never came.
        let finite = |score: &Option<f32>| match example.failed {
            Some(_) => f32::NAN,
            None => score.unwrap_or(f32::NAN),
        };
        scores.push(example.scores.iter().map(finite).collect());
        labels.push(number as u32);
    }
    Ok(Box::new(metric::Classified::new(
        &scores,
        &labels,
        classes.len(),
    )))
}

fn of_ranks(examples: &[&Ranked]) -> metric::Ranked {
    let ranks: Vec<Vec<usize>> = examples.iter().map(|example| example.places()).collect();
    let pool = examples.iter().map(|example| example.pool).max();
    metric::Ranked::new(&ranks, pool.unwrap_or(0))
}

/// Texts, how well the true ones were foreseen, or both.
struct Texts {
    count: usize,
    written: Option<metric::Written>,
    losses: metric::Losses,
}

impl Texts {
    fn new(examples: &[&Written]) -> Texts {
        // Where nothing was to be written, there is nothing to compare; where something was and a
        // text is missing, the missing one counts as empty.
        let writes = |e: &&Written| e.written.is_some() || e.failed.is_some();
        let writes = examples.iter().any(writes);
        let texts = |of: fn(&Written) -> Option<&str>| -> Vec<&str> {
            examples
                .iter()
                .map(|example| of(example).unwrap_or(""))
                .collect()
        };
        let losses: Vec<(f64, u64)> = examples
            .iter()
            .map(|example| match (example.nats, example.tokens) {
                (Some(nats), Some(tokens)) => (nats, tokens),
                _ => (0.0, 0),
            })
            .collect();
        Texts {
            count: examples.len(),
            written: writes.then(|| {
                metric::Written::new(&texts(Written::given), &texts(|e| e.expected.as_deref()))
            }),
            losses: metric::Losses::new(&losses),
        }
    }
}

impl Judged for Texts {
    fn names(&self) -> &'static [&'static str] {
        &[
            "exact_match",
            "exact_match_words",
            "bleu_codexglue",
            "bleu_codexglue_smooth",
            "sacrebleu_13a",
            "rouge_l",
            "rouge_l_stem",
            "meteor_exact_stem",
            "meteor_nltk",
            "chrf",
            "chrf++",
            "edit_similarity",
            "loss",
            "perplexity",
        ]
    }

    fn count(&self) -> usize {
        self.count
    }

    fn value(&self, name: &str, times: &[u32]) -> Option<f64> {
        let written = self.written.as_ref();
        let value = written.and_then(|written| written.value(name, times));
        value.or_else(|| self.losses.value(name, times))
    }

    fn each(&self, name: &str) -> Option<Vec<f64>> {
        self.written.as_ref()?.each(name)
    }
}

//! How well questions are answered whose answers are known.
//!
//! It judges rankings, not functions: what is measured goes the way of every question.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Index;
use super::encoder::Encoder;
use super::error::{Error, Result};
use super::fuse::{DEPTH, Ranks, Scored};
use super::query::Query;
use super::search::{Mode, Wanted};

/// A question and the function that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Question {
    pub query: String,
    /// Of its file, below the root.
    pub path: String,
    /// Of several in the file the one that is meant; any, if none is named.
    #[serde(default)]
    pub name: Option<String>,
}

/// How well one way of ranking did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    pub mode: &'static str,
    pub questions: usize,
    /// Mean of one over the rank of the answer; none among the first thousand counts 0.
    pub mrr: f64,
    pub recall_at_1: f64,
    pub recall_at_10: f64,
    /// Answers that are among the first thousand.
    pub found: usize,
    /// Half of the questions took no longer, their vector included.
    pub median_milliseconds: f64,
}

/// Asks all questions in every mode there is.
///
/// # Errors
/// An answer whose file is not in the index: the numbers would say nothing.
pub fn measure(
    index: &mut Index,
    encoder: Option<&dyn Encoder>,
    questions: &[Question],
) -> Result<Vec<Measured>> {
    if questions.is_empty() {
        return Err(Error::told("there are no questions"));
    }
    let modes: &[(&'static str, Mode)] = match encoder {
        Some(_) => &[
            ("lexical", Mode::Lexical),
            ("vector", Mode::Vector),
            ("fused", Mode::Fused),
        ],
        None => &[("lexical", Mode::Lexical)],
    };
    let answers: Vec<Vec<i64>> = questions
        .iter()
        .map(|question| index.answers(question))
        .collect::<Result<_>>()?;
    modes
        .iter()
        .map(|(name, mode)| {
            let mut ranks = Vec::with_capacity(questions.len());
            let mut times = Vec::with_capacity(questions.len());
            for (question, answers) in questions.iter().zip(&answers) {
                let begun = Instant::now();
                let ranked = index.asked(encoder, *mode, &question.query)?;
                times.push(begun.elapsed());
                let first = ranked.iter().take(DEPTH);
                ranks.push(
                    first
                        .into_iter()
                        .position(|(one, _)| answers.contains(&one.id)),
                );
            }
            Ok(measured(name, &ranks, times))
        })
        .collect()
}

impl Index {
    fn asked(
        &mut self,
        encoder: Option<&dyn Encoder>,
        mode: Mode,
        words: &str,
    ) -> Result<Vec<(Scored, Ranks)>> {
        let wanted = Wanted::of(encoder, mode, Query::parse(words), &mut |encoder| {
            encoder.question(words)
        })?;
        self.ranked(encoder, &wanted, None)
    }

    /// The functions that answer a question.
    fn answers(&mut self, question: &Question) -> Result<Vec<i64>> {
        let Some(all) = self.store.functions_of_path(&question.path)? else {
            return Err(Error::told(format_args!(
                "{}: it answers \"{}\", but is not in the index",
                question.path, question.query
            ))
            .with_hint("paths are below the root of the index, with `/`"));
        };
        let named = |name: &str| question.name.as_deref().is_none_or(|wanted| wanted == name);
        let answers = all.into_iter().filter(|function| named(&function.name));
        Ok(answers.map(|function| function.id).collect())
    }
}

/// `ranks` count from 0.
fn measured(mode: &'static str, ranks: &[Option<usize>], mut times: Vec<Duration>) -> Measured {
    times.sort();
    let all = ranks.len() as f64;
    let within = |most: usize| {
        let near = ranks.iter().flatten().filter(|rank| **rank < most);
        near.count() as f64 / all
    };
    let reciprocal = ranks
        .iter()
        .flatten()
        .map(|rank| 1.0 / (*rank as f64 + 1.0));
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    Measured {
        mode,
        questions: ranks.len(),
        mrr: reciprocal.sum::<f64>() / all,
        recall_at_1: within(1),
        recall_at_10: within(10),
        found: ranks.iter().flatten().count(),
        median_milliseconds: median.as_secs_f64() * 1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_those_of_the_ranks() {
        let ranks = [Some(0), Some(3), None, Some(9), Some(10)];
        let time = Duration::from_millis;
        let found = measured(
            "fused",
            &ranks,
            vec![time(9), time(1), time(2), time(3), time(4)],
        );
        let expected = (1.0 + 0.25 + 0.1 + 1.0 / 11.0) / 5.0;
        assert!((found.mrr - expected).abs() < 1e-12, "{found:?}");
        assert_eq!((found.recall_at_1, found.recall_at_10), (0.2, 0.6));
        assert_eq!((found.questions, found.found), (5, 4));
        assert_eq!(found.median_milliseconds, 3.0);
    }
}

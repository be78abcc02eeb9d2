//! What stands nearest by words in common (BM25): candidates of a search, and the training example
//! whose answer is given for a text.

use rayon::prelude::*;

use super::words::Numbered;
use super::{Asked, Made};
use crate::data::{Content, Source, Split};
use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::prompt::rows::{Drawn, Kept};
use crate::task::lexical::Index;
use crate::task::{Answer, Item};

/// Names of the best candidates that an answer tells; as for belts.
const TOLD: usize = 10;

/// A search: candidates by words in common. What shares none ties behind all others, and a tie counts
/// against the right answer.
pub fn ranked(asked: &Asked<'_>, split: Split) -> Result<Made> {
    let drawn = asked.drawn(split)?;
    let candidates = candidates(&drawn);
    let mut words = Numbered::default();
    let bodies: Vec<Vec<u32>> = candidates
        .iter()
        .map(|(_, text)| words.learn(text))
        .collect();
    let index = Index::new(&bodies);
    let answers = drawn.rows.par_iter().enumerate().map(|(number, row)| {
        let (query, is_member) = match &row.content {
            Content::Query { query, .. } => (query.as_str(), false),
            Content::Member { text, .. } => (text.as_str(), true),
            _ => ("", false),
        };
        let own = is_member.then_some(number);
        let mut scores = vec![f32::NEG_INFINITY; bodies.len()];
        let found = index.scored(&words.known(query), bodies.len());
        for (candidate, score) in &found {
            scores[*candidate] = *score;
        }
        let mut ranks: Vec<usize> = right(&drawn, number)
            .into_iter()
            .map(|right| place(&scores, right, own))
            .collect();
        ranks.sort_unstable();
        let best = found
            .iter()
            .filter(|(candidate, _)| Some(*candidate) != own);
        let best: Vec<&(usize, f32)> = best.take(TOLD).collect();
        let answer = Answer::Ranks {
            ranks,
            pool: bodies.len() - usize::from(is_member),
            cosines: Vec::new(),
            best: best
                .iter()
                .map(|(at, _)| candidates[*at].0.to_owned())
                .collect(),
        };
        Example::new(&item(row, None), &answer, &[])
    });
    let answers = answers.collect();
    let record = asked.record("BM25", 0);
    Ok((answers, drawn, record))
}

/// Name and text of what is ranked: the pool, or by class all rows.
fn candidates(drawn: &Drawn) -> Vec<(&str, &str)> {
    let member = |row: &'_ Kept| matches!(row.content, Content::Member { .. });
    if !drawn.rows.iter().any(member) {
        let pool = drawn.pool.iter();
        return pool
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
    }
    let rows = drawn.rows.iter().map(|row| match &row.content {
        Content::Member { text, .. } => (row.name.as_str(), text.as_str()),
        _ => (row.name.as_str(), ""),
    });
    rows.collect()
}

/// The places of the right answers among the candidates.
fn right(drawn: &Drawn, number: usize) -> Vec<usize> {
    let row = &drawn.rows[number];
    let Content::Member { class, .. } = &row.content else {
        return row.right.into_iter().collect();
    };
    let same = |other: &usize| {
        let content = &drawn.rows[*other].content;
        *other != number && matches!(content, Content::Member { class: its, .. } if its == class)
    };
    (0..drawn.rows.len()).filter(same).collect()
}

/// The place of a candidate, from one: so many are at least as good. `own` is no candidate.
fn place(scores: &[f32], right: usize, own: Option<usize>) -> usize {
    let least = scores[right];
    let others = scores.iter().enumerate();
    let before = others.filter(|(at, score)| *at != right && Some(*at) != own && **score >= least);
    1 + before.count()
}

/// Texts: what the training example that shares most with the source has as its answer. Where none
/// shares a word, that of the first.
pub fn written(asked: &Asked<'_>, split: Split) -> Result<Made> {
    let shown = asked.shown()?;
    let mut words = Numbered::default();
    let sources = shown.rows.iter().map(|row| words.learn(&source(row)));
    let index = Index::new(&sources.collect::<Vec<_>>());
    let first = shown.rows.first().ok_or_else(|| {
        Error::told(format_args!(
            "task `{}`: no training row can be used",
            asked.name
        ))
    })?;
    let drawn = asked.drawn(split)?;
    let answers = drawn.rows.par_iter().map(|row| {
        let near = index.nearest(&words.known(&source(row)), 1);
        let near = near.first().map_or(first, |place| &shown.rows[*place]);
        let answer = Answer::Text {
            written: Some(target(near).to_owned()),
            expected: Some(target(row).to_owned()),
            loss: None,
        };
        Example::new(&item(row, Some(target(row))), &answer, &[])
    });
    let answers = answers.collect();
    let record = asked.record("the nearest training example by BM25", shown.rows.len());
    Ok((answers, drawn, record))
}

fn item(row: &Kept, expected: Option<&str>) -> Item {
    Item {
        texts: Box::default(),
        label: 0,
        name: row.name.clone(),
        expected: expected.map(Into::into),
    }
}

fn source(row: &Kept) -> String {
    match &row.content {
        Content::Writing {
            source: Source::Text(text),
            ..
        } => text.clone(),
        Content::Writing {
            source: Source::Messages(messages),
            ..
        } => messages.to_string(),
        _ => String::new(),
    }
}

fn target(row: &Kept) -> &str {
    match &row.content {
        Content::Writing {
            target: Some(target),
            ..
        } => target,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_tie_counts_against_the_right_answer_and_the_asking_one_is_no_candidate() {
        let none = f32::NEG_INFINITY;
        let scores = [3.0, 1.0, 3.0, none, none];
        assert_eq!(place(&scores, 0, None), 2);
        assert_eq!(place(&scores, 1, None), 3);
        assert_eq!(place(&scores, 3, None), 5);
        assert_eq!(place(&scores, 0, Some(2)), 1);
    }
}

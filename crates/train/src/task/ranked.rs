//! Where the right answers stand when everything that can be found is sorted by likeness.
//!
//! A tie counts against the right answer: its place is the number of candidates that are at least as
//! like the query as it is.

use std::cmp::Ordering;

use skillbelt_engine::ops::{self, Linear, Map, Pool};
use skillbelt_engine::{Mat, Param, Pass};

use super::vectors::{self, Distinct};
use super::{Answer, Set, Stage};
use crate::error::Result;

/// Names of the best candidates that an answer tells, unless its whole class is wanted.
const TOLD: usize = 10;
/// Queries whose scores are held at a time.
const QUERIES: usize = 256;

/// Items of each class.
pub fn members(set: &Set) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); set.classes.len()];
    for (number, item) in set.items.iter().enumerate() {
        if let Some(class) = members.get_mut(item.label as usize) {
            class.push(number);
        }
    }
    members
}

/// Queries against the pool of the set.
pub fn among_pool(stage: &Stage<'_>, set: &Set, how: Pool) -> Result<Vec<Answer>> {
    if set.pool.is_empty() {
        let nothing = || Answer::Ranks {
            ranks: Vec::new(),
            pool: 0,
            best: Vec::new(),
            cosines: Vec::new(),
        };
        return Ok(set.items.iter().map(|_| nothing()).collect());
    }
    let pool: Vec<_> = set.pool.keys().copied().collect();
    let candidates = units(vectors::answer(stage, &set.shelf, &pool, how)?);
    let mut distinct = Distinct::default();
    let rows: Vec<usize> = set
        .items
        .iter()
        .map(|item| distinct.place(item.texts[0]))
        .collect();
    let queries = units(vectors::answer(stage, &set.shelf, &distinct.texts, how)?);
    let name = |candidate: usize| set.pool.get_index(candidate).map(|(_, name)| name.clone());
    scored(queries, &rows, candidates, |number, scores| {
        let right = set.items[number]
            .texts
            .get(1)
            .and_then(|text| set.pool.get_index_of(text));
        let best = best(scores, None, TOLD);
        Answer::Ranks {
            ranks: right
                .map(|right| place(scores, right, None))
                .into_iter()
                .collect(),
            pool: scores.len(),
            cosines: best.iter().map(|candidate| scores[*candidate]).collect(),
            best: best.into_iter().filter_map(name).collect(),
        }
    })
}

/// Members of classes against all others.
pub fn among_members(stage: &Stage<'_>, set: &Set, how: Pool) -> Result<Vec<Answer>> {
    let texts: Vec<_> = set.items.iter().map(|item| item.texts[0]).collect();
    let mut distinct = Distinct::default();
    let rows: Vec<usize> = texts.iter().map(|text| distinct.place(*text)).collect();
    let vectors = units(vectors::answer(stage, &set.shelf, &distinct.texts, how)?);
    // Two members may have one text: each stands in the ranking by itself.
    let mut candidates = Mat::stale(rows.len(), vectors.cols());
    for (member, row) in rows.iter().enumerate() {
        candidates
            .row_mut(member)
            .copy_from_slice(vectors.row(*row));
    }
    let members = members(set);
    scored(vectors, &rows, candidates, |number, scores| {
        let class = &members[set.items[number].label as usize];
        let others = class.iter().filter(|other| **other != number);
        let mut ranks: Vec<usize> = others
            .map(|other| place(scores, *other, Some(number)))
            .collect();
        ranks.sort_unstable();
        let told = match set.whole_class {
            true => class.len() - 1,
            false => TOLD,
        };
        let best = best(scores, Some(number), told);
        Answer::Ranks {
            ranks,
            pool: scores.len() - 1,
            cosines: best.iter().map(|other| scores[*other]).collect(),
            best: best
                .into_iter()
                .map(|other| set.items[other].name.clone())
                .collect(),
        }
    })
}

/// Vectors of length one of the first text of each item, `[items x C]`.
pub fn first_texts(stage: &Stage<'_>, set: &Set, how: Pool) -> Result<Mat> {
    let texts: Vec<_> = set.items.iter().map(|item| item.texts[0]).collect();
    Ok(units(vectors::answer(stage, &set.shelf, &texts, how)?))
}

/// Rows of length one, so that products are cosines. A row of zeros stays as it is.
pub fn units(mut mat: Mat) -> Mat {
    for row in 0..mat.rows() {
        let row = mat.row_mut(row);
        let squares: f64 = row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
        let length = squares.sqrt().max(1e-12);
        for x in row {
            *x = (f64::from(*x) / length) as f32;
        }
    }
    mat
}

/// One answer for each of `rows` of the queries `[Q x C]`, from its scores against the candidates
/// `[K x C]`.
fn scored(
    queries: Mat,
    rows: &[usize],
    candidates: Mat,
    answer: impl Fn(usize, &[f32]) -> Answer,
) -> Result<Vec<Answer>> {
    let map = Linear {
        name: "candidates".into(),
        map: Map::Trained(Param::frozen("candidates", candidates)),
        bias: None,
        low_rank: None,
    };
    let pass = Pass::inference();
    let queries = pass.constant(queries);
    let mut answers = Vec::with_capacity(rows.len());
    for chunk in rows.chunks(QUERIES) {
        let asking = ops::take_rows(&pass, &queries, chunk)?;
        let scores = ops::linear(&pass, &asking, &map, None)?;
        for query in 0..chunk.len() {
            answers.push(answer(answers.len(), scores.value().row(query)));
        }
    }
    Ok(answers)
}

/// The place of a candidate, from one; `not` is no candidate.
fn place(scores: &[f32], right: usize, not: Option<usize>) -> usize {
    let own = scores[right];
    // Not `>=`: what is not a number must not come before the right answer by accident either.
    let before = |(other, score): (usize, &f32)| {
        Some(other) != not && (other == right || own.partial_cmp(score) != Some(Ordering::Greater))
    };
    scores
        .iter()
        .enumerate()
        .filter(|pair| before(*pair))
        .count()
}

/// The most alike candidates, the first of equals first.
fn best(scores: &[f32], not: Option<usize>, told: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len())
        .filter(|other| Some(*other) != not)
        .collect();
    let by_score = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
    if order.len() > told {
        order.select_nth_unstable_by(told, by_score);
        order.truncate(told);
    }
    order.sort_by(by_score);
    order
}

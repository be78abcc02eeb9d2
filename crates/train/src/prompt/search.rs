//! Searches without a belt: candidates ranked by the model's vectors, by words in common, or the
//! first few of either put in order by asking of each whether it answers.
//!
//! A tie counts against the right answer, as for belts. A failed answer about a right candidate puts
//! it behind all others, one about a wrong candidate before all: the worst there could be.

use std::cmp::Ordering;

use super::asked::{Asked, query_text};
use super::labels::{manner, room_for_answer};
use super::model::Embedding;
use super::shown::Dictionary;
use crate::data::Content;
use crate::error::Result;
use crate::evaluate::Example;
use crate::evaluate::example::Ranked;
use crate::recipe::{Labelling, Search};
use crate::task::lexical::Index;

/// Names of the best candidates that an answer tells; as for belts.
const TOLD: usize = 10;

/// Queries and what they are ranked over.
struct Contest {
    queries: Vec<String>,
    /// Name and text.
    candidates: Vec<(String, String)>,
    right: Vec<Vec<usize>>,
    /// The candidate that is the query itself.
    own: Vec<Option<usize>>,
}

/// How good a candidate is for a query: candidates that were asked about go before all others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Standing {
    tier: i8,
    asked: f64,
    first: f64,
}

impl Standing {
    fn order(&self, other: &Standing) -> Ordering {
        let tier = self.tier.cmp(&other.tier);
        tier.then(self.asked.total_cmp(&other.asked))
            .then(self.first.total_cmp(&other.first))
    }
}

const NOT_ASKED: i8 = 0;
const ASKED: i8 = 1;

/// A score of one query for every candidate, or why there is none.
type Row = std::result::Result<Vec<std::result::Result<f64, String>>, String>;

/// Answers to the queries of a search.
pub fn answers(asked: &Asked<'_>) -> Result<Vec<Example>> {
    let contest = contest(asked);
    let first = match asked.prompting.search {
        Search::Bm25 | Search::RerankBm25 => by_words(&contest),
        Search::Embeddings | Search::RerankEmbeddings => by_vectors(asked, &contest)?,
    };
    let mut standings = Vec::with_capacity(first.len());
    for (query, row) in first.into_iter().enumerate() {
        standings.push(row.map(|row| standing(&contest, query, row)));
    }
    if matches!(
        asked.prompting.search,
        Search::RerankBm25 | Search::RerankEmbeddings
    ) {
        rerank(asked, &contest, &mut standings)?;
    }
    let plain = asked.prompting.search == Search::Embeddings;
    let each = standings.into_iter().enumerate();
    Ok(each
        .map(|(query, row)| Example::Ranked(example(asked, &contest, query, row, plain)))
        .collect())
}

fn contest(asked: &Asked<'_>) -> Contest {
    let rows = &asked.drawn.rows;
    let queries = rows
        .iter()
        .map(|row| query_text(&row.content).unwrap_or_default().to_owned());
    let queries: Vec<String> = queries.collect();
    let class = |place: usize| match &rows[place].content {
        Content::Member { class, .. } => Some(class),
        _ => None,
    };
    if rows
        .first()
        .is_some_and(|row| matches!(row.content, Content::Member { .. }))
    {
        let others = |own: usize| {
            let same = (0..rows.len()).filter(|other| *other != own && class(*other) == class(own));
            same.collect()
        };
        let names = rows.iter().map(|row| row.name.clone());
        return Contest {
            candidates: names.zip(queries.iter().cloned()).collect(),
            right: (0..rows.len()).map(others).collect(),
            own: (0..rows.len()).map(Some).collect(),
            queries,
        };
    }
    Contest {
        candidates: asked.drawn.pool.clone(),
        right: rows
            .iter()
            .map(|row| row.right.into_iter().collect())
            .collect(),
        own: vec![None; rows.len()],
        queries,
    }
}

/// By words in common; what shares none ties behind all others.
fn by_words(contest: &Contest) -> Vec<Row> {
    let mut words = Dictionary::default();
    let bodies: Vec<Vec<u32>> = contest
        .candidates
        .iter()
        .map(|(_, t)| words.learn(t))
        .collect();
    let index = Index::new(&bodies);
    let row = |query: &String| {
        let mut row = vec![Ok(f64::NEG_INFINITY); bodies.len()];
        for (candidate, score) in index.scored(&words.known(query), bodies.len()) {
            row[candidate] = Ok(f64::from(score));
        }
        Ok(row)
    };
    contest.queries.iter().map(row).collect()
}

fn by_vectors(asked: &Asked<'_>, contest: &Contest) -> Result<Vec<Row>> {
    let (text, query, _) = asked.limits();
    let is_by_class = contest.own.iter().any(Option::is_some);
    let how = |limit| Embedding {
        task: asked.name,
        settings: asked.settings,
        limit,
    };
    let texts: Vec<String> = contest
        .candidates
        .iter()
        .map(|(_, text)| text.clone())
        .collect();
    let candidates = asked.model.embed(&texts, &how(text))?;
    let queries = match is_by_class {
        true => candidates.clone(),
        false => asked.model.embed(&contest.queries, &how(query))?,
    };
    let row = |query: std::result::Result<Vec<f32>, String>| {
        let query = query?;
        let score = |candidate: &std::result::Result<Vec<f32>, String>| match candidate {
            Ok(candidate) => Ok(cosine(&query, candidate)),
            Err(reason) => Err(reason.clone()),
        };
        Ok(candidates.iter().map(score).collect())
    };
    let mut count = asked.count.borrow_mut();
    count.prompts += texts.len() as u64;
    if !is_by_class {
        count.prompts += contest.queries.len() as u64;
    }
    for text in texts.iter().chain(&contest.queries) {
        count.hasher.update(&(text.len() as u64).to_le_bytes());
        count.hasher.update(text.as_bytes());
    }
    drop(count);
    for failed in candidates.iter().filter_map(|c| c.as_ref().err()) {
        asked.failed(failed.clone());
    }
    Ok(queries.into_iter().map(row).collect())
}

/// Of vectors of length one.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

/// A vector of length one; one of zeros, or of what is no number, is a failure.
pub fn unit(vector: &[f32]) -> std::result::Result<Vec<f32>, String> {
    let length = cosine(vector, vector).sqrt();
    match length > 0.0 && length.is_finite() {
        true => Ok(vector
            .iter()
            .map(|x| (f64::from(*x) / length) as f32)
            .collect()),
        false => Err("a vector without a direction".to_owned()),
    }
}

/// Candidates by their first scores; those without one stand where they do most harm.
fn standing(
    contest: &Contest,
    query: usize,
    row: Vec<std::result::Result<f64, String>>,
) -> Vec<Standing> {
    let place = |(candidate, score): (usize, std::result::Result<f64, String>)| match score {
        Ok(first) => Standing {
            tier: NOT_ASKED,
            asked: 0.0,
            first,
        },
        Err(_) => worst(contest, query, candidate),
    };
    row.into_iter().enumerate().map(place).collect()
}

fn worst(contest: &Contest, query: usize, candidate: usize) -> Standing {
    Standing {
        tier: match contest.right[query].contains(&candidate) {
            true => i8::MIN,
            false => i8::MAX,
        },
        asked: 0.0,
        first: 0.0,
    }
}

/// A question about a candidate: query and candidate.
type Pair = (usize, usize);

/// Asks about the first few candidates of every query, and puts them before the others.
fn rerank(
    asked: &Asked<'_>,
    contest: &Contest,
    standings: &mut [std::result::Result<Vec<Standing>, String>],
) -> Result<()> {
    let more = room_for_answer(asked)?;
    let (mut pairs, mut fitted): (Vec<Pair>, _) = (Vec::new(), Vec::new());
    for (query, row) in standings.iter().enumerate() {
        let Ok(row) = row else { continue };
        for candidate in best(row, contest.own[query], asked.prompting.top) {
            let texts = vec![
                ("query", contest.queries[query].clone()),
                ("candidate", contest.candidates[candidate].1.clone()),
            ];
            fitted.push(asked.prompt(&asked.drawn.rows[query], texts, more)?);
            pairs.push((query, candidate));
        }
    }
    let answers: Vec<std::result::Result<f64, String>> = match asked.prompting.labels {
        Labelling::Likelihood => {
            let words = asked.words.all();
            let scored = asked.of_fitted(fitted, |prompts| asked.model.score(prompts, words))?;
            let value = |scores: &[super::model::Scored], at: usize| {
                scores
                    .get(at)
                    .map_or(0.0, |s| s.value(asked.prompting.normalised))
            };
            let share = |scores: Vec<super::model::Scored>| value(&scores, 1) - value(&scores, 0);
            scored.into_iter().map(|scores| scores.map(share)).collect()
        }
        Labelling::Generation => {
            let manner = manner(asked);
            let said = asked.of_fitted(fitted, |prompts| asked.model.write(prompts, &manner))?;
            let parse = |said: std::result::Result<String, String>| asked.words.parse(&said?);
            said.into_iter()
                .map(|said| parse(said).map(|class| class as f64))
                .collect()
        }
    };
    let mut answered = vec![0usize; standings.len()];
    let mut last: Vec<Option<String>> = vec![None; standings.len()];
    for ((query, candidate), answer) in pairs.into_iter().zip(answers) {
        let Ok(row) = &mut standings[query] else {
            continue;
        };
        match answer {
            Ok(share) => {
                answered[query] += 1;
                row[candidate].tier = ASKED;
                row[candidate].asked = share;
            }
            Err(reason) => {
                row[candidate] = worst(contest, query, candidate);
                last[query] = Some(asked.failed(reason));
            }
        }
    }
    for (query, reason) in last.into_iter().enumerate() {
        if let Some(reason) = reason.filter(|_| answered[query] == 0) {
            standings[query] = Err(reason);
        }
    }
    Ok(())
}

/// The best candidates, the first of equals first; failures are not among them.
fn best(row: &[Standing], own: Option<usize>, most: usize) -> Vec<usize> {
    let sound = |candidate: &usize| {
        Some(*candidate) != own && matches!(row[*candidate].tier, NOT_ASKED | ASKED)
    };
    let mut order: Vec<usize> = (0..row.len()).filter(sound).collect();
    let by = |a: &usize, b: &usize| row[*b].order(&row[*a]).then(a.cmp(b));
    if order.len() > most && most > 0 {
        order.select_nth_unstable_by(most - 1, by);
        order.truncate(most);
    }
    order.sort_by(by);
    order
}

fn example(
    asked: &Asked<'_>,
    contest: &Contest,
    query: usize,
    row: std::result::Result<Vec<Standing>, String>,
    plain: bool,
) -> Ranked {
    let own = contest.own[query];
    let right = &contest.right[query];
    let pool = contest.candidates.len() - usize::from(own.is_some());
    let name = asked.drawn.rows[query].name.clone();
    let (ranks, best, cosines, failed) = match row {
        Ok(row) => {
            let mut ranks: Vec<usize> = right.iter().map(|right| rank(&row, *right, own)).collect();
            ranks.sort_unstable();
            let best = best(&row, own, TOLD);
            let cosines = match plain {
                true => best.iter().map(|c| Some(row[*c].first as f32)).collect(),
                false => Vec::new(),
            };
            (ranks, best, cosines, None)
        }
        // Behind all others.
        Err(reason) => {
            let last = (0..right.len()).map(|before| pool - before).rev().collect();
            let reason = match asked.prompting.search {
                Search::Embeddings => asked.failed(reason),
                _ => reason,
            };
            (last, Vec::new(), Vec::new(), Some(reason))
        }
    };
    Ranked {
        name,
        rank: ranks.first().copied(),
        ranks: if ranks.len() > 1 { ranks } else { Vec::new() },
        pool,
        best: best
            .into_iter()
            .map(|c| contest.candidates[c].0.clone())
            .collect(),
        cosines,
        failed,
    }
}

/// The place of a candidate from one: of how many it is not better, itself among them.
fn rank(row: &[Standing], right: usize, own: Option<usize>) -> usize {
    let before = |(other, standing): (usize, &Standing)| {
        Some(other) != own && (other == right || row[right].order(standing) != Ordering::Greater)
    };
    row.iter().enumerate().filter(|pair| before(*pair)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scores: &[(i8, f64, f64)]) -> Vec<Standing> {
        let standing = |(tier, asked, first): &(i8, f64, f64)| Standing {
            tier: *tier,
            asked: *asked,
            first: *first,
        };
        scores.iter().map(standing).collect()
    }

    #[test]
    fn a_tie_counts_against_the_right_answer() {
        let row = row(&[(0, 0.0, 0.5), (0, 0.0, 0.5), (0, 0.0, 0.9), (0, 0.0, 0.1)]);
        assert_eq!(rank(&row, 0, None), 3);
        assert_eq!(rank(&row, 2, None), 1);
        assert_eq!(rank(&row, 0, Some(2)), 2);
        assert_eq!(best(&row, None, 2), [2, 0]);
    }

    #[test]
    fn what_was_asked_about_goes_before_what_was_not() {
        let row = row(&[
            (1, -3.0, 0.1),
            (0, 0.0, 0.9),
            (1, 2.0, 0.2),
            (i8::MAX, 0.0, 0.0),
            (i8::MIN, 0.0, 0.0),
        ]);
        assert_eq!(best(&row, None, 9), [2, 0, 1]);
        assert_eq!(rank(&row, 2, None), 2, "a wrong failure stands before all");
        assert_eq!(rank(&row, 4, None), 5, "a right failure stands behind all");
    }

    #[test]
    fn a_vector_without_a_direction_is_a_failure() {
        assert!(unit(&[0.0, 0.0]).is_err());
        assert!(unit(&[f32::NAN]).is_err());
        let found = unit(&[3.0, 4.0]).unwrap();
        assert!((found[0] - 0.6).abs() < 1e-7 && (found[1] - 0.8).abs() < 1e-7);
    }
}

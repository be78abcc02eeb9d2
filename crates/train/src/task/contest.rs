//! Who competes in a batch of retrieval: queries, candidates, right answers, and the pairs that are
//! left out because they are right too.

use std::collections::HashMap;

use skillbelt_engine::ops;
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Pass, Var};

use super::vectors::Distinct;
use super::{Set, ranked};
use crate::data::TextId;
use crate::error::Result;

/// Which rows of the distinct texts of a batch are queries and candidates, and which pairs are left
/// out of the loss.
#[derive(Default)]
pub struct Contest {
    pub distinct: Distinct,
    pub queries: Vec<usize>,
    /// Rows of the candidates, each once.
    candidates: Vec<usize>,
    /// Of each query its place among the candidates.
    positives: Vec<usize>,
    /// `[Q x K]`
    excluded: Vec<bool>,
}

impl Contest {
    /// The contest of the items of a batch. By class, the answer of a member is another one of its
    /// class, as the draw says; a member that is alone in its class asks nothing.
    pub fn of(set: &Set, batch: &[usize], draw: Stream) -> Contest {
        let members = ranked::members(set);
        let mut contest = Contest::default();
        let mut place = HashMap::new();
        let mut asking = Vec::new();
        let Contest {
            distinct,
            queries,
            candidates,
            positives,
            ..
        } = &mut contest;
        let mut candidate = |distinct: &mut Distinct, text: TextId| {
            let row = distinct.place(text);
            *place.entry(row).or_insert_with(|| {
                candidates.push(row);
                candidates.len() - 1
            })
        };
        // Queries first, so that their rows lie together.
        for number in batch {
            let item = &set.items[*number];
            if let Some(answer) = answer(set, &members, *number, draw) {
                queries.push(distinct.place(item.texts[0]));
                asking.push((item, answer));
            }
        }
        for (_, answer) in &asking {
            positives.push(candidate(distinct, *answer));
        }
        for (item, _) in &asking {
            for negative in item.texts.iter().skip(2) {
                candidate(distinct, *negative);
            }
        }
        let labels = asking.iter().map(|(item, _)| item.label);
        contest.leave_out(match set.classes.is_empty() {
            true => None,
            false => Some(labels.collect()),
        });
        contest
    }

    /// Marks, for each query, other answers of the same query, answers of its class, and itself.
    fn leave_out(&mut self, labels: Option<Vec<u32>>) {
        let k = self.candidates.len();
        // A candidate may be the answer of several queries, of several classes even.
        let mut right: Vec<(usize, usize)> = Vec::new();
        let mut of_class: Vec<(u32, usize)> = Vec::new();
        for (query, positive) in self.positives.iter().enumerate() {
            right.push((self.queries[query], *positive));
            if let Some(labels) = &labels {
                of_class.push((labels[query], *positive));
            }
        }
        right.sort_unstable();
        of_class.sort_unstable();
        self.excluded = vec![false; self.queries.len() * k];
        for (query, positive) in self.positives.iter().enumerate() {
            let row = self.queries[query];
            let label = labels.as_ref().map(|labels| labels[query]);
            for candidate in (0..k).filter(|candidate| candidate != positive) {
                let is_member = |label| of_class.binary_search(&(label, candidate)).is_ok();
                self.excluded[query * k + candidate] = self.candidates[candidate] == row
                    || right.binary_search(&(row, candidate)).is_ok()
                    || label.is_some_and(is_member);
            }
        }
    }

    /// The loss over the vectors `[D x C]` of the distinct texts.
    pub fn loss(
        &self,
        pass: &Pass,
        vectors: &Var,
        temperature: f32,
        symmetric: bool,
    ) -> Result<Var> {
        let queries = ops::take_rows(pass, vectors, &self.queries)?;
        let candidates = ops::take_rows(pass, vectors, &self.candidates)?;
        Ok(ops::contrastive_loss_among(
            pass,
            &queries,
            &candidates,
            &self.positives,
            &self.excluded,
            temperature,
            symmetric,
        )?)
    }
}

/// The right answer of an item, if it has one.
fn answer(set: &Set, members: &[Vec<usize>], number: usize, draw: Stream) -> Option<TextId> {
    let item = &set.items[number];
    if set.classes.is_empty() {
        return item.texts.get(1).copied();
    }
    // A twin with the very same text teaches nothing.
    let class = members.get(item.label as usize)?;
    let others: Vec<TextId> = class
        .iter()
        .map(|other| set.items[*other].texts[0])
        .collect();
    let others: Vec<TextId> = others
        .into_iter()
        .filter(|text| *text != item.texts[0])
        .collect();
    let drawn = draw.bits(number as u64) % (others.len() as u64).max(1);
    others.get(drawn as usize).copied()
}

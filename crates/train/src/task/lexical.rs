//! Likeness by words in common (BM25 over token ids): the source of hard negatives. It knows no
//! meaning, only which texts share rare tokens.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::Set;
use super::vectors::unreadable;
use crate::data::TextId;
use crate::error::Result;

/// How soon a repeated word stops counting more, and how much long texts are held back.
const SATURATION: f32 = 1.2;
const LENGTH_SHARE: f32 = 0.75;

/// An index of texts by their tokens.
pub struct Index {
    /// From a token to the texts that have it, with how often, in their order.
    postings: HashMap<u32, Vec<(u32, f32)>>,
    /// Of each text what stands in the denominator for its length.
    damping: Vec<f32>,
}

impl Index {
    pub fn new(texts: &[Vec<u32>]) -> Index {
        let mut postings: HashMap<u32, Vec<(u32, f32)>> = HashMap::new();
        for (number, text) in (0u32..).zip(texts) {
            for (token, count) in counted(text) {
                postings
                    .entry(token)
                    .or_default()
                    .push((number, count as f32));
            }
        }
        // A token of more than half of the texts tells nothing.
        postings.retain(|_, texts_with| 2 * texts_with.len() <= texts.len().max(2));
        let tokens: usize = texts.iter().map(Vec::len).sum();
        let mean = (tokens as f32 / texts.len().max(1) as f32).max(1.0);
        let damping = |text: &Vec<u32>| {
            SATURATION * (1.0 - LENGTH_SHARE + LENGTH_SHARE * text.len() as f32 / mean)
        };
        Index {
            postings,
            damping: texts.iter().map(damping).collect(),
        }
    }

    /// The texts that share most with the query, at most so many, the best first; of equals the
    /// first. Texts that share nothing are not among them.
    pub fn nearest(&self, query: &[u32], most: usize) -> Vec<usize> {
        let scored = self.scored(query, most).into_iter();
        scored.map(|(text, _)| text).collect()
    }

    /// The same, each with how much it shares.
    pub fn scored(&self, query: &[u32], most: usize) -> Vec<(usize, f32)> {
        let mut scores: HashMap<u32, f32> = HashMap::new();
        let texts = self.damping.len() as f32;
        // In the order of the tokens, so that sums are the same every time.
        for token in counted(query).into_keys() {
            let Some(found) = self.postings.get(&token) else {
                continue;
            };
            let having = found.len() as f32;
            let rarity = (1.0 + (texts - having + 0.5) / (having + 0.5)).ln();
            for (text, count) in found {
                let damping = self.damping[*text as usize];
                *scores.entry(*text).or_default() +=
                    rarity * count * (SATURATION + 1.0) / (count + damping);
            }
        }
        let mut order: Vec<(u32, f32)> = scores.into_iter().collect();
        let better = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if order.len() > most {
            order.select_nth_unstable_by(most, better);
            order.truncate(most);
        }
        order.sort_by(better);
        let number = |(text, score): (u32, f32)| (text as usize, score);
        order.into_iter().map(number).collect()
    }
}

fn counted(text: &[u32]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    for token in text {
        *counts.entry(*token).or_default() += 1;
    }
    counts
}

/// Gives every query of a set up to `most` further negatives: texts of the pool that share most
/// tokens with it and answer no item with the same query.
pub fn add_negatives(set: &mut Set, most: usize) -> Result<()> {
    let pool: Vec<TextId> = set.pool.keys().copied().collect();
    let fetched = |text: &TextId| set.shelf.get(*text).map_err(unreadable);
    let index = Index::new(&pool.iter().map(fetched).collect::<Result<Vec<_>>>()?);
    let mut answers: HashMap<TextId, Vec<TextId>> = HashMap::new();
    for item in &set.items {
        if let [query, answer, ..] = item.texts[..] {
            answers.entry(query).or_default().push(answer);
        }
    }
    let negatives: Vec<Result<Vec<TextId>>> = set
        .items
        .par_iter()
        .map(|item| {
            let [query, _, ..] = item.texts[..] else {
                return Ok(Vec::new());
            };
            let right = answers.get(&query).map_or(&[][..], Vec::as_slice);
            let near = index.nearest(&fetched(&query)?, most + right.len() + item.texts.len());
            let near = near.into_iter().map(|place| pool[place]);
            let wrong = near.filter(|text| !right.contains(text) && !item.texts.contains(text));
            Ok(wrong.take(most).collect())
        })
        .collect();
    for (item, negatives) in set.items.iter_mut().zip(negatives) {
        let mut texts = std::mem::take(&mut item.texts).into_vec();
        texts.extend(negatives?);
        item.texts = texts.into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_tokens_and_short_texts_come_first() {
        let texts = [
            vec![1, 2, 3],
            vec![1, 9, 9, 9, 9, 9, 2],
            vec![4, 2],
            vec![5],
            vec![6],
            vec![7],
        ];
        let index = Index::new(&texts);
        assert_eq!(index.nearest(&[1, 2], 5), [0, 1, 2]);
        assert_eq!(index.nearest(&[4, 2], 1), [2]);
        assert!(index.nearest(&[8], 5).is_empty());
    }

    #[test]
    fn a_token_of_more_than_half_of_the_texts_tells_nothing() {
        let index = Index::new(&[vec![1, 2], vec![1, 3], vec![1, 4]]);
        assert!(index.nearest(&[1], 5).is_empty());
        assert_eq!(index.nearest(&[1, 3], 5), [1]);
    }
}

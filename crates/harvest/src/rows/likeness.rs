//! For a function, another one that uses the same words and is not the same: a hard negative.
//!
//! Only functions of the same split and language are looked at, and not all of those: the ones that
//! share its rarest words. Time for one function is bounded whatever the repository holds.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use skillbelt_code::{Language, near};

use crate::split::Split;
use crate::stock::{Item, Stock};

/// Rare words of a function that others are found by.
const BY_WORDS: usize = 8;
/// Functions that are looked at for one word.
const BY_WORD: usize = 64;
/// Share of runs of five words from which on a neighbour may be a clone.
const TOO_LIKE: f64 = 0.5;

/// Functions of one split and language, by their words.
struct Shelf {
    /// For each word, who has it, in the order of the items.
    holders: HashMap<u64, Vec<u32>>,
    count: usize,
}

pub struct Likeness<'s> {
    stock: &'s Stock,
    /// Words of each function, sorted, each once.
    words: Vec<Vec<u64>>,
    /// How much each of them tells: the rarer, the more.
    weights: Vec<Vec<f64>>,
    shelves: BTreeMap<(Split, Language), Shelf>,
}

impl<'s> Likeness<'s> {
    pub fn of(stock: &'s Stock) -> Likeness<'s> {
        let words: Vec<Vec<u64>> = stock
            .items
            .par_iter()
            .map(|item| words(&item.piece.code))
            .collect();
        let mut shelves: BTreeMap<(Split, Language), Shelf> = BTreeMap::new();
        for (at, item) in stock.items.iter().enumerate() {
            let shelf = shelves
                .entry((item.split, item.piece.language))
                .or_insert_with(|| Shelf {
                    holders: HashMap::new(),
                    count: 0,
                });
            shelf.count += 1;
            for word in &words[at] {
                shelf.holders.entry(*word).or_default().push(at as u32);
            }
        }
        let weigh = |(item, words): (&Item, &Vec<u64>)| -> Vec<f64> {
            let shelf = shelves.get(&(item.split, item.piece.language));
            let weight = |word: &u64| {
                let holders = shelf.and_then(|shelf| shelf.holders.get(word));
                let count = shelf.map_or(0, |shelf| shelf.count);
                ((count + 1) as f64 / holders.map_or(1, Vec::len) as f64).ln()
            };
            words.iter().map(weight).collect()
        };
        let weights = stock.items.par_iter().zip(&words).map(weigh).collect();
        Likeness {
            stock,
            words,
            weights,
            shelves,
        }
    }

    /// The neighbour that shares most, weighed by how rare the shared words are.
    pub fn neighbour(&self, at: usize) -> Option<usize> {
        let item = &self.stock.items[at];
        let shelf = self.shelves.get(&(item.split, item.piece.language))?;
        let mut rare: Vec<(usize, u64)> = self.words[at]
            .iter()
            .filter_map(|word| Some((shelf.holders.get(word)?.len(), *word)))
            .filter(|(holders, _)| *holders > 1)
            .collect();
        rare.sort_unstable();
        let mut candidates: Vec<usize> = Vec::new();
        for (_, word) in rare.iter().take(BY_WORDS) {
            let Some(holders) = shelf.holders.get(word) else {
                continue;
            };
            // Of a word that many have, the ones that stand nearest.
            let here = holders.partition_point(|holder| (*holder as usize) < at);
            let from = here.saturating_sub(BY_WORD / 2);
            candidates.extend(
                holders
                    .iter()
                    .skip(from)
                    .take(BY_WORD)
                    .map(|holder| *holder as usize),
            );
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut scored: Vec<(f64, usize)> = candidates
            .into_iter()
            .filter(|other| *other != at && self.another(item, &self.stock.items[*other]))
            .map(|other| {
                let weights = &self.weights[at];
                let shared: f64 = shared(&self.words[at], &self.words[other])
                    .map(|word| weights[word])
                    .sum();
                (
                    shared / (self.words[other].len() as f64 + 10.0).sqrt(),
                    other,
                )
            })
            .collect();
        scored.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let unlike = |other: &usize| {
            near::likeness(&item.piece.code, &self.stock.items[*other].piece.code) < TOO_LIKE
        };
        scored
            .into_iter()
            .take(4)
            .map(|(_, other)| other)
            .find(unlike)
    }

    /// Functions of one name often do the same thing for different types.
    fn another(&self, item: &Item, other: &Item) -> bool {
        item.piece.name != other.piece.name
    }
}

/// The words of a text in parts, as `read` and `line` of `readLine`, hashed; without the one-letter
/// ones, which tell nothing.
fn words(text: &str) -> Vec<u64> {
    let mut words: HashSet<u64> = HashSet::new();
    for word in near::words(text).filter(|word| word.len() > 1) {
        for part in parts(word).filter(|part| part.len() > 1) {
            words.insert(near::hashed(part.to_lowercase().as_bytes()));
        }
    }
    let mut words: Vec<u64> = words.into_iter().collect();
    words.sort_unstable();
    words
}

fn parts(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('_');
        let mut letters = rest.char_indices();
        let (_, first) = letters.next()?;
        let mut upper = first.is_uppercase();
        let end = letters.find(|(_, letter)| {
            let starts = letter.is_uppercase() && !upper;
            upper = letter.is_uppercase();
            starts || *letter == '_'
        });
        let (part, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = after;
        Some(part)
    })
}

/// The places in the first of two sorted rows of what they share.
fn shared<'w>(one: &'w [u64], other: &'w [u64]) -> impl Iterator<Item = usize> + 'w {
    let mut at = 0;
    one.iter().enumerate().filter_map(move |(place, word)| {
        while other.get(at).is_some_and(|other| other < word) {
            at += 1;
        }
        (other.get(at) == Some(word)).then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_at_humps_and_lines() {
        assert_eq!(
            parts("readNextLine_of").collect::<Vec<_>>(),
            ["read", "Next", "Line", "of"]
        );
        assert_eq!(parts("__init").collect::<Vec<_>>(), ["init"]);
        assert_eq!(
            shared(&[1, 3, 5], &[2, 3, 4, 5]).collect::<Vec<_>>(),
            [1, 2]
        );
    }
}

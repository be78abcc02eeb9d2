//! Examples that are ready: texts on a shelf, items that name them, and what can be found.

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};

use super::vectors::unreadable;
use crate::data::{Shelf, Tally, TextId};
use crate::error::Result;

/// An example that is ready: which texts, and what is true of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// `classify`: the text. `pair`: both in one, or each. `retrieve`: the query, its answer, hard
    /// negatives; or, by class, the member. `generate`: source, target.
    pub texts: Box<[TextId]>,
    /// Number of the class; of a member its class; 0 where there are no classes. [`Item::UNKNOWN`]
    /// where the row does not say what is true of it.
    pub label: u32,
    /// The name of the row: its own, or `file:line`.
    pub name: String,
    /// `generate`: the target as it was written, before the tokenizer took it apart.
    pub expected: Option<Box<str>>,
}

impl Item {
    /// The label of an item whose truth is not known: it can be answered, but neither learnt from
    /// nor measured.
    pub const UNKNOWN: u32 = u32::MAX;

    pub fn is_known(&self) -> bool {
        self.label != Item::UNKNOWN
    }
}

/// A split that is ready.
#[derive(Default)]
pub struct Set {
    pub shelf: Shelf,
    pub items: Vec<Item>,
    /// What queries are ranked over, each text once, under the name of its first row.
    pub pool: IndexMap<TextId, String>,
    /// `retrieve` by class: the classes in the order in which they were met.
    pub classes: IndexSet<String>,
    /// `retrieve` by class: answers name as many of the best as the class has other members, and not
    /// the usual few. It changes what is told and no measure.
    pub whole_class: bool,
    /// Known items of each class.
    pub counts: Vec<u64>,
    pub tally: Tally,
    /// Of everything that can be learnt from it: equal sets have equal hashes.
    pub hash: String,
}

/// A row as token ids: an item, something to be found, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub texts: Vec<Vec<u32>>,
    /// Whether the texts make an item; a row may be there only to be found.
    pub is_item: bool,
    pub label: u32,
    /// `retrieve` by class: the class, numbered when it joins a set.
    pub class: Option<String>,
    /// As [`Item::expected`].
    pub expected: Option<Box<str>>,
    /// Which of the texts joins the pool, and under which name.
    pub found: Option<(usize, String)>,
}

impl Encoded {
    /// An item that nobody is to find.
    pub fn item(texts: Vec<Vec<u32>>, label: u32) -> Encoded {
        Encoded {
            texts,
            is_item: true,
            label,
            class: None,
            expected: None,
            found: None,
        }
    }

    /// Whether the row does not say what is true of it.
    pub fn is_unknown(&self) -> bool {
        self.label == Item::UNKNOWN
    }
}

impl Set {
    /// Some of the items, in the order given, as a set of their own: the same classes, counted as
    /// in the whole, and nothing of the pool.
    pub fn part(&self, items: &[usize]) -> Result<Set> {
        let mut part = Set {
            classes: self.classes.clone(),
            counts: self.counts.clone(),
            ..Set::default()
        };
        for item in items.iter().map(|item| &self.items[*item]) {
            let texts = item.texts.iter().map(|text| {
                let ids = self.shelf.get(*text).map_err(unreadable)?;
                part.shelf.put(&ids).map_err(unreadable)
            });
            let texts = texts.collect::<Result<_>>()?;
            part.items.push(Item {
                texts,
                ..item.clone()
            });
        }
        part.tally.used = items.len() as u64;
        part.hash = hash(&part)?;
        Ok(part)
    }
}

/// Known items of each class.
pub fn counts(items: &[Item]) -> Vec<u64> {
    let mut counts = Vec::new();
    for item in items.iter().filter(|item| item.is_known()) {
        let class = item.label as usize;
        if counts.len() <= class {
            counts.resize(class + 1, 0);
        }
        counts[class] += 1;
    }
    counts
}

/// Of the texts, labels and names of what can be found; not of where the rows stood.
pub fn hash(set: &Set) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut numbers: HashMap<TextId, u64> = HashMap::new();
    let mut text = |hasher: &mut blake3::Hasher, text: TextId| -> Result<()> {
        let next = numbers.len() as u64;
        let number = *numbers.entry(text).or_insert(next);
        hasher.update(&number.to_le_bytes());
        if number == next {
            let ids = set.shelf.get(text).map_err(unreadable)?;
            hasher.update(&(ids.len() as u64).to_le_bytes());
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
        Ok(())
    };
    for item in &set.items {
        hasher.update(&item.label.to_le_bytes());
        hasher.update(&(item.texts.len() as u64).to_le_bytes());
        for id in &item.texts {
            text(&mut hasher, *id)?;
        }
    }
    hasher.update(b"pool");
    for id in set.pool.keys() {
        text(&mut hasher, *id)?;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

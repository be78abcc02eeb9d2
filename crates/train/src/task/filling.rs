//! From rows to a set: encoded on all threads, drawn by the seed, counted, hashed. It reads no file;
//! rows come from whoever has them.

use std::collections::BTreeMap;

use rayon::prelude::*;
use skillbelt_engine::random::Stream;
use skillbelt_model::Tokenizer;

use super::vectors::unreadable;
use super::{Encoded, Item, Objective, Set, set};
use crate::data::read::Sink;
use crate::data::{Content, Place, Rejection, Row, Split, Tally, TextId};
use crate::error::Result;

/// Which rows become a set.
#[derive(Debug, Clone, Copy)]
pub struct Preparing {
    pub seed: u64,
    pub split: Split,
    /// At most so many, drawn by the seed.
    pub most: Option<usize>,
    /// At most so many items of each other class for each of the rarest.
    pub undersample: Option<f64>,
    /// Whether rows are used that do not say what is true of them: to answer them.
    pub unknown: bool,
}

/// Rows that are encoded at a time.
const CHUNK: usize = 512;

/// Makes a set of rows. Which rows are drawn depends on the seed, the split and their order alone.
pub fn prepare_rows(
    objective: &dyn Objective,
    tokenizer: &Tokenizer,
    how: &Preparing,
    rows: impl FnOnce(&mut Sink<'_>) -> Result<()>,
) -> Result<Set> {
    let mut filling = Filling {
        objective,
        tokenizer,
        how: *how,
        draw: Stream::new(how.seed, 0, &format!("rows of {}", how.split.name())),
        waiting: Vec::new(),
        seen: 0,
        drawn: BTreeMap::new(),
        found: Vec::new(),
        set: Set::default(),
    };
    rows(&mut |row| filling.take(row))?;
    filling.finish()
}

/// A set that is being filled.
struct Filling<'f> {
    objective: &'f dyn Objective,
    tokenizer: &'f Tokenizer,
    how: Preparing,
    draw: Stream,
    /// Rows not yet encoded, by number.
    waiting: Vec<(u64, Row)>,
    seen: u64,
    /// Items so far, by what the draw says of them and their number.
    drawn: BTreeMap<(u64, u64), Drawn>,
    /// What is there only to be found, by number.
    found: Vec<(u64, (TextId, String))>,
    set: Set,
}

/// An item that may still have to leave.
struct Drawn {
    item: Item,
    found: Option<(TextId, String)>,
    place: Place,
}

const LEFT_OUT: &str = "left out by the limit on rows";

impl Filling<'_> {
    fn take(&mut self, row: std::result::Result<Row, Rejection>) -> Result<()> {
        let number = self.seen;
        self.seen += 1;
        match row {
            Err(rejection) => self.set.tally.reject(rejection),
            // What is only to be found stays whatever is drawn.
            Ok(row) if self.is_beyond(number) && !matches!(row.content, Content::Candidate(_)) => {
                self.set.tally.reject(Rejection::plain(row.place, LEFT_OUT));
            }
            Ok(row) => self.waiting.push((number, row)),
        }
        match self.waiting.len() < CHUNK {
            true => Ok(()),
            false => self.encode(),
        }
    }

    fn key(&self, number: u64) -> (u64, u64) {
        match self.how.most {
            Some(_) => (self.draw.bits(number), number),
            None => (0, number),
        }
    }

    /// Whether the draw has enough rows that go before this one.
    fn is_beyond(&self, number: u64) -> bool {
        let full = self.how.most.is_some_and(|most| self.drawn.len() >= most);
        let last = self.drawn.last_key_value();
        full && last.is_none_or(|(last, _)| self.key(number) > *last)
    }

    /// Encodes what waits, on all threads, and puts it into the set in the order of the rows.
    fn encode(&mut self) -> Result<()> {
        let (objective, tokenizer) = (self.objective, self.tokenizer);
        let encoded: Vec<_> = std::mem::take(&mut self.waiting)
            .into_par_iter()
            .map(|(number, row)| {
                let name = row.id.clone().unwrap_or_else(|| row.place.to_string());
                let place = row.place.clone();
                (number, name, place, objective.encode(row, tokenizer))
            })
            .collect();
        for (number, name, place, encoded) in encoded {
            match encoded? {
                Err(rejection) => self.set.tally.reject(rejection),
                Ok(row) if row.is_item && !self.how.unknown && row.is_unknown() => {
                    self.set
                        .tally
                        .reject(Rejection::plain(place, "no label or answer"));
                }
                Ok(row) => self.put(number, name, place, row)?,
            }
        }
        Ok(())
    }

    fn put(&mut self, number: u64, name: String, place: Place, row: Encoded) -> Result<()> {
        let set = &mut self.set;
        let texts = row
            .texts
            .iter()
            .map(|ids| set.shelf.put(ids).map_err(unreadable));
        let texts = texts.collect::<Result<Box<[TextId]>>>()?;
        let found = row.found.map(|(place, name)| (texts[place], name));
        set.tally.used += 1;
        if !row.is_item {
            self.found.extend(found.map(|found| (number, found)));
            return Ok(());
        }
        let label = match row.class {
            Some(class) => set.classes.insert_full(class).0 as u32,
            None => row.label,
        };
        let item = Item {
            texts,
            label,
            name,
            expected: row.expected,
        };
        self.drawn
            .insert(self.key(number), Drawn { item, found, place });
        if self.how.most.is_some_and(|most| self.drawn.len() > most)
            && let Some((_, left)) = self.drawn.pop_last()
        {
            self.set.tally.used -= 1;
            self.set
                .tally
                .reject(Rejection::plain(left.place, LEFT_OUT));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Set> {
        self.encode()?;
        let drawn = self
            .drawn
            .into_iter()
            .map(|((_, number), drawn)| (number, drawn));
        let mut drawn: Vec<(u64, Drawn)> = drawn.collect();
        drawn.sort_by_key(|(number, _)| *number);
        if let Some(ratio) = self.how.undersample {
            undersample(&mut drawn, ratio, self.how.seed, &mut self.set.tally);
        }
        let (mut set, mut found) = (self.set, self.found);
        for (number, drawn) in drawn {
            found.extend(drawn.found.map(|found| (number, found)));
            set.items.push(drawn.item);
        }
        found.sort_by_key(|(number, _)| *number);
        for (_, (text, name)) in found {
            set.pool.entry(text).or_insert(name);
        }
        set.counts = set::counts(&set.items);
        self.objective.complete(&mut set)?;
        set.hash = set::hash(&set)?;
        Ok(set)
    }
}

/// Of each class but the rarest, at most `ratio` times as many items as the rarest has, drawn by the
/// seed.
fn undersample(drawn: &mut Vec<(u64, Drawn)>, ratio: f64, seed: u64, tally: &mut Tally) {
    let draw = Stream::new(seed, 0, "undersampling");
    let mut classes: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for (number, drawn) in drawn.iter() {
        classes.entry(drawn.item.label).or_default().push(*number);
    }
    let Some(rarest) = classes.values().map(Vec::len).min() else {
        return;
    };
    let most = ((ratio * rarest as f64).floor() as usize).max(rarest);
    let mut left: Vec<u64> = Vec::new();
    for mut numbers in classes.into_values() {
        numbers.sort_by_key(|number| (draw.bits(*number), *number));
        left.extend(numbers.iter().skip(most));
    }
    left.sort_unstable();
    drawn.retain(|(number, drawn)| {
        let stays = left.binary_search(number).is_err();
        if !stays {
            tally.used -= 1;
            tally.reject(Rejection::plain(
                drawn.place.clone(),
                "left out by undersampling",
            ));
        }
        stays
    });
}

//! The rows that are asked: the same that a belt of the recipe would be asked, under the same names,
//! but as texts.
//!
//! With the recipe's base at hand its own objective says which rows can be used and which candidates
//! are one, so that answers stand beside those of its belts. Without it rows are refused only for
//! having no text, and candidates are one if their texts are.

use std::collections::{BTreeMap, HashMap};

use skillbelt_engine::random::Stream;
use skillbelt_model::Tokenizer;

use crate::data::{Content, Rejection, Row, Split, Tally, read};
use crate::error::Result;
use crate::recipe::TaskSettings;
use crate::task::Task;

/// Who says whether a row can be used.
pub enum Gate<'g> {
    /// The recipe's base, by a task set to it.
    Base {
        task: Box<Task>,
        tokenizer: &'g Tokenizer,
    },
    /// Nobody but the row itself.
    Plain,
}

/// A row that is asked, or shown.
#[derive(Debug, Clone)]
pub struct Kept {
    pub name: String,
    pub group: Option<String>,
    pub content: Content,
    /// `retrieve`: the place of its right answer among the candidates.
    pub right: Option<usize>,
}

/// Rows of a split, and what queries are ranked over.
#[derive(Debug, Default)]
pub struct Drawn {
    pub rows: Vec<Kept>,
    /// Name and text.
    pub pool: Vec<(String, String)>,
    pub tally: Tally,
}

/// Which rows are drawn: by the seed, the split and their order, as for training.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    pub split: Split,
    pub seed: u64,
    pub most: Option<usize>,
}

/// What tells one text from another.
type Key = Vec<u8>;

/// A text that can be found: its key, its name, itself.
type Found = (Key, String, String);

struct Passed {
    is_item: bool,
    found: Option<Found>,
}

const LEFT_OUT: &str = "left out by the limit on rows";

impl Gate<'_> {
    fn pass(&self, row: &Row) -> Result<std::result::Result<Passed, Rejection>> {
        let text = found_text(&row.content);
        let name = || row.place.to_string();
        match self {
            Gate::Base { task, tokenizer } => {
                let encoded = match task.objective.encode(row.clone(), tokenizer)? {
                    Ok(encoded) => encoded,
                    Err(rejection) => return Ok(Err(rejection)),
                };
                if encoded.is_item && encoded.is_unknown() {
                    return Ok(Err(unknown(row)));
                }
                let found = encoded.found.zip(text).map(|((at, name), (_, text))| {
                    let ids = encoded.texts[at].iter();
                    (ids.flat_map(|id| id.to_le_bytes()).collect(), name, text)
                });
                Ok(Ok(Passed {
                    is_item: encoded.is_item,
                    found,
                }))
            }
            Gate::Plain => {
                if let Some(reason) = lacking(&row.content) {
                    return Ok(Err(Rejection::plain(row.place.clone(), reason)));
                }
                let found = text.map(|(named, text)| {
                    let key = text.clone().into_bytes();
                    (key, named.unwrap_or_else(name), text)
                });
                Ok(Ok(Passed {
                    is_item: !matches!(row.content, Content::Candidate(_)),
                    found,
                }))
            }
        }
    }
}

/// Reads a split and draws from it.
pub fn rows(name: &str, settings: &TaskSettings, gate: &Gate<'_>, how: &Draw) -> Result<Drawn> {
    let place = format!("rows of {}", how.split.name());
    let mut drawing = Drawing {
        gate,
        most: how.most,
        draw: Stream::new(how.seed, 0, &place),
        seen: 0,
        drawn: BTreeMap::new(),
        found: Vec::new(),
        tally: Tally::default(),
    };
    read::rows(name, settings, how.split, &mut |row| drawing.take(row))?;
    Ok(drawing.finish())
}

/// A row that may still have to leave, with its candidate.
type Held = (Row, Option<Found>);

struct Drawing<'d> {
    gate: &'d Gate<'d>,
    most: Option<usize>,
    draw: Stream,
    seen: u64,
    /// By what the draw says of a row, and its number.
    drawn: BTreeMap<(u64, u64), Held>,
    found: Vec<(u64, Found)>,
    tally: Tally,
}

impl Drawing<'_> {
    fn take(&mut self, row: std::result::Result<Row, Rejection>) -> Result<()> {
        let number = self.seen;
        self.seen += 1;
        let row = match row {
            Ok(row) => row,
            Err(rejection) => {
                self.tally.reject(rejection);
                return Ok(());
            }
        };
        let key = match self.most {
            Some(_) => (self.draw.bits(number), number),
            None => (0, number),
        };
        let is_full = self.most.is_some_and(|most| self.drawn.len() >= most);
        let last = self.drawn.last_key_value().map(|(last, _)| *last);
        let is_beyond = is_full && last.is_none_or(|last| key > last);
        if is_beyond && !matches!(row.content, Content::Candidate(_)) {
            self.tally.reject(Rejection::plain(row.place, LEFT_OUT));
            return Ok(());
        }
        match self.gate.pass(&row)? {
            Err(rejection) => self.tally.reject(rejection),
            Ok(passed) => {
                self.tally.used += 1;
                if !passed.is_item {
                    self.found.extend(passed.found.map(|found| (number, found)));
                    return Ok(());
                }
                self.drawn.insert(key, (row, passed.found));
                self.leave();
            }
        }
        Ok(())
    }

    /// One too many: the last by the draw goes.
    fn leave(&mut self) {
        if self.most.is_some_and(|most| self.drawn.len() > most)
            && let Some((_, (left, _))) = self.drawn.pop_last()
        {
            self.tally.used -= 1;
            self.tally.reject(Rejection::plain(left.place, LEFT_OUT));
        }
    }

    fn finish(mut self) -> Drawn {
        let drawn = self.drawn.into_iter();
        let mut drawn: Vec<(u64, Held)> = drawn.map(|((_, number), held)| (number, held)).collect();
        drawn.sort_by_key(|(number, _)| *number);
        for (number, (_, found)) in &drawn {
            self.found
                .extend(found.clone().map(|found| (*number, found)));
        }
        self.found.sort_by_key(|(number, _)| *number);
        let mut places: HashMap<Key, usize> = HashMap::new();
        let mut pool = Vec::new();
        for (_, (key, name, text)) in self.found {
            places.entry(key).or_insert_with(|| {
                pool.push((name, text));
                pool.len() - 1
            });
        }
        let kept = |(_, (row, found)): (u64, Held)| Kept {
            name: row.id.unwrap_or_else(|| row.place.to_string()),
            group: row.group,
            right: found.and_then(|(key, ..)| places.get(&key).copied()),
            content: row.content,
        };
        Drawn {
            rows: drawn.into_iter().map(kept).collect(),
            pool,
            tally: self.tally,
        }
    }
}

/// The text of a row that queries may find, with its name if it has one.
fn found_text(content: &Content) -> Option<(Option<String>, String)> {
    let candidate = match content {
        Content::Candidate(candidate) => candidate,
        Content::Query { answer, .. } => answer.as_ref()?,
        _ => return None,
    };
    Some((candidate.name.clone(), candidate.text.clone()))
}

fn unknown(row: &Row) -> Rejection {
    Rejection::plain(row.place.clone(), "no label or answer")
}

/// What a row must have to be asked.
fn lacking(content: &Content) -> Option<&'static str> {
    let empty = |text: &str| text.trim().is_empty();
    match content {
        Content::Text { text, .. } if empty(text) => Some("empty text"),
        Content::Pair { first, second, .. } if empty(first) || empty(second) => Some("empty text"),
        Content::Text { label: None, .. } | Content::Pair { label: None, .. } => {
            Some("no label or answer")
        }
        Content::Query { query, .. } if empty(query) => Some("empty query"),
        Content::Query { answer: None, .. } => Some("no label or answer"),
        Content::Candidate(candidate) if empty(&candidate.text) => Some("empty text"),
        Content::Member { text, .. } if empty(text) => Some("empty text"),
        Content::Writing { target: None, .. } => Some("no label or answer"),
        Content::Writing {
            target: Some(target),
            ..
        } if empty(target) => Some("empty answer"),
        _ => None,
    }
}

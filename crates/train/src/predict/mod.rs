//! New inputs answered as they come.
//!
//! It measures nothing; an input need not say what is true of it.

mod format;
mod inputs;

use rayon::prelude::*;

use crate::data::read::Sink;
use crate::data::{Rejection, Row};
use crate::error::{Error, Result};
use crate::evaluate::Example;
use crate::task::{Answer, Encoded, Item, Objective, Set, Stage};

pub use format::Format;
pub use inputs::{inputs, texts};

/// Rows that are answered at a time.
const CHUNK: usize = 512;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answered(Example),
    /// A vector of length one was wanted of it.
    Embedded {
        name: String,
        vector: Vec<f32>,
    },
    /// It could not be used, and why.
    Rejected(Rejection),
}

/// How rows are to be answered.
pub struct Asking<'a> {
    pub objective: &'a dyn Objective,
    pub stage: Stage<'a>,
    /// The names of the classes, where there are some.
    pub classes: &'a [String],
    /// Hold all rows and answer them together: what queries need that are ranked over candidates
    /// among the rows. Else memory holds some hundreds at a time.
    pub together: bool,
    /// Give a vector of each text instead of an answer.
    pub vectors: bool,
    /// By class, name as many of the best as the class of the asking one has other members.
    pub whole_class: bool,
}

/// Answers rows in their order; `take` gets every outcome. Of rows that are answered together the
/// rejected ones are told first. Nothing is dropped: each row that is more than a candidate has one
/// outcome.
pub fn answer(
    asking: &Asking<'_>,
    rows: impl FnOnce(&mut Sink<'_>) -> Result<()>,
    take: &mut dyn FnMut(Outcome) -> Result<()>,
) -> Result<()> {
    let mut waiting = Vec::new();
    rows(&mut |row| match row {
        Err(rejection) => take(Outcome::Rejected(rejection)),
        Ok(row) => {
            waiting.push(row);
            match waiting.len() < CHUNK || asking.together {
                true => Ok(()),
                false => asking.answer(std::mem::take(&mut waiting), take),
            }
        }
    })?;
    asking.answer(waiting, take)
}

impl Asking<'_> {
    fn answer(&self, rows: Vec<Row>, take: &mut dyn FnMut(Outcome) -> Result<()>) -> Result<()> {
        let encoded: Vec<_> = rows
            .into_par_iter()
            .map(|row| {
                let name = row.id.clone().unwrap_or_else(|| row.place.to_string());
                (name, self.objective.encode(row, self.stage.tokenizer))
            })
            .collect();
        let mut set = Set {
            whole_class: self.whole_class,
            ..Set::default()
        };
        for (name, encoded) in encoded {
            match encoded? {
                Ok(encoded) => put(&mut set, name, self.wanted(encoded))?,
                Err(rejection) => take(Outcome::Rejected(rejection))?,
            }
        }
        if set.items.is_empty() {
            return Ok(());
        }
        if self.vectors {
            return self.embed(&set, take);
        }
        self.objective.complete(&mut set)?;
        let answers = self.objective.answer(&self.stage, &set)?;
        if let Some(Answer::Ranks { pool: 0, .. }) = answers.first() {
            return Err(
                Error::told("there is nothing to rank: no row holds a candidate")
                    .with_hint("--pool FILE names what queries are ranked over"),
            );
        }
        set.items
            .iter()
            .zip(&answers)
            .try_for_each(|(item, answer)| {
                take(Outcome::Answered(Example::new(item, answer, self.classes)))
            })
    }

    /// Of a row whose vector is wanted, its first text; that it is only a candidate does not matter.
    fn wanted(&self, mut row: Encoded) -> Encoded {
        if self.vectors {
            row.texts.truncate(1);
            row.is_item = true;
            row.found = None;
        }
        row
    }

    fn embed(&self, set: &Set, take: &mut dyn FnMut(Outcome) -> Result<()>) -> Result<()> {
        let vectors = self.objective.vectors(&self.stage, set)?.ok_or_else(|| {
            Error::told("this task compares no vectors of texts")
                .with_hint("vectors are there for tasks of type `retrieve`")
        })?;
        set.items.iter().enumerate().try_for_each(|(row, item)| {
            take(Outcome::Embedded {
                name: item.name.clone(),
                vector: vectors.row(row).to_vec(),
            })
        })
    }
}

fn put(set: &mut Set, name: String, row: Encoded) -> Result<()> {
    let texts = row.texts.iter().map(|ids| set.shelf.put(ids));
    let texts: Box<[_]> = texts
        .collect::<std::io::Result<_>>()
        .map_err(|error| Error::told(format_args!("a text could not be held: {error}")))?;
    if let Some((place, name)) = row.found {
        set.pool.entry(texts[place]).or_insert(name);
    }
    if row.is_item {
        let class = row
            .class
            .map(|class| set.classes.insert_full(class).0 as u32);
        set.items.push(Item {
            texts,
            label: class.unwrap_or(row.label),
            name,
            expected: row.expected,
        });
    }
    Ok(())
}

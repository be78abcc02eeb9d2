//! What queries are ranked over: a file of candidates, read before the queries that name them.
//!
//! Either an object that maps each code to its number (CodeXGLUE WebQuery), or rows of any layout.

use std::collections::HashMap;
use std::path::Path;

use super::super::{Candidate, Content, Rejection, Row};
use super::Sink;
use super::content::Meaning;
use super::defect::{BAD_LABEL, Defect, Sound, TWICE_IN_DATA, UNKNOWN_NUMBER, shown};
use super::fields::{sound_text, word_of};
use super::json::Cutter;
use super::object::value;
use super::texts::Texts;
use crate::error::Result;
use crate::recipe::Format;

/// Candidates by their names.
#[derive(Default)]
pub struct Pool {
    texts: Texts,
    names: HashMap<String, usize>,
}

impl Pool {
    pub fn is_empty(&self) -> bool {
        self.texts.len() == 0
    }

    /// The candidate of a name, or that there is none.
    pub fn named(&self, name: &str) -> Result<Sound<Candidate>> {
        let Some(number) = self.names.get(name) else {
            return Ok(Err(Defect::new(
                UNKNOWN_NUMBER,
                format!("`{name}` is none of the {} candidates", self.texts.len()),
            )));
        };
        let text = self.texts.get(*number)?;
        Ok(Ok(Candidate {
            name: Some(name.to_owned()),
            text,
        }))
    }

    fn add(&mut self, candidate: Candidate) -> Result<Sound<Candidate>> {
        if let Some(name) = &candidate.name {
            if self.names.contains_key(name) {
                return Ok(Err(Defect::new(
                    TWICE_IN_DATA,
                    format!("candidate `{name}`"),
                )));
            }
            self.names.insert(name.clone(), self.texts.len());
        }
        self.texts.put(&candidate.text)?;
        Ok(Ok(candidate))
    }

    /// Reads a file of candidates and hands each over as a row.
    pub fn read(
        path: &Path,
        format: Option<Format>,
        meaning: &Meaning<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Pool> {
        let mut pool = Pool::default();
        let mut take = |place, candidate: Sound<Candidate>| {
            let kept = match candidate {
                Ok(candidate) => pool.add(candidate)?,
                Err(defect) => Err(defect),
            };
            sink(match kept {
                Ok(candidate) => Ok(Row {
                    place,
                    id: candidate.name.clone(),
                    group: None,
                    content: Content::Candidate(candidate),
                }),
                Err(defect) => Err::<Row, Rejection>(defect.at(place)),
            })
        };
        match format {
            Some(format) => super::records(path, format, &mut |place, fields| {
                take(place, fields.and_then(|fields| meaning.candidate(&fields)))
            })?,
            None => Cutter::open(path)?
                .entries(&mut |place, entry| take(place, entry.and_then(mapped)))?,
        }
        Ok(pool)
    }
}

/// An entry `code: number`.
fn mapped((key, number): (String, String)) -> Sound<Candidate> {
    let text = match value(&key)? {
        serde_json::Value::String(text) => text,
        other => return Err(Defect::new(super::defect::NOT_TEXT, shown(&other))),
    };
    sound_text("key", &text)?;
    let number = value(&number)?;
    let name = word_of(&number)
        .ok_or_else(|| Defect::new(BAD_LABEL, format!("the number is {}", shown(&number))))?;
    Ok(Candidate {
        name: Some(name),
        text,
    })
}

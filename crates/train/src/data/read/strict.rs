//! Files in which every line must be sound: the first defect ends the reading with an error that
//! names file and line. Data sets are not read so; answers and predictions are.

use std::path::Path;

use super::super::Place;
use super::defect::Sound;
use super::lines::Lines;
use super::object::Fields;
use super::{records, word_of};
use crate::error::{Error, Result};
use crate::recipe::Format;

/// An error at a place.
pub fn wrong(place: &Place, message: impl std::fmt::Display) -> Error {
    Error::File {
        path: place.file.to_path_buf(),
        line: place.line,
        message: message.to_string(),
        hint: None,
    }
}

fn sound<T>(place: &Place, part: Sound<T>) -> Result<T> {
    part.map_err(|defect| match defect.detail.as_str() {
        "" => wrong(place, defect.reason),
        detail => wrong(place, format_args!("{}: {detail}", defect.reason)),
    })
}

/// Every line without its end.
pub fn lines(path: &Path, take: &mut dyn FnMut(Place, &str) -> Result<()>) -> Result<()> {
    let mut lines = Lines::open(path)?;
    loop {
        let place = Place {
            file: path.into(),
            line: lines.count() + 1,
        };
        match lines.next()? {
            Some(line) => take(place.clone(), sound(&place, line)?)?,
            None => return Ok(()),
        }
    }
}

/// Every object of a file of JSON lines, or of one JSON array; the first sign of the file tells which.
pub fn objects(path: &Path, take: &mut dyn FnMut(Place, Fields) -> Result<()>) -> Result<()> {
    let format = match first_sign(path)? {
        Some('[') => Format::Json,
        _ => Format::Jsonl,
    };
    records(path, format, &mut |place, fields| {
        let fields = sound(&place, fields)?;
        take(place, fields)
    })
}

/// Whether a file begins as JSON does.
pub fn is_json(path: &Path) -> Result<bool> {
    Ok(matches!(first_sign(path)?, Some('{' | '[')))
}

/// The first character that is no white space.
fn first_sign(path: &Path) -> Result<Option<char>> {
    let mut lines = Lines::open(path)?;
    while let Some(line) = lines.next()? {
        match line.map(|line| line.trim_start().chars().next()) {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// The text or number under a key, as a word.
pub fn word(place: &Place, fields: &Fields, key: &str) -> Result<String> {
    let value = fields.get(key);
    let value = value.ok_or_else(|| wrong(place, format_args!("there is no field `{key}`")))?;
    word_of(value).ok_or_else(|| wrong(place, format_args!("`{key}` is not one value")))
}

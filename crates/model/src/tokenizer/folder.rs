//! Reads the files of a tokenizer's folder, each under a limit and each named in its error. It decides nothing.

use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::error::{Error, Result};

/// The text of a file of at most `limit` bytes; `None` if there is no such file.
pub(super) fn text(path: &Path, limit: u64) -> Result<Option<String>> {
    let read = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > limit {
        let expected = format!("at most {limit} bytes");
        return Err(Error::entry(path, "file size", expected, "more"));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| Error::Syntax {
            path: path.to_owned(),
            reason: format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to()),
        })
}

/// A JSON file whose outermost value is an object; `None` if there is no such file.
pub(super) fn object(path: &Path, limit: u64) -> Result<Option<Value>> {
    let Some(text) = text(path, limit)? else {
        return Ok(None);
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| Error::Syntax {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    if value.is_object() {
        Ok(Some(value))
    } else {
        Err(Error::entry(path, "the file", "an object", kind(&value)))
    }
}

/// What sort of value was found, for errors; short whatever the value is.
pub(super) fn kind(value: &Value) -> String {
    const SHOWN: usize = 40;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= SHOWN => format!("{text:?}"),
        Value::String(text) => format!("a string of {} bytes", text.len()),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(entries) => format!("an object of {}", entries.len()),
    }
}

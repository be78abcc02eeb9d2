//! Small JSON files, read with a bound on their size, a bound on their depth, and no tolerance
//! for a key that appears twice.
//!
//! Not a schema: what a value must be is asked by whoever needs it (see
//! [`ConfigFile`](super::config::ConfigFile)).

use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Place, Result};

/// config.json and its like. Depth is bounded by the parser, at 128.
pub const MAX_CONFIG_BYTES: usize = 4 << 20;
/// The index of a sharded checkpoint: a line per tensor.
pub const MAX_INDEX_BYTES: usize = 32 << 20;

/// Reads a file of at most `limit` bytes.
///
/// The bound holds even if the file grows meanwhile.
pub fn read_bytes(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let file = super::open_plain(path)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| Error::io(path, source))?;
    if bytes.len() > limit {
        let expected = format!("at most {limit} bytes");
        return Err(Error::bad_file(path, Place::Whole, expected, "more"));
    }
    Ok(bytes)
}

/// Reads a file of at most `limit` bytes that holds one JSON value.
pub fn read(path: &Path, limit: usize) -> Result<Value> {
    parse(path, &read_bytes(path, limit)?)
}

/// Reads one JSON value; `path` is only for the errors.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Value> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| {
        let place = Place::Line {
            line: error.line(),
            column: error.column(),
        };
        Error::bad_file(path, place, "JSON", message(&error))
    })?;
    Ok(value)
}

/// A parser's message without its own words for the place.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Byte of the text at which its parser gave up.
pub(crate) fn byte_of(text: &[u8], error: &serde_json::Error) -> usize {
    let line_start: usize = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

/// How many characters of a wrong value a message shows.
const SHOWN: usize = 60;

/// A value as messages show it: itself, cut short, and what kind of thing it is.
pub(crate) fn describe(value: &Value) -> String {
    let kind = match value {
        Value::Null => return "null".to_owned(),
        Value::Array(list) => return format!("a list of {}", list.len()),
        Value::Object(map) => return format!("an object of {}", map.len()),
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
    };
    let mut text = value.to_string();
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(cut);
        text.push('…');
    }
    format!("{text} ({kind})")
}

/// A value in which no object names a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> std::result::Result<Strict, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number without value"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.contains_key(&key) {
                let text = format!("the key `{key}` for the second time");
                return Err(de::Error::custom(text));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_file_line_and_column() {
        let error = parse(Path::new("config.json"), b"{\n  \"a\": 1,\n  oops\n}").unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("config.json: line 3, column 3: expected JSON, found"),
            "{text}"
        );
        assert_eq!(text.matches("line").count(), 1, "{text}");
    }

    #[test]
    fn a_key_that_appears_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":[{"b":1,"b":2}]}"#] {
            let error = parse(Path::new("c"), text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("second time"), "{error}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(100_000);
        assert!(parse(Path::new("c"), deep.as_bytes()).is_err());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        fs_err::write(&path, "[1,2,3]").unwrap();
        assert!(read(&path, 7).is_ok());
        assert!(
            read(&path, 6)
                .unwrap_err()
                .to_string()
                .contains("at most 6 bytes")
        );
    }
}

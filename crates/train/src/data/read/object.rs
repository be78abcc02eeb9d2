//! One row of JSON as its fields. A key that is given twice is a defect: which one counts would be
//! a guess.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::defect::{DUPLICATE_KEY, Defect, NOT_JSON, NOT_OBJECT, Sound, TOO_DEEP, shown};

/// A row as its file writes it.
pub type Fields = Map<String, Value>;

/// Reads one object.
pub fn object(text: &str) -> Sound<Fields> {
    match value(text)? {
        Value::Object(fields) => Ok(fields),
        other => Err(Defect::new(NOT_OBJECT, format!("found {}", shown(&other)))),
    }
}

/// Reads one value, all of whose keys differ.
pub fn value(text: &str) -> Sound<Value> {
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(value)) => Ok(value),
        Err(error) => Err(defect(text, &error)),
    }
}

fn defect(text: &str, error: &serde_json::Error) -> Defect {
    let words = error.to_string();
    let words = words.split(" at line ").next().unwrap_or_default();
    if error.is_data() {
        return Defect::new(DUPLICATE_KEY, words);
    }
    if words.starts_with("recursion limit") {
        return Defect::new(TOO_DEEP, "more than 127 levels");
    }
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let rest = line
        .as_bytes()
        .get(error.column().saturating_sub(1)..)
        .unwrap_or_default();
    let foreign = [&b"NaN"[..], b"Infinity", b"-Infinity"]
        .into_iter()
        .find(|word| rest.starts_with(word));
    match foreign {
        Some(word) => {
            let word = String::from_utf8_lossy(word);
            Defect::new(
                NOT_JSON,
                format!("{word} is no value of JSON (column {})", error.column()),
            )
        }
        None => Defect::new(NOT_JSON, format!("{words} (column {})", error.column())),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Strict, D::Error> {
        source.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format_args!("`{key}` is given twice")));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

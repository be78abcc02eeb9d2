//! A configuration file whose values are asked for by key and kind.
//!
//! It knows no family of bases. What it guarantees to all of them: a size is at least one and
//! bounded, a number is finite in f32, and every error names file, key, expectation and finding.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::json::{self, MAX_CONFIG_BYTES};
use crate::error::{Error, Place, Result};

/// No width, count of layers, vocabulary or length of context exceeds this.
pub const MAX_SIZE: usize = 1 << 24;

/// The object in a configuration file, or one inside it (see [`ConfigFile::section`]).
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    /// Names of the enclosing sections, each followed by a point.
    prefix: String,
    object: Map<String, Value>,
}

impl ConfigFile {
    /// Reads the file, which must hold one object.
    pub fn open(path: &Path) -> Result<ConfigFile> {
        match json::read(path, MAX_CONFIG_BYTES)? {
            Value::Object(object) => Ok(ConfigFile {
                path: path.to_owned(),
                prefix: String::new(),
                object,
            }),
            other => {
                let found = json::describe(&other);
                Err(Error::bad_file(path, Place::Whole, "an object", found))
            }
        }
    }

    /// The same questions to an object that came from elsewhere; `path` is what errors name.
    pub fn from_object(path: &Path, object: Map<String, Value>) -> ConfigFile {
        ConfigFile {
            path: path.to_owned(),
            prefix: String::new(),
            object,
        }
    }

    /// The object as it was read.
    pub fn object(&self) -> &Map<String, Value> {
        &self.object
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every key, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.object.keys().map(String::as_str)
    }

    /// Whether the key is there with a value other than null.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether the key is there at all, be it with null: for settings whose null means "none" and
    /// whose absence means a default.
    pub fn is_written(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    /// The raw value; null counts as absent, as it does in the libraries that write these files.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// An error about a key: what was expected, and what the file has there.
    pub fn wrong(&self, key: &str, expected: impl std::fmt::Display) -> Error {
        let found = match self.object.get(key) {
            None => "nothing".to_owned(),
            Some(value) => json::describe(value),
        };
        Error::config(&self.path, format!("{}{key}", self.prefix), expected, found)
    }

    /// What `read` makes of a value; `None` if absent, an error if it makes nothing of it.
    fn ask<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                None => Err(self.wrong(key, expected)),
                read => Ok(read),
            },
        }
    }

    /// A size that may be absent: `1..=MAX_SIZE`.
    pub fn usize_optional(&self, key: &str) -> Result<Option<usize>> {
        self.ask(key, &format!("a size from 1 to {MAX_SIZE}"), |value| {
            let size = usize::try_from(value.as_u64()?).ok()?;
            (1..=MAX_SIZE).contains(&size).then_some(size)
        })
    }

    /// A size that must be there: `1..=MAX_SIZE`.
    pub fn usize(&self, key: &str) -> Result<usize> {
        self.usize_optional(key)?
            .ok_or_else(|| self.wrong(key, format!("a size from 1 to {MAX_SIZE}")))
    }

    /// A size with the value that its absence stands for.
    pub fn usize_or(&self, key: &str, default: usize) -> Result<usize> {
        Ok(self.usize_optional(key)?.unwrap_or(default))
    }

    /// A count or index that may be nought: `0..=MAX_SIZE`.
    pub fn count_or(&self, key: &str, default: usize) -> Result<usize> {
        let expected = format!("a count from 0 to {MAX_SIZE}");
        let count = self.ask(key, &expected, |value| {
            let count = usize::try_from(value.as_u64()?).ok()?;
            (count <= MAX_SIZE).then_some(count)
        })?;
        Ok(count.unwrap_or(default))
    }

    /// Token ids under a key that may hold one, a list of them, or be absent (an empty list).
    pub fn token_ids(&self, key: &str) -> Result<Vec<u32>> {
        let one = |value: &Value| {
            let id = u32::try_from(value.as_u64()?).ok()?;
            (id as usize <= MAX_SIZE).then_some(id)
        };
        let ids = self.ask(key, "a token id or a list of them", |value| match value {
            Value::Array(list) => list.iter().map(one).collect(),
            single => Some(vec![one(single)?]),
        })?;
        Ok(ids.unwrap_or_default())
    }

    /// One token id, which may be absent.
    pub fn token_id(&self, key: &str) -> Result<Option<u32>> {
        match self.token_ids(key)?[..] {
            [] => Ok(None),
            [id] => Ok(Some(id)),
            _ => Err(self.wrong(key, "one token id")),
        }
    }

    /// A number that may be absent: finite, also as f32.
    pub fn f64_optional(&self, key: &str) -> Result<Option<f64>> {
        self.ask(key, "a finite number", |value| {
            value.as_f64().filter(|number| (*number as f32).is_finite())
        })
    }

    /// A number that must be there: finite, also as f32.
    pub fn f64(&self, key: &str) -> Result<f64> {
        self.f64_optional(key)?
            .ok_or_else(|| self.wrong(key, "a finite number"))
    }

    /// A number with the value that its absence stands for.
    pub fn f64_or(&self, key: &str, default: f64) -> Result<f64> {
        Ok(self.f64_optional(key)?.unwrap_or(default))
    }

    /// A number above nought, such as a rope's base or a norm's epsilon.
    pub fn positive_or(&self, key: &str, default: f64) -> Result<f64> {
        let number = self.f64_or(key, default)?;
        if number as f32 > 0.0 {
            Ok(number)
        } else {
            Err(self.wrong(key, "a number above 0"))
        }
    }

    /// A boolean that may be absent.
    pub fn bool_optional(&self, key: &str) -> Result<Option<bool>> {
        self.ask(key, "true or false", Value::as_bool)
    }

    /// A boolean with the value that its absence stands for.
    pub fn bool_or(&self, key: &str, default: bool) -> Result<bool> {
        Ok(self.bool_optional(key)?.unwrap_or(default))
    }

    /// A string that may be absent.
    pub fn string_optional(&self, key: &str) -> Result<Option<&str>> {
        self.ask(key, "a string", Value::as_str)
    }

    /// A string that must be there.
    pub fn string(&self, key: &str) -> Result<&str> {
        self.string_optional(key)?
            .ok_or_else(|| self.wrong(key, "a string"))
    }

    /// A string with the value that its absence stands for.
    pub fn string_or<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        Ok(self.string_optional(key)?.unwrap_or(default))
    }

    /// A list of strings; absent is empty.
    pub fn strings(&self, key: &str) -> Result<Vec<&str>> {
        let strings = self.ask(key, "a list of strings", |value| {
            value.as_array()?.iter().map(Value::as_str).collect()
        })?;
        Ok(strings.unwrap_or_default())
    }

    /// A list of finite numbers; absent is empty.
    pub fn numbers(&self, key: &str) -> Result<Vec<f64>> {
        let numbers = self.ask(key, "a list of finite numbers", |value| {
            let finite = |v: &Value| v.as_f64().filter(|number| (*number as f32).is_finite());
            value.as_array()?.iter().map(finite).collect()
        })?;
        Ok(numbers.unwrap_or_default())
    }

    /// An object inside this one, asked in the same way; its errors name the whole path of keys.
    pub fn section(&self, key: &str) -> Result<Option<ConfigFile>> {
        self.ask(key, "an object", |value| {
            Some(ConfigFile {
                path: self.path.clone(),
                prefix: format!("{}{key}.", self.prefix),
                object: value.as_object()?.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ConfigFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs_err::write(&path, text).unwrap();
        ConfigFile::open(&path).unwrap()
    }

    #[test]
    fn sizes_are_at_least_one_and_bounded() {
        let file = config(r#"{"good":64,"zero":0,"huge":16777217,"text":"64","half":0.5}"#);
        assert_eq!(file.usize("good").unwrap(), 64);
        for key in ["zero", "huge", "text", "half", "absent"] {
            assert!(file.usize(key).is_err(), "{key}");
        }
        let text = file.usize("zero").unwrap_err().to_string();
        assert!(
            text.ends_with(
                "config.json: `zero`: expected a size from 1 to 16777216, found 0 (a number)"
            ),
            "{text}"
        );
        assert_eq!(file.usize_or("absent", 7).unwrap(), 7);
        assert!(file.usize_or("zero", 7).is_err());
        assert_eq!(file.count_or("zero", 7).unwrap(), 0);
    }

    #[test]
    fn null_counts_as_absent() {
        let file = config(r#"{"a":null}"#);
        assert!(!file.has("a"));
        assert_eq!(file.f64_or("a", 0.5).unwrap(), 0.5);
        assert!(
            file.string("a")
                .unwrap_err()
                .to_string()
                .ends_with("found null")
        );
    }

    #[test]
    fn numbers_that_are_infinite_in_f32_are_refused() {
        let file = config(r#"{"a":1e300,"b":-1.5,"tiny":1e-60}"#);
        assert!(file.f64("a").is_err());
        assert_eq!(file.f64("b").unwrap(), -1.5);
        assert!(file.positive_or("b", 1.0).is_err());
        assert!(file.positive_or("tiny", 1.0).is_err());
    }

    #[test]
    fn token_ids_come_alone_or_in_lists() {
        let file = config(r#"{"one":2,"more":[2,3],"none":null,"bad":[2,"x"]}"#);
        assert_eq!(file.token_ids("more").unwrap(), [2, 3]);
        assert_eq!(file.token_id("one").unwrap(), Some(2));
        assert_eq!(file.token_id("none").unwrap(), None);
        assert!(file.token_id("more").is_err());
        assert!(file.token_ids("bad").is_err());
    }

    #[test]
    fn a_section_names_the_whole_path_of_keys() {
        let file = config(r#"{"rope_scaling":{"factor":"four"}}"#);
        let section = file.section("rope_scaling").unwrap().unwrap();
        let text = section.f64("factor").unwrap_err().to_string();
        assert!(text.contains("`rope_scaling.factor`"), "{text}");
        assert!(file.section("absent").unwrap().is_none());
    }
}

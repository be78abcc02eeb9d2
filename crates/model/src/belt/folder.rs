//! `belt.json`: what a belt is for. Its kind, the base that it belongs to, its tasks with their
//! heads, limits and metrics.
//!
//! It holds no numbers of the belt and no path of any machine. It is read strictly: another format
//! version is refused, and so is a key that this version does not know, because a word that is
//! passed over may be the one that changes what the belt means; `notes` is the place for the rest.

mod calibration;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::write_json;
use crate::checkpoint::json::{self, MAX_CONFIG_BYTES};
use crate::error::{Error, Place, Result};
pub use calibration::{Calibration, CalibrationPoint, LEAST_TOLD};

/// The version of this format. Whatever changes the meaning of a file raises it.
pub const FORMAT: u64 = 1;
/// The file's name in a belt's folder.
pub const FILE: &str = "belt.json";
/// More tasks than any belt has.
pub const MAX_TASKS: usize = 4096;
/// Hexadecimal digits of a content hash.
const HASH_DIGITS: usize = 64;

/// A belt's card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeltFile {
    /// `FORMAT`.
    pub format: u64,
    /// The version of the program that wrote it.
    pub program: String,
    /// As `Belt::kind_name` or the kind's own word.
    pub kind: String,
    pub base: BaseRecord,
    /// The precision in which the frozen base stood while the belt was trained.
    pub precision: String,
    pub tasks: Vec<TaskRecord>,
    /// Whatever else is worth keeping; nothing reads it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, Value>,
}

/// The base that a belt was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRecord {
    /// The hub's name, or the last part of the folder's path; never more of it.
    pub name: String,
    pub family: String,
    /// `Checkpoint::content_hash` of its weights.
    pub content_hash: String,
}

/// One task of a belt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRecord {
    pub name: String,
    /// `classify`, `pair`, `retrieve` or `generate`.
    pub objective: String,
    /// Names of the classes, in the order of the head's outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// How tokens become one vector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The shape of its head, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<HeadShape>,
    pub limits: Limits,
    /// How the task reads and answers, in the words of a recipe; whoever trains gives it a meaning.
    #[serde(default)]
    pub settings: Value,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// How sure its word is, by class; empty where it was never asked validation rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<Calibration>,
}

/// A linear head: `[N x C]`, with a bias or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadShape {
    pub outputs: usize,
    pub width: usize,
    pub bias: bool,
}

/// How long texts of a task may be, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub max_tokens: usize,
    /// Of what is generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_new_tokens: Option<usize>,
}

impl BeltFile {
    /// A card of this format and program, without tasks.
    pub fn new(
        kind: &str,
        base_name: &str,
        family: &str,
        content_hash: &str,
        precision: &str,
    ) -> BeltFile {
        BeltFile {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            kind: kind.to_owned(),
            base: BaseRecord {
                name: plain_name(base_name),
                family: family.to_owned(),
                content_hash: content_hash.to_owned(),
            },
            precision: precision.to_owned(),
            tasks: Vec::new(),
            notes: BTreeMap::new(),
        }
    }

    /// Reads `belt.json` of a folder.
    pub fn read(folder: &Path) -> Result<BeltFile> {
        let path = folder.join(FILE);
        let value = json::read(&path, MAX_CONFIG_BYTES)?;
        // The version first: of a later one nothing else can be said.
        let format = value.get("format");
        if format.and_then(Value::as_u64) != Some(FORMAT) {
            let found = format.map_or("nothing".to_owned(), json::describe);
            return Err(Error::config(&path, "format", FORMAT, found));
        }
        let file: BeltFile = serde_json::from_value(value).map_err(|error| {
            let expected = format!("a belt.json of format {FORMAT}");
            Error::bad_file(&path, Place::Whole, expected, error)
        })?;
        file.check(&path)?;
        Ok(file)
    }

    /// Writes `belt.json` into a folder, after the same checks that reading makes.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        self.check(&path)?;
        super::make_folder(folder)?;
        let value = serde_json::to_value(self).map_err(|error| {
            Error::bad_file(&path, Place::Whole, "numbers that JSON has", error)
        })?;
        write_json(&path, &value)
    }

    /// Refuses a base other than the one that the belt was trained on.
    pub fn check_base(&self, found_hash: &str, found_name: &str) -> Result<()> {
        if self.base.content_hash == found_hash {
            return Ok(());
        }
        Err(Error::WrongBase {
            expected_name: self.base.name.clone(),
            expected_hash: self.base.content_hash.clone(),
            found_name: plain_name(found_name),
            found_hash: found_hash.to_owned(),
        })
    }

    /// The task of a name, and its place in the list.
    pub fn task(&self, name: &str) -> Option<(usize, &TaskRecord)> {
        let mut tasks = self.tasks.iter().enumerate();
        tasks.find(|(_, task)| task.name == name)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |key: String, expected: &str, found: &str| {
            Err(Error::config(path, key, expected, found))
        };
        if self.base.name != plain_name(&self.base.name) {
            return wrong("base.name".into(), "a name, not a path", &self.base.name);
        }
        let hash = &self.base.content_hash;
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if hash.len() != HASH_DIGITS || !hash.bytes().all(digit) {
            return wrong("base.content_hash".into(), "64 hexadecimal digits", hash);
        }
        if self.tasks.len() > MAX_TASKS {
            let found = self.tasks.len().to_string();
            return wrong("tasks".into(), &format!("at most {MAX_TASKS}"), &found);
        }
        let mut names = BTreeSet::new();
        for (place, task) in self.tasks.iter().enumerate() {
            if task.name.is_empty() || !names.insert(&task.name) {
                let key = format!("tasks[{place}].name");
                return wrong(key, "a name that no other task has", &task.name);
            }
            task.check(&format!("tasks[{place}]"), path)?;
        }
        Ok(())
    }
}

impl TaskRecord {
    fn check(&self, place: &str, path: &Path) -> Result<()> {
        let wrong = |key: &str, expected: &str, found: String| {
            Err(Error::config(
                path,
                format!("{place}.{key}"),
                expected,
                found,
            ))
        };
        if let Some((name, value)) = self.metrics.iter().find(|(_, value)| !value.is_finite()) {
            return wrong(
                &format!("metrics.{name}"),
                "a finite number",
                value.to_string(),
            );
        }
        for (number, table) in self.calibration.iter().enumerate() {
            if let Some(expected) = table.fault() {
                let key = format!("calibration[{number}]");
                return wrong(&key, expected, table.class.clone());
            }
        }
        let Some(head) = self.head else { return Ok(()) };
        let sizes = 1..=crate::checkpoint::config::MAX_SIZE;
        if !sizes.contains(&head.outputs) || !sizes.contains(&head.width) {
            return wrong(
                "head",
                "sizes from 1",
                format!("{} x {}", head.outputs, head.width),
            );
        }
        Ok(())
    }
}

/// What may be said of where a base came from: a hub's name (`owner/name`) as it is, of anything
/// else the last part of the path.
pub fn plain_name(name: &str) -> String {
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    let word = |part: &str| {
        let mut bytes = part.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match parts[..] {
        [owner, model] if word(owner) && word(model) => name.to_owned(),
        _ => {
            let last = parts
                .iter()
                .rev()
                .find(|part| !part.is_empty() && **part != "." && **part != "..");
            last.copied().unwrap_or("base").to_owned()
        }
    }
}

#[cfg(test)]
mod tests;

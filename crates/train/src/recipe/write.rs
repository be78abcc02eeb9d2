//! A resolved recipe as YAML: every key, each with where its value came from; and the hash of what
//! determines a run.
//!
//! What is written is a recipe again, and an equal one: paths are made absolute, so it may be read
//! from any folder.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::recipe::resolve::Resolved;
use crate::recipe::shape::{Key, Shape, Shaped};
use crate::recipe::tree::{Node, Origin};
use crate::recipe::{Recipe, tree};

/// Keys that change what is seen of a run, or where it lies, and nothing in the belt.
const BESIDE_THE_RUN: [(&str, Option<&str>); 3] = [
    ("output", None),
    ("training", Some("logging_steps")),
    ("training", Some("save_steps")),
];

impl Resolved {
    /// The whole recipe, every key with its origin in a comment. Keys that nobody gave and that
    /// have no fixed default stand as comments.
    pub fn to_yaml_with_origins(&self) -> Result<String> {
        let json = self.json()?;
        let shape = Recipe::shape();
        let mut text = format!(
            "# The recipe of this run, with the origin of every value. Read from {}.\n",
            shown_path(&self.source)
        );
        let mut writer = Writer { text: &mut text };
        writer.section(shape.keys(), &json, Some(&self.given), 0);
        Ok(text)
    }

    /// A hash of all that determines the run, but for the content of files: data and base have
    /// hashes of their own, and are named here by their file names, so that a run may be moved.
    pub fn hash(&self) -> Result<String> {
        let mut json = self.json()?;
        for (section, key) in BESIDE_THE_RUN {
            let removed = match (key, &mut json) {
                (None, Json::Object(all)) => all.shift_remove(section),
                (Some(key), all) => all
                    .get_mut(section)
                    .and_then(Json::as_object_mut)
                    .and_then(|keys| keys.shift_remove(key)),
                _ => None,
            };
            drop(removed);
        }
        name_only(&mut json, &Recipe::shape());
        if let Some(name) = json.pointer_mut("/base/name")
            && let Json::String(path) = name
        {
            file_name(path);
        }
        Ok(blake3::hash(json.to_string().as_bytes())
            .to_hex()
            .to_string())
    }

    fn json(&self) -> Result<Json> {
        serde_json::to_value(&self.recipe).map_err(Error::told)
    }
}

fn file_name(path: &mut String) {
    if let Some(name) = Path::new(&*path).file_name() {
        *path = name.to_string_lossy().into_owned();
    }
}

/// Leaves of every path the file name.
fn name_only(json: &mut Json, shape: &Shape) {
    match (json, shape) {
        (Json::String(path), Shape::Path) => file_name(path),
        (Json::Array(items), Shape::List(inner)) => {
            items.iter_mut().for_each(|item| name_only(item, inner));
        }
        (Json::Object(map), Shape::Map(inner)) => {
            map.values_mut().for_each(|value| name_only(value, inner));
        }
        (Json::Object(map), Shape::Section(keys)) => {
            for key in keys {
                if let Some(value) = map.get_mut(key.name) {
                    name_only(value, &key.shape);
                }
            }
        }
        (json, Shape::OneOf(_, shapes)) => {
            shapes.iter().for_each(|shape| name_only(json, shape));
        }
        _ => {}
    }
}

struct Writer<'t> {
    text: &'t mut String,
}

impl Writer<'_> {
    fn section(&mut self, keys: &[Key], json: &Json, given: Option<&Node>, depth: usize) {
        for key in keys {
            let given = given.and_then(|node| node.get(key.name));
            match json.get(key.name) {
                Some(value) => self.entry(key.name, value, &key.shape, given, depth),
                None => self.open(key, depth),
            }
        }
    }

    /// A key that has no value: what will be chosen stands in the brackets of its meaning.
    fn open(&mut self, key: &Key, depth: usize) {
        let indent = "  ".repeat(depth);
        if let Some((_, rest)) = key.meaning.rsplit_once('[')
            && let Some((chosen, _)) = rest.split_once(']')
        {
            let _infallible = writeln!(self.text, "{indent}# {}: [{chosen}]", key.name);
        }
    }

    fn entry(
        &mut self,
        name: &str,
        json: &Json,
        shape: &Shape,
        given: Option<&Node>,
        depth: usize,
    ) {
        let indent = "  ".repeat(depth);
        let name = quoted(name);
        let origin = given.map_or(Origin::Default, |node| node.origin.clone());
        let inner = match shape {
            Shape::OneOf(_, shapes) => shapes.iter().find(|s| matches!(s, Shape::Section(_))),
            shape => Some(shape),
        };
        match (json, inner) {
            (Json::Object(map), Some(Shape::Map(inner))) if !map.is_empty() => {
                let _infallible = writeln!(self.text, "{indent}{name}:");
                for (name, json) in map {
                    let given = given.and_then(|node| node.get(name));
                    self.entry(name, json, inner, given, depth + 1);
                }
            }
            (Json::Object(_), Some(Shape::Section(keys))) => {
                let _infallible = writeln!(self.text, "{indent}{name}:");
                self.section(keys, json, given, depth + 1);
            }
            _ => {
                let value = flow(json, shape);
                let origin = shown_origin(&origin);
                let _infallible = writeln!(self.text, "{indent}{name}: {value}  # {origin}");
            }
        }
    }
}

fn flow(json: &Json, shape: &Shape) -> String {
    match json {
        Json::Array(items) => {
            let inner = match shape {
                Shape::List(inner) => inner,
                Shape::OneOf(_, shapes) => {
                    let list = shapes.iter().find_map(|shape| match shape {
                        Shape::List(inner) => Some(inner),
                        _ => None,
                    });
                    match list {
                        Some(inner) => inner,
                        None => return json.to_string(),
                    }
                }
                _ => return json.to_string(),
            };
            let items: Vec<String> = items.iter().map(|item| flow(item, inner)).collect();
            format!("[{}]", items.join(", "))
        }
        Json::String(text) => match shape {
            Shape::Path => quoted(&absolute(text)),
            Shape::OneOf(_, shapes) if matches!(shapes.first(), Some(Shape::Path)) => {
                quoted(&absolute(text))
            }
            _ => quoted(text),
        },
        other => other.to_string(),
    }
}

fn absolute(path: &str) -> String {
    match std::path::absolute(path) {
        Ok(absolute) => absolute.to_string_lossy().into_owned(),
        Err(_) => path.to_owned(),
    }
}

/// A scalar that reads back as it is.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/';
    let is_plain = text.chars().all(plain) && text.starts_with(first);
    let nothing = matches!(text, "null" | "Null" | "NULL");
    match is_plain && !nothing {
        true => text.to_owned(),
        // A JSON string is a YAML string; what YAML may not hold as it is, is escaped.
        false => {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    ' '..='~' | '\u{a0}'..='\u{d7ff}' if !"\u{2028}\u{2029}".contains(c) => {
                        out.push(c)
                    }
                    c if (c as u32) <= 0xffff => {
                        let _infallible = write!(out, "\\u{:04x}", c as u32);
                    }
                    c => {
                        let _infallible = write!(out, "\\U{:08x}", c as u32);
                    }
                }
            }
            out + "\""
        }
    }
}

/// A file by its name alone: the written recipe travels with the run.
fn shown_origin(origin: &Origin) -> String {
    match origin {
        Origin::File { file, line } => format!("{}:{line}", shown_path(file)),
        other => tree::one_line(&other.to_string()),
    }
}

fn shown_path(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    tree::one_line(&name.to_string_lossy())
}

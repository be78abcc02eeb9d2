//! YAML into a tree.
//!
//! Reading is bounded: in bytes, in depth, and in values after aliases are followed, so that a small
//! file cannot become a large tree. Tags, merge keys and a second document are refused.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::error::{Error, Result};
use crate::recipe::tree::{Node, Origin, Value, one_line};

/// Longest recipe.
pub const MAX_BYTES: u64 = 1 << 20;
/// Deepest nesting; the deepest recipe that means something has five levels.
pub const MAX_DEPTH: usize = 16;
/// Most values, an alias counting as all that it stands for.
pub const MAX_VALUES: usize = 20_000;

/// Reads YAML into a tree.
pub fn parse(file: &Arc<Path>, text: &str) -> Result<Node> {
    let mut reading = Reading {
        file: file.clone(),
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        values: 0,
        flag: None,
    };
    reading.document()
}

/// Reads the value of a flag that is written as YAML: `[a, b]` or `{a: 1}`.
pub fn parse_flag(flag: &str, text: &str) -> Result<Node> {
    let file: Arc<Path> = Path::new(flag).into();
    let mut reading = Reading {
        file,
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        values: 0,
        flag: Some(flag.to_owned()),
    };
    reading.document()
}

struct Reading<'t> {
    file: Arc<Path>,
    parser: Parser<'t, StrInput<'t>>,
    /// By the number that the parser gave each, with how many values it stands for.
    anchors: BTreeMap<usize, (Node, usize)>,
    values: usize,
    flag: Option<String>,
}

impl<'t> Reading<'t> {
    fn refuse(&self, line: u64, message: impl fmt::Display) -> Error {
        Error::File {
            path: self.file.to_path_buf(),
            line,
            message: message.to_string(),
            hint: None,
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let line = error.marker().line().max(1) as u64;
                Err(self.refuse(line, format_args!("not YAML: {}", error.info())))
            }
            None => Err(self.refuse(1, "the file ends too early")),
        }
    }

    fn document(&mut self) -> Result<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let line = span.start.line() as u64;
                    return Err(self.refuse(line, "a second document; a recipe is one"));
                }
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        root.ok_or_else(|| self.refuse(1, "the recipe is empty"))
    }

    fn origin(&self, line: u64) -> Origin {
        match &self.flag {
            Some(flag) => Origin::Flag(flag.clone()),
            None => Origin::File {
                file: self.file.clone(),
                line,
            },
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node> {
        let line = span.start.line().max(1) as u64;
        if depth > MAX_DEPTH {
            return Err(self.refuse(line, format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.values;
        self.count(1, line)?;
        let (anchor, tag, value) = match event {
            Event::Alias(anchor) => {
                let Some((node, values)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.refuse(line, "an alias that holds itself"));
                };
                self.count(values, line)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let nothing = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = match nothing {
                    true => Value::Nothing,
                    false => Value::Word(text.into_owned()),
                };
                (anchor, tag, value)
            }
            Event::SequenceStart(anchor, tag) => (anchor, tag, self.list(depth)?),
            Event::MappingStart(anchor, tag) => (anchor, tag, self.map(depth)?),
            _ => return Err(self.refuse(line, "not YAML: a value is missing")),
        };
        if tag.is_some() {
            return Err(self.refuse(line, "a recipe has no tags (`!...`)"));
        }
        let origin = self.origin(line);
        let node = Node { origin, value };
        if anchor > 0 {
            let values = self.values - before;
            self.anchors.insert(anchor, (node.clone(), values));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, line: u64) -> Result<()> {
        self.values += more;
        match self.values > MAX_VALUES {
            true => Err(self.refuse(line, format_args!("more than {MAX_VALUES} values"))),
            false => Ok(()),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value> {
        // Line of each key, to say where it was given first.
        let mut lines: indexmap::IndexMap<String, u64> = indexmap::IndexMap::new();
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line().max(1) as u64;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.refuse(line, "a key must be a word")),
            };
            if key == "<<" {
                return Err(self.refuse(line, "merge keys (`<<`) are not read; write the keys out"));
            }
            if let Some(first) = lines.insert(key.clone(), line) {
                let message = format!("`{}` is given twice, first in line {first}", one_line(&key));
                return Err(self.refuse(line, message));
            }
            let (event, span) = self.next()?;
            let mut node = self.node(event, span, depth + 1)?;
            // A list or a map begins a line below its key; people look for the key.
            node.origin = self.origin(line);
            entries.push((key, node));
        }
    }
}

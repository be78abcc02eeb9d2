//! A recipe as it was written: values with the place each came from.
//!
//! It knows YAML's forms and no key. Reading is bounded: in bytes, in depth, and in values after
//! aliases are followed, so that a small file cannot become a large tree.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::error::{Error, Result};

/// Longest recipe.
pub const MAX_BYTES: u64 = 1 << 20;
/// Deepest nesting; the deepest recipe that means something has five levels.
pub const MAX_DEPTH: usize = 16;
/// Most values, an alias counting as all that it stands for.
pub const MAX_VALUES: usize = 20_000;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    File { file: Arc<Path>, line: u64 },
    Preset(&'static str),
    Default,
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { file, line } => write!(f, "{}:{line}", file.display()),
            Origin::Preset(name) => write!(f, "preset {name}"),
            Origin::Default => f.write_str("default"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub origin: Origin,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A key with nothing behind it.
    Nothing,
    /// A scalar, as it is written, without quotes.
    Word(String),
    List(Vec<Node>),
    /// In the order of the file; no key twice.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn word(origin: Origin, word: impl Into<String>) -> Node {
        let value = Value::Word(word.into());
        Node { origin, value }
    }

    /// What was written, for a message.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Nothing => "nothing".into(),
            Value::Word(word) => format!("`{}`", one_line(word)),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "keys and values".into(),
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The value at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Puts a value under a key, over one that is there. On anything but a map it becomes the map.
    pub fn set(&mut self, key: &str, node: Node) {
        if !matches!(self.value, Value::Map(_)) {
            self.value = Value::Map(Vec::new());
        }
        if let Value::Map(entries) = &mut self.value {
            match entries.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => *old = node,
                None => entries.push((key.to_owned(), node)),
            }
        }
    }

    /// The map under a key, made if it is not there.
    pub fn section(&mut self, key: &str, origin: &Origin) -> Option<&mut Node> {
        if self
            .get(key)
            .is_none_or(|node| node.value == Value::Nothing)
        {
            let value = Value::Map(Vec::new());
            let origin = origin.clone();
            self.set(key, Node { origin, value });
        }
        match &mut self.value {
            Value::Map(entries) => entries.iter_mut().find(|(k, _)| k == key).map(|(_, n)| n),
            _ => None,
        }
    }

    /// Takes from `under` whatever is not given here, key by key.
    pub fn fill(&mut self, under: Node) {
        let Value::Map(lower) = under.value else {
            return;
        };
        for (key, node) in lower {
            match self.get(&key) {
                None => self.set(&key, node),
                Some(_) => {
                    let origin = node.origin.clone();
                    if let (Value::Map(_), Some(mine)) = (&node.value, self.section(&key, &origin))
                    {
                        mine.fill(node);
                    }
                }
            }
        }
    }
}

/// At most so many characters of what was found go into a message.
pub(super) fn one_line(word: &str) -> String {
    const SHOWN: usize = 60;
    let line = word.replace(|c: char| c.is_control(), " ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

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

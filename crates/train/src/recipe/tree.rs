//! A recipe as it was written: values with the place each came from. It knows no key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

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

//! The local names of a function whose every occurrence is known: where they are declared, where they
//! are used, and of which type they are said to be.
//!
//! It is strict: a name is listed only if each of its occurrences stands behind a declaration and
//! inside of that declaration's scope, and if nothing that could mean something else goes by the same
//! word. What is listed and not `kept` can be renamed; what is not listed may still be local.

mod by_language;
mod declared;
mod roles;

use std::collections::{BTreeMap, BTreeSet};

use skillbelt_code::At;

use crate::form::Parsed;
use declared::{Declared, declared};
use roles::{Role, role};

/// A local name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub name: String,
    /// Every occurrence, in the order of the text.
    pub all: Vec<At>,
    /// Those that declare it.
    pub declared: Vec<At>,
    /// As the first declaration says it, with pointers and brackets; languages without types say
    /// nothing.
    pub typed: Option<String>,
    /// Whoever calls may name it, so that it must be called what it is.
    pub kept: bool,
}

impl Local {
    /// Occurrences that read or write it.
    pub fn uses(&self) -> impl Iterator<Item = At> + '_ {
        self.all
            .iter()
            .copied()
            .filter(|at| !self.declared.contains(at))
    }
}

/// What is known of one word.
#[derive(Default)]
struct Known {
    all: Vec<At>,
    declared: Vec<Declared>,
    blocked: bool,
    kept: bool,
}

/// The local names of a function, in the order of the alphabet.
pub fn locals(parsed: &Parsed<'_>) -> Vec<Local> {
    if roles::unknowable(parsed) {
        return Vec::new();
    }
    let mut known: BTreeMap<&str, Known> = BTreeMap::new();
    for at in 0..parsed.program.nodes().len() {
        let role = role(parsed, at);
        if role == Role::None {
            continue;
        }
        let outside = !parsed.inside(parsed.at).contains(&at);
        let word = known.entry(parsed.text(at)).or_default();
        match role {
            Role::Variable | Role::Parameter if outside => word.blocked = true,
            Role::Variable | Role::Parameter => {
                word.kept |= role == Role::Parameter;
                word.all.push(at);
                word.declared.extend(declared(parsed, at));
            }
            Role::Blocks => word.blocked = true,
            Role::None | Role::Elsewhere => {}
        }
    }
    let spoken = roles::spoken_in_texts(parsed);
    let named = known.into_iter().filter(|(name, word)| {
        !word.blocked
            && !word.declared.is_empty()
            && !spoken.contains(*name)
            && word
                .all
                .iter()
                .all(|at| covered(parsed, *at, &word.declared))
    });
    named
        .map(|(name, word)| Local {
            name: name.to_owned(),
            typed: word.declared.first().and_then(|first| first.typed.clone()),
            declared: word.declared.iter().map(|one| one.at).collect(),
            all: word.all,
            kept: word.kept,
        })
        .collect()
}

/// Whether a name means what one of these declares.
fn covered(parsed: &Parsed<'_>, at: At, declared: &[Declared]) -> bool {
    let bytes = parsed.bytes(at);
    declared
        .iter()
        .any(|one| one.at == at || (bytes.start >= one.from && one.scope.contains(&bytes.start)))
}

/// Every word of a text, to find one that is none of them.
pub fn words(text: &str) -> BTreeSet<&str> {
    skillbelt_code::near::words(text).collect()
}

/// Names that a reader could have given, none of them a keyword of any language.
pub const PLAIN: &[&str] = &[
    "data", "item", "result", "count", "index", "node", "entry", "current", "buffer", "total",
    "info", "temp", "offset", "target", "source", "prev", "size", "length", "state", "token",
    "line", "word", "left", "right", "first", "last", "begin", "amount", "number", "element",
    "output", "flag", "limit", "position", "cursor", "label", "width", "height", "path", "root",
    "child", "group", "step", "level", "depth", "part", "piece", "value1", "holder", "store",
    "pool", "slot", "chunk", "block1", "head", "tail", "score", "rate", "sum1", "answer",
];

/// A name for something new, that is none of the words of a text. `taken` are further ones that are
/// none; the new one is added.
pub fn fresh(text: &BTreeSet<&str>, taken: &mut BTreeSet<String>, mut start: usize) -> String {
    loop {
        let (round, plain) = (start / PLAIN.len(), PLAIN[start % PLAIN.len()]);
        let name = match round {
            0 => plain.to_owned(),
            _ => format!("{plain}{}", round + 1),
        };
        if !text.contains(name.as_str()) && !taken.contains(&name) {
            taken.insert(name.clone());
            return name;
        }
        start += 1;
    }
}

#[cfg(test)]
mod names_tests;

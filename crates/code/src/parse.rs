//! From a text to a [`Program`], within limits.
//!
//! Parsing never fails on what is written badly: it marks the places ([`Program::whole`] says
//! whether there are any). It refuses only what is beyond its limits, and it counts work, not time,
//! so that the same text has the same outcome on every machine.

use std::cell::Cell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser};

use crate::{Language, Program};

/// What a text may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Steps of the parser for each byte, and as many for every text however short. The parser
    /// takes fewer than 20 for real programs; a text that makes it try thousands is nonsense.
    pub steps: usize,
    /// Nodes of the tree.
    pub nodes: usize,
}

impl Limits {
    /// What texts are parsed with unless someone says otherwise: a megabyte is beyond any function
    /// or file that a model reads or writes.
    pub const USUAL: Limits = Limits {
        bytes: 1 << 20,
        steps: 100,
        nodes: 2_000_000,
    };
}

/// Why a text was not parsed. This is no statement about how it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the text has {bytes} bytes; at most {limit} are parsed")]
    Bytes { bytes: usize, limit: usize },
    #[error("parsing stopped after {limit} steps")]
    Steps { limit: usize },
    #[error("parsing stopped after it had read {bytes} bytes of the text again and again")]
    Rereading { bytes: usize },
    #[error("the tree has {nodes} nodes; at most {limit} are kept")]
    Nodes { nodes: usize, limit: usize },
    /// The grammar and the parser were not built for each other.
    #[error("the grammar of {0} cannot be loaded")]
    Grammar(Language),
}

/// The parser looks up once in so many steps.
const STEPS_BETWEEN_LOOKS: usize = 100;

/// Bytes that the parser is handed at once. It asks for those behind and before them anew, so what is
/// handed out tells how far it looks ahead and how often it comes back.
const HANDED: usize = 4096;

/// Bytes that may be handed out for every text however short. Some grammars look through all comments
/// that follow for each of them: a few thousand in a row are a licence, more are nonsense.
const READ_AGAIN: usize = 128 << 20;

/// Parses `text` with the limits that are usual. See [`parse_within`].
pub fn parse(language: Language, text: &str) -> Result<Program<'_>, Refusal> {
    parse_within(language, text, Limits::USUAL)
}

/// Parses `text`, however badly it is written.
///
/// Cost: memory of about 300 bytes for each node of the tree while it is built; no recursion, so
/// depth costs nothing but nodes.
pub fn parse_within(
    language: Language,
    text: &str,
    limits: Limits,
) -> Result<Program<'_>, Refusal> {
    grown(language, language.grammar(text), text, limits)
}

/// As [`parse_within`], but a text of PHP is always taken for a page, in which all is text until a
/// tag opens.
pub fn parse_page(language: Language, text: &str, limits: Limits) -> Result<Program<'_>, Refusal> {
    grown(language, language.page_grammar(text), text, limits)
}

fn grown(
    language: Language,
    grammar: tree_sitter::Language,
    text: &str,
    limits: Limits,
) -> Result<Program<'_>, Refusal> {
    if text.len() > limits.bytes {
        let (bytes, limit) = (text.len(), limits.bytes);
        return Err(Refusal::Bytes { bytes, limit });
    }
    let mut tree = tree(language, &grammar, text, limits)?;
    if tree.root_node().has_error()
        && let Some(other) = language.other_grammar(text)
        && let Ok(another) = self::tree(language, &other, text, limits)
        && mistakes(&another) < mistakes(&tree)
    {
        tree = another;
    }
    let nodes = tree.root_node().descendant_count();
    if nodes > limits.nodes {
        let limit = limits.nodes;
        return Err(Refusal::Nodes { nodes, limit });
    }
    Ok(Program::new(language, text, &tree))
}

/// How many nodes of a tree are mistakes.
fn mistakes(tree: &tree_sitter::Tree) -> usize {
    let mut cursor = tree.walk();
    let mut found = 0;
    loop {
        let node = cursor.node();
        found += usize::from(node.is_error() || node.is_missing());
        if node.has_error() && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}

fn tree(
    language: Language,
    grammar: &tree_sitter::Language,
    text: &str,
    limits: Limits,
) -> Result<tree_sitter::Tree, Refusal> {
    let mut parser = Parser::new();
    parser
        .set_language(grammar)
        .map_err(|_| Refusal::Grammar(language))?;
    let limit = limits.steps.saturating_mul(text.len() + 100);
    let most_handed = limit.saturating_add(READ_AGAIN);
    let (mut steps, handed) = (0, Cell::new(0));
    let mut look = |_: &tree_sitter::ParseState| {
        steps += STEPS_BETWEEN_LOOKS;
        if steps > limit || handed.get() > most_handed {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut look);
    let bytes = text.as_bytes();
    let mut rest = |offset: usize, _| {
        let rest = bytes.get(offset..).unwrap_or_default();
        let part = &rest[..rest.len().min(HANDED)];
        handed.set(handed.get() + part.len());
        // The grammar's own code cannot be stopped, but every text ends.
        if handed.get() > most_handed {
            &[]
        } else {
            part
        }
    };
    let tree = parser.parse_with_options(&mut rest, None, Some(options));
    if handed.get() > most_handed {
        let bytes = most_handed;
        return Err(Refusal::Rereading { bytes });
    }
    tree.ok_or(Refusal::Steps { limit })
}

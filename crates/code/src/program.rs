//! A parsed text: the nodes of its tree laid in one row, each before its children.
//!
//! A node is a place in that row, and its subtree is the run of places from it to its `end_of`; so
//! every walk over a tree is a loop over numbers, whatever the depth. It keeps what the grammar
//! says and judges nothing.

use std::ops::Range;

use crate::Language;

/// Printing a subtree goes into depth by recursion, so it is asked of small ones alone.
const PRINTED: usize = 1000;

/// The place of a node in the row. The root is 0.
pub type At = usize;

/// A node of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// What the grammar calls it: `if_statement`, or the words of a keyword or sign themselves.
    pub kind: &'static str,
    /// What it is to its parent: `condition`, `body`.
    pub field: Option<&'static str>,
    /// False for keywords and signs.
    pub named: bool,
    /// Stands in the tree though it is not in the text.
    pub missing: bool,
    /// The text here is not of the language.
    pub error: bool,
    /// Stands outside of the grammar's rules: comments.
    pub extra: bool,
    /// Bytes of the text.
    pub bytes: Range<usize>,
    /// Line, from zero, and byte in the line.
    pub from: (usize, usize),
    pub to: (usize, usize),
    pub parent: Option<At>,
    /// From the root, which has 0.
    pub depth: usize,
    /// One past the last place of the subtree.
    end: At,
    children: usize,
}

/// A text and its tree.
#[derive(Debug, Clone)]
pub struct Program<'t> {
    language: Language,
    text: &'t str,
    nodes: Vec<Node>,
    /// Subtrees with mistakes in them as the tree prints them, in order.
    printed: Vec<(At, String)>,
    whole: bool,
}

impl<'t> Program<'t> {
    pub(crate) fn new(language: Language, text: &'t str, tree: &tree_sitter::Tree) -> Program<'t> {
        let mut nodes: Vec<Node> = Vec::with_capacity(tree.root_node().descendant_count());
        let mut printed = Vec::new();
        let mut open: Vec<At> = Vec::new();
        let mut cursor = tree.walk();
        'rows: loop {
            let at = nodes.len();
            nodes.push(node(&cursor, open.last().copied(), open.len()));
            if let Some(parent) = open.last() {
                nodes[*parent].children += 1;
            }
            let here = cursor.node();
            if here.has_error() && here.descendant_count() <= PRINTED {
                printed.push((at, here.to_sexp()));
            }
            open.push(at);
            if cursor.goto_first_child() {
                continue;
            }
            loop {
                if let Some(done) = open.pop() {
                    nodes[done].end = nodes.len();
                }
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    break 'rows;
                }
            }
        }
        Program {
            language,
            text,
            nodes,
            printed,
            whole: !tree.root_node().has_error(),
        }
    }

    pub fn language(&self) -> Language {
        self.language
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Whether all of the text is of the language: nothing unexpected, nothing missing. An empty
    /// text is whole; who needs a program must also ask whether there is one ([`Self::tokens`]).
    pub fn whole(&self) -> bool {
        self.whole
    }

    /// All nodes, each before its children.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn kind(&self, at: At) -> &'static str {
        self.nodes[at].kind
    }

    /// The text of a node.
    pub fn text_of(&self, at: At) -> &'t str {
        self.text.get(self.nodes[at].bytes.clone()).unwrap_or("")
    }

    /// One past the last place of a node's subtree.
    pub fn end_of(&self, at: At) -> At {
        self.nodes[at].end
    }

    pub fn is_leaf(&self, at: At) -> bool {
        self.nodes[at].children == 0
    }

    pub fn child_count(&self, at: At) -> usize {
        self.nodes[at].children
    }

    /// The children of a node, keywords, signs and comments among them.
    pub fn children(&self, at: At) -> impl Iterator<Item = At> + '_ {
        let end = self.end_of(at);
        let first = Some(at + 1).filter(|first| *first < end);
        std::iter::successors(first, move |at| {
            Some(self.end_of(*at)).filter(|next| *next < end)
        })
    }

    /// The first child that is this to its parent.
    pub fn field(&self, at: At, field: &str) -> Option<At> {
        self.children(at)
            .find(|child| self.nodes[*child].field == Some(field))
    }

    /// How the tree prints a subtree with mistakes in it. Print shows what nodes do not: signs that
    /// have no node and are missing, characters that the grammar has no place for. Nothing for a
    /// subtree without mistakes or of more than a thousand nodes.
    pub fn printed(&self, at: At) -> Option<&str> {
        let found = self.printed.binary_search_by_key(&at, |(at, _)| *at);
        found.ok().map(|place| self.printed[place].1.as_str())
    }

    /// Whether a node is a comment, in any of the grammars.
    pub fn is_comment(&self, at: At) -> bool {
        self.kind(at).ends_with("comment") && self.nodes[at].named
    }

    /// The words of the program: leaves that are not comments and have text, and strings as one word
    /// each.
    pub fn tokens(&self) -> Vec<At> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < self.nodes.len() {
            if self.is_comment(at) {
                at = self.end_of(at);
            } else if self.is_leaf(at) || self.is_string(at) {
                if !self.nodes[at].bytes.is_empty() && !self.text_of(at).trim().is_empty() {
                    tokens.push(at);
                }
                at = self.end_of(at);
            } else {
                at += 1;
            }
        }
        tokens
    }

    /// Whether a node is a text in quotes that holds no code: one with code inside is parted.
    fn is_string(&self, at: At) -> bool {
        const STRINGS: &[&str] = &[
            "string",
            "string_literal",
            "character_literal",
            "char_literal",
            "raw_string_literal",
            "verbatim_string_literal",
            "interpreted_string_literal",
            "rune_literal",
            "template_string",
            "encapsed_string",
            "concatenated_string",
        ];
        const CODE: &[&str] = &["interpolation", "template_substitution", "variable_name"];
        STRINGS.contains(&self.kind(at))
            && !(at + 1..self.end_of(at)).any(|inner| CODE.contains(&self.kind(inner)))
    }
}

fn node(cursor: &tree_sitter::TreeCursor<'_>, parent: Option<At>, depth: usize) -> Node {
    let node = cursor.node();
    let (from, to) = (node.start_position(), node.end_position());
    Node {
        kind: node.kind(),
        field: cursor.field_name(),
        named: node.is_named(),
        missing: node.is_missing(),
        error: node.is_error(),
        extra: node.is_extra(),
        bytes: node.byte_range(),
        from: (from.row, from.column),
        to: (to.row, to.column),
        parent,
        depth,
        end: 0,
        children: 0,
    }
}

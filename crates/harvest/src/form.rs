//! A function by itself as a parsed program, and edits of its text.
//!
//! A member of a class is no program, so text is put around it while it is parsed; whoever edits sees
//! the text with what is around it, and [`Form::inner`] gives the function back.

use std::ops::Range;

use skillbelt_code::functions::{around, functions};
use skillbelt_code::parse::parse_within;
use skillbelt_code::{At, Language, Program};

use crate::limits::PARSE;

/// The text of a function with what makes a program of it.
#[derive(Debug, Clone)]
pub struct Form {
    pub language: Language,
    pub text: String,
    before: usize,
    after: usize,
}

/// A parsed function.
pub struct Parsed<'t> {
    pub program: Program<'t>,
    /// The function.
    pub at: At,
    /// Its block.
    pub body: At,
}

/// A piece of text that takes the place of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub bytes: Range<usize>,
    pub text: String,
}

impl Form {
    pub fn of(language: Language, member: bool, code: &str) -> Form {
        let (before, after) = around(language, member);
        Form {
            language,
            text: format!("{before}{code}{after}"),
            before: before.len(),
            after: after.len(),
        }
    }

    /// The program, if all of the text is of the language and it is one function with a body.
    pub fn parsed(&self) -> Option<Parsed<'_>> {
        let program = parse_within(self.language, &self.text, PARSE).ok()?;
        if !program.whole() {
            return None;
        }
        let all = functions(&program);
        let first = all.first()?;
        if all.iter().skip(1).any(|other| !other.nested) {
            return None;
        }
        let (at, body) = (first.at, first.body?);
        Some(Parsed { program, at, body })
    }

    /// The function alone.
    pub fn inner(&self) -> &str {
        let end = self.text.len() - self.after;
        self.text.get(self.before..end).unwrap_or("")
    }

    /// The same function with edits made, unless two of them touch.
    pub fn edited(&self, edits: &[Edit]) -> Option<Form> {
        let mut sorted: Vec<&Edit> = edits.iter().collect();
        sorted.sort_by_key(|edit| (edit.bytes.start, edit.bytes.end));
        let mut text = String::with_capacity(self.text.len() + 64);
        let mut from = 0;
        for (number, edit) in sorted.iter().enumerate() {
            if number > 0 && touch(sorted[number - 1], edit) {
                return None;
            }
            text.push_str(self.text.get(from..edit.bytes.start)?);
            text.push_str(&edit.text);
            from = edit.bytes.end;
        }
        text.push_str(self.text.get(from..)?);
        Some(Form {
            text,
            ..self.clone()
        })
    }
}

/// Whether two edits overlap, or one inserts where the other begins or ends.
pub fn touch(one: &Edit, other: &Edit) -> bool {
    let (first, second) = match one.bytes.start <= other.bytes.start {
        true => (one, other),
        false => (other, one),
    };
    let inserts = first.bytes.is_empty() || second.bytes.is_empty();
    second.bytes.start < first.bytes.end || (inserts && second.bytes.start == first.bytes.end)
}

impl Parsed<'_> {
    pub fn bytes(&self, at: At) -> Range<usize> {
        self.program.nodes()[at].bytes.clone()
    }

    pub fn text(&self, at: At) -> &str {
        self.program.text_of(at)
    }

    pub fn kind(&self, at: At) -> &'static str {
        self.program.kind(at)
    }

    /// Every node inside of a node, itself first.
    pub fn inside(&self, at: At) -> Range<At> {
        at..self.program.end_of(at)
    }

    pub fn any_inside(&self, at: At, kinds: &[&str]) -> bool {
        self.inside(at).any(|at| kinds.contains(&self.kind(at)))
    }

    pub fn parent_kind(&self, at: At) -> &'static str {
        let parent = self.program.nodes()[at].parent;
        parent.map_or("", |parent| self.kind(parent))
    }

    /// Children that are neither signs nor comments.
    pub fn parts(&self, at: At) -> Vec<At> {
        let named = |at: &At| self.program.nodes()[*at].named && !self.program.is_comment(*at);
        self.program.children(at).filter(named).collect()
    }

    /// The spaces that the line of a node begins with, if nothing else stands before it.
    pub fn indent(&self, at: At) -> Option<&str> {
        let node = &self.program.nodes()[at];
        let line = node.bytes.start - node.from.1;
        let before = self.program.text().get(line..node.bytes.start)?;
        before.trim().is_empty().then_some(before)
    }

    pub fn edit(&self, at: At, text: impl Into<String>) -> Edit {
        Edit {
            bytes: self.bytes(at),
            text: text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_parsed_edited_and_given_back() {
        let form = Form::of(Language::Java, true, "int f(int a) { return a; }");
        let parsed = form.parsed().unwrap();
        let name = parsed
            .inside(parsed.body)
            .find(|at| parsed.text(*at) == "a")
            .unwrap();
        let edited = form.edited(&[parsed.edit(name, "a + 1")]).unwrap();
        assert_eq!(edited.inner(), "int f(int a) { return a + 1; }");
        assert!(edited.parsed().is_some());
        assert!(
            Form::of(Language::Java, true, "int f( { }")
                .parsed()
                .is_none()
        );
    }

    #[test]
    fn edits_that_touch_are_refused() {
        let form = Form::of(Language::Rust, false, "fn f() { 1 }");
        let edit = |bytes, text: &str| Edit {
            bytes,
            text: text.into(),
        };
        assert!(form.edited(&[edit(3..5, "g"), edit(4..6, "h")]).is_none());
        assert!(form.edited(&[edit(3..5, "g"), edit(5..5, "h")]).is_none());
        assert_eq!(
            form.edited(&[edit(9..10, "2"), edit(3..4, "g")])
                .unwrap()
                .inner(),
            "fn g() { 2 }"
        );
    }
}

//! The function itself under another name, as if all who call it called it that.
//!
//! Without this, two functions of one name would be clones and two of different names would not, and
//! nobody would have to read further. What goes by its name for a reason keeps it and gives nothing:
//! constructors, Python's `__methods__`, entry points.

use std::collections::BTreeSet;

use skillbelt_code::{At, Language};

use crate::draw::Draws;
use crate::form::{Edit, Form, Parsed};
use crate::names::{PLAIN, words};

pub const RULE: &str = "renamed_function";

/// Names that tools or languages call.
const CALLED_BY_OTHERS: &[&str] = &[
    "main",
    "init",
    "constructor",
    "initialize",
    "setUp",
    "tearDown",
];

/// What stands before a name that is the function's own.
const OWN: &[&str] = &["self.", "this.", "this->", "Self::", "cls."];

/// The code under another name, if every place where the name stands is surely the function's own or
/// surely another's.
pub fn otherwise(
    language: Language,
    (member, within): (bool, Option<&str>),
    (name, code): (&str, &str),
    draws: &mut Draws,
) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let kept = name.starts_with("__")
        || CALLED_BY_OTHERS.contains(&name)
        || within == Some(name)
        || !name.chars().all(plain);
    if kept {
        return None;
    }
    let form = Form::of(language, member, code);
    let parsed = form.parsed()?;
    let fresh = fresh(language, name, &words(&form.text), draws);
    let own = own(&parsed, language, member, name)?;
    let edits: Vec<Edit> = own
        .into_iter()
        .map(|at| parsed.edit(at, fresh.clone()))
        .collect();
    let edited = form.edited(&edits)?;
    edited.parsed()?;
    Some(edited.inner().to_owned())
}

/// Where the function's own name stands, or nothing if a place may be either.
fn own(parsed: &Parsed<'_>, language: Language, member: bool, name: &str) -> Option<Vec<At>> {
    let program = &parsed.program;
    // Where the bare name of a method is the method's.
    let bare = match language {
        Language::Java | Language::CSharp | Language::Cpp => true,
        Language::Go => parsed.kind(parsed.at) == "function_declaration",
        _ => !member,
    };
    let body = parsed.bytes(parsed.body).start;
    let leaves = (0..program.nodes().len()).filter(|at| {
        program.child_count(*at) == 0 && !program.is_comment(*at) && program.text_of(*at) == name
    });
    let mut found: Vec<At> = Vec::new();
    for at in leaves {
        let bytes = parsed.bytes(at);
        let before = program.text().get(..bytes.start)?.trim_end();
        let after = program.text().get(bytes.end..)?.trim_start();
        let of_self = OWN.iter().any(|own| before.ends_with(own));
        let of_other = [".", "->", "::"].iter().any(|sign| before.ends_with(sign));
        let called = after.starts_with('(') || after.starts_with("::<");
        let defines =
            found.is_empty() && bytes.start < body && parsed.kind(at) != "type_identifier";
        match (defines || of_self, of_other, called) {
            (true, _, _) => found.push(at),
            (_, true, _) => {}
            (_, _, true) if bare => found.push(at),
            (_, _, true) => {}
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Two words as the language joins them, and as the name began.
fn fresh(language: Language, name: &str, known: &BTreeSet<&str>, draws: &mut Draws) -> String {
    let bare = name.trim_start_matches('_');
    let lines =
        bare.contains('_') || matches!(language, Language::C | Language::Python | Language::Rust);
    let upper = bare.starts_with(|letter: char| letter.is_uppercase());
    loop {
        let (one, other) = (
            PLAIN[draws.below(PLAIN.len())],
            PLAIN[draws.below(PLAIN.len())],
        );
        let joined = match (lines, upper) {
            (true, _) => format!("{one}_{other}"),
            (false, true) => format!("{}{}", capital(one), capital(other)),
            (false, false) => format!("{one}{}", capital(other)),
        };
        if !known.contains(joined.as_str()) {
            return joined;
        }
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(language: Language, member: bool, name: &str, code: &str) -> Option<String> {
        let told = otherwise(
            language,
            (member, Some("Box")),
            (name, code),
            &mut Draws::from(3),
        );
        let fresh = fresh(language, name, &words(code), &mut Draws::from(3));
        told.map(|text| text.replace(&fresh, "@"))
    }

    #[test]
    fn the_name_is_changed_where_it_is_the_functions_own() {
        let told = |language, member, code: &str| called(language, member, "walk", code);
        assert_eq!(
            told(
                Language::Python,
                false,
                "def walk(n):\n    return walk(n - 1) + n.walk()"
            )
            .unwrap(),
            "def @(n):\n    return @(n - 1) + n.walk()"
        );
        assert_eq!(
            told(
                Language::Python,
                true,
                "def walk(self):\n    return self.walk() + walk(1)"
            )
            .unwrap(),
            "def @(self):\n    return self.@() + walk(1)"
        );
        assert_eq!(
            told(
                Language::Java,
                true,
                "int walk(int n) { return walk(n) + other.walk(n); }"
            )
            .unwrap(),
            "int @(int n) { return @(n) + other.walk(n); }"
        );
        assert_eq!(
            told(
                Language::Cpp,
                false,
                "int Box::walk(int n) { return this->walk(n); }"
            )
            .unwrap(),
            "int Box::@(int n) { return this->@(n); }"
        );
        assert_eq!(
            told(
                Language::JavaScript,
                false,
                "const walk = (n) => { return walk(n); };"
            )
            .unwrap(),
            "const @ = (n) => { return @(n); };"
        );
        assert_eq!(
            told(
                Language::Go,
                false,
                "func (b Box) walk(n int) int { return b.walk(n) }"
            )
            .unwrap(),
            "func (b Box) @(n int) int { return b.walk(n) }"
        );
        assert_eq!(
            told(
                Language::Rust,
                true,
                "fn walk(&self) -> u8 { Self::walk(self) }"
            )
            .unwrap(),
            "fn @(&self) -> u8 { Self::@(self) }"
        );
    }

    #[test]
    fn a_name_that_has_a_reason_or_two_meanings_stays() {
        assert!(
            called(
                Language::Python,
                false,
                "walk",
                "def walk(n):\n    walk = n\n    return walk"
            )
            .is_none()
        );
        assert!(
            called(
                Language::Python,
                true,
                "__len__",
                "def __len__(self):\n    return 1"
            )
            .is_none()
        );
        assert!(called(Language::Java, true, "Box", "Box(int n) { this.n = n; }").is_none());
        assert!(called(Language::C, false, "main", "int main(void) { return 0; }").is_none());
    }
}

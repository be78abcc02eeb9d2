//! What a word is where it stands: a variable, something else that only looks like one, or something
//! that makes the word unsafe to touch.

use std::collections::BTreeSet;

use skillbelt_code::{At, Language};

use super::by_language;
use crate::form::Parsed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// No name at all.
    None,
    Variable,
    /// A parameter of the function itself, which callers may name: a variable that keeps its name.
    Parameter,
    /// A member, a label, a named argument: not the variable of that name.
    Elsewhere,
    /// Ties the word to something outside of the function.
    Blocks,
}

/// Kinds of leaves that tie a word to a member of the same name.
const TIED: &[&str] = &[
    "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
    "shorthand_field_identifier",
];

/// Functions in which no name is safe.
pub fn unknowable(parsed: &Parsed<'_>) -> bool {
    let inside = || parsed.inside(parsed.at);
    let has = |kinds: &[&str]| inside().any(|at| kinds.contains(&parsed.kind(at)));
    let says = |words: &[&str]| {
        inside().any(|at| parsed.kind(at) == "identifier" && words.contains(&parsed.text(at)))
    };
    match parsed.program.language() {
        Language::Python => {
            has(&["class_definition", "wildcard_import", "exec_statement"])
                || says(&["eval", "exec", "locals", "globals", "vars", "dir"])
        }
        Language::Java => parsed.any_inside(parsed.body, &["class_body", "class_declaration"]),
        Language::CSharp => {
            has(&["query_expression", "local_function_statement"]) || says(&["nameof"])
        }
        Language::C | Language::Cpp => preprocessed(parsed),
        Language::JavaScript | Language::TypeScript => {
            has(&["with_statement"]) || says(&["eval"]) || has_class(parsed)
        }
        Language::Rust => has(&["macro_definition", "const_item", "static_item"]),
        _ => false,
    }
}

fn has_class(parsed: &Parsed<'_>) -> bool {
    parsed.any_inside(
        parsed.body,
        &["class_body", "jsx_element", "jsx_self_closing_element"],
    )
}

/// Whether the preprocessor may put in what is not seen: directives, and macros that stand as
/// statements.
fn preprocessed(parsed: &Parsed<'_>) -> bool {
    parsed.inside(parsed.at).any(|at| {
        let kind = parsed.kind(at);
        let macro_like = kind == "call_expression"
            && parsed
                .program
                .field(at, "function")
                .is_some_and(|function| is_upper(parsed.text(function)));
        kind.starts_with("preproc_") || kind.starts_with("gnu_asm") || macro_like
    })
}

fn is_upper(name: &str) -> bool {
    name.len() > 1
        && name.chars().any(|letter| letter.is_ascii_uppercase())
        && !name.chars().any(|letter| letter.is_ascii_lowercase())
}

/// What the word of a node is there.
pub fn role(parsed: &Parsed<'_>, at: At) -> Role {
    let node = &parsed.program.nodes()[at];
    if TIED.contains(&node.kind) {
        return Role::Blocks;
    }
    if node.kind != "identifier" || node.bytes.is_empty() {
        return Role::None;
    }
    let parent = parsed.parent_kind(at);
    let field = node.field.unwrap_or("");
    match parsed.program.language() {
        Language::Python => by_language::python(parsed, at, parent, field),
        Language::Java => by_language::java(parent, field),
        Language::CSharp => by_language::csharp(parsed, at, parent, field),
        Language::Go => by_language::go(parent, field),
        Language::Rust => by_language::rust(parsed, at, parent, field),
        Language::C | Language::Cpp => by_language::c(parent),
        _ => by_language::javascript(parent, field),
    }
}

/// Whether a parameter is one of the function itself, and not of one inside of it.
pub fn of_itself(parsed: &Parsed<'_>, at: At) -> bool {
    let mut above = parsed.program.nodes()[at].parent;
    while let Some(at) = above {
        if matches!(parsed.kind(at), "parameters" | "parameter_list") {
            return parsed.program.nodes()[at].parent == Some(parsed.at);
        }
        above = parsed.program.nodes()[at].parent;
    }
    false
}

/// Words that a text in braces names, as Rust's formats do.
pub fn spoken_in_texts<'p>(parsed: &'p Parsed<'_>) -> BTreeSet<&'p str> {
    let mut spoken = BTreeSet::new();
    if parsed.program.language() != Language::Rust {
        return spoken;
    }
    for at in parsed.inside(parsed.at) {
        if matches!(parsed.kind(at), "string_literal" | "raw_string_literal") {
            let parts = parsed.text(at).split('{').skip(1);
            spoken.extend(parts.filter_map(|part| {
                part.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
            }));
            let widths = parsed.text(at).split('$');
            spoken.extend(widths.filter_map(|part| {
                part.rsplit(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
            }));
        }
    }
    spoken
}

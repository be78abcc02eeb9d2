//! Code that does nothing: a local that nobody reads, a branch that is never taken.
//!
//! It stands before a statement of the function's own block, behind whatever must come first.

use skillbelt_code::Language;

use super::Change;
use super::syntax::{BLOCKS, lie, statements};
use crate::draw::Draws;
use crate::form::{Edit, Parsed};
use crate::names::{fresh, words};

/// Statements that must stay where they are if they are the first.
const FIRST: &[&str] = &["explicit_constructor_invocation", "constructor_initializer"];

pub fn change(parsed: &Parsed<'_>, draws: &mut Draws) -> Option<Change> {
    let language = parsed.program.language();
    let block = parsed.body;
    let jumps = matches!(language, Language::C | Language::Cpp)
        && parsed.any_inside(block, &["goto_statement", "labeled_statement"]);
    if !BLOCKS.contains(&parsed.kind(block)) && parsed.kind(block) != "constructor_body" || jumps {
        return None;
    }
    let mut places = statements(parsed, block);
    places.retain(|at| parsed.indent(*at).is_some());
    let first = places.first().copied()?;
    let directive =
        parsed.kind(first) == "expression_statement" && parsed.text(first).starts_with(['"', '\'']);
    let super_call = parsed.text(first).starts_with("super");
    if FIRST.contains(&parsed.kind(first)) || directive || super_call {
        places.remove(0);
    }
    if parsed.kind(block) == "constructor_body" {
        places.retain(|at| !FIRST.contains(&parsed.kind(*at)));
    }
    if places.is_empty() {
        return None;
    }
    let at = places[draws.below(places.len())];
    let indent = parsed.indent(at)?;
    let known = words(parsed.program.text());
    let mut taken = std::collections::BTreeSet::new();
    let name = fresh(&known, &mut taken, draws.below(60));
    let number = draws.below(10);
    let unused = unused(language, &name, number);
    let (rule, text) = match draws.below(2) {
        0 => ("unused_local", format!("{unused}\n{indent}")),
        _ => ("branch_never_taken", never(language, &unused, indent)),
    };
    let start = parsed.bytes(at).start;
    Some(Change {
        rule,
        edits: vec![Edit {
            bytes: start..start,
            text,
        }],
    })
}

fn unused(language: Language, name: &str, number: usize) -> String {
    match language {
        Language::Python => format!("{name} = {number}"),
        Language::JavaScript | Language::TypeScript => format!("const {name} = {number};"),
        // Go and Rust tell of locals that nobody reads.
        Language::Go => format!("_ = {number}"),
        Language::Rust => format!("let _{name} = {number};"),
        _ => format!("int {name} = {number};"),
    }
}

fn never(language: Language, unused: &str, indent: &str) -> String {
    let lie = lie(language);
    match language {
        Language::Python => format!("if {lie}:\n{indent}    {unused}\n{indent}"),
        Language::Go => format!("if {lie} {{\n{indent}\t{unused}\n{indent}}}\n{indent}"),
        Language::Rust => format!("if {lie} {{\n{indent}    {unused}\n{indent}}}\n{indent}"),
        _ => format!("if ({lie}) {{\n{indent}  {unused}\n{indent}}}\n{indent}"),
    }
}

//! A variable that is read where another one was meant.

use skillbelt_code::{At, Language};

use super::arguments::same_type;
use crate::form::Parsed;
use crate::names::Local;
use crate::rewrite::Change;

/// Places where a name is given a value rather than read.
const WRITTEN: &[&str] = &["left", "declarator", "name", "pattern", "argument"];

/// For each place where a local is read, the same place with another local.
pub fn changes(parsed: &Parsed<'_>, locals: &[Local]) -> Vec<Change> {
    let language = parsed.program.language();
    let mut found = Vec::new();
    for meant in locals {
        for at in meant.uses().filter(|at| read(parsed, *at)) {
            let here = parsed.bytes(at).start;
            let fitting = locals.iter().filter(|wrong| {
                let known = wrong
                    .declared
                    .iter()
                    .any(|declared| declared_before(parsed, *declared, here));
                wrong.name != meant.name
                    && known
                    && same_type(language, &meant.name, &wrong.name, locals)
                    && free(language, meant)
            });
            found.extend(fitting.take(2).map(|wrong| Change {
                rule: "wrong_variable",
                edits: vec![parsed.edit(at, wrong.name.clone())],
            }));
        }
    }
    found
}

/// Whether a declaration stands before a place, in the function's own block or in its head, so that
/// it holds there.
fn declared_before(parsed: &Parsed<'_>, declared: At, here: usize) -> bool {
    let outer = parsed.program.nodes()[parsed.body].depth + 5;
    parsed.bytes(declared).end < here
        && parsed.program.nodes()[declared].depth <= outer
        && in_outer_block(parsed, declared)
}

fn in_outer_block(parsed: &Parsed<'_>, at: At) -> bool {
    let mut above = parsed.program.nodes()[at].parent;
    while let Some(at) = above {
        if at == parsed.body || at == parsed.at {
            return true;
        }
        if crate::rewrite::syntax::BLOCKS.contains(&parsed.kind(at))
            || parsed.kind(at).starts_with("for")
        {
            return false;
        }
        above = parsed.program.nodes()[at].parent;
    }
    false
}

/// Whether a name can be used once less and another once more.
fn free(language: Language, meant: &Local) -> bool {
    match language {
        Language::Rust => meant.typed.as_deref().map(str::trim).is_some_and(copied),
        // A local that nobody reads is refused.
        Language::Go => meant.uses().count() > 2,
        _ => true,
    }
}

/// Types of Rust that are copied, so that nothing is moved twice.
fn copied(typed: &str) -> bool {
    let number = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
        "f32", "f64", "bool", "char",
    ];
    number.contains(&typed) || (typed.starts_with('&') && !typed.starts_with("&mut"))
}

fn read(parsed: &Parsed<'_>, at: At) -> bool {
    let node = &parsed.program.nodes()[at];
    let parent = parsed.parent_kind(at);
    let updated = parent.contains("update")
        || parent.contains("unary")
        || parent.contains("inc_")
        || parent.contains("dec_");
    let written = node.field.is_some_and(|field| WRITTEN.contains(&field))
        && parent != "call_expression"
        && (parent.contains("assign") || parent.contains("declar") || parent.contains("for_"));
    // A list on the left of an assignment is written too.
    let listed = matches!(parent, "expression_list" | "pattern_list" | "tuple_pattern");
    // What is called is no variable of the same type.
    let called = node.field == Some("function");
    !updated && !written && !listed && !called
}

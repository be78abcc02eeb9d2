//! How hard a program is to test and to read, in numbers: cyclomatic and cognitive complexity,
//! nesting, length.
//!
//! They are told from the tree alone, by the definitions in `docs/code-metrics.md`; a text with
//! mistakes has numbers of the parts that were understood, and whoever compares must ask first
//! whether it parsed ([`Program::whole`]).

use std::collections::HashMap;

use serde::Serialize;

use crate::facts::{self, Facts, is};
use crate::{At, Program};

/// The numbers of one text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Complexity {
    /// Functions and methods; closures are part of what is around them.
    pub functions: usize,
    /// Independent ways through each function, summed: one for each (or for a text without any) and
    /// one for each branch, loop with an end, case but the default, catch, conditional expression,
    /// filter, and each `and` or `or`.
    pub cyclomatic: usize,
    /// Cognitive complexity as SonarSource defines it (G. A. Campbell, version 1.7), summed over
    /// functions; of recursion only the direct one is seen.
    pub cognitive: usize,
    /// Branches, loops, switches, catches and closures around each other at the deepest place; an
    /// `else if` is no deeper than its `if`.
    pub nesting: usize,
    /// Lines with a word of the program on them.
    pub lines: usize,
    /// Words of the program.
    pub tokens: usize,
}

impl Complexity {
    pub fn of(program: &Program<'_>) -> Complexity {
        let facts = facts::of(program.language());
        let count = program.nodes().len();
        let functions = (0..count).filter(|at| is(program, *at, facts.functions));
        let functions = functions.count();
        let decisions = (0..count).filter(|at| decides(program, facts, *at));
        let levels = levels(program, facts);
        let deep = |at: &At| deepens(program, facts, *at);
        let tokens = program.tokens();
        Complexity {
            functions,
            cyclomatic: functions.max(1) + decisions.count(),
            cognitive: (0..count)
                .map(|at| strain(program, facts, at, &levels))
                .sum::<usize>()
                + sequences(program, facts)
                + recursions(program, facts),
            nesting: (0..count)
                .filter(deep)
                .map(|at| levels[at] + 1)
                .max()
                .unwrap_or(0),
            lines: lines(program, &tokens),
            tokens: tokens.len(),
        }
    }
}

/// Lines on which words stand. A word of several lines stands on all of them.
fn lines(program: &Program<'_>, tokens: &[At]) -> usize {
    let (mut lines, mut next) = (0, 0);
    for at in tokens {
        let (from, to) = (program.nodes()[*at].from.0, program.nodes()[*at].to.0);
        lines += (to + 1).saturating_sub(from.max(next));
        next = next.max(to + 1);
    }
    lines
}

/// Whether a second way through the program begins at a node.
fn decides(program: &Program<'_>, facts: &Facts, at: At) -> bool {
    // Filters of Python's comprehensions and guards of its cases.
    const FILTERS: &[&str] = &["for_in_clause", "if_clause"];
    let any = [
        facts.branches,
        facts.further,
        facts.ternaries,
        facts.catches,
        FILTERS,
    ];
    if any.iter().any(|kinds| is(program, at, kinds)) {
        return true;
    }
    if is(program, at, facts.loops) {
        return !endless(program, at);
    }
    is(program, at, facts.cases) && !facts.is_default(program, at)
        || operator(program, facts, at).is_some()
}

/// A `for` of Go without anything that could end it.
fn endless(program: &Program<'_>, at: At) -> bool {
    program.language() == crate::Language::Go
        && program
            .children(at)
            .filter(|child| program.nodes()[*child].named)
            .count()
            == 1
}

/// Whether what stands in a node is one level deeper than the node.
fn deepens(program: &Program<'_>, facts: &Facts, at: At) -> bool {
    let kinds = [
        facts.branches,
        facts.ternaries,
        facts.loops,
        facts.forever,
        facts.switches,
        facts.catches,
        facts.closures,
    ];
    kinds.iter().any(|kinds| is(program, at, kinds))
}

/// The level of every node: how many structures it stands in.
fn levels(program: &Program<'_>, facts: &Facts) -> Vec<usize> {
    let mut levels = vec![0; program.nodes().len()];
    // Whether a node stands in a function: a function in a function is one level deeper.
    let mut inside = vec![false; levels.len()];
    for at in 1..levels.len() {
        let Some(parent) = program.nodes()[at].parent else {
            continue;
        };
        let function = is(program, parent, facts.functions);
        let deeper = (function && inside[parent]) || deepens(program, facts, parent);
        inside[at] = inside[parent] || function;
        levels[at] = levels[parent] + usize::from(deeper && !on_level(program, facts, at, parent));
        if facts.is_otherwise(program, parent) && is(program, parent, facts.otherwise) {
            levels[at] += usize::from(!facts.is_chained(program, at));
        } else if is(program, parent, facts.further) {
            levels[at] += usize::from(!on_level(program, facts, at, parent));
        }
    }
    levels
}

/// Whether a part of a branch stands on the level of the branch: its condition, and what goes on
/// with another one.
fn on_level(program: &Program<'_>, facts: &Facts, at: At, parent: At) -> bool {
    let branch = is(program, parent, facts.branches) || is(program, parent, facts.further);
    branch
        && (program.nodes()[at].field == Some("condition")
            || is(program, at, facts.further)
            || is(program, at, facts.otherwise)
            || facts.is_chained(program, at))
}

/// What a node adds to cognitive complexity by itself.
fn strain(program: &Program<'_>, facts: &Facts, at: At, levels: &[usize]) -> usize {
    let structures = [
        facts.branches,
        facts.ternaries,
        facts.loops,
        facts.forever,
        facts.switches,
        facts.catches,
    ];
    let structure = structures.iter().any(|kinds| is(program, at, kinds));
    if is(program, at, facts.further) || facts.is_otherwise(program, at) {
        1
    } else if facts.is_chained(program, at) {
        // Its `else` has counted.
        0
    } else if structure {
        1 + levels[at]
    } else {
        usize::from(jumps(program, facts, at))
    }
}

/// Whether a node goes on at a label.
fn jumps(program: &Program<'_>, facts: &Facts, at: At) -> bool {
    const LABELS: &[&str] = &["identifier", "statement_identifier", "label", "label_name"];
    is(program, at, facts.jumps)
        && (program.kind(at) == "goto_statement"
            || program.children(at).any(|child| {
                let value = program.language() == crate::Language::Rust
                    && program.kind(child) == "identifier";
                is(program, child, LABELS) && !value
            }))
}

/// Whether a leaf is an `and` or an `or` between two conditions; which of both.
fn operator(program: &Program<'_>, facts: &Facts, at: At) -> Option<bool> {
    let parent = program.nodes()[at].parent?;
    let and = match program.kind(at) {
        "&&" | "and" => true,
        "||" | "or" => false,
        _ => return None,
    };
    (!program.nodes()[at].named && is(program, parent, facts.logical)).then_some(and)
}

/// Runs of the same logical operator: each is one thing to understand. Brackets do not part a run,
/// a `not` does.
fn sequences(program: &Program<'_>, facts: &Facts) -> usize {
    const BRACKETS: &[&str] = &["parenthesized_expression", "parenthesized_statements"];
    let mut first: Vec<At> = (0..program.nodes().len()).collect();
    let mut last: HashMap<At, bool> = HashMap::new();
    let mut runs = 0;
    for at in 0..first.len() {
        let Some(parent) = program.nodes()[at].parent else {
            continue;
        };
        if let Some(and) = operator(program, facts, at) {
            runs += usize::from(last.insert(first[parent], and) != Some(and));
        }
        let goes_on = |at: At| {
            let logical = is(program, at, facts.logical);
            logical
                && program
                    .children(at)
                    .any(|child| operator(program, facts, child).is_some())
                || is(program, at, BRACKETS)
        };
        if goes_on(at) && goes_on(parent) {
            first[at] = first[parent];
        }
    }
    runs
}

/// Functions that call themselves by their own name.
fn recursions(program: &Program<'_>, facts: &Facts) -> usize {
    let mut found = 0;
    let mut open: Vec<(At, &str, bool)> = Vec::new();
    for at in 0..program.nodes().len() {
        while let Some((_, _, calls)) = open.pop_if(|(end, _, _)| *end <= at) {
            found += usize::from(calls);
        }
        if is(program, at, facts.functions) {
            open.push((program.end_of(at), name(program, at), false));
        } else if let Some(called) = called(program, facts, at) {
            for (_, name, calls) in open.iter_mut().rev().take(CALLERS) {
                *calls |= *name == called;
            }
        }
    }
    found + open.iter().filter(|(_, _, calls)| *calls).count()
}

/// Functions around a call that are asked whether it is them.
const CALLERS: usize = 64;

/// The name of a function; empty if it has none.
fn name<'t>(program: &Program<'t>, function: At) -> &'t str {
    let named = program.field(function, "name").or_else(|| {
        let mut inner = program.field(function, "declarator");
        while let Some(next) = inner.and_then(|at| program.field(at, "declarator")) {
            inner = Some(next);
        }
        inner
    });
    named.map_or("", |at| program.text_of(at))
}

/// The name that a call calls, if it is one of this program or of this object.
fn called<'t>(program: &Program<'t>, facts: &Facts, at: At) -> Option<&'t str> {
    if !is(program, at, facts.calls) {
        return None;
    }
    let on = ["object", "receiver"].map(|field| program.field(at, field));
    let ours = |at: At| matches!(program.text_of(at), "this" | "self" | "$this");
    if on.into_iter().flatten().any(|at| !ours(at)) {
        return None;
    }
    let of = ["function", "name", "method"].map(|field| program.field(at, field));
    let called = program.text_of(of.into_iter().flatten().next()?);
    let own = ["this.", "self.", "this->"];
    let bare = own.iter().find_map(|own| called.strip_prefix(own));
    Some(bare.unwrap_or(called)).filter(|name| !name.is_empty())
}

#[cfg(test)]
#[path = "complexity_tests.rs"]
mod tests;

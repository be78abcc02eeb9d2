//! Checks that are no longer made, and failures that are no longer told.

use skillbelt_code::{At, Language};

use crate::form::{Edit, Parsed};
use crate::rewrite::Change;
use crate::rewrite::syntax::{BLOCKS, condition, statements};

/// Statements by which a check leaves.
const LEAVES: &[&str] = &[
    "return_statement",
    "return_expression",
    "throw_statement",
    "throw_expression",
    "raise_statement",
    "break_statement",
    "break_expression",
    "continue_statement",
    "continue_expression",
    "goto_statement",
];

/// Words that say that a check is about a failure.
const FAILURES: &[&str] = &[
    "err", "error", "ret", "rc", "status", "errno", "fail", "failed",
];

pub fn changes(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    match parsed.kind(at) {
        "if_statement" | "if_expression" => guard(parsed, at),
        "except_clause" | "catch_clause" => caught(parsed, at),
        _ => None,
    }
}

/// A branch that does nothing but leave is taken out.
fn guard(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let program = &parsed.program;
    let has = |field| program.field(at, field).is_some();
    let chained =
        parsed.any_inside(at, &["elif_clause"]) || parsed.parent_kind(at) == "else_clause";
    let other = program.nodes()[at].field == Some("alternative");
    if has("alternative") || has("initializer") || chained || other {
        return None;
    }
    let asked = condition(parsed, at)?;
    let inner = program.field(at, "consequence")?;
    let inside = match BLOCKS.contains(&parsed.kind(inner)) {
        true => statements(parsed, inner),
        false => vec![inner],
    };
    let last = *inside.last()?;
    let leaving = match parsed.kind(last) {
        "expression_statement" => parsed.parts(last).first().copied()?,
        _ => last,
    };
    if !LEAVES.contains(&parsed.kind(leaving)) || inside.len() > 3 || !safe(parsed, at, asked) {
        return None;
    }
    // The only statement of a block cannot go without leaving a hole.
    let parent = program.nodes()[at].parent?;
    let statement = match parsed.kind(parent) {
        "expression_statement" => parent,
        _ => at,
    };
    let block = program.nodes()[statement].parent?;
    let of_block = BLOCKS.contains(&parsed.kind(block)) || parsed.kind(block) == "statement_list";
    if !of_block || parsed.parts(block).len() < 2 {
        return None;
    }
    let about_failure = parsed.inside(asked).any(|at| {
        parsed.kind(at) == "identifier"
            && FAILURES.contains(&parsed.text(at).to_lowercase().as_str())
    });
    let rule = if about_failure {
        "lost_error_handling"
    } else {
        "dropped_check"
    };
    Some(Change {
        rule,
        edits: vec![without(parsed, statement)],
    })
}

/// Takes a statement out, with its line if it has one of its own.
fn without(parsed: &Parsed<'_>, at: At) -> Edit {
    let bytes = parsed.bytes(at);
    let text = parsed.program.text();
    let indent = parsed.indent(at).map_or(0, str::len);
    let rest = text.get(bytes.end..).unwrap_or("");
    let alone = parsed.indent(at).is_some() && rest.starts_with('\n');
    let bytes = match alone {
        true => bytes.start - indent..bytes.end + 1,
        false => bytes,
    };
    Edit {
        bytes,
        text: String::new(),
    }
}

/// Whether what follows is still taken by a compiler when the check is gone.
fn safe(parsed: &Parsed<'_>, at: At, asked: At) -> bool {
    let said = parsed.text(asked);
    match parsed.program.language() {
        // What is checked here is known to be there from then on.
        Language::TypeScript => {
            let plain = !said.starts_with('!') && parsed.kind(asked) != "identifier";
            plain
                && !["null", "undefined", "typeof", "instanceof", " in "]
                    .iter()
                    .any(|word| said.contains(word))
        }
        // A name that nobody reads is refused.
        Language::Go => {
            let outside = |name: &str| {
                let all = parsed.inside(parsed.at);
                let else_where = all.filter(|inner| {
                    !parsed.inside(at).contains(inner)
                        && parsed.kind(*inner) == "identifier"
                        && parsed.text(*inner) == name
                });
                else_where.count()
            };
            let mut names = parsed
                .inside(at)
                .filter(|inner| parsed.kind(*inner) == "identifier");
            names.all(|name| matches!(outside(parsed.text(name)), 2..) || is_package(parsed, name))
        }
        _ => true,
    }
}

/// What stands before a dot in Go may be a package, which has to be used somewhere in the file.
fn is_package(parsed: &Parsed<'_>, at: At) -> bool {
    let parent = parsed.parent_kind(at);
    parent == "selector_expression"
        || parent == "call_expression"
        || matches!(parsed.text(at), "nil" | "true" | "false")
}

/// What was caught is no longer looked at.
fn caught(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let language = parsed.program.language();
    let block = parsed
        .parts(at)
        .into_iter()
        .rev()
        .find(|part| BLOCKS.contains(&parsed.kind(*part)))?;
    let inside = statements(parsed, block);
    // As it would be written: nobody closes a handler on the line that opens it.
    let line = parsed
        .program
        .text()
        .get(..parsed.bytes(block).start)
        .unwrap_or("");
    let line = line.rsplit('\n').next().unwrap_or("");
    let indent = &line[..line.len() - line.trim_start().len()];
    let empty = match language {
        Language::Python => "pass".to_owned(),
        _ if parsed.text(block).contains('\n') => format!("{{\n{indent}}}"),
        _ => "{ }".to_owned(),
    };
    let nothing = inside.is_empty() || inside.iter().all(|at| parsed.kind(*at) == "pass_statement");
    // Behind a handler that always leaves, or that gives a name its value, something may be missing.
    let needed = matches!(
        language,
        Language::Java | Language::CSharp | Language::TypeScript | Language::Cpp
    ) && parsed.any_inside(
        block,
        &[
            "return_statement",
            "throw_statement",
            "assignment_expression",
        ],
    );
    (!nothing && !needed).then(|| Change {
        rule: "lost_error_handling",
        edits: vec![parsed.edit(block, empty)],
    })
}

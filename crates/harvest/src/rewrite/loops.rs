//! Loops that go on just as long: `for` with three parts as a `while`, and a `while` as an endless
//! loop that is left at its top.
//!
//! A `for` is taken apart only if nothing goes on to its next round early (`continue`), nothing inside
//! of it keeps its variable (closures, addresses), and its end can be reached.

use skillbelt_code::{At, Language};

use super::Change;
use super::syntax::{BLOCKS, condition, labelled, not, statements, truth};
use crate::form::{Edit, Parsed};

/// What may keep the variable of a loop beyond a round.
const KEEP: &[&str] = &[
    "lambda_expression",
    "anonymous_method_expression",
    "arrow_function",
    "function_expression",
    "generator_function",
    "function_declaration",
    "func_literal",
    "go_statement",
    "defer_statement",
    "class_body",
    "local_function_statement",
    "labeled_statement",
    "goto_statement",
];

/// Last statements behind which a loop goes on.
const GOES_ON: &[&str] = &[
    "expression_statement",
    "local_variable_declaration",
    "local_declaration_statement",
    "lexical_declaration",
    "declaration",
    "enhanced_for_statement",
    "for_in_statement",
    "assignment_statement",
    "short_var_declaration",
    "inc_statement",
    "dec_statement",
];

pub fn changes(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    match parsed.kind(at) {
        "for_statement" => match parsed.program.language() {
            Language::Python => None,
            Language::Go if go_condition(parsed, at).is_some() => endless(parsed, at),
            _ => taken_apart(parsed, at),
        },
        "while_statement" | "while_expression" => endless(parsed, at),
        _ => None,
    }
}

/// The condition of a Go `for` that has nothing else.
fn go_condition(parsed: &Parsed<'_>, at: At) -> Option<At> {
    let parts = parsed.parts(at);
    let [condition, body] = parts.as_slice() else {
        return None;
    };
    let plain = !matches!(parsed.kind(*condition), "for_clause" | "range_clause");
    (plain && parsed.kind(*body) == "block").then_some(*condition)
}

/// `while (c) {...}` is `while (true) { if (!(c)) { break; } ...}`.
fn endless(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let language = parsed.program.language();
    let asked = match language {
        Language::Go => go_condition(parsed, at)?,
        _ => condition(parsed, at)?,
    };
    let body = parsed.program.field(at, "body")?;
    let said = parsed.text(asked);
    let otherwise = parsed.program.field(at, "alternative").is_some()
        || parsed
            .program
            .children(at)
            .any(|child| parsed.kind(child) == "else_clause");
    if labelled(parsed, at)
        || otherwise
        || !BLOCKS.contains(&parsed.kind(body))
        || said == truth(language)
    {
        return None;
    }
    let left = not(language, said);
    let bytes = parsed.bytes(body);
    let (place, inserted, head) = match language {
        Language::Python => {
            let indent = parsed.indent(body)?;
            let text = format!("if {left}:\n{indent}    break\n{indent}");
            (bytes.start, text, parsed.edit(asked, "True"))
        }
        Language::Go => {
            let head = Edit {
                bytes: parsed.bytes(asked).start..bytes.start,
                text: String::new(),
            };
            (
                bytes.start + 1,
                format!("\nif {left} {{\nbreak\n}}\n"),
                head,
            )
        }
        Language::Rust => {
            let head = Edit {
                bytes: parsed.bytes(at).start..bytes.start,
                text: "loop ".into(),
            };
            (bytes.start + 1, format!(" if {left} {{ break; }}"), head)
        }
        _ => (
            bytes.start + 1,
            format!(" if ({left}) {{ break; }}"),
            parsed.edit(asked, truth(language)),
        ),
    };
    Some(Change {
        rule: "endless_loop",
        edits: vec![
            head,
            Edit {
                bytes: place..place,
                text: inserted,
            },
        ],
    })
}

/// `for (a; c; u) {...}` is `{ a; while (c) { {...} u; } }`.
fn taken_apart(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let program = &parsed.program;
    let language = program.language();
    let body = program
        .field(at, "body")
        .filter(|body| BLOCKS.contains(&parsed.kind(*body)))?;
    let commented = parsed
        .inside(at)
        .any(|inner| program.is_comment(inner) && inner < body);
    if labelled(parsed, at) || commented || parsed.any_inside(at, KEEP) {
        return None;
    }
    if parsed.any_inside(body, &["continue_statement"]) || kept_by_address(parsed, at) {
        return None;
    }
    let last = statements(parsed, body).pop()?;
    if !GOES_ON.contains(&parsed.kind(last)) {
        return None;
    }
    let clause = match language {
        Language::Go => parsed
            .parts(at)
            .into_iter()
            .find(|part| parsed.kind(*part) == "for_clause")?,
        _ => at,
    };
    let said = |names: &[&str]| -> Option<String> {
        let fitting = program.children(clause).filter(|child| {
            let node = &program.nodes()[*child];
            node.named && node.field.is_some_and(|field| names.contains(&field))
        });
        let all: Vec<At> = fitting.collect();
        match all.as_slice() {
            [one] => Some(parsed.text(*one).trim_end_matches(';').trim().to_owned()),
            [] => Some(String::new()),
            _ => None,
        }
    };
    let begin = said(&["initializer", "init"])?;
    let asked = said(&["condition"])?;
    let step = said(&["update", "increment"])?;
    let known = usize::from(!begin.is_empty()) + 2;
    let parts = parsed
        .parts(clause)
        .into_iter()
        .filter(|part| *part != body);
    if asked.is_empty() || step.is_empty() || parts.count() != known {
        return None;
    }
    let inner = parsed.text(body);
    let begin = if begin.is_empty() {
        begin
    } else {
        format!("{begin}; ")
    };
    let text = match language {
        Language::Go => {
            let begin = begin.trim_end().trim_end_matches(';');
            format!("{{\n{begin}\nfor {asked} {{\n{inner}\n{step}\n}}\n}}")
        }
        _ => format!("{{ {begin}while ({asked}) {{ {inner} {step}; }} }}"),
    };
    Some(Change {
        rule: "for_as_while",
        edits: vec![parsed.edit(at, text)],
    })
}

/// `&i` may outlive a round, which is another variable in some languages.
fn kept_by_address(parsed: &Parsed<'_>, at: At) -> bool {
    parsed.program.language() == Language::Go
        && parsed
            .inside(at)
            .any(|at| parsed.kind(at) == "unary_expression" && parsed.text(at).starts_with('&'))
}

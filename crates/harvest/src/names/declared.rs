//! Where a name is declared: from which byte on it means that, how far, and as what.

use std::ops::Range;

use skillbelt_code::{At, Language};

use super::roles::{Role, of_itself, role};
use crate::form::Parsed;

/// A declaration of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    pub at: At,
    /// From this byte on the word means it.
    pub from: usize,
    pub scope: Range<usize>,
    pub typed: Option<String>,
}

/// Nodes in which a name means what is declared in them, over all grammars but Python's.
const SCOPES: &[&str] = &[
    "block",
    "compound_statement",
    "statement_block",
    "switch_block",
    "switch_body",
    "for_statement",
    "for_in_statement",
    "for_range_loop",
    "foreach_statement",
    "enhanced_for_statement",
    "for_expression",
    "while_statement",
    "if_statement",
    "switch_statement",
    "expression_switch_statement",
    "type_switch_statement",
    "expression_case",
    "default_case",
    "type_case",
    "communication_case",
    "switch_section",
    "case_statement",
    "catch_clause",
    "try_with_resources_statement",
    "using_statement",
    "fixed_statement",
    "lambda_expression",
    "arrow_function",
    "function_expression",
    "generator_function",
    "function_declaration",
    "func_literal",
    "closure_expression",
    "function_item",
    "match_arm",
];

/// What an identifier declares, if it does.
pub fn declared(parsed: &Parsed<'_>, at: At) -> Option<Declared> {
    let node = &parsed.program.nodes()[at];
    let parent = node.parent?;
    let kind = parsed.kind(parent);
    let field = node.field.unwrap_or("");
    let language = parsed.program.language();
    let (by, from) = match language {
        Language::Python => return python(parsed, at),
        Language::Java => match (kind, field) {
            ("variable_declarator" | "formal_parameter" | "enhanced_for_statement", "name")
            | ("catch_formal_parameter" | "resource", "name")
            | ("lambda_expression", "parameters")
            | ("inferred_parameters", _) => (parent, node.bytes.start),
            _ => return None,
        },
        Language::CSharp => match (kind, field) {
            ("parameter", "name") if of_itself(parsed, at) => (parent, node.bytes.start),
            ("variable_declarator", "name")
            | ("foreach_statement", "left")
            | ("catch_declaration", "name") => (parent, node.bytes.start),
            _ => return None,
        },
        Language::Go => go(parsed, at, parent, kind, field)?,
        Language::Rust => rust(parsed, at, parent, kind, field)?,
        Language::C | Language::Cpp => (c(parsed, at)?, node.bytes.start),
        _ => match (kind, field) {
            ("variable_declarator", "name")
            | ("arrow_function", "parameter")
            | ("catch_clause", "parameter")
            | ("formal_parameters", _) => (parent, node.bytes.start),
            ("required_parameter" | "optional_parameter", "pattern") => {
                let property = parsed.any_inside(
                    parent,
                    &["accessibility_modifier", "override_modifier", "readonly"],
                );
                (!property).then_some((parent, node.bytes.start))?
            }
            ("for_in_statement", "left") => {
                parsed.program.field(parent, "kind")?;
                (parent, node.bytes.start)
            }
            _ => return None,
        },
    };
    Some(Declared {
        at,
        from,
        scope: scope(parsed, by),
        typed: typed(parsed, at, by),
    })
}

/// Bytes of the nearest scope around a node, or of the whole function.
fn scope(parsed: &Parsed<'_>, at: At) -> Range<usize> {
    let mut at = at;
    while at != parsed.at {
        if SCOPES.contains(&parsed.kind(at)) {
            return parsed.bytes(at);
        }
        match parsed.program.nodes()[at].parent {
            Some(parent) => at = parent,
            None => break,
        }
    }
    parsed.bytes(parsed.at)
}

/// Everything that is assigned in a function of Python is local to all of its body.
fn python(parsed: &Parsed<'_>, at: At) -> Option<Declared> {
    if role(parsed, at) == Role::Parameter {
        return Some(Declared {
            at,
            from: parsed.bytes(at).start,
            scope: parsed.bytes(parsed.at),
            typed: None,
        });
    }
    let mut inner = at;
    let mut parent = parsed.program.nodes()[inner].parent?;
    while matches!(parsed.kind(parent), "pattern_list" | "tuple_pattern") {
        inner = parent;
        parent = parsed.program.nodes()[inner].parent?;
    }
    let field = parsed.program.nodes()[inner].field.unwrap_or("");
    let declares = match parsed.kind(parent) {
        "assignment" | "for_statement" => field == "left",
        "as_pattern_target" => true,
        _ => false,
    };
    // What is assigned in a function inside is local there.
    let mut above = Some(parent);
    while let Some(at) = above.filter(|at| *at != parsed.at) {
        if matches!(parsed.kind(at), "function_definition" | "lambda") {
            return None;
        }
        above = parsed.program.nodes()[at].parent;
    }
    let scope = parsed.bytes(parsed.body);
    (declares && above.is_some() && scope.contains(&parsed.bytes(at).start)).then_some(Declared {
        at,
        from: scope.start,
        scope,
        typed: None,
    })
}

fn go(parsed: &Parsed<'_>, at: At, parent: At, kind: &str, field: &str) -> Option<(At, usize)> {
    if kind == "expression_list" {
        let above = parsed.program.nodes()[parent].parent?;
        let left = parsed.program.nodes()[parent].field == Some("left");
        let new = parsed.kind(above) == "short_var_declaration"
            || (parsed.kind(above) == "range_clause"
                && parsed
                    .program
                    .children(above)
                    .any(|child| parsed.text(child) == ":="));
        return (left && new).then(|| (above, parsed.bytes(above).end));
    }
    match (kind, field) {
        ("parameter_declaration" | "variadic_parameter_declaration", "name") => {
            Some((parent, parsed.bytes(at).start))
        }
        ("var_spec", "name") => Some((parent, parsed.bytes(parent).end)),
        _ => None,
    }
}

fn rust(parsed: &Parsed<'_>, at: At, parent: At, kind: &str, field: &str) -> Option<(At, usize)> {
    match (kind, field) {
        ("let_declaration", "pattern") => Some((parent, parsed.bytes(parent).end)),
        ("parameter", "pattern") | ("closure_parameters", _) => {
            Some((parent, parsed.bytes(at).start))
        }
        ("for_expression", "pattern") => {
            let body = parsed.program.field(parent, "body")?;
            Some((parent, parsed.bytes(body).start))
        }
        _ => None,
    }
}

/// The declaration that an identifier is the innermost declarator of.
fn c(parsed: &Parsed<'_>, at: At) -> Option<At> {
    let mut inner = at;
    loop {
        let parent = parsed.program.nodes()[inner].parent?;
        let field = parsed.program.nodes()[inner].field;
        let step = field == Some("declarator") || parsed.kind(parent) == "reference_declarator";
        if !step || parsed.kind(parent) == "function_declarator" {
            return None;
        }
        match parsed.kind(parent) {
            "parameter_declaration" | "declaration" | "for_range_loop" => return Some(parent),
            "init_declarator"
            | "pointer_declarator"
            | "array_declarator"
            | "reference_declarator" => {
                inner = parent;
            }
            _ => return None,
        }
    }
}

/// The type that stands beside a declaration, with what the declarator adds to it.
fn typed(parsed: &Parsed<'_>, at: At, by: At) -> Option<String> {
    let mut holder = by;
    for _ in 0..2 {
        if let Some(said) = parsed.program.field(holder, "type") {
            let said_text = parsed.text(said);
            if matches!(said_text, "var" | "auto" | "const auto") {
                return None;
            }
            return Some(format!("{said_text} {}", shape(parsed, at, holder)));
        }
        holder = parsed.program.nodes()[holder].parent?;
    }
    None
}

/// `*`, `[]` and `&` around a name of C.
fn shape(parsed: &Parsed<'_>, at: At, holder: At) -> String {
    let mut shape = String::new();
    let mut above = parsed.program.nodes()[at].parent;
    while let Some(at) = above.filter(|at| *at != holder) {
        match parsed.kind(at) {
            "pointer_declarator" => shape.push('*'),
            "array_declarator" => shape.push_str("[]"),
            "reference_declarator" => shape.push('&'),
            _ => {}
        }
        above = parsed.program.nodes()[at].parent;
    }
    shape
}

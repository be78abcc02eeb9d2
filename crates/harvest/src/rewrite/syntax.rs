//! How languages write the few things that rewrites put into a text.

use skillbelt_code::{At, Language};

use crate::form::Parsed;

/// Kinds of nodes that declare something in a condition, so that it cannot be moved.
const DECLARE: &[&str] = &[
    "let_condition",
    "let_chain",
    "is_pattern_expression",
    "declaration_expression",
    "declaration",
    "instanceof_expression",
    "named_expression",
    "init_statement",
    "assignment_expression",
];

/// Blocks of statements, over all grammars.
pub const BLOCKS: &[&str] = &["block", "compound_statement", "statement_block"];

/// The negation of a condition, whatever it is made of.
pub fn not(language: Language, condition: &str) -> String {
    match language {
        Language::Python => format!("not ({condition})"),
        _ => format!("!({condition})"),
    }
}

/// The value that is always true.
pub fn truth(language: Language) -> &'static str {
    match language {
        Language::Python => "True",
        Language::C => "1",
        _ => "true",
    }
}

/// The value that is never true.
pub fn lie(language: Language) -> &'static str {
    match language {
        Language::Python => "False",
        Language::C => "0",
        _ => "false",
    }
}

/// The condition of a branch or loop without the brackets that belong to the statement, if it may be
/// written differently: it declares nothing.
pub fn condition(parsed: &Parsed<'_>, at: At) -> Option<At> {
    let program = &parsed.program;
    let mut condition = program.field(at, "condition")?;
    if parsed.kind(condition) == "condition_clause" {
        if program.field(condition, "initializer").is_some() {
            return None;
        }
        condition = program.field(condition, "value")?;
    } else if parsed.kind(condition) == "parenthesized_expression" && bracketed(program.language())
    {
        match parsed.parts(condition).as_slice() {
            [one] => condition = *one,
            _ => return None,
        }
    }
    let commented = parsed.inside(condition).any(|at| program.is_comment(at));
    (!commented && !parsed.any_inside(condition, DECLARE)).then_some(condition)
}

/// Whether brackets around a condition belong to the statement.
fn bracketed(language: Language) -> bool {
    matches!(
        language,
        Language::C | Language::Cpp | Language::Java | Language::JavaScript | Language::TypeScript
    )
}

/// Whether a statement bears a label, by which it may be left from inside.
pub fn labelled(parsed: &Parsed<'_>, at: At) -> bool {
    matches!(parsed.parent_kind(at), "labeled_statement")
        || parsed
            .program
            .children(at)
            .any(|child| parsed.kind(child) == "label")
}

/// The sides and the operator of a binary expression.
pub fn sides(parsed: &Parsed<'_>, at: At) -> Option<(At, At, At)> {
    const BINARY: &[&str] = &["binary_expression", "boolean_operator", "binary_operator"];
    if parsed.kind(at) == "comparison_operator" {
        let children: Vec<At> = parsed.program.children(at).collect();
        return match children.as_slice() {
            [left, sign, right] => Some((*left, *sign, *right)),
            _ => None,
        };
    }
    if !BINARY.contains(&parsed.kind(at)) {
        return None;
    }
    let left = parsed.program.field(at, "left")?;
    let right = parsed.program.field(at, "right")?;
    let sign = parsed.program.field(at, "operator").or_else(|| {
        let mut children = parsed.program.children(at);
        children.find(|child| *child > left && !parsed.program.nodes()[*child].named)
    })?;
    Some((left, sign, right))
}

/// Whether a node is a number as it is written.
pub fn is_number(parsed: &Parsed<'_>, at: At) -> bool {
    const NUMBERS: &[&str] = &[
        "number",
        "number_literal",
        "integer",
        "float",
        "integer_literal",
        "float_literal",
        "int_literal",
        "decimal_integer_literal",
        "decimal_floating_point_literal",
        "real_literal",
    ];
    NUMBERS.contains(&parsed.kind(at))
}

/// Statements of a block, without comments.
pub fn statements(parsed: &Parsed<'_>, block: At) -> Vec<At> {
    let mut inner = parsed.parts(block);
    // Go keeps the statements of a block in a list.
    if let [one] = inner.as_slice()
        && parsed.kind(*one) == "statement_list"
    {
        inner = parsed.parts(*one);
    }
    inner
}

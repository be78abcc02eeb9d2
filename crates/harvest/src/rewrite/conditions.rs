//! Conditions that say the same: branches changed over under a negation, De Morgan, comparisons read
//! from the other side, steps by one, a choice by value written as a branch.
//!
//! A comparison is turned only against a number, so that no operator of a type's own is asked
//! differently; a choice is parted only in languages where both sides have no common type to be
//! brought to.

use skillbelt_code::{At, Language};

use super::Change;
use super::syntax::{BLOCKS, condition, is_number, not, sides};
use crate::form::Parsed;

/// Sides of a comparison that bind more tightly than it does.
const TIGHT: &[&str] = &[
    "identifier",
    "call",
    "call_expression",
    "method_invocation",
    "invocation_expression",
    "field_expression",
    "field_access",
    "member_expression",
    "member_access_expression",
    "selector_expression",
    "attribute",
    "subscript",
    "subscript_expression",
    "array_access",
    "element_access_expression",
    "index_expression",
    "parenthesized_expression",
];

pub fn changes(parsed: &Parsed<'_>, at: At) -> Vec<Change> {
    let found = [
        branches(parsed, at),
        de_morgan(parsed, at),
        turned(parsed, at),
        step(parsed, at),
        parted(parsed, at),
    ];
    found.into_iter().flatten().collect()
}

/// `if (c) A else B` is `if (!(c)) B else A`.
fn branches(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    if !matches!(parsed.kind(at), "if_statement" | "if_expression") {
        return None;
    }
    let program = &parsed.program;
    if program.field(at, "initializer").is_some() || parsed.any_inside(at, &["elif_clause"]) {
        return None;
    }
    let condition = condition(parsed, at)?;
    let one = block(parsed, program.field(at, "consequence")?)?;
    let alternatives = program
        .children(at)
        .filter(|child| program.nodes()[*child].field == Some("alternative"));
    let alternatives: Vec<At> = alternatives.collect();
    let [alternative] = alternatives.as_slice() else {
        return None;
    };
    let other = match parsed.kind(*alternative) {
        "else_clause" => {
            let inner = program
                .field(*alternative, "body")
                .or_else(|| parsed.parts(*alternative).first().copied());
            block(parsed, inner?)?
        }
        _ => block(parsed, *alternative)?,
    };
    if program.language() == Language::Python && !aligned(parsed, at, one, other) {
        return None;
    }
    Some(Change {
        rule: "negated_branches",
        edits: vec![
            parsed.edit(condition, not(program.language(), parsed.text(condition))),
            parsed.edit(one, parsed.text(other)),
            parsed.edit(other, parsed.text(one)),
        ],
    })
}

fn block(parsed: &Parsed<'_>, at: At) -> Option<At> {
    BLOCKS.contains(&parsed.kind(at)).then_some(at)
}

/// Blocks of Python that can stand for each other: both on lines of their own, equally far in, and no
/// comment between them that would stay where it is.
fn aligned(parsed: &Parsed<'_>, at: At, one: At, other: At) -> bool {
    let nodes = parsed.program.nodes();
    let same = parsed.indent(one).is_some() && parsed.indent(one) == parsed.indent(other);
    let apart = parsed.inside(at).all(|inner| {
        !parsed.program.is_comment(inner)
            || parsed.inside(one).contains(&inner)
            || parsed.inside(other).contains(&inner)
    });
    same && apart && nodes[one].from.0 > nodes[at].from.0
}

/// `a && b` is `!(!(a) || !(b))`, where only its truth is asked.
fn de_morgan(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    const ASK: &[&str] = &[
        "if_statement",
        "if_expression",
        "while_statement",
        "while_expression",
    ];
    if !ASK.contains(&parsed.kind(at)) {
        return None;
    }
    let language = parsed.program.language();
    let condition = condition(parsed, at)?;
    let (left, sign, right) = sides(parsed, condition)?;
    let other = match parsed.text(sign) {
        "&&" => "||",
        "||" => "&&",
        "and" if language == Language::Python => "or",
        "or" if language == Language::Python => "and",
        _ => return None,
    };
    let (left, right) = (
        not(language, parsed.text(left)),
        not(language, parsed.text(right)),
    );
    Some(Change {
        rule: "de_morgan",
        edits: vec![parsed.edit(condition, not(language, &format!("{left} {other} {right}")))],
    })
}

/// `a < 5` is `5 > a`. Rust is left out: a number need not know how to be compared with a value.
fn turned(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    if parsed.program.language() == Language::Rust
        || parsed.parent_kind(at) == "comparison_operator"
    {
        return None;
    }
    let (left, sign, right) = sides(parsed, at)?;
    let turned = match parsed.text(sign) {
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        "==" => "==",
        "!=" => "!=",
        _ => return None,
    };
    let tight = |at: At| TIGHT.contains(&parsed.kind(at));
    let fits =
        (is_number(parsed, right) && tight(left)) || (is_number(parsed, left) && tight(right));
    fits.then(|| Change {
        rule: "turned_comparison",
        edits: vec![
            parsed.edit(left, parsed.text(right)),
            parsed.edit(sign, turned),
            parsed.edit(right, parsed.text(left)),
        ],
    })
}

/// `i++` is `i += 1` where its value is not used.
fn step(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let fits = match (parsed.program.language(), parsed.kind(at)) {
        (Language::C | Language::Java, "update_expression")
        | (Language::CSharp, "postfix_unary_expression" | "prefix_unary_expression") => {
            let field = parsed.program.nodes()[at].field;
            parsed.parent_kind(at) == "expression_statement"
                || (parsed.parent_kind(at) == "for_statement" && field == Some("update"))
        }
        (Language::Go, "inc_statement" | "dec_statement") => true,
        _ => false,
    };
    let parts = parsed.parts(at);
    let [one] = parts.as_slice() else { return None };
    let name = parsed.text(*one);
    let sign = parsed.text(at).replace(name, "");
    let step = match sign.trim() {
        "++" => "+= 1",
        "--" => "-= 1",
        _ => return None,
    };
    (fits && parsed.kind(*one) == "identifier").then(|| Change {
        rule: "written_step",
        edits: vec![parsed.edit(at, format!("{name} {step}"))],
    })
}

/// `return a if c else b` is a branch with two returns.
fn parted(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let language = parsed.program.language();
    if parsed.kind(at) != "return_statement" || !BLOCKS.contains(&parsed.parent_kind(at)) {
        return None;
    }
    let parts = parsed.parts(at);
    let [value] = parts.as_slice() else {
        return None;
    };
    let indent = parsed.indent(at)?;
    if parsed.text(*value).contains('\n')
        || parsed.inside(at).any(|at| parsed.program.is_comment(at))
    {
        return None;
    }
    let written = match (language, parsed.kind(*value)) {
        (Language::Python, "conditional_expression") => {
            let parts = parsed.parts(*value);
            let [one, condition, other] = parts.as_slice() else {
                return None;
            };
            format!(
                "if {}:\n{indent}    return {}\n{indent}return {}",
                parsed.text(*condition),
                parsed.text(*one),
                parsed.text(*other)
            )
        }
        (Language::JavaScript | Language::TypeScript, "ternary_expression") => {
            let field = |name| parsed.program.field(*value, name).map(|at| parsed.text(at));
            format!(
                "if ({}) {{\n{indent}  return {};\n{indent}}}\n{indent}return {};",
                field("condition")?,
                field("consequence")?,
                field("alternative")?
            )
        }
        _ => return None,
    };
    Some(Change {
        rule: "parted_choice",
        edits: vec![parsed.edit(at, written)],
    })
}

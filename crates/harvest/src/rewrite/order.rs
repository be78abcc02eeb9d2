//! Two declarations in a row that do not know of each other, in the other order.
//!
//! Both give plain values to new local names: numbers, texts, other names, sums of them in languages
//! where a sum calls nothing. Only one of them may fail at all, so which failure is seen stays too.

use skillbelt_code::{At, Language};

use super::Change;
use crate::form::Parsed;

/// Statements that declare local names.
const DECLARATIONS: &[&str] = &[
    "local_variable_declaration",
    "local_declaration_statement",
    "declaration",
    "lexical_declaration",
    "variable_declaration",
    "short_var_declaration",
    "let_declaration",
    "expression_statement",
];

/// Nodes of values that nothing happens by.
const QUIET: &[&str] = &[
    "identifier",
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
    "string",
    "string_literal",
    "string_start",
    "string_content",
    "string_end",
    "string_fragment",
    "escape_sequence",
    "string_literal_content",
    "char_literal",
    "character",
    "character_literal",
    "interpreted_string_literal",
    "interpreted_string_literal_content",
    "raw_string_literal",
    "raw_string_literal_content",
    "rune_literal",
    "boolean_literal",
    "true",
    "false",
    "none",
    "null",
    "nil",
    "null_literal",
    "undefined",
    "list",
    "tuple",
    "dictionary",
    "array",
];

pub fn changes(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    if !DECLARATIONS.contains(&parsed.kind(at)) {
        return None;
    }
    let next = parsed.program.end_of(at);
    // The very next node is the next statement: no comment and no sign between them.
    let parent = parsed.program.nodes()[at].parent?;
    let nodes = parsed.program.nodes();
    if next >= nodes.len() || nodes[next].parent != Some(parent) {
        return None;
    }
    let next = match parsed.kind(next) {
        ";" | "\n" => parsed.program.end_of(next),
        _ => next,
    };
    if next >= nodes.len()
        || nodes[next].parent != Some(parent)
        || !DECLARATIONS.contains(&parsed.kind(next))
    {
        return None;
    }
    let (one, other) = (declaration(parsed, at)?, declaration(parsed, next)?);
    let apart = one.name != other.name
        && !one.reads.contains(&other.name)
        && !other.reads.contains(&one.name)
        && (one.certain || other.certain);
    let equal_lines = nodes[at].from.1 == nodes[next].from.1 && nodes[next].from.0 > nodes[at].to.0;
    (apart && equal_lines).then(|| Change {
        rule: "other_order",
        edits: vec![
            parsed.edit(at, parsed.text(next)),
            parsed.edit(next, parsed.text(at)),
        ],
    })
}

struct Declaration<'p> {
    name: &'p str,
    reads: Vec<&'p str>,
    /// Cannot fail: only what is written, no name.
    certain: bool,
}

/// A statement that gives one plain value to one local name.
fn declaration<'p>(parsed: &'p Parsed<'_>, at: At) -> Option<Declaration<'p>> {
    let language = parsed.program.language();
    let holder = holder(parsed, at)?;
    let field = |names: [&str; 3]| {
        names
            .into_iter()
            .find_map(|name| parsed.program.field(holder, name))
    };
    let name = field(["name", "declarator", "pattern"])
        .or_else(|| parsed.program.field(holder, "left"))?;
    let name = single(parsed, name)?;
    let value = field(["value", "right", "initializer"]).or_else(|| {
        // C# has no name for the value behind `=`.
        parsed
            .parts(holder)
            .into_iter()
            .next_back()
            .filter(|last| *last != name)
    })?;
    let quiet = |at: At| {
        let node = &parsed.program.nodes()[at];
        let sums = matches!(language, Language::C | Language::Go | Language::Java);
        let sum = sums && node.kind == "binary_expression" && added(parsed, at);
        let listed = node.kind == "expression_list" && language == Language::Go;
        !node.named || QUIET.contains(&node.kind) || sum || listed
    };
    if !parsed.inside(value).all(quiet) || prefixed(parsed, value) {
        return None;
    }
    let reads: Vec<&str> = parsed
        .inside(value)
        .filter(|at| parsed.kind(*at) == "identifier")
        .map(|at| parsed.text(at))
        .collect();
    // A value that is moved or copied by a type's own rules is not for us to move.
    if matches!(language, Language::Rust | Language::Cpp) && !reads.is_empty() {
        return None;
    }
    Some(Declaration {
        name: parsed.text(name),
        certain: reads.is_empty(),
        reads,
    })
}

/// The node that has name and value.
fn holder(parsed: &Parsed<'_>, at: At) -> Option<At> {
    match parsed.kind(at) {
        "let_declaration" | "short_var_declaration" => Some(at),
        "expression_statement" => {
            let parts = parsed.parts(at);
            let assigned = |at: &At| {
                parsed.kind(*at) == "assignment" && parsed.program.field(*at, "type").is_none()
            };
            let python = parsed.program.language() == Language::Python;
            parts
                .first()
                .copied()
                .filter(|at| python && parts.len() == 1 && assigned(at) && local(parsed, *at))
        }
        _ => {
            let plain = plain_type(parsed, at);
            let mut holders = parsed
                .inside(at)
                .filter(|at| matches!(parsed.kind(*at), "variable_declarator" | "init_declarator"));
            let first = holders.next()?;
            (plain && holders.next().is_none()).then_some(first)
        }
    }
}

/// Of C++ only types that the language itself has: others may do something when they are made.
fn plain_type(parsed: &Parsed<'_>, at: At) -> bool {
    let language = parsed.program.language();
    let said = |at| {
        parsed
            .program
            .field(at, "type")
            .map(|said| parsed.kind(said))
    };
    match language {
        Language::Cpp => matches!(said(at), Some("primitive_type" | "sized_type_specifier")),
        _ => true,
    }
}

/// Whether a name of Python is said to be another scope's.
fn local(parsed: &Parsed<'_>, _assignment: At) -> bool {
    !parsed.any_inside(
        parsed.at,
        &["global_statement", "nonlocal_statement", "class_definition"],
    )
}

/// One identifier, in a list of one or by itself.
fn single(parsed: &Parsed<'_>, at: At) -> Option<At> {
    match parsed.kind(at) {
        "identifier" => Some(at),
        "expression_list" => match parsed.parts(at).as_slice() {
            [one] if parsed.kind(*one) == "identifier" => Some(*one),
            _ => None,
        },
        _ => None,
    }
}

fn added(parsed: &Parsed<'_>, at: At) -> bool {
    super::syntax::sides(parsed, at)
        .is_some_and(|(_, sign, _)| matches!(parsed.text(sign), "+" | "-" | "*"))
}

/// Texts of Python with code in them.
fn prefixed(parsed: &Parsed<'_>, at: At) -> bool {
    parsed.any_inside(
        at,
        &[
            "interpolation",
            "template_substitution",
            "list_splat",
            "dictionary_splat",
        ],
    )
}

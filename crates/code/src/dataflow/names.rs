//! Which nodes are variables, which define them, and which give them values, in any of the grammars.
//!
//! Grammars name alike things alike, so one list serves all; where a kind means two things, the
//! field decides. It follows no values.

use crate::facts::is;
use crate::{At, Program};

/// Definitions and assignments: the kind, the field of the target, the field of the value.
const BINDS: &[(&str, &str, &str)] = &[
    ("assignment", "left", "right"),
    ("augmented_assignment", "left", "right"),
    ("operator_assignment", "left", "right"),
    ("assignment_expression", "left", "right"),
    ("augmented_assignment_expression", "left", "right"),
    ("compound_assignment_expr", "left", "right"),
    ("assignment_statement", "left", "right"),
    ("short_var_declaration", "left", "right"),
    ("receive_statement", "left", "right"),
    ("named_expression", "name", "value"),
    ("variable_declarator", "name", "value"),
    ("var_spec", "name", "value"),
    ("const_spec", "name", "value"),
    ("init_declarator", "declarator", "value"),
    ("let_declaration", "pattern", "value"),
    ("let_condition", "pattern", "value"),
    ("as_pattern", "alias", "value"),
    ("for_in_clause", "left", "right"),
    ("range_clause", "left", "right"),
    ("enhanced_for_statement", "name", "value"),
    ("foreach_statement", "left", "right"),
    ("for_in_statement", "left", "right"),
    ("for_range_loop", "declarator", "right"),
    ("for_expression", "pattern", "value"),
    ("for_statement", "left", "right"),
    ("for", "pattern", "value"),
];

/// `x++` and the like.
const UPDATES: &[&str] = &[
    "update_expression",
    "inc_statement",
    "dec_statement",
    "postfix_unary_expression",
    "prefix_unary_expression",
];

/// What holds the names of arguments.
const PARAMETERS: &[&str] = &[
    "parameters",
    "parameter_list",
    "formal_parameters",
    "inferred_parameters",
    "method_parameters",
    "block_parameters",
    "lambda_parameters",
    "closure_parameters",
    "implicit_parameter",
    "catch_formal_parameter",
    "catch_declaration",
    "exception_variable",
];

const VARIABLES: &[&str] = &[
    "identifier",
    "variable_name",
    "instance_variable",
    "class_variable",
    "global_variable",
    "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
    "implicit_parameter",
];

/// What an identifier is to its parent when it is no variable.
const OTHERS: &[&str] = &[
    "function",
    "method",
    "field",
    "attribute",
    "property",
    "type",
    "returns",
    "label",
    "key",
];

/// Target and value of a definition or assignment.
pub struct Bind {
    pub target: At,
    pub value: Option<At>,
    /// The target's old value is part of its new one.
    pub adds: bool,
}

/// What a node gives a value to, if it is of a kind that does. PHP's `foreach` has no fields.
pub fn bind(program: &Program<'_>, at: At) -> Option<Bind> {
    let kind = program.kind(at);
    let (_, target, value) = BINDS
        .iter()
        .find(|(bind, target, _)| *bind == kind && program.field(at, target).is_some())?;
    let target = program.field(at, target)?;
    // C# has the value after the sign, without a name.
    let unnamed = || {
        program
            .children(at)
            .skip_while(|at| program.kind(*at) != "=")
            .nth(1)
    };
    let value = program.field(at, value).or_else(unnamed);
    let augmented = kind.starts_with("augmented") || kind.starts_with("compound");
    let operator = program
        .field(at, "operator")
        .map(|sign| program.text_of(sign));
    let plain = ["=", ":=", "of", "in"];
    let adds = augmented || operator.is_some_and(|sign| !plain.contains(&sign));
    Some(Bind {
        target,
        value,
        adds,
    })
}

/// Value and names of PHP's `foreach`: what stands before and after `as`.
pub fn php_foreach(program: &Program<'_>, at: At) -> Option<Bind> {
    if program.kind(at) != "foreach_statement" || program.language() != crate::Language::Php {
        return None;
    }
    let children: Vec<At> = program.children(at).collect();
    let place = children.iter().position(|at| program.kind(*at) == "as")?;
    Some(Bind {
        target: *children.get(place + 1)?,
        value: children.get(place.checked_sub(1)?).copied(),
        adds: false,
    })
}

pub fn is_parameters(program: &Program<'_>, at: At) -> bool {
    let alone = || {
        let field = program.nodes()[at].field;
        matches!(field, Some("parameter" | "parameters")) && is(program, at, VARIABLES)
    };
    is(program, at, PARAMETERS) || alone()
}

/// Whether a node counts a variable up or down, or changes it in place.
pub fn is_update(program: &Program<'_>, at: At) -> bool {
    is(program, at, UPDATES)
        && program
            .children(at)
            .any(|sign| matches!(program.kind(sign), "++" | "--"))
}

/// Whether a node is the name of a variable.
pub fn is_variable(program: &Program<'_>, at: At) -> bool {
    if !is(program, at, VARIABLES) {
        return false;
    }
    let node = &program.nodes()[at];
    let Some(parent) = node.parent else {
        return true;
    };
    let (kind, field) = (program.kind(parent), node.field);
    if field == Some("name") {
        let binds = BINDS
            .iter()
            .any(|(bind, target, _)| *bind == kind && *target == "name");
        let declares =
            kind.contains("parameter") || kind.contains("pattern") || kind.contains("catch");
        return binds || declares || kind == "rest_pattern";
    }
    !field.is_some_and(|field| OTHERS.contains(&field)) && kind != "type" && kind != "label"
}

/// Whether only a part of what a target names is changed: an element, a member.
pub fn is_partial(program: &Program<'_>, at: At) -> bool {
    const PARTS: [&str; 10] = [
        "subscript",
        "index",
        "element",
        "field",
        "member",
        "attribute",
        "access",
        "selector",
        "call",
        "pointer_expression",
    ];
    let kind = program.kind(at);
    program.nodes()[at].named && PARTS.iter().any(|part| kind.contains(part))
}

/// The variables under a node, in order.
pub fn variables(program: &Program<'_>, at: At) -> Vec<At> {
    let mut found = Vec::new();
    let mut next = at;
    while next < program.end_of(at) {
        if is_variable(program, next) {
            found.push(next);
            next = program.end_of(next);
        } else {
            next += 1;
        }
    }
    found
}

//! What an identifier is by the node that it stands in, language by language.

use skillbelt_code::At;

use super::roles::{Role, of_itself};
use crate::form::Parsed;

/// Macros of Rust that read their arguments as expressions and say nothing of their names.
const PLAIN_MACROS: &[&str] = &[
    "println", "print", "eprintln", "eprint", "format", "write", "writeln", "vec", "panic",
];

pub fn python(parsed: &Parsed<'_>, at: At, parent: &str, field: &str) -> Role {
    let debugged = parent == "interpolation" && {
        let above = parsed.program.nodes()[at].parent.unwrap_or(0);
        parsed
            .program
            .children(above)
            .any(|child| parsed.text(child) == "=")
    };
    match (parent, field) {
        ("attribute", "attribute") | ("keyword_argument", "name") => Role::Elsewhere,
        ("parameters", _)
        | ("default_parameter" | "typed_default_parameter", "name")
        | ("typed_parameter", _)
            if of_itself(parsed, at) =>
        {
            Role::Parameter
        }
        ("dotted_name" | "aliased_import" | "global_statement" | "nonlocal_statement", _)
        | ("function_definition", "name")
        | ("class_definition", "name")
        | ("parameters" | "lambda_parameters" | "default_parameter" | "typed_parameter", _)
        | ("typed_default_parameter" | "list_splat_pattern" | "dictionary_splat_pattern", _)
        | ("for_in_clause", "left") => Role::Blocks,
        _ if parsed.text(at).starts_with("__") || debugged => Role::Blocks,
        _ if above_any(parsed, at, &["case_pattern"]) => Role::Blocks,
        _ if in_comprehension_target(parsed, at) => Role::Blocks,
        _ => Role::Variable,
    }
}

fn in_comprehension_target(parsed: &Parsed<'_>, at: At) -> bool {
    let mut at = at;
    while let Some(parent) = parsed.program.nodes()[at].parent {
        let tuple = matches!(
            parsed.kind(parent),
            "pattern_list" | "tuple_pattern" | "list_pattern" | "for_in_clause"
        );
        if parsed.kind(parent) == "for_in_clause" {
            return parsed.program.nodes()[at].field == Some("left");
        }
        if !tuple {
            return false;
        }
        at = parent;
    }
    false
}

fn above_any(parsed: &Parsed<'_>, at: At, kinds: &[&str]) -> bool {
    let mut above = parsed.program.nodes()[at].parent;
    for _ in 0..8 {
        match above {
            Some(at) if kinds.contains(&parsed.kind(at)) => return true,
            Some(at) => above = parsed.program.nodes()[at].parent,
            None => return false,
        }
    }
    false
}

pub fn java(parent: &str, field: &str) -> Role {
    match (parent, field) {
        ("field_access", "field") | ("method_invocation", "name") => Role::Elsewhere,
        ("annotation" | "marker_annotation", "name") | ("element_value_pair", "key") => {
            Role::Elsewhere
        }
        ("method_declaration" | "constructor_declaration", "name") => Role::Elsewhere,
        ("labeled_statement" | "break_statement" | "continue_statement", _) => Role::Blocks,
        ("method_reference" | "scoped_identifier" | "scoped_type_identifier", _) => Role::Blocks,
        ("class_declaration" | "switch_label", _) => Role::Blocks,
        _ => Role::Variable,
    }
}

pub fn csharp(parsed: &Parsed<'_>, at: At, parent: &str, field: &str) -> Role {
    let initializes = parent == "assignment_expression" && field == "left" && {
        let assignment = parsed.program.nodes()[at].parent.unwrap_or(0);
        parsed.parent_kind(assignment) == "initializer_expression"
    };
    match (parent, field) {
        ("member_access_expression" | "member_binding_expression", "name") => Role::Elsewhere,
        ("method_declaration" | "constructor_declaration", "name") => Role::Elsewhere,
        ("argument", "name") | ("name_colon", _) => Role::Elsewhere,
        (_, "type") | ("type_argument_list" | "base_list" | "attribute" | "nullable_type", _) => {
            Role::Blocks
        }
        ("array_type" | "generic_name" | "qualified_name" | "alias_qualified_name", _) => {
            Role::Blocks
        }
        ("labeled_statement" | "goto_statement" | "anonymous_object_creation_expression", _) => {
            Role::Blocks
        }
        ("type_parameter" | "type_parameter_constraint" | "tuple_element" | "is_expression", _) => {
            Role::Blocks
        }
        ("parameter", "name") if of_itself(parsed, at) => Role::Parameter,
        ("method_declaration" | "local_function_statement" | "parameter" | "as_expression", _) => {
            Role::Blocks
        }
        _ if initializes || in_tuple(parsed, at) => Role::Blocks,
        _ => Role::Variable,
    }
}

/// `(a, b)` names its parts by its variables.
fn in_tuple(parsed: &Parsed<'_>, at: At) -> bool {
    let argument = parsed.program.nodes()[at].parent.unwrap_or(0);
    parsed.kind(argument) == "argument" && parsed.parent_kind(argument) == "tuple_expression"
}

pub fn go(parent: &str, field: &str) -> Role {
    match (parent, field) {
        ("function_declaration" | "method_declaration", "name") => Role::Elsewhere,
        ("literal_element", _) => Role::Blocks,
        ("labeled_statement" | "goto_statement" | "break_statement" | "continue_statement", _) => {
            Role::Elsewhere
        }
        _ => Role::Variable,
    }
}

pub fn rust(parsed: &Parsed<'_>, at: At, parent: &str, field: &str) -> Role {
    match (parent, field) {
        ("function_item", "name") | ("macro_invocation", "macro") => Role::Elsewhere,
        ("scoped_identifier" | "scoped_type_identifier" | "label" | "lifetime", _) => {
            Role::Elsewhere
        }
        ("shorthand_field_initializer" | "use_declaration" | "use_as_clause", _) => Role::Blocks,
        ("use_list" | "scoped_use_list" | "const_item" | "static_item" | "attribute", _) => {
            Role::Blocks
        }
        ("token_tree", _) => match in_plain_macro(parsed, at) {
            true => Role::Variable,
            false => Role::Blocks,
        },
        _ if parsed
            .text(at)
            .starts_with(|letter: char| letter.is_uppercase()) =>
        {
            Role::Blocks
        }
        _ => Role::Variable,
    }
}

fn in_plain_macro(parsed: &Parsed<'_>, at: At) -> bool {
    let mut above = parsed.program.nodes()[at].parent;
    // A name before a `!` is a macro's own, one behind a `.` a member, one before `=` an argument's.
    let from = parsed.bytes(at).end;
    let rest = parsed.program.text().get(from..).unwrap_or("").trim_start();
    let before = parsed
        .program
        .text()
        .get(..parsed.bytes(at).start)
        .unwrap_or("");
    let before = before.trim_end();
    let assigned = rest.starts_with('=') && !rest.starts_with("==");
    if rest.starts_with(['!', ':', '(']) || assigned || before.ends_with(['.', ':', '\'']) {
        return false;
    }
    while let Some(at) = above {
        if parsed.kind(at) == "macro_invocation" {
            let name = parsed.program.field(at, "macro").map(|at| parsed.text(at));
            // A macro inside of the macro is only words here.
            let calls = ["!(", "![", "!{"];
            let count: usize = calls
                .iter()
                .map(|call| parsed.text(at).matches(call).count())
                .sum();
            return count <= 1 && name.is_some_and(|name| PLAIN_MACROS.contains(&name));
        }
        if parsed.kind(at) != "token_tree" {
            return false;
        }
        above = parsed.program.nodes()[at].parent;
    }
    false
}

pub fn c(parent: &str) -> Role {
    match parent {
        "qualified_identifier" | "template_function" | "enumerator" | "using_declaration" => {
            Role::Blocks
        }
        "field_initializer" | "attribute" | "function_declarator" => Role::Blocks,
        "goto_statement" | "labeled_statement" => Role::Elsewhere,
        _ => Role::Variable,
    }
}

pub fn javascript(parent: &str, field: &str) -> Role {
    match (parent, field) {
        (
            "function_declaration" | "generator_function_declaration" | "class_declaration",
            "name",
        ) => Role::Blocks,
        ("function_expression" | "generator_function" | "class", "name") => Role::Blocks,
        ("export_specifier" | "import_specifier" | "namespace_import" | "import_clause", _) => {
            Role::Blocks
        }
        ("nested_identifier" | "jsx_opening_element" | "jsx_attribute" | "decorator", _) => {
            Role::Blocks
        }
        ("labeled_statement", _) => Role::Elsewhere,
        _ => Role::Variable,
    }
}

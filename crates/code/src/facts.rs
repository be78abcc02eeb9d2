//! What kinds of nodes are branches, loops, functions and so on: one table per language, from which
//! complexity and data flow are told.
//!
//! It holds names only, no rules. A kind here is always that of a named node: `if` of Ruby is the
//! statement and not its first word.

use crate::{At, Language, Program};

pub struct Facts {
    /// With a name and a body of their own.
    pub functions: &'static [&'static str],
    /// Functions inside of expressions.
    pub closures: &'static [&'static str],
    /// `if`, and what is written for it behind a statement.
    pub branches: &'static [&'static str],
    /// `elif`: a branch that goes on with another condition.
    pub further: &'static [&'static str],
    /// What holds the other side of a branch; languages without such a node have the field
    /// `alternative`.
    pub otherwise: &'static [&'static str],
    pub ternaries: &'static [&'static str],
    /// Loops that end by a condition or after the last value.
    pub loops: &'static [&'static str],
    /// Loops without an end of their own.
    pub forever: &'static [&'static str],
    pub switches: &'static [&'static str],
    pub cases: &'static [&'static str],
    pub catches: &'static [&'static str],
    /// Where `and` and `or` stand between two sides.
    pub logical: &'static [&'static str],
    /// Ways on that may name a label.
    pub jumps: &'static [&'static str],
    pub calls: &'static [&'static str],
}

const C: Facts = Facts {
    functions: &["function_definition"],
    closures: &["lambda_expression"],
    branches: &["if_statement"],
    further: &[],
    otherwise: &["else_clause"],
    ternaries: &["conditional_expression"],
    loops: &[
        "for_statement",
        "while_statement",
        "do_statement",
        "for_range_loop",
    ],
    forever: &[],
    switches: &["switch_statement"],
    cases: &["case_statement"],
    catches: &["catch_clause"],
    logical: &["binary_expression"],
    jumps: &["goto_statement"],
    calls: &["call_expression"],
};

const CSHARP: Facts = Facts {
    functions: &[
        "method_declaration",
        "constructor_declaration",
        "destructor_declaration",
        "local_function_statement",
        "operator_declaration",
        "accessor_declaration",
    ],
    closures: &["lambda_expression", "anonymous_method_expression"],
    otherwise: &[],
    loops: &[
        "for_statement",
        "while_statement",
        "do_statement",
        "foreach_statement",
    ],
    switches: &["switch_statement", "switch_expression"],
    cases: &["switch_section", "switch_expression_arm"],
    calls: &["invocation_expression"],
    ..C
};

const GO: Facts = Facts {
    functions: &["function_declaration", "method_declaration"],
    closures: &["func_literal"],
    otherwise: &[],
    ternaries: &[],
    loops: &["for_statement"],
    switches: &[
        "expression_switch_statement",
        "type_switch_statement",
        "select_statement",
    ],
    cases: &["expression_case", "type_case", "communication_case"],
    catches: &[],
    jumps: &["break_statement", "continue_statement", "goto_statement"],
    ..C
};

const JAVA: Facts = Facts {
    functions: &[
        "method_declaration",
        "constructor_declaration",
        "compact_constructor_declaration",
    ],
    otherwise: &[],
    ternaries: &["ternary_expression"],
    loops: &[
        "for_statement",
        "while_statement",
        "do_statement",
        "enhanced_for_statement",
    ],
    switches: &["switch_expression"],
    cases: &["switch_label"],
    jumps: &["break_statement", "continue_statement"],
    calls: &["method_invocation"],
    ..C
};

/// Also of TypeScript.
const JAVASCRIPT: Facts = Facts {
    functions: &[
        "function_declaration",
        "generator_function_declaration",
        "method_definition",
    ],
    closures: &[
        "arrow_function",
        "function_expression",
        "generator_function",
    ],
    ternaries: &["ternary_expression"],
    loops: &[
        "for_statement",
        "while_statement",
        "do_statement",
        "for_in_statement",
    ],
    cases: &["switch_case"],
    jumps: &["break_statement", "continue_statement"],
    ..C
};

const PHP: Facts = Facts {
    functions: &["function_definition", "method_declaration"],
    closures: &["anonymous_function", "arrow_function"],
    further: &["else_if_clause"],
    loops: &[
        "for_statement",
        "while_statement",
        "do_statement",
        "foreach_statement",
    ],
    switches: &["switch_statement", "match_expression"],
    cases: &["case_statement", "match_conditional_expression"],
    calls: &["function_call_expression", "member_call_expression"],
    ..C
};

const PYTHON: Facts = Facts {
    functions: &["function_definition"],
    closures: &["lambda"],
    further: &["elif_clause"],
    loops: &["for_statement", "while_statement"],
    switches: &["match_statement"],
    cases: &["case_clause"],
    catches: &["except_clause", "except_group_clause"],
    logical: &["boolean_operator"],
    jumps: &[],
    calls: &["call"],
    ..C
};

const RUBY: Facts = Facts {
    functions: &["method", "singleton_method"],
    closures: &["block", "do_block"],
    branches: &["if", "unless", "if_modifier", "unless_modifier"],
    further: &["elsif"],
    otherwise: &["else"],
    ternaries: &["conditional"],
    loops: &["while", "until", "for", "while_modifier", "until_modifier"],
    switches: &["case", "case_match"],
    cases: &["when", "in_clause"],
    catches: &["rescue"],
    logical: &["binary"],
    jumps: &[],
    calls: &["call"],
    ..C
};

const RUST: Facts = Facts {
    functions: &["function_item"],
    closures: &["closure_expression"],
    branches: &["if_expression"],
    ternaries: &[],
    loops: &["for_expression", "while_expression"],
    forever: &["loop_expression"],
    switches: &["match_expression"],
    cases: &["match_arm"],
    catches: &[],
    logical: &["binary_expression", "let_chain"],
    jumps: &["break_expression", "continue_expression"],
    ..C
};

pub fn of(language: Language) -> &'static Facts {
    match language {
        Language::C | Language::Cpp => &C,
        Language::CSharp => &CSHARP,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::JavaScript | Language::TypeScript => &JAVASCRIPT,
        Language::Php => &PHP,
        Language::Python => &PYTHON,
        Language::Ruby => &RUBY,
        Language::Rust => &RUST,
    }
}

/// Whether a node is of one of these kinds.
pub fn is(program: &Program<'_>, at: At, kinds: &[&str]) -> bool {
    program.nodes()[at].named && kinds.contains(&program.kind(at))
}

impl Facts {
    /// Whether a node is what happens if the condition of the branch above it does not hold.
    pub fn is_otherwise(&self, program: &Program<'_>, at: At) -> bool {
        let Some(parent) = program.nodes()[at].parent else {
            return false;
        };
        let of_branch = is(program, parent, self.branches) || is(program, parent, self.further);
        let named = is(program, at, self.otherwise);
        let by_field = program.nodes()[at].field == Some("alternative");
        of_branch && (named || by_field) && !is(program, at, self.further)
    }

    /// Whether a branch is the `if` of an `else if`.
    pub fn is_chained(&self, program: &Program<'_>, at: At) -> bool {
        let parent = program.nodes()[at].parent;
        is(program, at, self.branches)
            && (self.is_otherwise(program, at)
                || parent.is_some_and(|parent| {
                    // What stands in Ruby's `else` is a statement of its own.
                    program.kind(parent) != "else"
                        && is(program, parent, self.otherwise)
                        && self.is_otherwise(program, parent)
                }))
    }

    /// Whether a case is taken when no other is.
    pub fn is_default(&self, program: &Program<'_>, at: At) -> bool {
        program.children(at).next().is_some_and(|first| {
            let of = program.text_of(first);
            let wild = program.kind(first) == "case" && {
                program
                    .children(at)
                    .nth(1)
                    .is_some_and(|pattern| program.text_of(pattern) == "_")
            };
            of == "default" || of == "_" || wild
        })
    }
}

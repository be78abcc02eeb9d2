//! Which kinds of nodes the package takes for a definition, an assignment, a branch, a loop: one
//! table per language, over which [`super::flow`] walks.
//!
//! The kinds are those that the package asks for, also where the grammar has other names by now; a
//! language's real data flow is another thing (`skillbelt_code::dataflow`).

use skillbelt_code::Language;

/// How the two sides of a definition are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// By their names in the grammar.
    Fields(&'static str, &'static str),
    /// The two children, if there are just two; otherwise the first alone.
    Both,
    /// The second and the third child.
    Following,
}

/// How an assignment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    /// Each name on the left from each on the right, one by one.
    Whole,
    /// Side by side where both have as many parts; each name from all on the right at once.
    Parted,
}

/// A loop that goes through values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Name, value and body by their names in the grammar.
    Fields(&'static str, &'static str, &'static str),
    /// The first two variables are value and name.
    Variables,
    /// As a parted assignment, then the body if it comes last.
    Parted,
    /// As [`Through::Parted`] without parting: pattern, value, body.
    Pattern,
}

pub struct Rules {
    pub define: &'static [&'static str],
    pub sides: Sides,
    pub assign: &'static [&'static str],
    pub assigned: Assigned,
    pub increment: &'static [&'static str],
    pub branch: &'static [&'static str],
    /// Children of a branch that begin again with what was known before it.
    pub again: &'static [&'static str],
    /// All children after such a one do too.
    pub sticky: bool,
    /// What was known before the branch is still true after it, even with an `else`.
    pub known_after: bool,
    pub count: &'static [&'static str],
    /// What comes after this child is walked twice.
    pub twice_after: &'static str,
    pub through: &'static [&'static str],
    pub through_by: Through,
    /// Walked twice.
    pub repeat: &'static [&'static str],
    /// Children that are walked before the others.
    pub first: &'static [&'static str],
}

/// What most of the languages share.
const COMMON: Rules = Rules {
    define: &["variable_declarator"],
    sides: Sides::Fields("name", "value"),
    assign: &["assignment_expression"],
    assigned: Assigned::Whole,
    increment: &["update_expression"],
    branch: &["if_statement", "else"],
    again: &["if_statement", "else"],
    sticky: true,
    known_after: false,
    count: &["for_statement"],
    twice_after: "local_variable_declaration",
    through: &[],
    through_by: Through::Fields("name", "value", "body"),
    repeat: &["while_statement"],
    first: &[],
};

const JAVA: Rules = Rules {
    through: &["enhanced_for_statement"],
    ..COMMON
};

/// Also of C and C++.
const CSHARP: Rules = Rules {
    sides: Sides::Both,
    increment: &["postfix_unary_expression"],
    through: &["for_each_statement"],
    through_by: Through::Fields("left", "right", "body"),
    ..COMMON
};

const GO: Rules = Rules {
    define: &["var_spec"],
    assign: &["assignment_statement"],
    increment: &["inc_statement"],
    known_after: true,
    twice_after: "for_clause",
    repeat: &[],
    ..COMMON
};

const JAVASCRIPT: Rules = Rules {
    assign: &["assignment_pattern", "augmented_assignment_expression"],
    known_after: true,
    twice_after: "variable_declaration",
    ..COMMON
};

const PHP: Rules = Rules {
    define: &["simple_parameter"],
    sides: Sides::Fields("name", "default_value"),
    assign: &["assignment_expression", "augmented_assignment_expression"],
    branch: &["if_statement", "else_clause"],
    again: &["if_statement", "else_clause"],
    known_after: true,
    twice_after: "assignment_expression",
    through: &["foreach_statement"],
    through_by: Through::Variables,
    ..COMMON
};

const PYTHON: Rules = Rules {
    define: &["default_parameter"],
    assign: &["assignment", "augmented_assignment", "for_in_clause"],
    assigned: Assigned::Parted,
    increment: &[],
    branch: &["if_statement"],
    again: &["elif_clause", "else_clause"],
    sticky: false,
    count: &[],
    through: &["for_statement"],
    through_by: Through::Parted,
    first: &["for_in_clause"],
    ..COMMON
};

const RUBY: Rules = Rules {
    define: &["keyword_parameter"],
    assign: &["assignment", "operator_assignment"],
    assigned: Assigned::Parted,
    increment: &[],
    branch: &["if", "elsif", "else", "unless", "when"],
    again: &["if", "elsif", "else", "unless", "when"],
    sticky: false,
    count: &[],
    through: &["for"],
    through_by: Through::Pattern,
    repeat: &["while_modifier", "until"],
    ..COMMON
};

const RUST: Rules = Rules {
    define: &["function_item"],
    sides: Sides::Following,
    assign: &[
        "assignment_expression",
        "compound_assignment_expr",
        "let_expression",
    ],
    increment: &[],
    branch: &[
        "if_expression",
        "if_let_expression",
        "match_expression",
        "else",
    ],
    again: &[
        "if_expression",
        "if_let_expression",
        "match_expression",
        "else",
    ],
    count: &["for_expression"],
    through: &["for_each_statement"],
    through_by: Through::Fields("left", "right", "body"),
    repeat: &[
        "while_expression",
        "while_let_expression",
        "loop_expression",
    ],
    ..COMMON
};

/// The rules for a language. TypeScript is none that the package knows; it has JavaScript's.
pub fn rules(language: Language) -> &'static Rules {
    match language {
        Language::C | Language::Cpp | Language::CSharp => &CSHARP,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::JavaScript | Language::TypeScript => &JAVASCRIPT,
        Language::Php => &PHP,
        Language::Python => &PYTHON,
        Language::Ruby => &RUBY,
        Language::Rust => &RUST,
    }
}

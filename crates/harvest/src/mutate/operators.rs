//! Wrong operators, and borders that are off by one.

use skillbelt_code::{At, Language};

use crate::form::Parsed;
use crate::rewrite::Change;
use crate::rewrite::syntax::{is_number, sides};

/// Places where a whole number is a border or a distance.
const BORDERS: &[&str] = &[
    "binary_expression",
    "binary_operator",
    "comparison_operator",
    "subscript",
    "subscript_expression",
    "array_access",
    "index_expression",
    "slice",
    "slice_expression",
    "range_expression",
];

pub fn changes(parsed: &Parsed<'_>, at: At) -> Vec<Change> {
    [operator(parsed, at), border(parsed, at), number(parsed, at)]
        .into_iter()
        .flatten()
        .collect()
}

fn operator(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let (left, sign, right) = sides(parsed, at)?;
    let numbers = is_number(parsed, left) || is_number(parsed, right);
    let wrong = match parsed.text(sign) {
        "==" => "!=",
        "!=" => "==",
        "===" => "!==",
        "!==" => "===",
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        "&&" => "||",
        "||" => "&&",
        "and" => "or",
        "or" => "and",
        "is" => "is not",
        "-" => "+",
        // A sum of texts has no difference.
        "+" if numbers => "-",
        "*" if numbers => "+",
        _ => return None,
    };
    // `&&` with a `let` in it is no plain operator.
    let chained = parsed.program.language() == Language::Rust
        && parsed.any_inside(at, &["let_condition", "let_chain"]);
    // Java and C# bind a name by what stands on the left of `&&`.
    let binds = parsed.any_inside(
        at,
        &[
            "is_pattern_expression",
            "instanceof_expression",
            "declaration_expression",
        ],
    );
    (!chained && !binds).then(|| Change {
        rule: "wrong_operator",
        edits: vec![parsed.edit(sign, wrong)],
    })
}

fn border(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    let (_, sign, _) = sides(parsed, at)?;
    let wrong = match parsed.text(sign) {
        "<" => "<=",
        "<=" => "<",
        ">" => ">=",
        ">=" => ">",
        _ => return None,
    };
    Some(Change {
        rule: "off_by_one",
        edits: vec![parsed.edit(sign, wrong)],
    })
}

/// A whole number that is one too large or one too small.
fn number(parsed: &Parsed<'_>, at: At) -> Option<Change> {
    if !is_number(parsed, at) || !BORDERS.contains(&parsed.parent_kind(at)) {
        return None;
    }
    let text = parsed.text(at);
    let plain =
        text.bytes().all(|digit| digit.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    let number: u64 = text.parse().ok().filter(|_| plain)?;
    let wrong = match number {
        0 => 1,
        // `a - 0` and `a & 0` are written by nobody.
        1 if parsed.parent_kind(at).starts_with("binary") => 2,
        odd if odd % 2 == 1 => odd - 1,
        even => even.checked_add(1)?,
    };
    // Nobody divides by nothing; a compiler would say so.
    let divides = parsed.program.nodes()[at]
        .parent
        .and_then(|parent| sides(parsed, parent));
    let divides = divides.is_some_and(|(_, sign, _)| matches!(parsed.text(sign), "/" | "%"));
    (!divides).then(|| Change {
        rule: "off_by_one",
        edits: vec![parsed.edit(at, wrong.to_string())],
    })
}

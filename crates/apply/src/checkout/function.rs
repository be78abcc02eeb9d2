//! A function as it is asked about: out of its file, without documentation, by itself.
//!
//! Short ones and tests are here too; what is not is counted with its reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skillbelt_code::functions::{Function as Told, functions};
use skillbelt_code::parse::parse_within;
use skillbelt_code::{Language, Limits, Program};
use skillbelt_harvest::sift::piece::{Piece, dedented};
use skillbelt_harvest::sift::secrets;

/// Functions in each other repeat their text; all texts of a file together have at most so many times
/// its bytes.
const REPEATED: usize = 16;

/// A function of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    /// The type that it belongs to.
    pub within: Option<String>,
    /// All before its body, without documentation.
    pub signature: String,
    /// Without documentation and without the indentation it had.
    pub code: String,
    /// As it stands, if that is more than `code`.
    documented: Option<String>,
    /// What is written about it, empty if nothing is.
    pub documentation: String,
    /// First and last, from 1, with decorators and the like.
    pub lines: (usize, usize),
    /// Where its name's own line is, behind decorators.
    pub line: usize,
    pub is_test: bool,
    /// Stands inside of another function.
    pub nested: bool,
    /// All of it is of the language.
    pub sound: bool,
    /// Holds what may be a key or a password; its text should not go to other machines.
    pub may_hold_secret: bool,
}

impl Function {
    /// The text with what documentation stands inside of it, dedented.
    pub fn whole(&self) -> &str {
        self.documented.as_deref().unwrap_or(&self.code)
    }

    /// The name with the type before it.
    pub fn full_name(&self) -> String {
        match &self.within {
            Some(within) => format!("{within}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What a text holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Functions {
    /// In the order of the text.
    pub functions: Vec<Function>,
    /// What was found and is not listed, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Comments that speak to us.
    pub marks: Vec<Mark>,
}

/// A comment with `skillbelt:` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where the comment begins, from 1.
    pub line: usize,
    /// The last line of the comments that follow each other from there on.
    pub until: usize,
    /// The comment from the word on, of one line.
    pub text: String,
}

/// What a comment begins with that speaks to us.
pub const MARK: &str = "skillbelt:";

/// The functions of a text, in this process.
pub fn functions_of(language: Language, text: &str) -> Result<Functions, String> {
    let limits = Limits {
        bytes: usize::MAX,
        steps: 100,
        nodes: 600_000.max(text.len() / 2),
    };
    let program = parse_within(language, text, limits).map_err(|_| "too much to parse")?;
    let mut found = Functions::default();
    let mut room = text.len().saturating_mul(REPEATED);
    for told in functions(&program) {
        match taken(&program, &told, &mut room) {
            Ok(function) => found.functions.push(function),
            Err(reason) => *found.left_out.entry(reason.to_owned()).or_default() += 1,
        }
    }
    found.marks = marks(&program);
    Ok(found)
}

fn marks(program: &Program<'_>) -> Vec<Mark> {
    if !program.text().contains(MARK) {
        return Vec::new();
    }
    let nodes = program.nodes();
    let comments: Vec<usize> = (0..nodes.len())
        .filter(|at| program.is_comment(*at))
        .collect();
    let mut marks = Vec::new();
    for (number, at) in comments.iter().enumerate() {
        let text = program.text_of(*at);
        let Some((_, rest)) = text.split_once(MARK) else {
            continue;
        };
        let mut until = nodes[*at].to.0;
        for next in &comments[number + 1..] {
            if nodes[*next].from.0 > until + 1 {
                break;
            }
            until = until.max(nodes[*next].to.0);
        }
        // Some grammars count the end of its line to a comment.
        let until = until - usize::from(nodes[*at].to.1 == 0 && until > nodes[*at].from.0);
        let line = rest.lines().next().unwrap_or("").trim();
        marks.push(Mark {
            line: nodes[*at].from.0 + 1,
            until: until + 1,
            text: line.trim_end_matches("*/").trim_end().to_owned(),
        });
    }
    marks
}

fn taken(program: &Program<'_>, told: &Told, room: &mut usize) -> Result<Function, &'static str> {
    let body = told.body.ok_or("without a body")?;
    let bytes = told.bytes(program);
    *room = room
        .checked_sub(bytes.len())
        .ok_or("functions in each other beyond measure")?;
    let piece = Piece::of(program, told, body);
    let node = &program.nodes()[told.whole];
    let indent = program.text().get(bytes.start - node.from.1..bytes.start);
    let indent = indent.filter(|before| before.trim().is_empty());
    let stands = program.text().get(bytes).unwrap_or("");
    let whole = dedented(stands, indent.map_or(0, str::len));
    Ok(Function {
        signature: piece.signature().to_owned(),
        may_hold_secret: secrets::any(&whole) || secrets::any(&piece.documentation),
        documented: Some(whole).filter(|whole| *whole != piece.code),
        name: piece.name,
        within: piece.within,
        code: piece.code,
        documentation: piece.documentation,
        lines: piece.lines,
        line: program.nodes()[told.at].from.0 + 1,
        is_test: told.is_test,
        nested: told.nested,
        sound: told.sound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_functions_and_tests_are_listed_with_all_that_is_known_of_them() {
        let text = "class A:\n    @once\n    def f(self):\n        \"\"\"Gives one.\"\"\"\n        return 1\n\ndef test_f(): assert A().f() == 1\n";
        let found = functions_of(Language::Python, text).unwrap().functions;
        assert_eq!(found.len(), 2);
        let (f, test) = (&found[0], &found[1]);
        assert_eq!(f.full_name(), "A.f");
        assert_eq!(f.signature, "@once\ndef f(self):");
        assert_eq!(f.code, "@once\ndef f(self):\n    return 1");
        assert_eq!(
            f.whole(),
            "@once\ndef f(self):\n    \"\"\"Gives one.\"\"\"\n    return 1"
        );
        assert_eq!((f.lines, f.line), ((2, 5), 3));
        assert_eq!(f.documentation, "Gives one.");
        assert!(test.is_test && !f.is_test);
        assert_eq!(test.whole(), test.code);
    }

    #[test]
    fn comments_that_speak_to_us_are_marks_and_texts_that_do_are_none() {
        let text = "// skillbelt: ignore[x] why\n// and more\nint f(void) {\n  g(\"skillbelt: no\"); /* skillbelt: b */\n}\n";
        let found = functions_of(Language::C, text).unwrap().marks;
        let told: Vec<(usize, usize, &str)> = found
            .iter()
            .map(|mark| (mark.line, mark.until, mark.text.as_str()))
            .collect();
        assert_eq!(told, [(1, 2, "ignore[x] why"), (4, 4, "b")]);
    }

    #[test]
    fn functions_in_each_other_do_not_repeat_a_file_without_end() {
        let text = format!(
            "{}{}",
            "function f() {\n".repeat(3_000),
            "}\n".repeat(3_000)
        );
        let found = functions_of(Language::JavaScript, &text).unwrap();
        let bytes: usize = found.functions.iter().map(|one| one.code.len()).sum();
        assert!(bytes <= text.len() * REPEATED, "{bytes}");
        let left = found.left_out["functions in each other beyond measure"];
        assert_eq!(found.functions.len() as u64 + left, 3_000);
    }
}

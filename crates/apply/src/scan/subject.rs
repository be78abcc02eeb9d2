//! What is asked about: the functions of files, small enough to be kept, with what tells them again.
//!
//! The text of a function is not here; who needs it has parsed the file in this very scan.

use serde::{Deserialize, Serialize};
use skillbelt_code::near;

use crate::checkout::{Function, Functions, Hash, Language, Mark};

/// Bytes of a line that is shown.
const HEAD_BYTES: usize = 160;

/// A function of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// With the type before it.
    pub name: String,
    /// First and last line, and the one that its name stands on.
    pub lines: (usize, usize),
    pub line: usize,
    /// That line, as it is written.
    pub head: String,
    pub is_test: bool,
    pub nested: bool,
    pub sound: bool,
    /// Words and signs of its code.
    pub words: usize,
    /// Of what is read: equal texts have equal answers.
    pub text: Hash,
    /// Of its words alone: the same after it was moved, reindented or broken into other lines.
    pub print: Hash,
}

impl Subject {
    pub fn of(language: Language, function: &Function) -> Subject {
        let name = function.full_name();
        let mut words = 0;
        let mut told = format!("{language}\0{name}");
        for word in near::words(&function.code) {
            words += 1;
            told.push('\0');
            told.push_str(word);
        }
        let behind = function.line.saturating_sub(function.lines.0);
        let mut lines = function.signature.lines();
        let head = lines.nth(behind).or(function.signature.lines().next());
        Subject {
            name,
            lines: function.lines,
            line: function.line,
            head: shortened(head.unwrap_or("").trim(), HEAD_BYTES).to_owned(),
            is_test: function.is_test,
            nested: function.nested,
            sound: function.sound,
            words,
            text: text(language, function),
            print: Hash::of(told.as_bytes()),
        }
    }
}

/// The name of what is read of a function.
pub fn text(language: Language, function: &Function) -> Hash {
    Hash::of(format!("{language}\0{}", function.code).as_bytes())
}

/// What is kept of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub subjects: Vec<Subject>,
    pub marks: Vec<Mark>,
    /// Functions that are not listed, by reason.
    pub left_out: std::collections::BTreeMap<String, u64>,
}

impl Kept {
    pub fn of(language: Language, found: &Functions) -> Kept {
        let subject = |function| Subject::of(language, function);
        Kept {
            subjects: found.functions.iter().map(subject).collect(),
            marks: found.marks.clone(),
            left_out: found.left_out.clone(),
        }
    }
}

/// The beginning of a text, cut where a letter ends.
pub fn shortened(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::Parsers;
    use proptest::prelude::*;

    fn subjects(language: Language, text: &str) -> Vec<Subject> {
        let found = Parsers::here().parse(language, text).unwrap();
        Kept::of(language, &found).subjects
    }

    const TEXT: &str = "int add(int a, int b) {\n    if (a > b) {\n        return a;\n    }\n    return a + b;\n}\n";

    #[test]
    fn another_word_is_another_print_and_another_line_is_not() {
        let one = &subjects(Language::C, TEXT)[0];
        assert_eq!(one.head, "int add(int a, int b) {".trim_end_matches(" {"));
        for changed in ["a - b", "a + c"] {
            let other = &subjects(Language::C, &TEXT.replace("a + b", changed))[0];
            assert_ne!(one.print, other.print);
            assert_ne!(one.text, other.text);
        }
        // The control: a print of the text as it is written would not survive this.
        let wide = &subjects(Language::C, &TEXT.replace("\n    ", "\n\n  "))[0];
        assert_eq!(one.print, wide.print);
        assert_ne!(one.text, wide.text);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_moved_and_reindented_function_keeps_its_print(
            above in "(// [a-z ]{0,20}\n|int x[0-9];\n|\n){0,8}",
            indent in "[ \t]{0,12}",
            space in "[ \t]{1,3}",
        ) {
            let inner = TEXT.replace("\n    ", &format!("\n{indent}")).replace(" + ", &format!("{space}+{space}"));
            let moved = format!("{above}\n{inner}");
            let found = subjects(Language::C, &moved);
            let print = subjects(Language::C, TEXT)[0].print;
            prop_assert!(found.iter().any(|one| one.print == print));
        }
    }
}

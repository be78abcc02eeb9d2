//! Label words, and the strict reading of what a model wrote for a class.
//!
//! The grammar of an answer, after white space at both ends is taken off:
//!
//! ```text
//! answer = word | mark word mark        a final full stop may follow the word or the last mark
//! mark   = " or ' or ` or **            the same on both sides
//! word   = one of the label words, letters of any case
//! ```
//!
//! Everything else is a failure with a reason. No class is a default.

use crate::error::{Error, Result};
use crate::recipe::Asking;

/// The word of each class, in the order of the classes' numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    words: Vec<String>,
}

impl Words {
    /// As the settings say; else `no` and `yes` for classes called 0 and 1 or false and true; else
    /// the classes themselves. Two classes of one word are refused.
    pub fn new(task: &str, asking: &Asking, classes: &[String]) -> Result<Words> {
        let refused = |message: String| Error::Setting {
            origin: format!("prompting.tasks.{task}"),
            key: "words".into(),
            message,
            hint: Some(format!("the classes are {}", classes.join(", "))),
        };
        if let Some(unknown) = asking.words.keys().find(|class| !classes.contains(class)) {
            return Err(refused(format!("the task has no class `{unknown}`")));
        }
        let lowered: Vec<String> = classes.iter().map(|class| class.to_lowercase()).collect();
        let usual = match &lowered.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["0", "1"] | ["false", "true"] => Some(["no", "yes"]),
            _ => None,
        };
        let word = |(number, class): (usize, &String)| match (asking.words.get(class), usual) {
            (Some(word), _) => word.trim().to_owned(),
            (None, Some(usual)) => usual[number].to_owned(),
            (None, None) => class.trim().to_owned(),
        };
        let words: Vec<String> = classes.iter().enumerate().map(word).collect();
        for (number, word) in words.iter().enumerate() {
            if word.is_empty() {
                return Err(refused(format!("class `{}` has no word", classes[number])));
            }
            let twin = words[..number].iter().position(|w| fold(w) == fold(word));
            if let Some(twin) = twin {
                return Err(refused(format!(
                    "classes `{}` and `{}` have one word, `{word}`",
                    classes[twin], classes[number]
                )));
            }
        }
        Ok(Words { words })
    }

    /// No and yes, in this order.
    pub fn no_or_yes() -> Words {
        Words {
            words: vec!["no".into(), "yes".into()],
        }
    }

    pub fn all(&self) -> &[String] {
        &self.words
    }

    /// The number of the class that an answer names, or why it names none.
    pub fn parse(&self, answer: &str) -> std::result::Result<usize, String> {
        let whole = answer.trim();
        let bare = unmarked(whole.strip_suffix('.').unwrap_or(whole));
        let said = fold(bare);
        // The word may itself end with a full stop, or hold a mark.
        let is_it = |word: &String| fold(word) == said || fold(word) == fold(whole);
        if let Some(number) = self.words.iter().position(is_it) {
            return Ok(number);
        }
        if whole.is_empty() {
            return Err("empty".into());
        }
        let named = self
            .words
            .iter()
            .filter(|word| mentions(whole, word))
            .count();
        let shown: String = whole.chars().take(60).collect();
        Err(match named {
            0 => format!("no label word: {shown}"),
            1 => format!("more than a label word: {shown}"),
            _ => format!("several label words: {shown}"),
        })
    }
}

/// Letters of one case.
fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A text without one pair of marks around it.
fn unmarked(text: &str) -> &str {
    let text = text.trim();
    for mark in ["**", "\"", "'", "`"] {
        let inner = text.strip_prefix(mark).and_then(|t| t.strip_suffix(mark));
        if let Some(inner) = inner {
            let inner = inner.trim();
            return inner.strip_suffix('.').unwrap_or(inner);
        }
    }
    text
}

/// Whether a word stands in a text by itself; only for the reason of a failure.
fn mentions(text: &str, word: &str) -> bool {
    let (text, word) = (fold(text), fold(word));
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(&word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !is_part(before) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn yes_no() -> Words {
        Words::no_or_yes()
    }

    #[test]
    fn exactly_one_label_word_is_an_answer() {
        for text in [
            "yes", " Yes\n", "YES.", "\"yes\"", "**Yes**.", "`yes`", "'yes.'",
        ] {
            assert_eq!(yes_no().parse(text), Ok(1), "{text}");
        }
        assert_eq!(yes_no().parse("no"), Ok(0));
    }

    #[test]
    fn everything_else_is_a_failure_and_yes_is_never_a_default() {
        for (text, reason) in [
            ("", "empty"),
            ("  \n", "empty"),
            (".", "no label word"),
            ("maybe", "no label word"),
            ("yesterday", "no label word"),
            ("not", "no label word"),
            ("yes, because it copies", "more than a label word"),
            ("The answer is no", "more than a label word"),
            ("yes or no", "several label words"),
            ("yes yes", "more than a label word"),
            ("\"yes'", "more than a label word"),
            ("yes..", "more than a label word"),
            ("1", "no label word"),
        ] {
            let found = yes_no().parse(text).unwrap_err();
            assert!(found.starts_with(reason), "{text:?}: {found}");
        }
    }

    #[test]
    fn a_lax_parser_would_be_caught() {
        // The studies' parser: whatever does not say no is a yes.
        let lax = |text: &str| usize::from(!text.to_lowercase().contains("no"));
        let answers = ["maybe", "", "hard to say", "yes, because"];
        assert!(answers.iter().all(|text| lax(text) == 1));
        assert!(answers.iter().all(|text| yes_no().parse(text).is_err()));
    }

    #[test]
    fn classes_have_words_of_their_own() {
        let asking = |pairs: &[(&str, &str)]| Asking {
            words: pairs
                .iter()
                .map(|(a, b)| ((*a).into(), (*b).into()))
                .collect(),
            ..Asking::default()
        };
        let classes = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let of = |pairs: &[(&str, &str)], names: &[&str]| {
            Words::new("t", &asking(pairs), &classes(names))
        };
        assert_eq!(of(&[], &["0", "1"]).unwrap(), yes_no());
        assert_eq!(of(&[], &["False", "True"]).unwrap(), yes_no());
        assert_eq!(of(&[], &["a", "b"]).unwrap().all(), ["a", "b"]);
        assert_eq!(
            of(&[("1", "buggy")], &["0", "1"]).unwrap().all(),
            ["no", "buggy"]
        );
        assert!(of(&[("2", "x")], &["0", "1"]).is_err());
        assert!(of(&[("0", "Same"), ("1", "same ")], &["0", "1"]).is_err());
        assert!(of(&[("0", " ")], &["0", "1"]).is_err());
    }

    proptest! {
        #[test]
        fn an_answer_is_a_word_in_its_marks_or_none(text in "[ \n\"'`*.a-zA-Z]{0,12}") {
            if let Ok(number) = yes_no().parse(&text) {
                let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
                prop_assert_eq!(letters.to_lowercase(), yes_no().all()[number].clone());
            }
        }

        #[test]
        fn no_text_makes_it_fall(text in "\\PC{0,80}") {
            let _ = yes_no().parse(&text);
        }
    }
}

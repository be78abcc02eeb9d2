//! Findings that somebody has looked at: `skillbelt: ignore[RULE] reason` in a comment inside of a
//! function or right above it.
//!
//! Without a reason nothing is ignored, and that is told; a reason is what the next reader needs.

use crate::checkout::Mark;

use super::subject::{Kept, Subject};

/// What a comment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    pub line: usize,
    /// Names of rules; none means all.
    pub rules: Vec<String>,
    pub reason: String,
    /// The function that it is about, by its place in the file.
    pub subject: Option<usize>,
}

/// A comment that speaks to us and is not followed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unheard {
    pub line: usize,
    pub why: String,
}

/// What the comments of a file say.
pub fn ignores(kept: &Kept) -> (Vec<Ignore>, Vec<Unheard>) {
    let (mut heard, mut unheard) = (Vec::new(), Vec::new());
    for mark in &kept.marks {
        match parsed(&mark.text) {
            Ok((rules, reason)) => heard.push(Ignore {
                line: mark.line,
                rules,
                reason,
                subject: subject(mark, &kept.subjects),
            }),
            Err(why) => unheard.push(Unheard {
                line: mark.line,
                why: why.to_owned(),
            }),
        }
    }
    (heard, unheard)
}

/// Rules and reason.
fn parsed(text: &str) -> Result<(Vec<String>, String), &'static str> {
    let rest = text.strip_prefix("ignore").ok_or(
        "says nothing that is understood; `skillbelt: ignore[RULE] reason` ignores a finding",
    )?;
    let (rules, reason) = match rest.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .ok_or("the bracket after `ignore` is not closed")?,
        None => ("", rest),
    };
    let rules: Vec<String> = rules
        .split(',')
        .map(|rule| rule.trim().to_owned())
        .filter(|rule| !rule.is_empty())
        .collect();
    let reason = reason.trim_start_matches([':', '-', ' ']).trim();
    match reason.chars().any(char::is_alphanumeric) {
        true => Ok((rules, reason.to_owned())),
        false => Err("gives no reason, so nothing is ignored"),
    }
}

/// The innermost function around a comment, or the one right below it.
fn subject(mark: &Mark, subjects: &[Subject]) -> Option<usize> {
    let around = |subject: &Subject| subject.lines.0 <= mark.line && mark.line <= subject.lines.1;
    let inner = subjects.iter().rposition(around);
    inner.or_else(|| {
        let below = |subject: &Subject| subject.lines.0 == mark.until + 1;
        subjects.iter().position(below)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::{Language, Parsers};

    fn kept(text: &str) -> Kept {
        let found = Parsers::here().parse(Language::Python, text).unwrap();
        Kept::of(Language::Python, &found)
    }

    #[test]
    fn a_comment_is_about_the_function_around_or_below_it() {
        let text = "def a():\n    return 1  # skillbelt: ignore[defect, flaky] known since long\n\n# skillbelt: ignore: checked by hand\n# and more words\ndef b():\n    return 2\n\n# skillbelt: ignore[x] about nothing\n\nx = 1\n";
        let (heard, unheard) = ignores(&kept(text));
        assert!(unheard.is_empty());
        let told: Vec<_> = heard
            .iter()
            .map(|one| (one.subject, one.rules.len(), one.reason.as_str()))
            .collect();
        let expected = [
            (Some(0), 2, "known since long"),
            (Some(1), 0, "checked by hand"),
            (None, 1, "about nothing"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn without_a_reason_nothing_is_ignored_and_that_is_told() {
        let text = "def a():\n    # skillbelt: ignore[defect]\n    # skillbelt: ignore[defect -- x\n    # skillbelt: be quiet\n    # skillbelt: ignore --\n    return 1\n";
        let (heard, unheard) = ignores(&kept(text));
        assert!(heard.is_empty());
        let lines: Vec<usize> = unheard.iter().map(|one| one.line).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
    }
}

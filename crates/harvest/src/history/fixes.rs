//! Functions that a commit changed which says that it fixes a bug: as they were, and as they became.
//!
//! The message is believed. A commit that changes many functions does more than to fix one thing and
//! is left out; so is one that says it is about words, looks or tests.

use std::collections::BTreeMap;

use skillbelt_code::{Language, near};

use super::changes::Changed;
use super::objects::Versions;
use crate::census::Census;
use crate::limits::FIX_FUNCTIONS;
use crate::sift::piece::Piece;
use crate::walk::Repository;

/// A function before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// As it is told: with the name of the repository before it.
    pub path: String,
    pub project: String,
    pub language: Language,
    pub name: String,
    /// Code, and its first and last line.
    pub before: (String, (usize, usize)),
    pub after: (String, (usize, usize)),
    pub commit: String,
    pub parent: String,
    pub message: String,
    pub time: i64,
    /// What stands in one split with it; set when groups are made.
    pub group: String,
}

const FIXES: &[&str] = &[
    "fix",
    "fixes",
    "fixed",
    "fixing",
    "bug",
    "bugs",
    "bugfix",
    "hotfix",
    "crash",
    "crashes",
    "regression",
    "overflow",
    "underflow",
    "leak",
    "leaks",
    "deadlock",
    "race",
    "segfault",
    "off-by-one",
    "vulnerability",
    "cve",
    "panic",
];

const ABOUT_ELSE: &[&str] = &[
    "typo",
    "typos",
    "doc",
    "docs",
    "documentation",
    "comment",
    "comments",
    "spelling",
    "grammar",
    "lint",
    "lints",
    "clippy",
    "format",
    "formatting",
    "style",
    "whitespace",
    "test",
    "tests",
    "ci",
    "build",
    "merge",
    "revert",
    "warning",
    "warnings",
    "rename",
    "readme",
    "changelog",
    "bump",
    "release",
    "refactor",
];

/// Whether a message says that a bug was fixed, and says nothing of words, looks or tests. One that
/// tells of several things does not say which of them was the bug.
pub fn says_so(message: &str) -> bool {
    let lowered = message.to_lowercase();
    let words = || lowered.split(|letter: char| !letter.is_alphanumeric() && letter != '-');
    words().any(|word| FIXES.contains(&word) || word.starts_with("cve-"))
        && !words().any(|word| ABOUT_ELSE.contains(&word))
        && !message.contains(';')
}

/// The fixes among commits, the newest first.
pub fn found(
    repository: &Repository,
    commits: &[Changed],
    versions: &Versions,
    census: &mut Census,
) -> Vec<Fixed> {
    let mut fixed = Vec::new();
    for commit in commits.iter().filter(|commit| says_so(&commit.message)) {
        let Some(parent) = &commit.parent else {
            continue;
        };
        let mut of_commit: Vec<Fixed> = Vec::new();
        for file in &commit.files {
            let (Some(old), Some(new)) = (&file.old, &file.new) else {
                continue;
            };
            let Some(path) = repository.told(&file.path) else {
                continue;
            };
            let version = |id: &String| versions.get(&(id.clone(), file.language));
            let (Some(old), Some(new)) = (version(old), version(new)) else {
                continue;
            };
            for (before, after) in changed(old, new) {
                of_commit.push(Fixed {
                    path: path.clone(),
                    project: repository.project.clone(),
                    language: before.language,
                    name: after.full_name(),
                    before: (before.code.clone(), before.lines),
                    after: (after.code.clone(), after.lines),
                    commit: commit.commit.clone(),
                    parent: parent.clone(),
                    message: commit.message.clone(),
                    time: commit.time,
                    group: String::new(),
                });
            }
        }
        if of_commit.len() > FIX_FUNCTIONS {
            census.unused("fixes more than 10 functions", || commit.commit.clone());
        } else {
            fixed.append(&mut of_commit);
        }
    }
    fixed
}

/// Functions that stand in both versions under one name and whose bodies do not say the same words.
fn changed<'v>(old: &'v [Piece], new: &'v [Piece]) -> Vec<(&'v Piece, &'v Piece)> {
    let mut by_name: BTreeMap<String, Vec<&Piece>> = BTreeMap::new();
    for piece in old {
        by_name.entry(piece.full_name()).or_default().push(piece);
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for piece in new {
        *counts.entry(piece.full_name()).or_default() += 1;
    }
    let pairs = new.iter().filter_map(|after| {
        let name = after.full_name();
        // Functions of one name cannot be told apart.
        let before = by_name
            .get(&name)
            .filter(|all| all.len() == 1 && counts[&name] == 1)?[0];
        let same = near::words(&bare(before)).eq(near::words(&bare(after)));
        (!same).then_some((before, after))
    });
    pairs.collect()
}

/// The body without lines that are comments alone, which a fix may change too.
fn bare(piece: &Piece) -> String {
    let signs = ["//", "#", "*", "/*"];
    let lines = piece.written_body().lines().filter(|line| {
        let line = line.trim_start();
        !signs.iter().any(|sign| line.starts_with(sign)) || line.starts_with("#[")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_say_so_are_believed_unless_they_are_about_something_else() {
        for fix in [
            "Fix overflow in parser",
            "fixes #12: wrong index",
            "CVE-2020-1234: check length",
            "Bug 7: crash on empty input",
        ] {
            assert!(says_so(fix), "{fix}");
        }
        for other in [
            "Add prefix option",
            "Fix typo in docs",
            "fix clippy warnings",
            "Merge branch 'fix'",
            "Fixture for parser",
            "Fix flaky test",
            "Faster reader; new writer; a fix of the lexer",
        ] {
            assert!(!says_so(other), "{other}");
        }
    }
}

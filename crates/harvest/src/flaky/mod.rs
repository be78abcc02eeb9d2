//! Which tests are flaky, from files of many test runs, and which functions of the sources they are.
//!
//! A test is flaky if it both passed and failed on one commit. Runs whose commit is not known are
//! never compared with each other; what one file says by itself counts all the same.

mod junit;
mod matching;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::census::Census;
use crate::error::{Error, Result};
use crate::limits::FOLDERS_DEEP;
use crate::stock::{Item, Source};
use junit::{Case, Outcome};

/// Runs that a test must have been seen in before it is called steady.
const RUNS: u64 = 2;

/// A test and what its runs told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its place among the tests of the sources.
    pub test: usize,
    pub flaky: bool,
    pub runs: u64,
    pub passed: u64,
    pub failed: u64,
    pub how: &'static str,
}

/// What the runs of one test told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    /// By commit: passed, failed.
    by_commit: BTreeMap<String, (u64, u64)>,
    /// A runner said that it passed at another attempt.
    again: bool,
}

impl Seen {
    fn count(&mut self, commit: &str, passed: u64, failed: u64) {
        let counts = self.by_commit.entry(commit.to_owned()).or_default();
        counts.0 += passed;
        counts.1 += failed;
    }

    fn both(&self) -> bool {
        self.by_commit
            .values()
            .any(|(passed, failed)| *passed > 0 && *failed > 0)
    }
}

/// Reads all runs in folders and finds the functions they are of. Counted are files, and test cases.
pub fn observe(
    folders: &[PathBuf],
    tests: &[Item],
    sources: &[Source],
) -> Result<(Vec<Observed>, Census, Census)> {
    let (mut files, mut cases) = (Census::default(), Census::default());
    let mut seen: BTreeMap<(String, String), Seen> = BTreeMap::new();
    for folder in folders {
        for path in xml_files(folder)? {
            let shown = || {
                path.strip_prefix(folder)
                    .unwrap_or(&path)
                    .display()
                    .to_string()
            };
            match junit::read(&path) {
                Ok(run) => {
                    files.used(1);
                    let commit = run.commit.clone().or_else(|| commit_of(folder, &path));
                    // A run of an unknown commit is compared with nothing but itself.
                    let commit = commit.unwrap_or_else(|| format!("?{}", path.display()));
                    take(&run.cases, run.of_pytest, &commit, &mut seen);
                }
                Err(why) => files.left(why, shown),
            }
        }
    }
    let known = matching::Tests::of(tests, sources);
    let mut by_test: BTreeMap<usize, Seen> = BTreeMap::new();
    for ((class, name), told) in seen {
        match known.named(&class, &name) {
            Ok(test) => {
                cases.used(1);
                let sum = by_test.entry(test).or_default();
                sum.again |= told.again;
                // Cases of one function are apart: one may always fail while another passes.
                for (commit, (passed, failed)) in &told.by_commit {
                    sum.count(&format!("{commit} {name}"), *passed, *failed);
                }
            }
            Err(why) => cases.left(why, || format!("{class} {name}")),
        }
    }
    Ok((judged(by_test, tests, &mut cases), files, cases))
}

fn judged(by_test: BTreeMap<usize, Seen>, tests: &[Item], cases: &mut Census) -> Vec<Observed> {
    let mut observed = Vec::new();
    for (test, told) in by_test {
        let passed = told.by_commit.values().map(|counts| counts.0).sum();
        let failed = told.by_commit.values().map(|counts| counts.1).sum();
        let runs: u64 = passed + failed;
        let flaky = told.again || told.both();
        let how = match (told.again, flaky) {
            (true, _) => "passed at another attempt of one run",
            (_, true) => "passed and failed on one commit",
            _ => "never passed and failed on one commit",
        };
        if !flaky && (runs < RUNS || passed == 0) {
            let reason = if passed == 0 {
                "never passed"
            } else {
                "seen in one run only"
            };
            cases.unused(reason, || tests[test].piece.full_name());
            continue;
        }
        observed.push(Observed {
            test,
            flaky,
            runs,
            passed,
            failed,
            how,
        });
    }
    observed
}

/// Counts the cases of one file.
fn take(
    cases: &[Case],
    of_pytest: bool,
    commit: &str,
    seen: &mut BTreeMap<(String, String), Seen>,
) {
    let mut by_name: BTreeMap<(&str, &str), Vec<&Case>> = BTreeMap::new();
    for case in cases {
        by_name
            .entry((&case.class, &case.name))
            .or_default()
            .push(case);
    }
    for ((class, name), attempts) in by_name {
        let told = seen.entry((class.to_owned(), name.to_owned())).or_default();
        // pytest writes each attempt that was made again as a case without an outcome of its own.
        let again = of_pytest && attempts.len() > 1;
        for (number, attempt) in attempts.iter().enumerate() {
            let last = number + 1 == attempts.len();
            match attempt.outcome {
                Outcome::Skipped => {}
                _ if again && !last => told.count(commit, 0, 1),
                Outcome::Passed => {
                    told.count(commit, 1, u64::from(attempt.failed_before));
                    told.again |= attempt.failed_before || again;
                }
                Outcome::Failed => told.count(commit, 0, 1),
            }
        }
    }
}

/// The commit that a folder on the way to a file is called by.
fn commit_of(folder: &Path, file: &Path) -> Option<String> {
    let inner = file.strip_prefix(folder).ok()?;
    let base = folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let mut parts: Vec<String> = base.into_iter().collect();
    parts.extend(inner.iter().map(|part| part.to_string_lossy().into_owned()));
    let mut words = parts
        .iter()
        .rev()
        .flat_map(|part| part.split(['-', '_', '.', '@', '+']));
    words.find(|word| is_commit(word)).map(str::to_owned)
}

/// Whether a word is the name of a commit: hexadecimal, and short ones not a mere number.
pub fn is_commit(word: &str) -> bool {
    let hex = word
        .bytes()
        .all(|sign| sign.is_ascii_digit() || (b'a'..=b'f').contains(&sign));
    let letters = word.bytes().any(|sign| sign.is_ascii_lowercase());
    let digits = word.bytes().any(|sign| sign.is_ascii_digit());
    hex && (matches!(word.len(), 40 | 64) || ((7..40).contains(&word.len()) && letters && digits))
}

/// All files below a folder whose name ends in `.xml`, in order, following no link.
fn xml_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let about = fs_err::metadata(folder).map_err(|error| {
        Error::told(error).with_hint("--junit names a folder of JUnit XML files")
    })?;
    if about.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut open = vec![(folder.to_owned(), 0)];
    let mut found = Vec::new();
    while let Some((folder, depth)) = open.pop() {
        let Ok(entries) = fs_err::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < FOLDERS_DEEP => open.push((path, depth + 1)),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|end| end == "xml") => {
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod flaky_tests;

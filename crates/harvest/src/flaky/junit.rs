//! One file of a test run in JUnit's form, as Surefire, Gradle, pytest, nextest and others write it.
//!
//! It reads events one at a time, knows no entities but those of XML itself, and keeps names and
//! outcomes only.

use std::io::BufReader;
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::is_commit;
use crate::limits::JUNIT_BYTES;

/// What one file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    pub commit: Option<String>,
    pub of_pytest: bool,
    pub cases: Vec<Case>,
}

/// One test case as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    pub class: String,
    pub name: String,
    pub outcome: Outcome,
    /// Attempts that failed before the last one are written inside of it.
    pub failed_before: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// Names under which runs write their commit, in small letters.
const COMMITS: &[&str] = &[
    "commit",
    "commit_id",
    "commit.id",
    "git.commit",
    "git.commit.id",
    "git_commit",
    "git.sha",
    "git_sha",
    "sha",
    "revision",
    "vcs.revision",
    "github_sha",
    "ci_commit_sha",
    "build_vcs_number",
    "env.git_commit",
    "env.github_sha",
];

/// Names and texts are kept up to this many bytes.
const NAME: usize = 1_000;

/// Reads a file, or says why it is left out.
pub fn read(path: &Path) -> Result<Run, &'static str> {
    let about = fs_err::metadata(path).map_err(|_| "cannot be read")?;
    if about.len() > JUNIT_BYTES {
        return Err("larger than 256 MiB");
    }
    let file = fs_err::File::open(path).map_err(|_| "cannot be read")?;
    let mut reader = Reader::from_reader(BufReader::new(file));
    parse(&mut reader)
}

fn parse<R: std::io::BufRead>(reader: &mut Reader<R>) -> Result<Run, &'static str> {
    let mut run = Run::default();
    let mut buffer = Vec::new();
    let mut inside = false;
    let mut suites = 0;
    let mut depth = 0usize;
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Err(_) => return Err("not XML"),
            Ok(Event::Eof) if depth > 0 => return Err("ends too early"),
            Ok(Event::Eof) => break,
            Ok(Event::Start(element)) => {
                depth += 1;
                suites += usize::from(element.local_name().as_ref().starts_with("testsuite"));
                inside |= take(&element, inside, &mut run);
            }
            Ok(Event::Empty(element)) => {
                suites += usize::from(element.local_name().as_ref().starts_with("testsuite"));
                take(&element, inside, &mut run);
            }
            Ok(Event::End(element)) => {
                depth = depth.saturating_sub(1);
                inside &= element.local_name().as_ref() != "testcase";
            }
            Ok(_) => {}
        }
    }
    match suites {
        0 => Err("XML, but no test run"),
        _ => Ok(run),
    }
}

/// Takes an element in, and says whether it is a test case.
fn take(element: &BytesStart<'_>, inside: bool, run: &mut Run) -> bool {
    let said = |name: &str| said(element, name);
    match element.local_name().as_ref() {
        "testsuite" => run.of_pytest |= said("name").as_deref() == Some("pytest"),
        "testcase" => {
            run.cases.push(Case {
                class: said("classname")
                    .or_else(|| said("class"))
                    .unwrap_or_default(),
                name: said("name").unwrap_or_default(),
                outcome: Outcome::Passed,
                failed_before: false,
            });
            return true;
        }
        "property" if run.commit.is_none() => {
            let name = said("name").unwrap_or_default().to_lowercase();
            if COMMITS.contains(&name.as_str()) {
                run.commit = said("value").filter(|value| is_commit(value));
            }
        }
        other if inside => {
            if let Some(case) = run.cases.last_mut() {
                match other {
                    "failure" | "error" => case.outcome = Outcome::Failed,
                    "skipped" => case.outcome = Outcome::Skipped,
                    "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" | "rerun" => {
                        case.failed_before = true;
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
    false
}

/// What an attribute says. One that is written badly says nothing.
fn said(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element
        .attributes()
        .flatten()
        .find(|one| one.key.as_ref() == name)?;
    let raw = found.value.to_string();
    let text = quick_xml::escape::unescape(&raw).map_or(raw.clone(), |text| text.into_owned());
    Some(text.chars().take(NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Result<Run, &'static str> {
        parse(&mut Reader::from_reader(text.as_bytes()))
    }

    #[test]
    fn outcomes_attempts_and_the_commit_are_read() {
        let run = run("<?xml version=\"1.0\"?><testsuites><testsuite name=\"S\"><properties><property name=\"GIT_COMMIT\" value=\"3f2a91c\"/></properties><testcase classname=\"a.B\" name=\"c&lt;d\"/><testcase classname=\"a.B\" name=\"e\"><flakyFailure message=\"m\"><stackTrace>x</stackTrace></flakyFailure></testcase><testcase name=\"f\"><failure/><rerunFailure/></testcase><testcase name=\"g\"><skipped/></testcase><testcase name=\"h\"><error>e</error></testcase></testsuite></testsuites>").unwrap();
        assert_eq!(run.commit.as_deref(), Some("3f2a91c"));
        let told: Vec<(&str, Outcome, bool)> = run
            .cases
            .iter()
            .map(|case| (&*case.name, case.outcome, case.failed_before))
            .collect();
        use Outcome::{Failed, Passed, Skipped};
        assert_eq!(
            told,
            [
                ("c<d", Passed, false),
                ("e", Passed, true),
                ("f", Failed, true),
                ("g", Skipped, false),
                ("h", Failed, false)
            ]
        );
    }

    #[test]
    fn what_is_no_run_is_refused_without_a_panic() {
        assert_eq!(run("<html></html>").unwrap_err(), "XML, but no test run");
        assert_eq!(
            run("<testsuite><testcase a=</testsuite>").unwrap_err(),
            "ends too early"
        );
        assert_eq!(run("<testsuite></testcase>").unwrap_err(), "not XML");
        let entities = "<!DOCTYPE t [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><testsuite><testcase name=\"&b;\"/></testsuite>";
        assert_eq!(run(entities).unwrap().cases[0].name, "&b;");
        let deep = format!(
            "<testsuite>{}{}</testsuite>",
            "<a>".repeat(100_000),
            "</a>".repeat(100_000)
        );
        assert!(run(&deep).unwrap().cases.is_empty());
    }
}

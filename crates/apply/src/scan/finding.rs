//! A finding: which rule says what of which function, and how it is told again next time.

use serde::Serialize;

use super::kind::Kind;
use super::rule::Rule;
use super::subject::Subject;
use crate::checkout::Hash;

/// A function in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// As a person opens it, and as it is called inside of the repository.
    pub shown: String,
    pub path: String,
    /// Which of the report's roots it lies in.
    pub root: usize,
    pub function: String,
    /// The line of its name, and all of its lines.
    pub line: usize,
    pub lines: (usize, usize),
    /// The line, as it is written.
    pub head: String,
}

impl Place {
    pub fn of(shown: &str, path: &str, root: usize, subject: &Subject) -> Place {
        Place {
            shown: shown.to_owned(),
            path: path.to_owned(),
            root,
            function: subject.name.clone(),
            line: subject.line,
            lines: subject.lines,
            head: subject.head.clone(),
        }
    }
}

/// What a rule says of a function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Its place among the report's rules.
    #[serde(skip)]
    pub rule: usize,
    pub place: Place,
    /// The probability that the belt gives it.
    pub confidence: f32,
    /// The same for the same finding however its function was moved or reindented; another number
    /// behind the colon for each further finding that is alike in all.
    pub fingerprint: String,
    /// The other members of a group of clones.
    pub others: Vec<Place>,
}

impl Finding {
    /// One sentence about it.
    pub fn message(&self, rule: &Rule) -> String {
        let function = &self.place.function;
        let sure = format!("{:.2}", self.confidence);
        match rule.kind {
            Kind::Vulnerability => {
                format!("`{function}` reads like functions that were vulnerable ({sure})")
            }
            Kind::Defect => {
                format!("`{function}` reads like functions that had a defect ({sure})")
            }
            Kind::Flaky => format!("`{function}` reads like tests that are flaky ({sure})"),
            Kind::Clone => {
                let others: Vec<String> = self
                    .others
                    .iter()
                    .take(3)
                    .map(|other| format!("`{}` ({}:{})", other.function, other.shown, other.line))
                    .collect();
                let more = self.others.len().saturating_sub(others.len());
                let more = match more {
                    0 => String::new(),
                    count => format!(" and {count} more"),
                };
                format!(
                    "`{function}` does the same as {}{more} ({sure})",
                    others.join(", ")
                )
            }
            Kind::Other => format!("`{function}` is of the class `{}` ({sure})", rule.class),
        }
    }

    /// The fingerprint without the number of its occurrence.
    pub fn print(&self) -> &str {
        let end = self.fingerprint.find(':').unwrap_or(self.fingerprint.len());
        &self.fingerprint[..end]
    }
}

/// The fingerprint of a rule's finding about functions with these prints. Of a group the least print
/// stands for all, so that who comes first in the order of files does not matter.
pub fn fingerprint(rule: &Rule, prints: &[Hash]) -> String {
    let least = prints.iter().min().map(Hash::to_string).unwrap_or_default();
    Hash::of(format!("{}\0{}\0{least}", rule.task, rule.class).as_bytes()).to_string()
}

/// Numbers findings of one print, in their order.
pub fn number(findings: &mut [Finding]) {
    let mut seen: std::collections::HashMap<String, usize> = Default::default();
    for finding in findings {
        let count = seen.entry(finding.print().to_owned()).or_default();
        *count += 1;
        finding.fingerprint = format!("{}:{count}", finding.print());
    }
}

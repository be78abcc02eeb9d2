//! What findings are of, how loud they are, and what a person may say about that of a task.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use skillbelt_model::belt::folder::TaskRecord;

/// What a task's findings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Vulnerability,
    Defect,
    /// Asked of tests alone.
    Flaky,
    /// Asked of pairs.
    Clone,
    /// A class of functions that is neither.
    Other,
}

impl Kind {
    const ALL: [Kind; 5] = [
        Kind::Vulnerability,
        Kind::Defect,
        Kind::Flaky,
        Kind::Clone,
        Kind::Other,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Vulnerability => "vulnerability",
            Kind::Defect => "defect",
            Kind::Flaky => "flaky",
            Kind::Clone => "clone",
            Kind::Other => "other",
        }
    }

    /// Words in a task's name that tell its kind.
    fn words(self) -> &'static [&'static str] {
        match self {
            Kind::Vulnerability => &["vulnerab", "devign", "cve", "security"],
            Kind::Defect => &["defect", "bug"],
            Kind::Flaky => &["flak"],
            Kind::Clone => &["clone", "duplicate"],
            Kind::Other => &[],
        }
    }

    /// What a task is for, by its objective and its name.
    pub(super) fn of(record: &TaskRecord) -> Option<Kind> {
        let name = record.name.to_lowercase();
        let told = |kind: &Kind| kind.words().iter().any(|word| name.contains(word));
        let kind = Kind::ALL.into_iter().find(told)?;
        let pairs = kind == Kind::Clone;
        let fits = match record.objective.as_str() {
            "classify" => !pairs,
            "pair" => pairs,
            _ => false,
        };
        fits.then_some(kind)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == word);
        found.ok_or_else(|| format!("expected one of {}", Kind::ALL.map(Kind::name).join(", ")))
    }
}

/// How loud a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Note,
    Warning,
    Error,
}

impl Level {
    pub const ALL: [Level; 3] = [Level::Note, Level::Warning, Level::Error];

    pub fn name(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Level, String> {
        let found = Level::ALL.into_iter().find(|level| level.name() == word);
        found.ok_or_else(|| "expected note, warning or error".to_owned())
    }
}

/// What a person says about a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    Off,
    /// A kind, and the class that is a finding.
    As(Kind, Option<String>),
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Chosen, String> {
        if word == "off" {
            return Ok(Chosen::Off);
        }
        let (kind, class) = match word.split_once(':') {
            Some((kind, class)) => (kind, Some(class.to_owned())),
            None => (word, None),
        };
        let kind = kind.parse().map_err(|error| format!("{error}, or off"))?;
        Ok(Chosen::As(kind, class))
    }
}

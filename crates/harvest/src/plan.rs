//! What is to be harvested: paths, tasks, languages, how it is split. Nothing here touches a disk.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;
use skillbelt_code::Language;

use crate::draw::Seed;

/// Languages that are harvested.
pub const LANGUAGES: [Language; 9] = [
    Language::C,
    Language::Cpp,
    Language::CSharp,
    Language::Go,
    Language::Java,
    Language::JavaScript,
    Language::Python,
    Language::Rust,
    Language::TypeScript,
];

/// A labelled data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Which function is it that a documentation tells of.
    Search,
    /// Documentation from a function.
    Summarize,
    /// Do two functions do the same.
    Clone,
    /// Was a function broken by a mutation.
    DefectMutated,
    /// Was a function fixed later.
    DefectHistory,
    /// Does a test both pass and fail on one commit.
    Flaky,
    /// The body from documentation and signature.
    Generate,
}

impl Task {
    pub const ALL: [Task; 7] = [
        Task::Search,
        Task::Summarize,
        Task::Clone,
        Task::DefectMutated,
        Task::DefectHistory,
        Task::Flaky,
        Task::Generate,
    ];

    /// As it stands in names of files and in the recipe.
    pub fn name(self) -> &'static str {
        match self {
            Task::Search => "search",
            Task::Summarize => "summarize",
            Task::Clone => "clone",
            Task::DefectMutated => "defect_mutated",
            Task::DefectHistory => "defect_history",
            Task::Flaky => "flaky",
            Task::Generate => "generate",
        }
    }

    /// The preset of its recipe.
    pub fn preset(self) -> &'static str {
        match self {
            Task::DefectMutated | Task::DefectHistory => "defect",
            other => other.name(),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What always stands in one split together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    File,
    Project,
    /// Files, the ones changed last in the test split.
    Time,
}

impl FromStr for SplitBy {
    type Err = String;

    fn from_str(word: &str) -> Result<SplitBy, String> {
        match word {
            "file" => Ok(SplitBy::File),
            "project" => Ok(SplitBy::Project),
            "time" => Ok(SplitBy::Time),
            _ => Err(format!("expected file, project or time, found `{word}`")),
        }
    }
}

/// All that a harvest depends on, besides the files.
#[derive(Debug, Clone)]
pub struct Plan {
    pub paths: Vec<PathBuf>,
    pub out: PathBuf,
    pub tasks: BTreeSet<Task>,
    pub languages: BTreeSet<Language>,
    pub split: SplitBy,
    pub seed: Seed,
    /// At most so many rows of a task, over all splits; none for all.
    pub max_rows: Option<usize>,
    /// Folders with JUnit files.
    pub junit: Vec<PathBuf>,
    /// The base that the recipe names.
    pub base: String,
    /// Commits of each repository that are read; 0 for no history.
    pub commits: usize,
    /// An earlier harvest at `out` is replaced.
    pub force: bool,
}

//! What a harvest says of itself: every count, as JSON and as text.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::census::Census;
use crate::plan::{Plan, SplitBy, Task};
use crate::split::Split;
use crate::write::FORMAT;

/// Rows of a task by split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    pub train: usize,
    pub valid: usize,
    pub test: usize,
}

impl Rows {
    pub fn of(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Valid => self.valid,
            Split::Test => self.test,
        }
    }
}

/// What became of one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    pub task: Task,
    pub rows: Rows,
    /// Rows by label and by how they were made.
    pub labels: std::collections::BTreeMap<String, usize>,
    pub made: std::collections::BTreeMap<String, usize>,
    /// What the rows were made of: functions, commits' changes, or tests.
    pub census: Census,
}

impl Told {
    /// There is something to learn from and something to be asked.
    pub fn trainable(&self) -> bool {
        self.rows.train > 0 && self.rows.valid > 0
    }
}

/// All that was counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub format: &'static str,
    pub seed: u64,
    pub split: SplitBy,
    pub max_rows: Option<usize>,
    /// Folders that were looked into, and whole ones that were left out.
    pub folders: Census,
    /// Files that were found, and of those the ones whose functions were taken.
    pub files: Census,
    pub functions: Census,
    /// Commits of all repositories.
    pub commits: Census,
    /// Functions that bug-fixing commits changed.
    pub fixes: Census,
    /// Functions that came into a repository as copies.
    pub copies: Census,
    pub junit_files: Census,
    /// Test cases that the runs name.
    pub test_cases: Census,
    /// Whatever went wrong and was gone on without.
    pub warnings: Vec<String>,
    pub languages: std::collections::BTreeMap<&'static str, usize>,
    pub groups: Rows,
    pub tasks: Vec<Told>,
}

impl Report {
    pub fn of(plan: &Plan) -> Report {
        Report {
            format: FORMAT,
            seed: plan.seed.0,
            split: plan.split,
            max_rows: plan.max_rows,
            folders: Census::default(),
            files: Census::default(),
            functions: Census::default(),
            commits: Census::default(),
            fixes: Census::default(),
            copies: Census::default(),
            junit_files: Census::default(),
            test_cases: Census::default(),
            warnings: Vec::new(),
            languages: std::collections::BTreeMap::new(),
            groups: Rows::default(),
            tasks: Vec::new(),
        }
    }

    pub fn rows(&self) -> usize {
        let of = |told: &Told| told.rows.train + told.rows.valid + told.rows.test;
        self.tasks.iter().map(of).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        census(f, "folders", &self.folders)?;
        census(f, "files", &self.files)?;
        census(f, "functions", &self.functions)?;
        for (name, counted) in [
            ("commits", &self.commits),
            ("fixes in history", &self.fixes),
            ("copies in history", &self.copies),
            ("JUnit files", &self.junit_files),
            ("test cases", &self.test_cases),
        ] {
            if counted.all > 0 {
                census(f, name, counted)?;
            }
        }
        let languages: Vec<String> = self
            .languages
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        writeln!(f, "languages: {}", languages.join(", "))?;
        let by = match self.split {
            SplitBy::File => "file",
            SplitBy::Project => "project",
            SplitBy::Time => "file, by time",
        };
        let groups = &self.groups;
        writeln!(
            f,
            "split by {by}, seed {}: {} groups in train, {} in valid, {} in test",
            self.seed, groups.train, groups.valid, groups.test
        )?;
        for told in &self.tasks {
            let rows = &told.rows;
            writeln!(
                f,
                "\n{}: {} rows in train, {} in valid, {} in test{}",
                told.task,
                rows.train,
                rows.valid,
                rows.test,
                if told.trainable() {
                    ""
                } else {
                    " (not in the recipe)"
                }
            )?;
            listed(f, "labels", &told.labels)?;
            listed(f, "made by", &told.made)?;
            census(f, "  of", &told.census)?;
        }
        for warning in &self.warnings {
            writeln!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}

fn listed(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    counts: &std::collections::BTreeMap<String, usize>,
) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    writeln!(f, "  {name}: {}", parts.join(", "))
}

/// `files: 10 = 7 used + 3 left out`, and a line for each reason.
fn census(f: &mut fmt::Formatter<'_>, name: &str, census: &Census) -> fmt::Result {
    let left = census.all - census.used;
    writeln!(
        f,
        "{name}: {} = {} used + {left} left out",
        census.all, census.used
    )?;
    let indent = if name.starts_with(' ') { "    " } else { "  " };
    for (reason, left) in &census.left_out {
        let mut such = String::new();
        if let Some(first) = left.such_as.first() {
            let shown: String = first
                .chars()
                .take(100)
                .flat_map(char::escape_default_visible)
                .collect();
            write!(such, " (such as {shown})")?;
        }
        writeln!(f, "{indent}{:>8} {reason}{such}", left.count)?;
    }
    Ok(())
}

/// A character as it may be shown on a terminal.
trait Visible {
    fn escape_default_visible(self) -> Vec<char>;
}

impl Visible for char {
    fn escape_default_visible(self) -> Vec<char> {
        match self.is_control() {
            true => self.escape_default().collect(),
            false => vec![self],
        }
    }
}

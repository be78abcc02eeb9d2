//! Finds the files of the paths that were given: which there are, to which project each belongs, and
//! which are left out by name.
//!
//! It follows no symbolic link but the paths themselves, opens nothing but `.gitignore`, and recurses
//! nowhere; a folder is looked into once however it is reached.

pub mod ignored;
pub mod known;
mod project;
mod walker;

use std::collections::BTreeSet;
use std::path::PathBuf;

use skillbelt_code::Language;

use crate::census::Census;
use crate::error::{Error, Result};
use crate::limits::FILE_BYTES;
use walker::Walker;

/// A file of a language that is harvested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// The path as it is told: from the given one on, with `/`.
    pub shown: String,
    pub project: String,
    pub language: Language,
    /// The repository it lies in, as a place in [`Walk::repositories`].
    pub repository: Option<usize>,
}

/// A git repository, as far as the given paths reach into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub folder: PathBuf,
    /// How the folder is told that lies `below` in it.
    shown: String,
    /// The folder inside of the repository that was given, empty for all of it.
    below: String,
    pub project: String,
}

impl Repository {
    /// The path inside of the repository of a path as it is told.
    pub fn inside(&self, told: &str) -> Option<String> {
        let rest = told.strip_prefix(&self.shown)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        Some(joined(&self.below, rest))
    }

    /// How a path of the repository is told, if it lies below what was given.
    pub fn told(&self, path: &str) -> Option<String> {
        let rest = match self.below.is_empty() {
            true => path,
            false => path.strip_prefix(&self.below)?.strip_prefix('/')?,
        };
        Some(joined(&self.shown, rest))
    }

    /// How the repository is told.
    pub fn name(&self) -> &str {
        &self.project
    }
}

fn joined(folder: &str, rest: &str) -> String {
    match (folder.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{rest}"),
    }
}

/// What the paths hold.
#[derive(Debug, Default)]
pub struct Walk {
    pub files: Vec<Found>,
    pub repositories: Vec<Repository>,
    pub census: Census,
    /// Whole folders, nothing inside of which was counted.
    pub folders: Census,
}

/// What is taken of what is found.
#[derive(Debug, Clone)]
pub struct Rules {
    pub languages: BTreeSet<Language>,
    /// Bytes of a file.
    pub most_bytes: u64,
    /// Also what tools wrote, by names and by built folders.
    pub generated: bool,
    /// Also what others wrote.
    pub vendored: bool,
    /// Every place that is left out is told, not the first few.
    pub listed: bool,
}

impl Rules {
    /// The rules of a harvest.
    pub fn usual(languages: &BTreeSet<Language>) -> Rules {
        Rules {
            languages: languages.clone(),
            most_bytes: FILE_BYTES,
            generated: false,
            vendored: false,
            listed: false,
        }
    }
}

/// Looks through all paths. A path that is not there stops it; anything below one does not.
pub fn walk(paths: &[PathBuf], languages: &BTreeSet<Language>) -> Result<Walk> {
    walk_by(paths, &Rules::usual(languages))
}

/// As [`walk`], by rules of one's own.
pub fn walk_by(paths: &[PathBuf], rules: &Rules) -> Result<Walk> {
    let mut walker = Walker::new(rules);
    let mut names = BTreeSet::new();
    for path in paths {
        let real = fs_err::canonicalize(path).map_err(|error| {
            Error::told(error)
                .with_hint("give a folder or a file of sources; `./-x` for a name with a dash")
        })?;
        let own = real.file_name().map_or_else(
            || "root".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        );
        let mut name = own.clone();
        let mut number = 2;
        while !names.insert(name.clone()) {
            name = format!("{own}-{number}");
            number += 1;
        }
        walker.root(&real, name);
    }
    Ok(walker.walk)
}

//! Which files a source names. It follows no links, enters no folder of other people's copies, and
//! reads no content.

use std::path::{Path, PathBuf};

use super::Counts;
use crate::disk;
use crate::error::{Error, Result};
use crate::pretrain::plan::SourceSettings;

/// A file and the project that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// The folder below the one that the plan names; of a file that the plan names, its own name.
    pub project: String,
}

/// Folders that hold copies of other projects, or what a tool has written.
const NOT_ENTERED: [&str; 14] = [
    ".git",
    "node_modules",
    "vendor",
    "vendored",
    "_vendor",
    "_vendored_packages",
    "third_party",
    "thirdparty",
    "third-party",
    "external",
    "target",
    "build",
    "__pycache__",
    "testdata",
];

/// Deepest folders that are entered.
const MAX_DEPTH: usize = 40;

/// All files that a source names, in no promised order.
pub fn files(source: &SourceSettings, counts: &mut Counts) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in &source.files {
        let about = fs_err::symlink_metadata(path).map_err(|error| Error::io(path, error))?;
        if about.is_file() {
            let project = name(path);
            found.push(Found {
                path: path.clone(),
                project,
            });
            continue;
        }
        for entry in disk::entries(path)? {
            let project = name(&entry);
            walk(&entry, &project, source, 0, &mut found, counts)?;
        }
    }
    Ok(found)
}

fn walk(
    path: &Path,
    project: &str,
    source: &SourceSettings,
    depth: usize,
    found: &mut Vec<Found>,
    counts: &mut Counts,
) -> Result<()> {
    let about = fs_err::symlink_metadata(path).map_err(|error| Error::io(path, error))?;
    if about.is_dir() {
        let own = name(path);
        if depth > 0 && NOT_ENTERED.contains(&own.as_str()) {
            counts.leave_out("a folder that is not entered");
            return Ok(());
        }
        if depth >= MAX_DEPTH {
            counts.leave_out("a folder that is too deep");
            return Ok(());
        }
        for entry in disk::entries(path)? {
            walk(&entry, project, source, depth + 1, found, counts)?;
        }
    } else if about.is_file() && wanted(path, &source.extensions) {
        found.push(Found {
            path: path.to_owned(),
            project: project.to_owned(),
        });
    }
    Ok(())
}

fn wanted(path: &Path, extensions: &[String]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    extensions.is_empty()
        || ending.is_some_and(|ending| {
            extensions
                .iter()
                .any(|one| one.trim_start_matches('.') == ending)
        })
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

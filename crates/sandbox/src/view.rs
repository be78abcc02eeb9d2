//! What a program may see of the machine's files: named paths, read-only, under the same names.
//!
//! It opens nothing itself. A path that is not named does not exist for the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Files and folders that are shown, and folders inside of them that are shown empty.
#[derive(Debug, Clone, Default)]
pub struct View {
    shown: BTreeSet<PathBuf>,
    hidden: BTreeSet<PathBuf>,
    links: BTreeSet<(PathBuf, PathBuf)>,
}

impl View {
    pub fn new() -> View {
        View::default()
    }

    /// Shows a file or a folder with all that is in it. Symbolic links on the way to it and the
    /// link that it may itself be are shown as links.
    pub fn show(&mut self, path: &Path) -> Result<()> {
        let mut at = path.to_owned();
        for _ in 0..MOST_LINKS {
            match first_link(&at) {
                Some((link, target, rest)) => {
                    self.links.insert((link.clone(), target.clone()));
                    let folder = link.parent().unwrap_or(Path::new("/"));
                    at = plain(&folder.join(target).join(rest));
                }
                None => {
                    fs_err::symlink_metadata(&at).map_err(|error| {
                        Error::system("a file that the program needs cannot be shown", error)
                    })?;
                    self.shown.insert(at);
                    return Ok(());
                }
            }
        }
        Err(Error::Program(format!(
            "{}: symbolic links without end",
            path.display()
        )))
    }

    /// Shows an existing folder as an empty one.
    pub fn hide(&mut self, folder: &Path) {
        self.hidden.insert(folder.to_owned());
    }

    /// What is shown and not already inside of something shown, in order.
    pub fn shown(&self) -> impl Iterator<Item = &Path> {
        let inside = |path: &Path| {
            path.ancestors()
                .skip(1)
                .any(|above| self.shown.contains(above))
        };
        self.shown
            .iter()
            .map(PathBuf::as_path)
            .filter(move |path| !inside(path))
    }

    pub fn hidden(&self) -> impl Iterator<Item = &Path> {
        self.hidden.iter().map(PathBuf::as_path)
    }

    /// Links outside of what is shown: the link, and what it says.
    pub fn links(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let shown = |path: &Path| path.ancestors().any(|above| self.shown.contains(above));
        self.links
            .iter()
            .map(|(link, target)| (link.as_path(), target.as_path()))
            .filter(move |(link, _)| !shown(link))
    }
}

const MOST_LINKS: usize = 64;

/// The first part of an absolute path that is a symbolic link: it, what it says, what comes after.
fn first_link(path: &Path) -> Option<(PathBuf, PathBuf, PathBuf)> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    for above in folders {
        if let Ok(target) = fs_err::read_link(above) {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return Some((above.to_owned(), target, rest.to_owned()));
        }
    }
    None
}

/// Without `.` and `..`; there is no link left before them where it is called.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_shown_as_a_link_and_its_target_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs_err::create_dir_all(root.join("real/inner")).unwrap();
        fs_err::write(root.join("real/inner/file"), "x").unwrap();
        std::os::unix::fs::symlink("real", root.join("alias")).unwrap();
        let mut view = View::new();
        view.show(&root.join("alias/inner/file")).unwrap();
        view.show(&root.join("real/inner")).unwrap();
        assert_eq!(view.shown().collect::<Vec<_>>(), [root.join("real/inner")]);
        let links: Vec<_> = view.links().collect();
        assert_eq!(links, [(root.join("alias").as_path(), Path::new("real"))]);
    }

    #[test]
    fn what_is_not_there_cannot_be_shown() {
        let mut view = View::new();
        assert!(view.show(Path::new("/no/such/file")).is_err());
    }
}

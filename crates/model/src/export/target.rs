//! The place of an export: written beside its target under another name, and renamed onto it when
//! it has been verified.
//!
//! It knows nothing of what is written.
//!
//! **Guarantee.** Until [`Target::commit`] the target is untouched; a target that is never committed
//! leaves nothing. A file is replaced in one step. A folder takes two renames: killed between them,
//! the old folder stands beside the target as `.NAME.replaced`, and the new one as `.NAME.exporting`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use crate::Error as ModelError;

/// Where an export goes.
pub struct Target {
    path: PathBuf,
    aside: PathBuf,
    committed: bool,
}

impl Target {
    /// A target that is free, or may be replaced. What the export reads is never replaced.
    pub fn new(path: &Path, force: bool, inputs: &[&Path]) -> Result<Target> {
        if path.file_name().is_none() {
            return Err(irreplaceable(path, "is no name for a file or folder"));
        }
        let exists = fs_err::symlink_metadata(path).is_ok();
        if exists {
            let whole = |path: &Path| fs_err::canonicalize(path).ok();
            let here = whole(path);
            let holds = |input: &&&Path| match (&here, whole(input)) {
                (Some(here), Some(input)) => input.starts_with(here),
                _ => false,
            };
            if inputs.iter().any(|input| holds(&input)) {
                return Err(irreplaceable(path, "holds what is being exported"));
            }
            if !force {
                return Err(Error::Exists(path.to_owned()));
            }
            expect_replaceable(path)?;
        }
        let target = Target {
            aside: sibling(path, "exporting"),
            path: path.to_owned(),
            committed: false,
        };
        // What a killed export left under this name is ours to remove.
        remove(&target.aside)?;
        Ok(target)
    }

    /// Where to write: a path at which nothing is.
    pub fn aside(&self) -> &Path {
        &self.aside
    }

    /// Gives what was written its name, and returns its files.
    pub fn commit(mut self) -> Result<Vec<(PathBuf, u64)>> {
        let old = sibling(&self.path, "replaced");
        let replaced = fs_err::symlink_metadata(&self.path).is_ok();
        let folders = self.path.is_dir() || self.aside.is_dir();
        if replaced && folders {
            remove(&old)?;
            fs_err::rename(&self.path, &old).map_err(|source| ModelError::io(&old, source))?;
        }
        if let Err(source) = fs_err::rename(&self.aside, &self.path) {
            if replaced && folders {
                // What stood there goes back; that this failed too would be told by the same disk.
                let _stays_beside = fs_err::rename(&old, &self.path);
            }
            return Err(ModelError::io(&self.path, source).into());
        }
        self.committed = true;
        flush(self.path.parent())?;
        if replaced && folders {
            remove(&old)?;
        }
        files(&self.path)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.committed {
            // There is no one to tell, and the next export to this target tries again.
            let _left = remove(&self.aside);
        }
    }
}

fn irreplaceable(path: &Path, reason: &str) -> Error {
    Error::Irreplaceable {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// A folder is replaced only if all in it are plain files, as all that is exported is: a slip of the
/// hand does not cost anyone a home directory.
fn expect_replaceable(path: &Path) -> Result<()> {
    let about = fs_err::symlink_metadata(path).map_err(|source| ModelError::io(path, source))?;
    if about.is_file() {
        return Ok(());
    }
    if !about.is_dir() {
        return Err(irreplaceable(path, "is neither a plain file nor a folder"));
    }
    let entries = fs_err::read_dir(path).map_err(|source| ModelError::io(path, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| ModelError::io(path, source))?;
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let reason = format!(
                "holds `{}`, which no export does",
                entry.file_name().display()
            );
            return Err(irreplaceable(path, &reason));
        }
    }
    Ok(())
}

/// `.NAME.what` beside `NAME`.
fn sibling(path: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(what);
    path.with_file_name(name)
}

/// Removes a file or folder, if it is there.
fn remove(path: &Path) -> Result<()> {
    let outcome = match fs_err::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(about) if about.is_dir() => fs_err::remove_dir_all(path),
        Ok(_) => fs_err::remove_file(path),
    };
    Ok(outcome.map_err(|source| ModelError::io(path, source))?)
}

/// Makes a rename last.
fn flush(folder: Option<&Path>) -> Result<()> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let flushed = fs_err::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(flushed.map_err(|source| ModelError::io(folder, source))?)
}

/// The files of an export with their sizes, by name.
fn files(path: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let io = |source| ModelError::io(path, source);
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs_err::read_dir(path).map_err(io)?;
        let each = entries.map(|entry| entry.map(|entry| entry.path()));
        paths = each.collect::<std::io::Result<_>>().map_err(io)?;
        paths.sort();
    }
    let size = |path: PathBuf| match fs_err::metadata(&path) {
        Ok(about) => Ok((path, about.len())),
        Err(source) => Err(ModelError::io(&path, source).into()),
    };
    paths.into_iter().map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        (folder, out)
    }

    fn count(folder: &tempfile::TempDir) -> usize {
        fs_err::read_dir(folder.path()).unwrap().count()
    }

    #[test]
    fn what_is_not_committed_leaves_nothing_and_the_old_stays() {
        let (folder, out) = scratch();
        fs_err::write(&out, "old").unwrap();
        let target = Target::new(&out, true, &[]).unwrap();
        fs_err::write(target.aside(), "new").unwrap();
        drop(target);
        assert_eq!(fs_err::read_to_string(&out).unwrap(), "old");
        assert_eq!(count(&folder), 1);
    }

    #[test]
    fn what_exists_is_replaced_only_by_force_and_then_whole() {
        let (folder, out) = scratch();
        fs_err::create_dir(&out).unwrap();
        fs_err::write(out.join("a"), "old").unwrap();
        assert!(matches!(
            Target::new(&out, false, &[]),
            Err(Error::Exists(_))
        ));
        let target = Target::new(&out, true, &[]).unwrap();
        fs_err::create_dir(target.aside()).unwrap();
        fs_err::write(target.aside().join("b"), "new").unwrap();
        let files = target.commit().unwrap();
        assert_eq!(files, [(out.join("b"), 3)]);
        assert_eq!(count(&folder), 1);
    }

    #[test]
    fn a_folder_with_folders_in_it_and_the_inputs_are_never_replaced() {
        let (_folder, out) = scratch();
        fs_err::create_dir_all(out.join("inner")).unwrap();
        let outcome = Target::new(&out, true, &[]);
        assert!(matches!(outcome, Err(Error::Irreplaceable { .. })));
        let inner = out.join("inner");
        let outcome = Target::new(&inner, true, &[&inner]);
        assert!(matches!(outcome, Err(Error::Irreplaceable { .. })));
    }
}

//! The folder beside its place in which a harvest is written, and what killed harvests left of theirs.
//!
//! A lock is held on a file in it as long as the harvest lives, so a folder whose lock is free was left
//! behind. Only folders that such a file marks as ours are ever touched.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

const PREFIX: &str = ".harvest-";
/// The file that is locked; it says for which place the folder is.
const HELD: &str = "held";
const MARK: &str = "skillbelt harvest in ";
/// The folder that becomes the harvest.
const NEW: &str = "new";
/// An earlier harvest while the new one takes its place.
const EARLIER: &str = "earlier";

/// A folder that nobody else writes in.
pub struct Aside {
    folder: tempfile::TempDir,
    _held: fs_err::File,
}

impl Aside {
    /// A new one beside a place.
    pub fn beside(place: &Path) -> Result<Aside> {
        let parent = parent(place);
        fs_err::create_dir_all(&parent)?;
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&parent)
            .map_err(|error| Error::told(format_args!("{}: {error}", parent.display())))?;
        // Locked before it has its name: whoever finds the name finds the lock.
        let making = folder.path().join("making");
        let mut held = fs_err::File::create(&making)?;
        held.write_all(format!("{MARK}{}\n", name(place)).as_bytes())?;
        let _a_system_without_locks = held.file().try_lock();
        fs_err::rename(&making, folder.path().join(HELD))?;
        fs_err::create_dir(folder.path().join(NEW))?;
        Ok(Aside {
            folder,
            _held: held,
        })
    }

    pub fn new_folder(&self) -> PathBuf {
        self.folder.path().join(NEW)
    }

    pub fn earlier(&self) -> PathBuf {
        self.folder.path().join(EARLIER)
    }

    /// Takes the folder away.
    pub fn close(self) -> Result<()> {
        let path = self.folder.path().to_owned();
        drop(self._held);
        self.folder
            .close()
            .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))
    }
}

/// Takes away what killed harvests left beside a place. An earlier harvest that one of them had put
/// aside and not yet replaced is brought back. Says how many there were.
pub fn settle(place: &Path) -> Result<usize> {
    let parent = parent(&std::path::absolute(place)?);
    let Ok(entries) = fs_err::read_dir(&parent) else {
        return Ok(0);
    };
    let mut settled = 0;
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            settled += usize::from(settled_one(&parent, &entry.path())?);
        }
    }
    Ok(settled)
}

fn settled_one(parent: &Path, folder: &Path) -> Result<bool> {
    let path = folder.join(HELD);
    if !fs_err::symlink_metadata(&path).is_ok_and(|about| about.is_file()) {
        return Ok(false);
    }
    let Ok(held) = fs_err::File::open(&path) else {
        return Ok(false);
    };
    let mut said = String::new();
    let read = (&held).take(10_000).read_to_string(&mut said).is_ok();
    let name = said.strip_prefix(MARK).filter(|_| read).map(str::trim_end);
    let Some(name) = name.filter(|name| !name.is_empty() && !name.contains(['/', '\\'])) else {
        return Ok(false);
    };
    if held.file().try_lock().is_err() {
        return Ok(false);
    }
    let (earlier, place) = (folder.join(EARLIER), parent.join(name));
    if earlier.is_dir() && fs_err::symlink_metadata(&place).is_err() {
        fs_err::rename(&earlier, &place)?;
    }
    drop(held);
    Ok(fs_err::remove_dir_all(folder).is_ok())
}

fn parent(place: &Path) -> PathBuf {
    place.parent().unwrap_or(place).to_owned()
}

fn name(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs_err::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// What a harvest leaves that is killed: the folder without the lock.
    fn killed(place: &Path) -> PathBuf {
        let aside = Aside::beside(place).unwrap();
        let Aside { folder, _held } = aside;
        folder.keep()
    }

    #[test]
    fn what_was_left_is_taken_away_and_what_lives_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let left = killed(&place);
        fs_err::write(left.join("new/search.train.jsonl"), "{\"half").unwrap();
        let alive = Aside::beside(&place).unwrap();
        let foreign = folder.path().join(".harvest-festival");
        fs_err::create_dir(&foreign).unwrap();
        fs_err::write(foreign.join("held"), "hands").unwrap();
        assert_eq!(settle(&place).unwrap(), 1);
        assert!(!left.exists() && alive.new_folder().exists() && foreign.exists());
        alive.close().unwrap();
        assert_eq!(names(folder.path()), [".harvest-festival"]);
    }

    #[test]
    fn an_earlier_harvest_that_was_put_aside_comes_back_unless_it_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let whole = |path: &Path, text: &str| {
            fs_err::create_dir(path).unwrap();
            fs_err::write(path.join("summary.json"), text).unwrap();
        };
        whole(&killed(&place).join("earlier"), "old");
        assert_eq!(settle(&place).unwrap(), 1);
        let read = || fs_err::read_to_string(place.join("summary.json")).unwrap();
        assert_eq!(read(), "old");
        // Killed after the second rename: the new one is there already.
        fs_err::write(place.join("summary.json"), "new").unwrap();
        whole(&killed(&place).join("earlier"), "old");
        assert_eq!(settle(&place).unwrap(), 1);
        assert_eq!(read(), "new");
        assert_eq!(names(folder.path()), ["out"]);
    }
}

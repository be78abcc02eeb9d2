//! Puts a harvest on the disk: written beside its place, flushed, and brought there by one rename.
//!
//! **Guarantee.** Killed at any moment, the place holds nothing or a whole harvest; with `--force`
//! the earlier one or the new one, but for one moment neither, with both whole beside it: the next
//! harvest then brings the earlier one back, and takes away what was left. A folder that no harvest
//! wrote is never replaced.

mod aside;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::plan::Task;
use crate::rows::Row;
use crate::split::Split;
use aside::Aside;

pub use aside::settle;

/// The file by which a folder is known for a harvest.
pub const SUMMARY: &str = "summary.json";
/// What it begins with.
pub const FORMAT: &str = "skillbelt harvest 1";

/// A harvest while it is written.
pub struct Writing {
    aside: Aside,
    place: PathBuf,
    force: bool,
}

/// Whether a folder may be written, before any work is done.
pub fn allowed(place: &Path, force: bool) -> Result<()> {
    let Ok(about) = fs_err::symlink_metadata(place) else {
        return Ok(());
    };
    let shown = place.display();
    if !about.is_dir() {
        return Err(Error::told(format_args!(
            "{shown}: a folder is wanted here, and there is something else"
        ))
        .with_hint("give another --out"));
    }
    if fs_err::read_dir(place)?.next().is_none() {
        return Ok(());
    }
    let ours = fs_err::read_to_string(place.join(SUMMARY)).is_ok_and(|text| text.contains(FORMAT));
    match (ours, force) {
        (true, true) => Ok(()),
        (true, false) => Err(
            Error::told(format_args!("{shown} holds an earlier harvest"))
                .with_hint("give --force to replace it, or another --out"),
        ),
        (false, _) => Err(Error::told(format_args!(
            "{shown} is not empty, and no harvest wrote it"
        ))
        .with_hint("give another --out; --force replaces an earlier harvest only")),
    }
}

impl Writing {
    pub fn begin(place: &Path, force: bool) -> Result<Writing> {
        allowed(place, force)?;
        let place = std::path::absolute(place)?;
        Ok(Writing {
            aside: Aside::beside(&place)?,
            place,
            force,
        })
    }

    /// Writes the rows of a split of a task, one JSON object a line. A split without rows has no file.
    pub fn rows(&self, task: Task, split: Split, rows: &[Row]) -> Result<()> {
        let mut of_split = rows.iter().filter(|row| row.split == split).peekable();
        if of_split.peek().is_none() {
            return Ok(());
        }
        self.file(&file_name(task, split), |out| {
            for row in of_split {
                serde_json::to_writer(&mut *out, &row.fields)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    pub fn text(&self, name: &str, text: &str) -> Result<()> {
        self.file(name, |out| out.write_all(text.as_bytes()))
    }

    fn file(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let path = self.aside.new_folder().join(name);
        let mut out = BufWriter::with_capacity(1 << 18, fs_err::File::create(&path)?);
        let failed = |error| Error::told(format_args!("{}: {error}", path.display()));
        write(&mut out).map_err(failed)?;
        let file = out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        Ok(file.sync_all()?)
    }

    /// Brings all of it to its place.
    pub fn publish(self) -> Result<()> {
        allowed(&self.place, self.force)?;
        let (new, earlier) = (self.aside.new_folder(), self.aside.earlier());
        flush(&new)?;
        let replaces = self.place.exists();
        if replaces {
            fs_err::rename(&self.place, &earlier)?;
        }
        if let Err(error) = fs_err::rename(&new, &self.place) {
            if replaces {
                fs_err::rename(&earlier, &self.place)?;
            }
            return Err(error.into());
        }
        if let Some(parent) = self.place.parent() {
            flush(parent)?;
        }
        self.aside.close()
    }
}

pub fn file_name(task: Task, split: Split) -> String {
    format!("{task}.{}.jsonl", split.name())
}

/// The entries of a folder reach the disk.
#[cfg(unix)]
fn flush(folder: &Path) -> Result<()> {
    Ok(fs_err::File::open(folder)?.sync_all()?)
}

#[cfg(not(unix))]
fn flush(_: &Path) -> Result<()> {
    Ok(())
}

//! How a run touches the disk: files written aside and flushed, folders published by one rename.
//! It knows nothing of what the files say.
//!
//! **Guarantee.** A folder or file that stands at its place is whole, and was flushed before it came
//! there. Killed at any moment, the place holds the old one or the new one (`publish` of a folder
//! over another: for one moment neither, with the new one whole beside it).

pub mod faults;

use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use faults::{Call, Faults};

/// Bytes that are handed to the operating system at once.
const AT_ONCE: usize = 1 << 18;

/// Every write, flush and rename of a run goes through here.
#[derive(Debug, Clone)]
pub struct Disk {
    faults: Arc<Faults>,
}

/// What was written into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub bytes: u64,
    /// blake3, in hexadecimal.
    pub hash: String,
}

impl Disk {
    pub fn new(faults: Arc<Faults>) -> Disk {
        Disk { faults }
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Writes a new file and flushes it to the disk, without any care for what stands there: for
    /// files of a folder that is built aside.
    pub fn write(
        &self,
        path: &Path,
        content: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<Written> {
        self.faults.reach("before-write")?;
        let file = fs_err::File::create(path).map_err(|error| Error::io(path, error))?;
        let mut out = BufWriter::with_capacity(
            AT_ONCE,
            Sink {
                file,
                disk: self,
                hasher: blake3::Hasher::new(),
                bytes: 0,
            },
        );
        content(&mut out)?;
        let sink = out
            .into_inner()
            .map_err(|error| Error::io(path, error.into_error()))?;
        self.sync_file(path, &sink.file)?;
        self.faults.reach("after-file")?;
        Ok(Written {
            bytes: sink.bytes,
            hash: sink.hasher.finalize().to_hex().to_string(),
        })
    }

    /// Replaces a file: readers see the old one or the new one, whole.
    pub fn replace(&self, path: &Path, content: &[u8]) -> Result<()> {
        let aside = beside(path, "writing");
        let outcome = self
            .write(&aside, |out| {
                out.write_all(content)
                    .map_err(|error| Error::io(path, error))
            })
            .and_then(|_| self.rename(&aside, path));
        if outcome.is_err() && !self.faults.died() {
            // Nothing half-written stays; that it could not be removed is not what went wrong.
            let _left = fs_err::remove_file(&aside);
        }
        outcome?;
        self.sync_folder(parent(path))
    }

    /// Builds a folder aside and publishes it; what stood at the place is removed only after.
    pub fn publish(&self, place: &Path, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let aside = beside(place, "writing");
        let old = beside(place, "old");
        self.remove_folder(&aside)?;
        fs_err::create_dir_all(&aside).map_err(|error| Error::io(&aside, error))?;
        let built = build(&aside).and_then(|()| self.sync_folder(&aside));
        if let Err(error) = built {
            if !self.faults.died() {
                // Room for whatever comes next; the failure itself is what must be told.
                let _left = self.remove_folder(&aside);
            }
            return Err(error);
        }
        self.faults.reach("before-rename")?;
        if place.exists() {
            self.remove_folder(&old)?;
            self.rename(place, &old)?;
        }
        self.rename(&aside, place)?;
        self.faults.reach("after-rename")?;
        self.sync_folder(parent(place))?;
        self.remove_folder(&old)
    }

    /// Flushes every file of a folder that somebody else has written, and the folders in it.
    pub fn sync_tree(&self, folder: &Path) -> Result<()> {
        for entry in entries(folder)? {
            if entry.is_dir() {
                self.sync_tree(&entry)?;
            } else {
                // Somebody else's writing counts as one call.
                self.faults
                    .call(Call::Write)
                    .map_err(|error| Error::io(&entry, error))?;
                let file = fs_err::File::open(&entry).map_err(|error| Error::io(&entry, error))?;
                self.sync_file(&entry, &file)?;
            }
        }
        self.sync_folder(folder)
    }

    /// Removes a folder with all that is in it, if it is there.
    pub fn remove_folder(&self, folder: &Path) -> Result<()> {
        match fs_err::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(folder, error))
            }
            _ => Ok(()),
        }
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.faults
            .call(Call::Rename)
            .and_then(|()| fs_err::rename(from, to))
            .map_err(|error| Error::io(to, error))
    }

    pub fn sync_folder(&self, folder: &Path) -> Result<()> {
        let file = fs_err::File::open(folder).map_err(|error| Error::io(folder, error))?;
        self.sync_file(folder, &file)
    }

    fn sync_file(&self, path: &Path, file: &fs_err::File) -> Result<()> {
        self.faults
            .call(Call::Fsync)
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::io(path, error))
    }
}

/// A file that only grows, and that can be cut back to a length that is known to be good.
pub struct Growing {
    path: PathBuf,
    disk: Disk,
    file: fs_err::File,
    length: u64,
}

impl Growing {
    /// Opens the file and cuts it to `length`. A file that is shorter has lost something.
    pub fn open(disk: &Disk, path: &Path, length: u64) -> Result<Growing> {
        let told = |error| Error::io(path, error);
        let mut options = fs_err::OpenOptions::new();
        let options = options.create(true).truncate(false).write(true);
        let mut file = options.open(path).map_err(told)?;
        let found = file.metadata().map_err(told)?.len();
        if found < length {
            return Err(Error::told(format_args!(
                "{} has {found} bytes; the checkpoint was made when it had {length}",
                path.display()
            ))
            .with_hint("it was cut or removed; to start over, use another output folder"));
        }
        file.file().set_len(length).map_err(told)?;
        file.seek(SeekFrom::Start(length)).map_err(told)?;
        Ok(Growing {
            path: path.to_owned(),
            disk: disk.clone(),
            file,
            length,
        })
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let faults = self.disk.faults();
        faults
            .call(Call::Write)
            .and_then(|()| self.file.write_all(bytes))
            .map_err(|error| Error::io(&self.path, error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Flushes to the disk; the length that is now safe.
    pub fn sync(&mut self) -> Result<u64> {
        self.disk.sync_file(&self.path, &self.file)?;
        Ok(self.length)
    }
}

/// The file below, with faults, and a hash of what went into it.
struct Sink<'d> {
    file: fs_err::File,
    disk: &'d Disk,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (front, back) = bytes.split_at(bytes.len() / 2);
        self.file.write_all(front)?;
        let faults = &self.disk.faults;
        faults.reach("mid-file").map_err(std::io::Error::other)?;
        faults.call(Call::Write)?;
        self.file.write_all(back)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// What stands in a folder, sorted by name.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let told = |error| Error::io(folder, error);
    let mut paths = Vec::new();
    for entry in fs_err::read_dir(folder).map_err(told)? {
        paths.push(entry.map_err(told)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// `a/b` becomes `a/b.ending`.
fn beside(place: &Path, ending: &str) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    place.with_file_name(name)
}

fn parent(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(faults: Faults) -> Disk {
        Disk::new(Arc::new(faults))
    }

    #[test]
    fn a_refused_call_leaves_the_old_file_and_the_old_folder() {
        for call in [Call::Write, Call::Fsync, Call::Rename] {
            let folder = tempfile::tempdir().unwrap();
            let (file, place) = (folder.path().join("a"), folder.path().join("b"));
            disk(Faults::none()).replace(&file, b"old").unwrap();
            let write = |disk: &Disk, text: &'static [u8]| {
                disk.publish(&place, |aside| {
                    let write = |out: &mut dyn Write| {
                        out.write_all(text).map_err(|error| Error::io(aside, error))
                    };
                    disk.write(&aside.join("c"), write).map(|_| ())
                })
            };
            write(&disk(Faults::none()), b"old").unwrap();
            assert!(
                disk(Faults::refusing(call, 1))
                    .replace(&file, b"new")
                    .is_err()
            );
            assert!(write(&disk(Faults::refusing(call, 1)), b"new").is_err());
            assert_eq!(fs_err::read(&file).unwrap(), b"old");
            assert_eq!(fs_err::read(place.join("c")).unwrap(), b"old", "{call:?}");
            write(&disk(Faults::none()), b"new").unwrap();
            assert_eq!(fs_err::read(place.join("c")).unwrap(), b"new");
            assert_eq!(entries(folder.path()).unwrap(), [file, place.clone()]);
        }
    }

    #[test]
    fn a_growing_file_is_cut_back_and_never_stretched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let disk = disk(Faults::none());
        let mut log = Growing::open(&disk, &path, 0).unwrap();
        log.append(b"one\n").unwrap();
        assert_eq!(log.sync().unwrap(), 4);
        log.append(b"two\n").unwrap();
        let mut log = Growing::open(&disk, &path, 4).unwrap();
        log.append(b"deux\n").unwrap();
        assert_eq!(fs_err::read(&path).unwrap(), b"one\ndeux\n");
        assert!(Growing::open(&disk, &path, 100).is_err());
    }
}

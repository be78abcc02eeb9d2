//! Checkpoints of a run: folders that are whole or not there. It knows files and their hashes, and
//! nothing of what they hold.
//!
//! **Guarantee.** A checkpoint is built aside, each file flushed, the manifest with the hash of each
//! file last; one rename publishes it; the folder above is flushed; only then is the checkpoint
//! before the previous one removed. Killed at any moment, or with a write refused, the newest
//! published checkpoint stays as it was. Two are kept, so that one damaged later has an older one
//! behind it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::error::{Error, Result};

/// Checkpoints that stay.
const KEPT: usize = 2;
const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// All checkpoints of a run.
pub struct Checkpoints {
    folder: PathBuf,
    disk: Disk,
}

/// What must stand in a checkpoint, to the byte.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    step: u64,
    files: BTreeMap<String, Entry>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    blake3: String,
}

/// A checkpoint that is being built.
pub struct Building<'c> {
    folder: &'c Path,
    disk: &'c Disk,
    files: BTreeMap<String, Entry>,
}

impl Building<'_> {
    /// Writes one file of the checkpoint.
    pub fn file(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let path = self.folder.join(name);
        let written = self.disk.write(&path, |out| {
            content(out).map_err(|error| Error::io(&path, error))
        })?;
        let entry = Entry {
            bytes: written.bytes,
            blake3: written.hash,
        };
        self.files.insert(name.to_owned(), entry);
        Ok(())
    }
}

impl Checkpoints {
    pub fn new(folder: PathBuf, disk: Disk) -> Checkpoints {
        Checkpoints { folder, disk }
    }

    /// Builds and publishes the checkpoint of a step, then removes those that are no longer needed.
    pub fn save(
        &self,
        step: u64,
        content: impl FnOnce(&mut Building<'_>) -> Result<()>,
    ) -> Result<()> {
        fs_err::create_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, error))?;
        let faults = self.disk.faults();
        self.disk.publish(&self.folder.join(name(step)), |aside| {
            let mut building = Building {
                folder: aside,
                disk: &self.disk,
                files: BTreeMap::new(),
            };
            content(&mut building)?;
            faults.reach("before-manifest")?;
            let manifest = Manifest {
                format: FORMAT,
                step,
                files: std::mem::take(&mut building.files),
            };
            building.file(MANIFEST, |out| {
                serde_json::to_writer_pretty(out, &manifest).map_err(std::io::Error::from)
            })
        })?;
        faults.reach("before-remove")?;
        let steps = self.steps()?;
        for old in steps.iter().rev().skip(KEPT) {
            self.disk.remove_folder(&self.folder.join(name(*old)))?;
        }
        faults.reach("after-save")
    }

    /// The newest checkpoint that is whole, with its step. Damaged ones are told through `damaged`.
    pub fn newest(&self, mut damaged: impl FnMut(&str)) -> Result<Option<(u64, PathBuf)>> {
        for step in self.steps()?.into_iter().rev() {
            let folder = self.folder.join(name(step));
            match check(&folder, step) {
                Ok(()) => return Ok(Some((step, folder))),
                Err(error) => damaged(&format!(
                    "the checkpoint {} is damaged and is not used: {error}",
                    folder.display()
                )),
            }
        }
        Ok(None)
    }

    /// Steps of the published checkpoints, ascending.
    fn steps(&self) -> Result<Vec<u64>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = disk::entries(&self.folder)?;
        let step = |path: &PathBuf| {
            path.file_name()?
                .to_str()?
                .strip_prefix("step-")?
                .parse()
                .ok()
        };
        let mut steps: Vec<u64> = entries.iter().filter_map(step).collect();
        steps.sort_unstable();
        Ok(steps)
    }
}

fn name(step: u64) -> String {
    format!("step-{step:09}")
}

/// Whether every file is what the manifest says.
fn check(folder: &Path, step: u64) -> Result<()> {
    let path = folder.join(MANIFEST);
    let text = fs_err::read(&path).map_err(|error| Error::io(&path, error))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))?;
    if manifest.format != FORMAT || manifest.step != step {
        return Err(Error::told(format_args!(
            "{}: expected format {FORMAT} of step {step}, found format {} of step {}",
            path.display(),
            manifest.format,
            manifest.step
        )));
    }
    for (name, expected) in &manifest.files {
        let path = folder.join(name);
        let found = hash(&path).map_err(|error| Error::io(&path, error))?;
        if found != *expected {
            return Err(Error::told(format_args!(
                "{}: expected {} bytes of hash {}, found {} of {}",
                path.display(),
                expected.bytes,
                expected.blake3,
                found.bytes,
                found.blake3
            )));
        }
    }
    Ok(())
}

fn hash(path: &Path) -> std::io::Result<Entry> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hasher.update(&piece[..count]);
        bytes += count as u64;
    }
    Ok(Entry {
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::disk::faults::Faults;

    fn checkpoints(folder: &Path, faults: Faults) -> Checkpoints {
        Checkpoints::new(folder.join("checkpoints"), Disk::new(Arc::new(faults)))
    }

    fn save(checkpoints: &Checkpoints, step: u64) -> Result<()> {
        checkpoints.save(step, |building| {
            building.file("a", |out| out.write_all(&step.to_le_bytes()))?;
            building.file("b", |out| out.write_all(&[7; 100]))
        })
    }

    fn newest(folder: &Path) -> (Option<u64>, Vec<String>) {
        let mut told = Vec::new();
        let checkpoints = checkpoints(folder, Faults::none());
        let found = checkpoints
            .newest(|text| told.push(text.to_owned()))
            .unwrap();
        (found.map(|(step, _)| step), told)
    }

    #[test]
    fn the_newest_two_are_kept_and_a_damaged_one_falls_back_to_the_older() {
        let folder = tempfile::tempdir().unwrap();
        let all = checkpoints(folder.path(), Faults::none());
        for step in [5, 10, 15] {
            save(&all, step).unwrap();
        }
        assert_eq!(all.steps().unwrap(), [10, 15]);
        assert_eq!(newest(folder.path()), (Some(15), vec![]));
        let newest_one = folder.path().join("checkpoints/step-000000015");
        for (file, damage) in [("a", &b"other"[..]), (MANIFEST, &b"{"[..])] {
            let path = newest_one.join(file);
            let good = fs_err::read(&path).unwrap();
            fs_err::write(&path, damage).unwrap();
            let (step, told) = newest(folder.path());
            assert_eq!(step, Some(10));
            assert!(told[0].contains("step-000000015") && told[0].contains("damaged"));
            fs_err::write(&path, good).unwrap();
        }
        fs_err::remove_file(newest_one.join("b")).unwrap();
        assert_eq!(newest(folder.path()).0, Some(10));
    }

    #[test]
    fn whatever_call_is_refused_the_last_good_checkpoint_stays() {
        use crate::disk::faults::Call;
        for call in [Call::Write, Call::Fsync, Call::Rename] {
            for count in 1..8 {
                let folder = tempfile::tempdir().unwrap();
                save(&checkpoints(folder.path(), Faults::none()), 1).unwrap();
                let all = checkpoints(folder.path(), Faults::refusing(call, count));
                let outcome = save(&all, 2);
                let broken = all.disk.faults().calls(call) >= count;
                assert_eq!(outcome.is_err(), broken);
                let (step, told) = newest(folder.path());
                assert!(told.is_empty());
                assert!(step == Some(2) || (broken && step == Some(1)));
                save(&checkpoints(folder.path(), Faults::none()), 3).unwrap();
                assert_eq!(newest(folder.path()).0, Some(3));
            }
        }
    }
}

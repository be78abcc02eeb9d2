//! The folder of a study: `cells/KEY` are finished runs, `work/KEY.n` runs under way, `claims/KEY.n`
//! who works or worked on them. It knows files, and nothing of what a cell computes.
//!
//! **Guarantee.** A folder in `cells/` is whole and never changed again. It comes there by one rename,
//! after `done.json` with the hash of each file that numbers are made of was flushed. Killed anywhere, a
//! run goes on from its last checkpoint under the next claim.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::disk::faults::Faults;
use crate::disk::{self, Disk};
use crate::error::{Error, Result};
use crate::study::claim::{Claims, Ended, Held, Newest};
use crate::study::content;

pub const DONE: &str = "done.json";
const FORMAT: u32 = 1;
/// Files of a run that numbers are made of, beside the answers.
const KEPT: [&str; 5] = [
    "report.json",
    "run.json",
    "metrics.jsonl",
    "recipe.yaml",
    crate::advise::FILE,
];

/// What a finished cell says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    pub format: u32,
    pub key: String,
    /// For people.
    pub name: String,
    /// The number of the claim under which it was finished.
    pub claim: u64,
    /// Numbers that were trained, heads included.
    pub trained_parameters: u64,
    /// Bytes of the belt's folder.
    pub stored_bytes: u64,
    pub files: BTreeMap<String, String>,
}

/// How a cell stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    Done(Done),
    /// Its files are no longer what they were.
    Damaged(String),
    /// Who works on it, and how far it is.
    Running(String),
    Waiting,
    Failed(String, Duration),
}

/// The outcome of asking for a cell.
pub enum Asked {
    Mine(Seat),
    /// It is finished, or failed since this folder was opened. Not looked into any closer.
    Over,
    /// Somebody works on it.
    Held,
}

/// A cell that is ours to work on.
pub struct Seat {
    pub key: String,
    pub held: Held,
    /// Where the run stands.
    pub work: PathBuf,
}

/// A study's folder, opened.
pub struct StudyFolder {
    root: PathBuf,
    claims: Claims,
    disk: Disk,
    opened: Instant,
}

impl StudyFolder {
    /// Writes nothing yet.
    pub fn new(root: &Path, dead_after: Duration, faults: Arc<Faults>) -> StudyFolder {
        StudyFolder {
            root: root.to_owned(),
            claims: Claims::new(root.join("claims"), dead_after),
            disk: Disk::new(faults),
            opened: Instant::now(),
        }
    }

    /// Makes what is missing of it.
    pub fn make(&self) -> Result<()> {
        for part in ["cells", "work", "claims"] {
            let folder = self.root.join(part);
            fs_err::create_dir_all(&folder).map_err(|error| Error::io(&folder, error))?;
        }
        Ok(())
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Where a finished cell stands.
    pub fn cell(&self, key: &str) -> PathBuf {
        self.root.join("cells").join(key)
    }

    fn work(&self, key: &str, number: u64) -> PathBuf {
        self.root.join("work").join(format!("{key}.{number}"))
    }

    /// Where a copy is made before it gets its name.
    fn aside(&self, key: &str, number: u64) -> PathBuf {
        self.root.join("work").join(format!(".{key}.{number}"))
    }

    pub fn standing(&self, key: &str) -> Result<Standing> {
        let cell = self.cell(key);
        if cell.exists() {
            return Ok(match verify(&cell, key) {
                Ok(done) => Standing::Done(done),
                Err(error) => Standing::Damaged(error.to_string()),
            });
        }
        let number = self.claims.highest(key)?;
        Ok(match self.claims.state(key, number)? {
            Newest::Held(owner, said) if said.is_empty() => Standing::Running(owner.shown()),
            Newest::Held(owner, said) => Standing::Running(format!("{}, {said}", owner.shown())),
            Newest::Ended(Ended::Failed { message, hint }, age) => {
                let hint = hint.map_or(String::new(), |hint| format!(" (hint: {hint})"));
                Standing::Failed(message + &hint, age)
            }
            Newest::None | Newest::Dead | Newest::Ended(..) => Standing::Waiting,
        })
    }

    /// Asks for a cell. One that failed since this folder was opened is not tried again: whoever
    /// starts the study anew wants it tried anew, nobody wants it tried for ever.
    pub fn ask(&self, key: &str) -> Result<Asked> {
        // Whether its files are what they were is asked when results are made.
        if self.cell(key).exists() {
            return Ok(Asked::Over);
        }
        let number = self.claims.highest(key)?;
        match self.standing(key)? {
            Standing::Waiting => {}
            Standing::Failed(_, age) if age > self.opened.elapsed() => {}
            Standing::Running(_) => return Ok(Asked::Held),
            Standing::Failed(..) | Standing::Done(_) | Standing::Damaged(_) => {
                return Ok(Asked::Over);
            }
        }
        let Some(held) = self.claims.take(key, number + 1)? else {
            return Ok(Asked::Held);
        };
        // It may have been finished between the first look and the claim.
        if self.cell(key).exists() {
            held.end(&Ended::Stopped)?;
            return Ok(Asked::Over);
        }
        let work = self.work(key, held.number);
        if let Err(error) = self.inherit(key, held.number, &work) {
            let _left = held.end(&Ended::Stopped);
            return Err(error);
        }
        Ok(Asked::Mine(Seat {
            key: key.to_owned(),
            held,
            work,
        }))
    }

    /// Takes over what the last owner has left. Who can never write again leaves the folder itself;
    /// of one that may only sleep, a copy is taken.
    fn inherit(&self, key: &str, number: u64, work: &Path) -> Result<()> {
        let last = (1..number).rev().find(|n| self.work(key, *n).exists());
        let Some(last) = last else { return Ok(()) };
        let left = self.work(key, last);
        if self.claims.is_over(key, last)? {
            return self.disk.rename(&left, work);
        }
        let aside = self.aside(key, number);
        self.disk.remove_folder(&aside)?;
        copy(&left, &aside)?;
        self.disk.rename(&aside, work)
    }

    /// Writes down what stands in the work folder, and makes it the cell. Checkpoints go, for nobody
    /// goes on with a finished run.
    pub fn publish(&self, seat: &Seat, mut done: Done, keep_belt: bool) -> Result<()> {
        done.files = hashes(&seat.work)?;
        let text = serde_json::to_vec_pretty(&done).map_err(Error::told)?;
        self.disk.replace(&seat.work.join(DONE), &text)?;
        self.finish(seat, keep_belt)
    }

    /// The last part of publishing; what was killed in it does it again.
    pub fn finish(&self, seat: &Seat, keep_belt: bool) -> Result<()> {
        self.disk.remove_folder(&seat.work.join("checkpoints"))?;
        if !keep_belt {
            for part in ["belt", "best"] {
                self.disk.remove_folder(&seat.work.join(part))?;
            }
        }
        let cell = self.cell(&seat.key);
        if let Err(error) = self.disk.rename(&seat.work, &cell) {
            if !cell.join(DONE).is_file() {
                return Err(error);
            }
            // An owner before us was not as dead as it seemed, and made the same cell.
            self.disk.remove_folder(&seat.work)?;
        }
        self.disk.sync_folder(&self.root.join("cells"))?;
        // Whatever earlier owners have left.
        for number in 1..seat.held.number {
            self.disk.remove_folder(&self.work(&seat.key, number))?;
            self.disk.remove_folder(&self.aside(&seat.key, number))?;
        }
        Ok(())
    }
}

impl Done {
    pub fn new(key: &str, name: String, claim: u64) -> Done {
        Done {
            format: FORMAT,
            key: key.to_owned(),
            name,
            claim,
            trained_parameters: 0,
            stored_bytes: 0,
            files: BTreeMap::new(),
        }
    }

    /// Of a folder whose run was finished and that was not published any more.
    pub fn read(folder: &Path) -> Result<Done> {
        let path = folder.join(DONE);
        let bytes = fs_err::read(&path).map_err(|error| Error::io(&path, error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::told(format_args!("{}: {error}", path.display())))
    }
}

/// The files of a finished cell are what they were.
pub fn verify(folder: &Path, key: &str) -> Result<Done> {
    let told = |message: String| {
        Error::told(format_args!("{}: {message}", folder.display()))
            .with_hint("move the folder away to have the cell run again")
    };
    let done = Done::read(folder)?;
    if done.format != FORMAT || done.key != key {
        return Err(told(format!(
            "expected a cell of format {FORMAT} and key {key}, found format {} and key {}",
            done.format, done.key
        )));
    }
    for (name, expected) in &done.files {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(told(format!("{name} is missing")));
        }
        let found = content::hash(&path)?;
        if found != *expected {
            return Err(told(format!(
                "{name} has hash {found}; when the cell was finished it had {expected}"
            )));
        }
    }
    Ok(done)
}

fn hashes(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for name in KEPT {
        let path = folder.join(name);
        if path.is_file() {
            files.insert(name.to_owned(), content::hash(&path)?);
        }
    }
    for path in disk::entries(&folder.join("answers"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.insert(format!("answers/{name}"), content::hash(&path)?);
    }
    Ok(files)
}

/// Bytes of all files of a folder.
pub fn bytes(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for path in disk::entries(folder)? {
        sum += match path.is_dir() {
            true => bytes(&path)?,
            false => fs_err::metadata(&path)
                .map_err(|error| Error::io(&path, error))?
                .len(),
        };
    }
    Ok(sum)
}

/// Copies a run that somebody may still write in: checkpoints first, for the log is only read as far
/// as they say, and only grows. A file that vanishes meanwhile was no longer needed; what is cut off
/// is found by its hash.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs_err::create_dir_all(to).map_err(|error| Error::io(to, error))?;
    let Ok(mut entries) = disk::entries(from) else {
        return Ok(());
    };
    entries.sort_by_key(|path| !path.ends_with("checkpoints"));
    for path in entries {
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &place)?;
        } else if let Err(error) = fs_err::copy(&path, &place)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(Error::io(&place, error));
        }
    }
    Ok(())
}

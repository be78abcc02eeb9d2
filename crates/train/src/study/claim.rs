//! Claims: of all processes that share a study's folder, one at a time works on a cell.
//!
//! The claims of a cell are numbered. Claim `n` is the folder `claims/KEY.n`, built aside with its
//! owner in it and published by one rename, which fails where there is such a folder already: of many
//! processes that want number `n`, one gets it, on network file systems too. Nobody's claim is ever
//! removed or changed by another process, so that no living claim can be taken for the dead one that
//! stood there before: whoever finds the newest claim ended or dead goes for the next number.
//!
//! **Guarantee.** Each number has at most one owner. The owner of a number works in a folder of that
//! number alone (`work/KEY.n`), so that even a process that slept through its own death writes nothing
//! that its successor reads. Locks of files are not needed and not used here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Error, Result};
use crate::study::owner::Owner;

const OWNER: &str = "owner.json";
pub(super) const BEAT: &str = "beat";
const ENDED: &str = "ended.json";

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The cell is published.
    Done,
    /// Stopped by a person; whoever comes goes on.
    Stopped,
    /// It could not be done.
    Failed {
        message: String,
        hint: Option<String>,
    },
}

/// What is known of the newest claim of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Newest {
    /// There is none.
    None,
    /// Somebody works on it.
    Held(Owner, String),
    /// It has ended, so long ago.
    Ended(Ended, Duration),
    /// Its owner is dead: certainly, or for want of a heartbeat.
    Dead,
}

/// The claims of a study.
#[derive(Debug, Clone)]
pub struct Claims {
    folder: PathBuf,
    /// Without a heartbeat for so long, an owner counts as dead.
    dead_after: Duration,
}

/// A number that is ours.
#[derive(Debug)]
pub struct Held {
    pub number: u64,
    pub folder: PathBuf,
    /// The place of the claim that would come after it.
    pub next: PathBuf,
}

impl Claims {
    pub fn new(folder: PathBuf, dead_after: Duration) -> Claims {
        Claims { folder, dead_after }
    }

    /// The highest number of a cell's claims; 0 if there is none.
    pub fn highest(&self, key: &str) -> Result<u64> {
        let mut highest = 0;
        if !self.folder.exists() {
            return Ok(0);
        }
        for path in disk::entries(&self.folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let number = name
                .strip_prefix(key)
                .and_then(|rest| rest.strip_prefix('.'));
            let number = number.and_then(|number| number.parse().ok());
            highest = highest.max(number.unwrap_or(0));
        }
        Ok(highest)
    }

    fn place(&self, key: &str, number: u64) -> PathBuf {
        self.folder.join(format!("{key}.{number}"))
    }

    /// What is known of the claim with a number.
    pub fn state(&self, key: &str, number: u64) -> Result<Newest> {
        if number == 0 {
            return Ok(Newest::None);
        }
        let place = self.place(key, number);
        if let Some((ended, age)) = self.ended(&place)? {
            return Ok(Newest::Ended(ended, age));
        }
        let owner: Option<Owner> = read(&place.join(OWNER));
        let Some(owner) = owner else {
            // Published with its owner in it; that it cannot be read is no reason to take it over.
            return match self.age(&place)? > self.dead_after {
                true => Ok(Newest::Dead),
                false => Ok(Newest::Held(Owner::me(String::new()), String::new())),
            };
        };
        if owner.is_gone() || self.age(&place.join(BEAT))? > self.dead_after {
            return Ok(Newest::Dead);
        }
        let said = fs_err::read_to_string(place.join(BEAT)).unwrap_or_default();
        Ok(Newest::Held(owner, said.trim().to_owned()))
    }

    /// Whether the owner of a number can never write again: it has ended, or its process is gone.
    pub fn is_over(&self, key: &str, number: u64) -> Result<bool> {
        let place = self.place(key, number);
        let owner: Option<Owner> = read(&place.join(OWNER));
        Ok(self.ended(&place)?.is_some() || owner.is_some_and(|owner| owner.is_gone()))
    }

    fn ended(&self, place: &Path) -> Result<Option<(Ended, Duration)>> {
        let path = place.join(ENDED);
        match read(&path) {
            Some(ended) => Ok(Some((ended, self.age(&path)?))),
            None => Ok(None),
        }
    }

    /// Takes a number, if nobody has it.
    pub fn take(&self, key: &str, number: u64) -> Result<Option<Held>> {
        let token = token();
        let owner = Owner::me(token.clone());
        let aside = self.folder.join(format!(".new-{token}"));
        fs_err::create_dir_all(&aside).map_err(|error| Error::io(&aside, error))?;
        let text = serde_json::to_vec(&owner).map_err(Error::told)?;
        write(&aside.join(OWNER), &text)?;
        write(&aside.join(BEAT), b"")?;
        let place = self.place(key, number);
        let renamed = fs_err::rename(&aside, &place);
        // A network may answer twice: what stands there now says whose it is.
        let won = read::<Owner>(&place.join(OWNER)).is_some_and(|owner| owner.token == token);
        if !won {
            let _left = fs_err::remove_dir_all(&aside);
            return match renamed {
                Err(error) if !place.exists() => Err(Error::io(&place, error)),
                _ => Ok(None),
            };
        }
        Ok(Some(Held {
            number,
            folder: place,
            next: self.place(key, number + 1),
        }))
    }

    /// How long ago a file was written, by the clock of the file system that holds it: clocks of
    /// machines differ.
    fn age(&self, path: &Path) -> Result<Duration> {
        let written = |path: &Path| {
            let facts = fs_err::metadata(path).map_err(|error| Error::io(path, error))?;
            facts.modified().map_err(|error| Error::io(path, error))
        };
        let then = written(path)?;
        let now = self.now()?;
        Ok(now.duration_since(then).unwrap_or_default())
    }

    fn now(&self) -> Result<SystemTime> {
        let probe = self.folder.join(format!(".now-{}", token()));
        write(&probe, b"")?;
        let facts = fs_err::metadata(&probe).map_err(|error| Error::io(&probe, error))?;
        let now = facts.modified().map_err(|error| Error::io(&probe, error))?;
        let _left = fs_err::remove_file(&probe);
        Ok(now)
    }
}

impl Held {
    /// The same claim, for the thread that beats.
    pub(super) fn again(&self) -> Held {
        Held {
            number: self.number,
            folder: self.folder.clone(),
            next: self.next.clone(),
        }
    }

    /// Says that the owner lives, and how far it is.
    pub fn beat(&self, said: &str) -> std::io::Result<()> {
        fs_err::write(self.folder.join(BEAT), said)
    }

    /// Whether somebody took us for dead.
    pub fn is_lost(&self) -> bool {
        self.next.exists()
    }

    /// Gives the cell up.
    pub fn end(&self, how: &Ended) -> Result<()> {
        let text = serde_json::to_vec(how).map_err(Error::told)?;
        let aside = self.folder.join("ended.new");
        write(&aside, &text)?;
        let place = self.folder.join(ENDED);
        fs_err::rename(&aside, &place).map_err(|error| Error::io(&place, error))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs_err::write(path, bytes).map_err(|error| Error::io(path, error))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs_err::read(path).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A word that no other claim has.
fn token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let me = Owner::me(String::new());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let all = format!("{me:?} {count} {}", now.map_or(0, |since| since.as_nanos()));
    blake3::hash(all.as_bytes()).to_hex().as_str()[..24].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(folder: &Path, millis: u64) -> Claims {
        Claims::new(folder.to_owned(), Duration::from_millis(millis))
    }

    #[test]
    fn of_many_that_want_a_number_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(folder.path(), 60_000);
        for number in 1..20 {
            let won: usize = std::thread::scope(|scope| {
                let all: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| claims.take("k", number).unwrap().is_some()))
                    .collect();
                all.into_iter()
                    .map(|one| usize::from(one.join().unwrap()))
                    .sum()
            });
            assert_eq!(won, 1);
            assert_eq!(claims.highest("k").unwrap(), number);
            assert!(matches!(
                claims.state("k", number).unwrap(),
                Newest::Held(..)
            ));
        }
        // Nothing is left of those who lost.
        assert_eq!(disk::entries(folder.path()).unwrap().len(), 19);
    }

    #[test]
    fn an_owner_without_a_heartbeat_is_dead_and_one_that_ended_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(folder.path(), 300);
        let held = claims.take("k", 1).unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(400));
        assert_eq!(claims.state("k", 1).unwrap(), Newest::Dead);
        assert!(!claims.is_over("k", 1).unwrap(), "it may wake up");
        held.beat("step 3 of 9").unwrap();
        let Newest::Held(owner, said) = claims.state("k", 1).unwrap() else {
            panic!("it lives");
        };
        assert_eq!((owner.pid, &said[..]), (std::process::id(), "step 3 of 9"));
        assert!(!held.is_lost());
        held.end(&Ended::Stopped).unwrap();
        assert!(matches!(
            claims.state("k", 1).unwrap(),
            Newest::Ended(Ended::Stopped, _)
        ));
        assert!(claims.is_over("k", 1).unwrap());
        claims.take("k", 2).unwrap().unwrap();
        assert!(held.is_lost());
    }

    #[test]
    fn keys_of_which_one_begins_like_another_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let claims = claims(folder.path(), 300);
        claims.take("ab", 7).unwrap().unwrap();
        assert_eq!(claims.highest("a").unwrap(), 0);
        assert_eq!(claims.highest("ab").unwrap(), 7);
    }
}

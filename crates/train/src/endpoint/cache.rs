//! The cache: every answer of an endpoint, one JSON object a line, under the hash of all that
//! determines it. The file only grows.
//!
//! An answer is in the file, flushed to the disk, before [`Cache::put`] returns. Killed anywhere, at
//! most the last line is unfinished; it is taken off when the file is opened next, and the request
//! is made again. A line that is damaged elsewhere is an error with its number, because it was paid
//! for. One process at a time holds the file.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fs_err::{File, OpenOptions};
use serde::{Deserialize, Serialize};

use super::answer::Answered;
use super::limits::MAX_LINE_BYTES;
use crate::error::{Error, Result};

/// Answers by their key, in memory and in a file.
pub struct Cache {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    known: HashMap<String, Answered>,
    file: File,
    /// Where the next line begins.
    end: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    answered: Answered,
}

impl Cache {
    /// Opens the file, or makes it with its folder.
    pub fn open(path: &Path) -> Result<Cache> {
        let io = |source| Error::io(path, source);
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs_err::create_dir_all(folder).map_err(io)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let mut file = options.open(path).map_err(io)?;
        if file.file().try_lock().is_err() {
            let told = Error::told(format_args!("{}: another process uses it", path.display()));
            return Err(told.with_hint("wait for its end, or name another `cache`"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let (known, end) = read(path, &bytes)?;
        if end < bytes.len() {
            file.set_len(end as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        Ok(Cache {
            path: path.to_owned(),
            state: Mutex::new(State {
                known,
                file,
                end: end as u64,
            }),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, key: &str) -> Option<Answered> {
        self.state().known.get(key).cloned()
    }

    /// Answers that it holds.
    pub fn len(&self) -> usize {
        self.state().known.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps an answer. It is on the disk when this returns; if it cannot be written, the file ends
    /// where it did before.
    pub fn put(&self, key: &str, answered: &Answered) -> Result<()> {
        let line = Line {
            key: key.to_owned(),
            answered: answered.clone(),
        };
        let mut bytes = serde_json::to_vec(&line).map_err(Error::told)?;
        bytes.push(b'\n');
        let mut state = self.state();
        let start = state.end;
        let mut write = || {
            state.file.seek(SeekFrom::Start(start))?;
            state.file.write_all(&bytes)?;
            state.file.sync_data()
        };
        if let Err(source) = write() {
            // What was written of the line would be taken for a damaged one.
            let _as_it_was = state.file.set_len(start);
            return Err(Error::io(&self.path, source));
        }
        state.end += bytes.len() as u64;
        state.known.insert(line.key, line.answered);
        Ok(())
    }
}

/// The answers of a file, and where the last whole line ends.
fn read(path: &Path, bytes: &[u8]) -> Result<(HashMap<String, Answered>, usize)> {
    let mut known = HashMap::new();
    let mut start = 0;
    for number in 1.. {
        let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') else {
            break;
        };
        let text = &bytes[start..start + length];
        let wrong = |message: String| Error::File {
            path: path.to_owned(),
            line: number,
            message,
            hint: Some("take the line out to ask again, or name another `cache`".into()),
        };
        if length > MAX_LINE_BYTES {
            return Err(wrong(format!("longer than {MAX_LINE_BYTES} bytes")));
        }
        let line: Line = serde_json::from_slice(text)
            .map_err(|error| wrong(format!("not an answer of an endpoint: {error}")))?;
        known.insert(line.key, line.answered);
        start += length + 1;
    }
    Ok((known, start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Finish, Outcome, Usage};

    fn said(text: &str) -> Answered {
        Answered {
            outcome: Outcome::Text {
                text: text.into(),
                finish: Finish::Stop,
            },
            usage: Some(Usage {
                read: 3,
                written: 1,
            }),
        }
    }

    #[test]
    fn cut_anywhere_whole_lines_are_kept_and_the_rest_can_be_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/cache.jsonl");
        let all: Vec<(String, Answered)> = vec![
            ("a".into(), said("yes")),
            ("b".into(), Answered::failed("empty")),
            ("c".into(), said("line\nä \u{2028}")),
        ];
        let cache = Cache::open(&path).unwrap();
        for (key, answered) in &all {
            cache.put(key, answered).unwrap();
        }
        drop(cache);
        let whole = fs_err::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs_err::write(&path, &whole[..cut]).unwrap();
            let cache = Cache::open(&path).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(cache.len(), lines, "cut at {cut}");
            for (key, answered) in &all {
                if cache.get(key).is_none() {
                    cache.put(key, answered).unwrap();
                }
            }
            drop(cache);
            assert_eq!(fs_err::read(&path).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_line_that_is_not_the_last_is_told_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.jsonl");
        let cache = Cache::open(&path).unwrap();
        cache.put("a", &said("yes")).unwrap();
        drop(cache);
        let good = fs_err::read_to_string(&path).unwrap();
        fs_err::write(&path, format!("{good}{{}}\n{good}")).unwrap();
        let error = Cache::open(&path).err().unwrap().to_string();
        assert!(error.contains("cache.jsonl:2: "), "{error}");
    }

    #[test]
    fn two_cannot_hold_one_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.jsonl");
        let first = Cache::open(&path).unwrap();
        assert!(Cache::open(&path).is_err());
        drop(first);
        assert!(Cache::open(&path).is_ok());
    }
}

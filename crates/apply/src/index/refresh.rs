//! Brings an index up to date with the files, by their content.
//!
//! Every file is read, for no clock is trusted; only those whose content is new are parsed. A first
//! look takes no lock. Who finds a difference takes the lock and looks again, so that what is written
//! was read after all that others wrote.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::Result;
use super::store::{KeptFile, Put, PutFunction, Words};
use super::words::spaced;
use super::{Index, Progress};
use crate::checkout::{Checkout, Content, Entry, Function, Hash, Read, Unread, find};

/// Files, and bytes of words, that are written at once: what a killed process loses at most.
const FILES: usize = 256;
const BYTES: usize = 8 << 20;

/// Bytes of a function whose words are kept.
const LONGEST: usize = 64 << 10;

/// What was done to bring an index up to date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    pub files: u64,
    /// Files that were parsed because their content was new.
    pub parsed: u64,
    /// Files that are there no more, or cannot be read any more.
    pub gone: u64,
    /// What is left out: by the rules, or because it could not be read.
    pub unread: Vec<Unread>,
}

/// The text that the vector of a function is made of: what is written about it, then its code.
pub fn text_of(function: &Function) -> String {
    match function.documentation.is_empty() {
        true => function.code.clone(),
        false => format!("{}\n{}", function.documentation, function.code),
    }
}

impl Index {
    /// Brings the index up to date with the files below the root.
    ///
    /// # Errors
    /// A root that is gone, or an index that cannot be written. What cannot be read stops nothing.
    pub fn refresh(&mut self, watch: &mut dyn FnMut(Progress)) -> Result<Refreshed> {
        let checkout = find(&self.wish)?;
        let kept = by_path(self.store.files()?);
        if !kept.is_empty() && self.agrees(&checkout, &kept) {
            return Ok(unchanged(&checkout, &kept));
        }
        watch(Progress::Waiting);
        self.store.seize()?;
        let done = self.refresh_alone(watch);
        self.store.release()?;
        done
    }

    /// Whether every file has the content that the index knows, and the index no other files.
    fn agrees(&self, checkout: &Checkout, kept: &HashMap<String, KeptFile>) -> bool {
        let same = AtomicBool::new(true);
        let mut met = 0;
        checkout.read(
            &self.parsers,
            &|entry, hash| {
                if kept
                    .get(&entry.inside)
                    .is_none_or(|kept| kept.hash != *hash)
                {
                    same.store(false, Ordering::Relaxed);
                }
                true
            },
            &mut |read| met += usize::from(read.hash.is_some()),
        );
        same.load(Ordering::Relaxed) && met == kept.len()
    }

    fn refresh_alone(&mut self, watch: &mut dyn FnMut(Progress)) -> Result<Refreshed> {
        let checkout = find(&self.wish)?;
        let mut kept = by_path(self.store.files()?);
        let known: HashMap<String, Hash> = kept
            .iter()
            .map(|(path, file)| (path.clone(), file.hash))
            .collect();
        let mut done = Refreshed {
            files: checkout.entries.len() as u64,
            unread: checkout.unread.clone(),
            ..Refreshed::default()
        };
        let mut batch = Batch::default();
        let mut failed = None;
        let mut read_so_far = 0;
        let store = &mut self.store;
        checkout.read(
            &self.parsers,
            &|entry, hash| known.get(&entry.inside) == Some(hash),
            &mut |read| {
                read_so_far += 1;
                if failed.is_some() {
                    return;
                }
                batch.take(read, &mut kept, &mut done);
                if batch.is_full() {
                    failed = store.replace(&batch.files, &[]).err();
                    batch = Batch::default();
                    let of = checkout.entries.len() as u64;
                    watch(Progress::Files {
                        done: read_so_far,
                        of,
                    });
                }
            },
        );
        if let Some(error) = failed {
            return Err(error);
        }
        // Who is left was not met.
        let mut gone: Vec<i64> = kept.values().map(|file| file.id).collect();
        gone.sort_unstable();
        done.gone = gone.len() as u64;
        if !batch.files.is_empty() || !gone.is_empty() {
            self.store.replace(&batch.files, &gone)?;
        }
        if done.parsed > FILES as u64 {
            self.store.tidy()?;
        }
        done.unread.sort();
        Ok(done)
    }
}

fn by_path(files: Vec<KeptFile>) -> HashMap<String, KeptFile> {
    files
        .into_iter()
        .map(|file| (file.path.clone(), file))
        .collect()
}

fn unchanged(checkout: &Checkout, kept: &HashMap<String, KeptFile>) -> Refreshed {
    let mut unread = checkout.unread.clone();
    for entry in &checkout.entries {
        let reason = kept
            .get(&entry.inside)
            .and_then(|file| file.unread.as_deref());
        unread.extend(reason.map(|reason| Unread::new(entry.shown.clone(), reason, false)));
    }
    unread.sort();
    Refreshed {
        files: checkout.entries.len() as u64,
        unread,
        ..Refreshed::default()
    }
}

/// Files that are to be written.
#[derive(Default)]
struct Batch {
    files: Vec<Put>,
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.files.len() >= FILES || self.bytes >= BYTES
    }

    /// Takes what was read of a file, and strikes it off the list of those that were kept.
    fn take(&mut self, read: Read<'_>, kept: &mut HashMap<String, KeptFile>, done: &mut Refreshed) {
        let entry = read.entry;
        let Some(hash) = read.hash else {
            // It stays on the list: what cannot be read is not found either.
            if let Content::Unread(why) = read.content {
                done.unread.push(why);
            }
            return;
        };
        let known = kept.remove(&entry.inside);
        let (language, functions, unread) = match read.content {
            Content::Known => {
                let reason = known.and_then(|file| file.unread);
                let told = |reason: String| Unread::new(entry.shown.clone(), &reason, false);
                done.unread.extend(reason.map(told));
                return;
            }
            Content::Parsed(language, functions) => (language, functions.functions, None),
            Content::Unread(why) => {
                let reason = why.reason.clone();
                done.unread.push(why);
                (entry.language, Vec::new(), Some(reason))
            }
        };
        done.parsed += 1;
        let functions: Vec<PutFunction> = functions.iter().map(|one| put(entry, one)).collect();
        let words = functions
            .iter()
            .map(|one| one.words.code.len() + one.words.place.len());
        self.bytes += words.sum::<usize>();
        self.files.push(Put {
            path: entry.inside.clone(),
            hash,
            language: language.name(),
            unread,
            functions,
        });
    }
}

fn put(entry: &Entry, function: &Function) -> PutFunction {
    let within = function.within.as_deref().unwrap_or_default();
    let code = beginning(&function.code, LONGEST);
    PutFunction {
        text: Hash::of(text_of(function).as_bytes()),
        name: function.name.clone(),
        within: function.within.clone(),
        signature: function.signature.clone(),
        line: function.line,
        lines: function.lines,
        is_test: function.is_test,
        words: Words {
            name: spaced(&[&function.name]),
            place: spaced(&[within, &entry.inside]),
            documentation: spaced(&[&function.documentation]),
            code: spaced(&[code]),
        },
    }
}

/// At most so many bytes of a text, whole letters.
fn beginning(text: &str, most: usize) -> &str {
    let ends = (0..=most.min(text.len())).rev();
    ends.take(4).find_map(|end| text.get(..end)).unwrap_or("")
}

//! Reads and parses the files of a checkout, side by side, and hands them over in order.

use rayon::prelude::*;
use skillbelt_harvest::sift::bytes_within;

use super::{Checkout, Entry, Function, Functions, Hash, Language, Parsers, Unread, content};

/// Files that are worked on before any of them is handed over; it bounds what is in memory.
const TOGETHER: usize = 256;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It was said to be known, and was not parsed.
    Known,
    /// It holds these, in this language.
    Parsed(Language, Functions),
    /// It is not read, for this reason.
    Unread(Unread),
}

/// A file that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<'c> {
    pub entry: &'c Entry,
    /// Of its bytes; none if they could not be had.
    pub hash: Option<Hash>,
    pub content: Content,
}

/// A file with its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub entry: Entry,
    pub language: Language,
    pub hash: Hash,
    pub functions: Vec<Function>,
}

impl Checkout {
    /// Hands every file to the sink, in the order of [`Checkout::entries`]. A file that `known` names
    /// by its content is not parsed.
    pub fn read<'c>(
        &'c self,
        parsers: &Parsers,
        known: &(dyn Fn(&Entry, &Hash) -> bool + Sync),
        sink: &mut dyn FnMut(Read<'c>),
    ) {
        for entries in self.entries.chunks(TOGETHER) {
            let one = |entry: &'c Entry| self.one(parsers, known, entry);
            let read: Vec<Read<'c>> = entries.par_iter().map(one).collect();
            read.into_iter().for_each(&mut *sink);
        }
    }

    /// All files with their functions, and all that is not read.
    pub fn read_all(&self, parsers: &Parsers) -> (Vec<File>, Vec<Unread>) {
        let (mut files, mut unread) = (Vec::new(), self.unread.clone());
        self.read(
            parsers,
            &|_, _| false,
            &mut |read| match (read.content, read.hash) {
                (Content::Parsed(language, found), Some(hash)) => files.push(File {
                    entry: read.entry.clone(),
                    language,
                    hash,
                    functions: found.functions,
                }),
                (Content::Unread(why), _) => unread.push(why),
                _ => {}
            },
        );
        unread.sort();
        (files, unread)
    }

    fn one<'c>(
        &'c self,
        parsers: &Parsers,
        known: &(dyn Fn(&Entry, &Hash) -> bool + Sync),
        entry: &'c Entry,
    ) -> Read<'c> {
        let unread =
            |reason: &str| Content::Unread(Unread::new(entry.shown.clone(), reason, false));
        let bytes = match bytes_within(&entry.path, self.wish.most_bytes) {
            Ok(bytes) => bytes,
            Err(reason) => {
                let (hash, content) = (None, unread(reason));
                return Read {
                    entry,
                    hash,
                    content,
                };
            }
        };
        let hash = Hash::of(&bytes);
        let content = if known(entry, &hash) {
            Content::Known
        } else {
            let parsed = content(&self.wish, entry.language, &entry.inside, bytes)
                .map_err(str::to_owned)
                .and_then(|(language, text)| {
                    Ok(Content::Parsed(language, parsers.parse(language, &text)?))
                });
            parsed.unwrap_or_else(|reason| unread(&reason))
        };
        Read {
            entry,
            hash: Some(hash),
            content,
        }
    }
}

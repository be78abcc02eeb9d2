//! The functions of all files of a checkout, from the cache where a content was seen before.

use std::collections::BTreeMap;

use rayon::prelude::*;
use skillbelt_harvest::sift::bytes_within;

use super::cache::{Cache, Key};
use super::shelf::Shelf;
use super::subject::Kept;
use crate::checkout::{Checkout, Content, Entry, Hash, Parsers, Unread};

/// The version of how functions are found; another one finds them anew.
const FINDING: &str = "functions 1";

/// What the files hold.
pub struct Gathered {
    /// By entry; nothing for one that is not read.
    pub kept: Vec<Option<Kept>>,
    pub unread: Vec<Unread>,
    /// Functions that are not listed, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Files that were parsed, and not found in the cache.
    pub parsed: usize,
}

/// Reads all files. Texts of what was parsed are put on the shelf.
pub fn gather(
    checkout: &Checkout,
    parsers: &Parsers,
    cache: &Cache,
    shelf: &mut Shelf<'_>,
    watch: &dyn Fn(usize, usize),
) -> Gathered {
    let most = checkout.wish.most_bytes;
    let keys: Vec<Option<Key>> = checkout
        .entries
        .par_iter()
        .map(|entry| {
            Some(key(
                checkout,
                entry,
                &Hash::of(&bytes_within(&entry.path, most).ok()?),
            ))
        })
        .collect();
    let wanted: Vec<Key> = keys.iter().flatten().copied().collect();
    let known = cache.files(&wanted);
    let mut gathered = Gathered {
        kept: Vec::with_capacity(checkout.entries.len()),
        unread: checkout.unread.clone(),
        left_out: BTreeMap::new(),
        parsed: 0,
    };
    let mut fresh: Vec<(Key, usize)> = Vec::new();
    let is_known = |entry: &Entry, hash: &Hash| known.contains_key(&key(checkout, entry, hash));
    let mut read = |read: crate::checkout::Read<'_>| {
        let at = gathered.kept.len();
        let name = read.hash.map(|hash| key(checkout, read.entry, &hash));
        let kept = match read.content {
            Content::Known => name.and_then(|name| known.get(&name).cloned()),
            Content::Parsed(language, found) => {
                gathered.parsed += 1;
                fresh.extend(name.map(|name| (name, at)));
                for function in &found.functions {
                    shelf.put(language, function);
                }
                Some(Kept::of(language, &found))
            }
            Content::Unread(why) => {
                gathered.unread.push(why);
                None
            }
        };
        gathered.kept.push(kept);
        watch(at + 1, checkout.entries.len());
    };
    checkout.read(parsers, &is_known, &mut read);
    let fresh: Vec<(Key, &Kept)> = fresh
        .iter()
        .filter_map(|(key, at)| Some((*key, gathered.kept[*at].as_ref()?)))
        .collect();
    let again: Vec<Key> = known.keys().copied().collect();
    cache.keep_files(&fresh, &again);
    for (at, kept) in gathered.kept.iter().enumerate() {
        for subject in kept.iter().flat_map(|kept| &kept.subjects) {
            shelf.place(subject.text, at);
        }
        for (reason, count) in kept.iter().flat_map(|kept| &kept.left_out) {
            *gathered.left_out.entry(reason.clone()).or_default() += count;
        }
    }
    gathered.unread.sort();
    gathered
}

/// What the functions of a file depend on: its bytes, its language by name, and whether it is read
/// though a tool wrote it.
fn key(checkout: &Checkout, entry: &Entry, content: &Hash) -> Key {
    let header = entry.inside.ends_with(".h");
    let generated = checkout.wish.generated;
    Hash::of(
        format!(
            "{FINDING}\0{content}\0{}\0{header}\0{generated}",
            entry.language
        )
        .as_bytes(),
    )
}

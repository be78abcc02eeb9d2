//! The texts of functions, fetched from their files when they must be read.
//!
//! What was read before is known by its hash alone, so a scan of an unchanged repository fetches
//! nothing and parses nothing.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use skillbelt_harvest::sift::bytes_within;
use skillbelt_train::{Error, Result};

use super::subject::text;
use crate::checkout::{Checkout, Function, Functions, Hash, Language, Parsers, content};

/// Texts by their hash.
pub struct Shelf<'c> {
    checkout: &'c Checkout,
    parsers: &'c Parsers,
    texts: HashMap<Hash, String>,
    /// In which entry a text stands.
    places: HashMap<Hash, usize>,
}

impl<'c> Shelf<'c> {
    pub fn new(checkout: &'c Checkout, parsers: &'c Parsers) -> Shelf<'c> {
        Shelf {
            checkout,
            parsers,
            texts: HashMap::new(),
            places: HashMap::new(),
        }
    }

    /// Remembers where a text can be had.
    pub fn place(&mut self, text: Hash, entry: usize) {
        self.places.entry(text).or_insert(entry);
    }

    /// Takes a text that is there already.
    pub fn put(&mut self, language: Language, function: &Function) {
        let text = text(language, function);
        let code = || function.code.clone();
        self.texts.entry(text).or_insert_with(code);
    }

    /// Makes sure of texts.
    ///
    /// # Errors
    /// A file that is no longer what it was when its functions were listed.
    pub fn fetch<'t>(&mut self, texts: impl Iterator<Item = &'t Hash>) -> Result<()> {
        let missing: BTreeSet<Hash> = texts
            .filter(|text| !self.texts.contains_key(text))
            .copied()
            .collect();
        let entries: BTreeSet<usize> = missing
            .iter()
            .filter_map(|text| self.places.get(text).copied())
            .collect();
        let entries: Vec<usize> = entries.into_iter().collect();
        let parsed: Vec<Option<(Language, Functions)>> =
            entries.par_iter().map(|at| self.parsed(*at)).collect();
        for (language, found) in parsed.into_iter().flatten() {
            for function in &found.functions {
                self.put(language, function);
            }
        }
        match missing.iter().find(|text| !self.texts.contains_key(text)) {
            None => Ok(()),
            Some(text) => {
                let entry = self
                    .places
                    .get(text)
                    .and_then(|at| self.checkout.entries.get(*at));
                let shown = entry.map_or("a file", |entry| entry.shown.as_str());
                Err(
                    Error::told(format_args!("{shown} was changed while it was scanned"))
                        .with_hint("scan again"),
                )
            }
        }
    }

    /// A text that was fetched.
    pub fn text(&self, text: &Hash) -> &str {
        self.texts.get(text).map_or("", String::as_str)
    }

    fn parsed(&self, at: usize) -> Option<(Language, Functions)> {
        let entry = &self.checkout.entries[at];
        let wish = &self.checkout.wish;
        let bytes = bytes_within(&entry.path, wish.most_bytes).ok()?;
        let (language, text) = content(wish, entry.language, &entry.inside, bytes).ok()?;
        Some((language, self.parsers.parse(language, &text).ok()?))
    }
}

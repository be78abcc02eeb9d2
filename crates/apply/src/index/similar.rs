//! From a function, or a text, to functions that are like it.

use std::collections::HashMap;

use super::Index;
use super::encoder::Encoder;
use super::error::{Error, Result};
use super::filter::Filter;
use super::query::Query;
use super::refresh::text_of;
use super::search::{Found, Mode, Wanted};
use super::store::KeptFunction;
use super::words::words;
use crate::checkout::Hash;

/// Words of a function that are looked up: those that tell it best from others.
const TELLING: usize = 32;
/// Words of a function that are weighed at all.
const WEIGHED: usize = 400;

/// What others are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Like {
    /// The innermost function around a line of a file below the root.
    At { path: String, line: usize },
    /// A text from elsewhere.
    Text(String),
}

impl Index {
    /// Functions that are like another, itself left out.
    ///
    /// # Errors
    /// No function at the place; vectors asked for without an encoder.
    pub fn similar(
        &mut self,
        encoder: Option<&dyn Encoder>,
        like: &Like,
        mode: Mode,
        most: usize,
        filter: &Filter,
    ) -> Result<Found> {
        let of = self.admitted(filter)?;
        let (own, text) = match like {
            Like::Text(text) => (None, text.clone()),
            Like::At { path, line } => {
                let function = self.function_at(path, *line)?;
                let text = self.text(path, &function)?;
                (Some(function), text)
            }
        };
        let query = self.telling(&text)?;
        let known = match (encoder, &own) {
            (Some(encoder), Some(function)) => {
                let id = self.store.encoder(encoder.identity())?;
                self.store.vector(id, &function.text)?
            }
            _ => None,
        };
        let wanted = Wanted::of(encoder, mode, query, &mut |encoder| match &known {
            Some(vector) => Ok(Some(vector.clone())),
            None => Ok(encoder
                .functions(std::slice::from_ref(&text))?
                .pop()
                .flatten()),
        })?;
        let ranked = self.ranked(encoder, &wanted, of.as_deref())?;
        self.told(&ranked, most, own.map(|function| function.id))
    }

    fn function_at(&mut self, path: &str, line: usize) -> Result<KeptFunction> {
        let around = self.store.around(path, line)?.pop();
        around.ok_or_else(|| {
            Error::told(format_args!("{path}:{line}: no function stands there")).with_hint(
                "name a line of a function; it must not be ignored, generated or vendored",
            )
        })
    }

    /// The text that a function's vector is made of, from its file.
    fn text(&mut self, path: &str, function: &KeptFunction) -> Result<String> {
        let file = self.store.file(function.file)?;
        let functions = file.map_or(Vec::new(), |file| self.functions_of(path, &file.hash));
        let texts = functions.iter().map(text_of);
        let found = texts
            .into_iter()
            .find(|text| Hash::of(text.as_bytes()) == function.text);
        found.ok_or_else(|| {
            Error::told(format_args!("{path}: changed while it was looked at"))
                .with_hint("try again")
        })
    }

    /// The words of a text that are frequent in it and rare elsewhere.
    fn telling(&mut self, text: &str) -> Result<Query> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        for word in words(text).filter(|word| word.chars().count() > 1) {
            *counts.entry(word).or_default() += 1;
        }
        let mut counted: Vec<(String, u64)> = counts.into_iter().collect();
        counted.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
        counted.truncate(WEIGHED);
        let names: Vec<String> = counted.iter().map(|(word, _)| word.clone()).collect();
        let (having, all) = self.store.rarity(&names)?;
        let weight = |word: &str, count: u64| {
            let having = having.get(word).copied().unwrap_or(0) as f64;
            let rare = ((all as f64 - having + 0.5) / (having + 0.5) + 1.0).ln();
            (1.0 + (count as f64).ln()) * rare
        };
        let mut weighed: Vec<(f64, String)> = counted
            .into_iter()
            // A word that stands nowhere else finds nothing.
            .filter(|(word, _)| having.get(word).is_some_and(|texts| *texts > 0))
            .map(|(word, count)| (weight(&word, count), word))
            .collect();
        weighed.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.cmp(other)));
        Ok(Query::of_words(
            weighed.into_iter().take(TELLING).map(|(_, word)| word),
        ))
    }
}

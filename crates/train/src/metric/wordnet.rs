//! Synonyms from the files of WordNet 3: `index.*`, `data.*` and `*.exc` for nouns, verbs, adjectives
//! and adverbs.
//!
//! The files are no part of this program: a folder with them is named once, before anything is
//! measured. Words are found as nltk finds them, by its rules for endings.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::OnceLock;

use crate::error::{Error, Result};

/// Names a folder with WordNet's files.
pub const VARIABLE: &str = "SKILLBELT_WORDNET";

/// What a file is called after its part of speech, and the endings that its words may have.
const PARTS: [(&str, &[(&str, &str)]); 4] = [
    (
        "noun",
        &[
            ("s", ""),
            ("ses", "s"),
            ("ves", "f"),
            ("xes", "x"),
            ("zes", "z"),
            ("ches", "ch"),
            ("shes", "sh"),
            ("men", "man"),
            ("ies", "y"),
        ],
    ),
    (
        "verb",
        &[
            ("s", ""),
            ("ies", "y"),
            ("es", "e"),
            ("es", ""),
            ("ed", "e"),
            ("ed", ""),
            ("ing", "e"),
            ("ing", ""),
        ],
    ),
    ("adj", &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")]),
    ("adv", &[]),
];

static CHOSEN: OnceLock<WordNet> = OnceLock::new();

/// Which words mean the same.
#[derive(Debug, Default)]
pub struct WordNet {
    parts: Vec<Part>,
}

/// The words of one part of speech.
#[derive(Debug, Default)]
struct Part {
    endings: &'static [(&'static str, &'static str)],
    /// By word, where its meanings stand in `data`.
    index: HashMap<String, Vec<u64>>,
    /// By place, the words of one meaning; words of several parts are left out.
    data: HashMap<u64, Vec<String>>,
    /// Forms that no ending explains, and the words that they are of.
    irregular: HashMap<String, Vec<String>>,
}

impl WordNet {
    /// Reads the twelve files of a folder.
    pub fn read(folder: &Path) -> Result<WordNet> {
        let part = |(name, endings): &(&'static str, &'static [_])| {
            let mut part = Part {
                endings,
                ..Part::default()
            };
            part.read(folder, name).map(|()| part)
        };
        let parts = PARTS.iter().map(part).collect::<Result<_>>();
        let hint =
            "a folder with WordNet's files is wanted: index.noun, data.noun, noun.exc and so on";
        let parts = parts.map_err(|error| match error {
            Error::Io { .. } => Error::told(error).with_hint(hint),
            other => other,
        });
        Ok(WordNet { parts: parts? })
    }

    /// Makes the WordNet of this folder the one of this process, for all that is measured afterwards.
    /// The first choice stands.
    pub fn choose(folder: &Path) -> Result<()> {
        if CHOSEN.get().is_none() {
            let _the_first_stands = CHOSEN.set(WordNet::read(folder)?);
        }
        Ok(())
    }

    /// The one that was chosen.
    pub fn chosen() -> Option<&'static WordNet> {
        CHOSEN.get()
    }

    /// All single words that share a meaning with a word in small letters.
    pub fn synonyms(&self, word: &str) -> HashSet<&str> {
        let meanings = self.parts.iter().flat_map(|part| part.meanings(word));
        meanings.flatten().map(String::as_str).collect()
    }
}

impl Part {
    fn read(&mut self, folder: &Path, name: &str) -> Result<()> {
        lines(&folder.join(format!("index.{name}")), &mut |line| {
            let fields: Vec<&str> = line.split(' ').filter(|field| !field.is_empty()).collect();
            let (word, count) = (fields.first()?, fields.get(2)?.parse::<usize>().ok()?);
            let start = fields.len().checked_sub(count)?;
            let places = fields[start..].iter().map(|field| field.parse().ok());
            self.index
                .insert((*word).to_owned(), places.collect::<Option<_>>()?);
            Some(())
        })?;
        lines(&folder.join(format!("data.{name}")), &mut |line| {
            let mut fields = line.split(' ');
            let place = fields.next()?.parse().ok()?;
            let count = usize::from_str_radix(fields.nth(2)?, 16).ok()?;
            let mut words = Vec::new();
            for _ in 0..count {
                let (word, _number) = (fields.next()?, fields.next()?);
                // An adjective may say in brackets where it may stand.
                let word = word.split('(').next().unwrap_or(word);
                if !word.contains('_') {
                    words.push(word.to_owned());
                }
            }
            self.data.insert(place, words);
            Some(())
        })?;
        lines(&folder.join(format!("{name}.exc")), &mut |line| {
            let mut fields = line.split_whitespace().map(str::to_owned);
            self.irregular.insert(fields.next()?, fields.collect());
            Some(())
        })
    }

    /// The words of every meaning of a word.
    fn meanings(&self, word: &str) -> impl Iterator<Item = &Vec<String>> {
        let places = self.forms(word).into_iter();
        let places = places.filter_map(|form| self.index.get(&form)).flatten();
        places.filter_map(|place| self.data.get(place))
    }

    /// The known words that a word is a form of: itself, and what it is an irregular form of or else
    /// what endings make of it.
    fn forms(&self, word: &str) -> Vec<String> {
        let regular = || {
            let endings = self.endings.iter();
            let new =
                endings.filter_map(|(old, new)| Some(word.strip_suffix(old)?.to_owned() + new));
            new.collect()
        };
        let mut forms = self.irregular.get(word).cloned().unwrap_or_else(regular);
        forms.push(word.to_owned());
        forms.retain(|form| self.index.contains_key(form));
        forms
    }
}

/// Gives each line but those of the licence, which begin with a space; one that is not understood is
/// an error with its number.
fn lines(path: &Path, take: &mut dyn FnMut(&str) -> Option<()>) -> Result<()> {
    let file = fs_err::File::open(path).map_err(|error| Error::io(path, error))?;
    for (line, number) in BufReader::new(file).lines().zip(1..) {
        let wrong = |message: String| Error::File {
            path: path.to_owned(),
            line: number,
            message,
            hint: None,
        };
        let line = line.map_err(|error| wrong(error.to_string()))?;
        if !line.starts_with(' ') && !line.is_empty() {
            take(&line).ok_or_else(|| wrong("not a line of WordNet 3".to_owned()))?;
        }
    }
    Ok(())
}

//! From a question to functions of the repository.
//!
//! What is told was compared with the files a moment before: a function of a file that has changed since
//! it was indexed is passed over, and counted.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use skillbelt_harvest::sift::bytes_within;

use super::Index;
use super::encoder::Encoder;
use super::error::{Error, Result};
use super::filter::Filter;
use super::fuse::{DEPTH, Ranks, Scored, fuse};
use super::query::Query;
use super::store::{KeptFile, KeptFunction};
use crate::checkout::Hash;

/// Which rankings an answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Fused,
    Lexical,
    Vector,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub words: &'a str,
    pub mode: Mode,
    /// Answers at most.
    pub most: usize,
    pub filter: &'a Filter,
}

/// A function that answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// Below the root, with `/`.
    pub path: String,
    /// Of its name.
    pub line: usize,
    pub first_line: usize,
    pub last_line: usize,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// In one line.
    pub signature: String,
    pub language: String,
    pub is_test: bool,
    /// The larger the better, and comparable within one answer only.
    pub score: f64,
    /// Its place by words alone, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexical_rank: Option<usize>,
    /// Its place by vectors alone, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vector_rank: Option<usize>,
}

impl Hit {
    /// The lines of the function from its file, as many as are wanted at most.
    pub fn lines(&self, root: &Path, most: usize) -> Option<String> {
        let text = fs_err::read_to_string(root.join(&self.path)).ok()?;
        let count = (self.last_line + 1).saturating_sub(self.first_line);
        let lines = text
            .lines()
            .skip(self.first_line.saturating_sub(1))
            .take(count.min(most));
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Functions that would have answered, in files that have changed since they were indexed.
    pub changed: usize,
}

/// Makes the vector of what is asked, if there is something to read.
type Vectored<'v> = &'v mut dyn FnMut(&dyn Encoder) -> Result<Option<Vec<f32>>>;

/// What is looked up, both ways.
pub(super) struct Wanted {
    pub query: Query,
    pub vector: Option<Vec<f32>>,
    /// What words count where both rankings are there.
    pub share: f64,
}

impl Index {
    /// Answers a question from what is indexed, with the vectors that there are.
    ///
    /// # Errors
    /// Vectors are asked for and there is no encoder.
    pub fn search(&mut self, encoder: Option<&dyn Encoder>, asked: &Asked<'_>) -> Result<Found> {
        let of = self.admitted(asked.filter)?;
        let wanted = Wanted::of(
            encoder,
            asked.mode,
            Query::parse(asked.words),
            &mut |encoder| encoder.question(asked.words),
        )?;
        let ranked = self.ranked(encoder, &wanted, of.as_deref())?;
        self.told(&ranked, asked.most, None)
    }

    /// The files that an answer may come from, unless all may.
    pub(super) fn admitted(&mut self, filter: &Filter) -> Result<Option<Vec<i64>>> {
        if filter.is_all() {
            return Ok(None);
        }
        let files = self.store.files()?.into_iter();
        let admitted = files.filter(|file| {
            let language = file.language.parse();
            language.is_ok_and(|language| filter.admits(&file.path, language))
        });
        Ok(Some(admitted.map(|file| file.id).collect()))
    }

    pub(super) fn ranked(
        &mut self,
        encoder: Option<&dyn Encoder>,
        wanted: &Wanted,
        of: Option<&[i64]>,
    ) -> Result<Vec<(Scored, Ranks)>> {
        let words = self.store.by_words(&wanted.query, of, DEPTH)?;
        let vectors = match (encoder, &wanted.vector) {
            (Some(encoder), Some(vector)) => {
                let id = self.store.encoder(encoder.identity())?;
                self.store.by_vector(id, vector, of, DEPTH)?
            }
            _ => Vec::new(),
        };
        Ok(fuse(&words, &vectors, wanted.share))
    }

    /// The best of a ranking, each compared with its file; without one function if it is named.
    pub(super) fn told(
        &mut self,
        ranked: &[(Scored, Ranks)],
        most: usize,
        without: Option<i64>,
    ) -> Result<Found> {
        let mut found = Found::default();
        let mut files: HashMap<i64, Option<KeptFile>> = HashMap::new();
        for part in ranked.chunks(most.max(1)) {
            let ids: Vec<i64> = part.iter().map(|(one, _)| one.id).collect();
            let functions = self.store.functions(&ids)?;
            let by_id: HashMap<i64, KeptFunction> =
                functions.into_iter().map(|one| (one.id, one)).collect();
            for (scored, ranks) in part {
                let Some(function) = by_id.get(&scored.id) else {
                    continue;
                };
                if found.hits.len() == most || without == Some(function.id) {
                    continue;
                }
                let file = match files.get(&function.file) {
                    Some(file) => file,
                    None => {
                        let kept = self.store.file(function.file)?;
                        let same = kept.filter(|file| is_same(&self.root, file));
                        files.entry(function.file).or_insert(same)
                    }
                };
                match file {
                    Some(file) => found.hits.push(hit(file, function, scored.score, *ranks)),
                    None => found.changed += 1,
                }
            }
            if found.hits.len() == most {
                break;
            }
        }
        Ok(found)
    }
}

impl Wanted {
    /// A ranking that is not asked for has nothing to look up.
    pub fn of(
        encoder: Option<&dyn Encoder>,
        mode: Mode,
        query: Query,
        vector: Vectored<'_>,
    ) -> Result<Wanted> {
        let (query, encoder) = match (mode, encoder) {
            (Mode::Lexical, _) => (query, None),
            (Mode::Vector, Some(encoder)) => (Query::default(), Some(encoder)),
            (Mode::Vector, None) => {
                return Err(Error::told("there is nothing that makes vectors")
                    .with_hint("name a belt with --belt"));
            }
            (Mode::Fused, encoder) => (query, encoder),
        };
        let vector = encoder.map(vector).transpose()?.flatten();
        let share = match (encoder, mode) {
            (_, Mode::Vector) => 0.0,
            (Some(encoder), Mode::Fused) if vector.is_some() => encoder.words_share(),
            _ => 1.0,
        };
        Ok(Wanted {
            query,
            vector,
            share,
        })
    }
}

fn is_same(root: &Path, file: &KeptFile) -> bool {
    let bytes = bytes_within(&root.join(&file.path), u64::MAX);
    bytes.is_ok_and(|bytes| Hash::of(&bytes) == file.hash)
}

fn hit(file: &KeptFile, function: &KeptFunction, score: f64, ranks: Ranks) -> Hit {
    let signature: Vec<&str> = function.signature.split_whitespace().collect();
    Hit {
        path: file.path.clone(),
        line: function.line,
        first_line: function.lines.0,
        last_line: function.lines.1,
        name: function.name.clone(),
        within: function.within.clone(),
        signature: signature.join(" "),
        language: file.language.clone(),
        is_test: function.is_test,
        score,
        lexical_rank: ranks.words,
        vector_rank: ranks.vectors,
    }
}

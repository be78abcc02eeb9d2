//! Makes the vectors that an index lacks, as long as it may take.
//!
//! The texts come from the files, whose content is compared first. Each batch is written when it is
//! done, so that a killed process loses one. One process at a time makes vectors; others wait for it.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use skillbelt_code::Language;
use skillbelt_harvest::sift::bytes_within;

use super::encoder::{Encoder, TOGETHER};
use super::error::Result;
use super::refresh::text_of;
use super::store::{Coverage, Lacking};
use super::{Index, Progress};
use crate::checkout::{Hash, content};

/// Files that are looked into at once.
const FILES: usize = 32;

/// Between two looks at how far another process has come.
const PAUSE: Duration = Duration::from_millis(100);

/// How long may be worked on vectors before an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until all are made.
    Endless,
    /// No longer than this, give or take a batch.
    For(Duration),
}

impl Patience {
    fn deadline(self) -> Option<Instant> {
        match self {
            Patience::Endless => None,
            Patience::For(time) => Instant::now().checked_add(time),
        }
    }
}

impl Index {
    /// Makes the vectors of the encoder that are lacking.
    pub fn embed(
        &mut self,
        encoder: &dyn Encoder,
        patience: Patience,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<Coverage> {
        let deadline = patience.deadline();
        let over = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let id = self.store.encoder(encoder.identity())?;
        loop {
            let coverage = self.store.coverage(id)?;
            if coverage.is_complete() || over() {
                return Ok(coverage);
            }
            if self.store.seize_vectors()? {
                let done = self.embed_alone(id, encoder, &over, watch);
                self.store.release_vectors()?;
                done?;
                return self.store.coverage(id);
            }
            watch(Progress::Vectors {
                done: coverage.with_vector,
                of: coverage.functions,
            });
            std::thread::sleep(PAUSE);
        }
    }

    /// One walk through the files that lack vectors. A file that has changed meanwhile is passed over:
    /// the next refresh will see it.
    fn embed_alone(
        &mut self,
        id: i64,
        encoder: &dyn Encoder,
        over: &dyn Fn() -> bool,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let mut waiting: Vec<(Hash, String)> = Vec::new();
        let mut behind = 0;
        while !over() {
            let files = self.store.lacking(id, behind, FILES)?;
            let Some(last) = files.last() else { break };
            behind = last.file.id;
            for lacking in &files {
                waiting.extend(self.texts(lacking));
            }
            while waiting.len() >= TOGETHER && !over() {
                let rest = waiting.split_off(TOGETHER);
                let batch = std::mem::replace(&mut waiting, rest);
                self.keep(id, encoder, batch)?;
                let Coverage {
                    functions,
                    with_vector,
                } = self.store.coverage(id)?;
                watch(Progress::Vectors {
                    done: with_vector,
                    of: functions,
                });
            }
        }
        if !waiting.is_empty() && !over() {
            self.keep(id, encoder, waiting)?;
        }
        Ok(())
    }

    fn keep(&mut self, id: i64, encoder: &dyn Encoder, batch: Vec<(Hash, String)>) -> Result<()> {
        let (hashes, texts): (Vec<Hash>, Vec<String>) = batch.into_iter().unzip();
        let vectors = encoder.functions(&texts)?;
        let kept: Vec<(Hash, Option<Vec<f32>>)> = hashes.into_iter().zip(vectors).collect();
        self.store.keep_vectors(id, &kept)
    }

    /// The texts of a file that lack a vector, if the file is still what the index knows.
    fn texts(&self, lacking: &Lacking) -> Vec<(Hash, String)> {
        let wanted: BTreeSet<Hash> = lacking.texts.iter().copied().collect();
        let mut texts: HashMap<Hash, String> = HashMap::new();
        for function in self.functions_of(&lacking.file.path, &lacking.file.hash) {
            let text = text_of(&function);
            let hash = Hash::of(text.as_bytes());
            if wanted.contains(&hash) {
                texts.insert(hash, text);
            }
        }
        let in_order = lacking.texts.iter();
        in_order
            .filter_map(|hash| Some((*hash, texts.remove(hash)?)))
            .collect()
    }

    /// The functions of a file, if it still has this content.
    pub(super) fn functions_of(&self, path: &str, hash: &Hash) -> Vec<crate::checkout::Function> {
        let Some(language) = Language::of_file(path) else {
            return Vec::new();
        };
        let read = bytes_within(&self.root.join(path), self.wish.most_bytes);
        let Some(bytes) = read.ok().filter(|bytes| Hash::of(bytes) == *hash) else {
            return Vec::new();
        };
        let parsed = content(&self.wish, language, path, bytes)
            .map_err(str::to_owned)
            .and_then(|(language, text)| self.parsers.parse(language, &text));
        parsed.map_or(Vec::new(), |found| found.functions)
    }
}

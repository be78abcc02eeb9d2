//! What an index keeps and can be asked, whoever keeps it: one file, or a server.
//!
//! It says what is kept, not how, and decides nothing about answers.

use std::collections::HashMap;

use super::error::Result;
use super::fuse::Scored;
use super::query::Query;
use crate::checkout::Hash;

/// A file as it is put into an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub path: String,
    pub hash: Hash,
    pub language: &'static str,
    /// Why it is not read, if it is not.
    pub unread: Option<String>,
    pub functions: Vec<PutFunction>,
}

/// A function as it is put into an index: where it stands, and the words it is found by.
#[derive(Debug, Clone, PartialEq)]
pub struct PutFunction {
    /// Of the text that a vector is made of.
    pub text: Hash,
    pub name: String,
    pub within: Option<String>,
    pub signature: String,
    pub line: usize,
    pub lines: (usize, usize),
    pub is_test: bool,
    pub words: Words,
}

/// Words by where they stand, as [`super::words::spaced`] writes them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words {
    pub name: String,
    /// The path and the type that it belongs to.
    pub place: String,
    pub documentation: String,
    pub code: String,
}

/// A file as an index has it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptFile {
    pub id: i64,
    pub path: String,
    pub hash: Hash,
    pub language: String,
    pub unread: Option<String>,
}

/// A function as an index has it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptFunction {
    pub id: i64,
    pub file: i64,
    pub text: Hash,
    pub name: String,
    pub within: Option<String>,
    pub signature: String,
    pub line: usize,
    pub lines: (usize, usize),
    pub is_test: bool,
}

/// How many functions have a vector of an encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coverage {
    pub functions: u64,
    pub with_vector: u64,
}

impl Coverage {
    pub fn is_complete(self) -> bool {
        self.with_vector >= self.functions
    }
}

/// What is kept, and for how much room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    pub files: u64,
    pub functions: u64,
    /// Of the whole index.
    pub bytes: u64,
}

/// A file whose functions lack vectors, and their texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Lacking {
    pub file: KeptFile,
    pub texts: Vec<Hash>,
}

/// An index, wherever it is kept. Of what is written a reader sees all or nothing of each call.
pub trait Store {
    /// Every file with the hash of its content.
    fn files(&mut self) -> Result<Vec<KeptFile>>;

    /// One of them.
    fn file(&mut self, id: i64) -> Result<Option<KeptFile>>;

    /// Keeps other processes from writing files until [`Store::release`], or until this process ends
    /// however it ends. Waits for its turn.
    fn seize(&mut self) -> Result<()>;
    fn release(&mut self) -> Result<()>;

    /// Puts files in the place of what was kept of them, and forgets those of other paths.
    fn replace(&mut self, files: &[Put], gone: &[i64]) -> Result<()>;

    /// What grew while files were put is brought into its lasting form, and texts that no function has
    /// any more go, if there are many.
    fn tidy(&mut self) -> Result<()>;

    fn size(&mut self) -> Result<Size>;

    /// Functions by their words, best first, at most so many; of these files only, if some are named.
    fn by_words(&mut self, query: &Query, of: Option<&[i64]>, most: usize) -> Result<Vec<Scored>>;

    /// Functions by the likeness of their vectors to another, best first.
    fn by_vector(
        &mut self,
        encoder: i64,
        vector: &[f32],
        of: Option<&[i64]>,
        most: usize,
    ) -> Result<Vec<Scored>>;

    /// Functions by number, in any order; a number that is none is passed over.
    fn functions(&mut self, ids: &[i64]) -> Result<Vec<KeptFunction>>;

    /// The functions of a file around a line, the innermost last.
    fn around(&mut self, path: &str, line: usize) -> Result<Vec<KeptFunction>>;

    /// All functions of a file; nothing if there is no such file.
    fn functions_of_path(&mut self, path: &str) -> Result<Option<Vec<KeptFunction>>>;

    /// How many texts hold each of the words, and how many texts there are.
    fn rarity(&mut self, words: &[String]) -> Result<(HashMap<String, u64>, u64)>;

    /// The number of an encoder, which is used from now on. Vectors of the two that were used last are
    /// kept.
    fn encoder(&mut self, identity: &str) -> Result<i64>;

    fn coverage(&mut self, encoder: i64) -> Result<Coverage>;

    /// Whether this process may make vectors; one does at a time, until it ends or gives it back.
    fn seize_vectors(&mut self) -> Result<bool>;
    fn release_vectors(&mut self) -> Result<()>;

    /// The next files behind one whose functions lack vectors, at most so many.
    fn lacking(&mut self, encoder: i64, behind: i64, most: usize) -> Result<Vec<Lacking>>;

    /// Keeps vectors of texts; one without a vector has no words to be read.
    fn keep_vectors(&mut self, encoder: i64, vectors: &[(Hash, Option<Vec<f32>>)]) -> Result<()>;

    /// The vector of a text, as near as it is kept.
    fn vector(&mut self, encoder: i64, text: &Hash) -> Result<Option<Vec<f32>>>;
}

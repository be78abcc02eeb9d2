//! Search over the functions of a repository: by words at once, by meaning as vectors are made.
//!
//! It knows no command line, trains nothing, and keeps no program text: what it says of a file it has
//! compared with the file first. How it is used:
//! - [`Index::open`] with a [`Place`] (one SQLite file, or a PostgreSQL server) and a folder;
//! - [`Index::refresh`] brings it up to date with the files, by their content;
//! - [`Index::embed`] makes the vectors that are lacking, as long as it may, with an [`Encoder`];
//! - [`Index::search`] and [`Index::similar`] answer, [`measure()`] tells how well;
//! - [`Attended`] does the first two beside the answers, for who answers often.
//!
//! Read in this order: `words.rs`, `query.rs`, `fuse.rs`, `store.rs`, `refresh.rs`, `embed.rs`,
//! `search.rs`; then `sqlite/` and `postgres/`, which keep it.

mod attended;
mod embed;
mod encoder;
mod error;
mod filter;
mod fuse;
#[cfg(test)]
mod kept_tests;
mod measure;
mod place;
mod postgres;
mod query;
mod refresh;
mod search;
mod similar;
mod sqlite;
mod store;
mod table;
mod words;

use std::path::{Path, PathBuf};

use crate::checkout::{Parsers, Wish};

pub use attended::Attended;
pub use embed::Patience;
pub use encoder::{Encoder, Worn};
pub use error::{Error, Result};
pub use filter::Filter;
pub use measure::{Measured, Question, measure};
pub use place::Place;
pub use refresh::Refreshed;
pub use search::{Asked, Found, Hit, Mode};
pub use similar::Like;
pub use store::{Coverage, Size};

use store::Store;

/// What takes time, for who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Files were read, of so many.
    Files { done: u64, of: u64 },
    /// Another process is bringing the files up to date, and this one waits for it.
    Waiting,
    /// Functions have a vector, of so many.
    Vectors { done: u64, of: u64 },
}

/// An index of a folder and all below it.
pub struct Index {
    store: Box<dyn Store + Send>,
    /// The repository, or the folder that was named and lies in none.
    root: PathBuf,
    /// What was named, below the root, with `/`; empty for all of it.
    below: String,
    wish: Wish,
    parsers: Parsers,
}

impl Index {
    /// Opens the index of the repository around a path, or of the folder itself if there is none; it is
    /// made if there is none yet, and empty until [`Index::refresh`].
    ///
    /// # Errors
    /// A path that is not there; a place where nothing can be kept.
    pub fn open(place: &Place, path: &Path, parsers: Parsers) -> Result<Index> {
        let (root, below) = place::root_of(path)?;
        let store = place.open(&root)?;
        Ok(Index {
            store,
            wish: Wish::of(vec![root.clone()]),
            root,
            below,
            parsers,
        })
    }

    /// The folder that all paths of answers lie below.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What was named when it was opened, below the root.
    pub fn below(&self) -> &str {
        &self.below
    }

    pub fn size(&mut self) -> Result<Size> {
        self.store.size()
    }

    /// How many functions have a vector of the encoder.
    pub fn coverage(&mut self, encoder: &dyn Encoder) -> Result<Coverage> {
        let id = self.store.encoder(encoder.identity())?;
        self.store.coverage(id)
    }
}

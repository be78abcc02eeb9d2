//! An index in one SQLite file: words in its full-text index, vectors as rows that are held in memory
//! once they are asked for.
//!
//! Readers never wait: the file is in write-ahead mode. Who brings files up to date holds a lock beside
//! the file, which the system takes back from a process that ends, however it ends; each call writes in
//! one transaction, so that a killed process leaves whole calls behind.

mod read;
mod schema;
mod vectors;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{Error, Result};
use super::fuse::Scored;
use super::query::Query;
use super::store::{Coverage, KeptFile, KeptFunction, Lacking, Put, Size, Store};
use crate::checkout::Hash;
use vectors::Loaded;

/// A transaction of another process takes a second at most; on a slow disk it may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An index in a file.
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
    files: Option<File>,
    vectors: Option<File>,
    loaded: Option<Loaded>,
    /// Calls of this connection that wrote.
    written: u64,
}

impl Sqlite {
    /// Opens the file, which is made if it is not there. Its folder must be.
    ///
    /// # Errors
    /// A file that is no index of this program, or of another form of it, is left as it is.
    pub fn open(path: &Path) -> Result<Sqlite> {
        let told = Error::sqlite(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(&told)?;
        connection.busy_timeout(PATIENCE).map_err(&told)?;
        let one_at_a_time = lock_file(path, "-made.lock")?;
        one_at_a_time.lock()?;
        schema::prepare(&mut connection, path)?;
        drop(one_at_a_time);
        Ok(Sqlite {
            path: path.to_owned(),
            connection,
            files: None,
            vectors: None,
            loaded: None,
            written: 0,
        })
    }

    /// Runs with the connection; errors name the file.
    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        act(&mut self.connection).map_err(Error::sqlite(&self.path))
    }

    fn writing<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.written += 1;
        self.with(act)
    }
}

/// A file beside the index that is there to be locked. The system takes the lock back when it is closed.
fn lock_file(path: &Path, ending: &str) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    let mut options = fs_err::OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name));
    let file = file.map_err(|error| {
        Error::told(error).with_hint("--index FILE keeps the index in another place")
    })?;
    Ok(file.into_parts().0)
}

impl Store for Sqlite {
    fn files(&mut self) -> Result<Vec<KeptFile>> {
        self.with(|connection| read::files(connection))
    }

    fn file(&mut self, id: i64) -> Result<Option<KeptFile>> {
        self.with(|connection| read::file_of(connection, id))
    }

    fn seize(&mut self) -> Result<()> {
        let file = lock_file(&self.path, "-files.lock")?;
        file.lock()?;
        self.files = Some(file);
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        // Closing the file gives the lock back.
        self.files = None;
        Ok(())
    }

    fn replace(&mut self, files: &[Put], gone: &[i64]) -> Result<()> {
        self.writing(|connection| write::replace(connection, files, gone))
    }

    fn tidy(&mut self) -> Result<()> {
        self.writing(write::tidy)
    }

    fn size(&mut self) -> Result<Size> {
        self.with(|connection| read::size(connection))
    }

    fn by_words(&mut self, query: &Query, of: Option<&[i64]>, most: usize) -> Result<Vec<Scored>> {
        self.with(|connection| read::by_words(connection, query, of, most))
    }

    fn by_vector(
        &mut self,
        encoder: i64,
        vector: &[f32],
        of: Option<&[i64]>,
        most: usize,
    ) -> Result<Vec<Scored>> {
        let old = self.loaded.take();
        let own = self.written;
        let loaded = self.with(|connection| Loaded::current(connection, encoder, own, old))?;
        Ok(self.loaded.insert(loaded).nearest(vector, of, most))
    }

    fn functions(&mut self, ids: &[i64]) -> Result<Vec<KeptFunction>> {
        self.with(|connection| read::functions(connection, ids))
    }

    fn around(&mut self, path: &str, line: usize) -> Result<Vec<KeptFunction>> {
        self.with(|connection| read::around(connection, path, line))
    }

    fn functions_of_path(&mut self, path: &str) -> Result<Option<Vec<KeptFunction>>> {
        self.with(|connection| read::functions_of_path(connection, path))
    }

    fn rarity(&mut self, words: &[String]) -> Result<(HashMap<String, u64>, u64)> {
        self.with(|connection| read::rarity(connection, words))
    }

    fn encoder(&mut self, identity: &str) -> Result<i64> {
        // Asked before every answer: what is only looked up must not seem to be written.
        let newest = self.with(|connection| read::newest_encoder(connection, identity))?;
        match newest {
            Some(id) => Ok(id),
            None => self.writing(|connection| write::encoder(connection, identity)),
        }
    }

    fn coverage(&mut self, encoder: i64) -> Result<Coverage> {
        self.with(|connection| read::coverage(connection, encoder))
    }

    fn seize_vectors(&mut self) -> Result<bool> {
        if self.vectors.is_some() {
            return Ok(true);
        }
        let file = lock_file(&self.path, "-vectors.lock")?;
        match file.try_lock() {
            Ok(()) => {
                self.vectors = Some(file);
                Ok(true)
            }
            Err(std::fs::TryLockError::WouldBlock) => Ok(false),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn release_vectors(&mut self) -> Result<()> {
        self.vectors = None;
        Ok(())
    }

    fn lacking(&mut self, encoder: i64, behind: i64, most: usize) -> Result<Vec<Lacking>> {
        self.with(|connection| read::lacking(connection, encoder, behind, most))
    }

    fn keep_vectors(&mut self, encoder: i64, vectors: &[(Hash, Option<Vec<f32>>)]) -> Result<()> {
        self.writing(|connection| write::vectors(connection, encoder, vectors))
    }

    fn vector(&mut self, encoder: i64, text: &Hash) -> Result<Option<Vec<f32>>> {
        self.with(|connection| read::vector(connection, encoder, text))
    }
}

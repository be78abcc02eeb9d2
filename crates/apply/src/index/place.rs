//! Where an index is kept, and of which folder it is.

use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::store::Store;
use crate::beside;

/// The file in the repository's own folder. Another form of tables has another name, so that programs of different age do not
/// take each other's away.
const FILE: &str = "search-1.sqlite";

/// What keeps an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file in the repository's cache folder.
    Cache,
    /// A SQLite file of this name.
    File(PathBuf),
    /// A PostgreSQL server; the checkout is known there by its name, or by machine and path.
    Server {
        address: String,
        name: Option<String>,
    },
}

impl Place {
    /// From what a person names; nothing named is the cache folder. `name` is that of the checkout on a
    /// server.
    pub fn parse(text: Option<&str>, name: Option<&str>) -> Place {
        let server = |text: &str| {
            ["postgres://", "postgresql://"]
                .iter()
                .any(|s| text.starts_with(s))
        };
        match text {
            None => Place::Cache,
            Some(address) if server(address) => Place::Server {
                address: address.to_owned(),
                name: name.map(str::to_owned),
            },
            Some(path) => Place::File(PathBuf::from(path)),
        }
    }

    pub(super) fn open(&self, root: &Path) -> Result<Box<dyn Store + Send>> {
        match self {
            Place::Cache => {
                let folder = beside::folder(root).map_err(|error| {
                    Error::told(error).with_hint("--index FILE keeps the index in another place")
                })?;
                Ok(Box::new(Sqlite::open(&folder.join(FILE))?))
            }
            Place::File(path) => Ok(Box::new(Sqlite::open(path)?)),
            Place::Server { address, name } => {
                Ok(Box::new(Postgres::open(address, name.as_deref(), root)?))
            }
        }
    }
}

/// The repository around a path, or the folder itself; and where in it the path lies.
pub fn root_of(path: &Path) -> Result<(PathBuf, String)> {
    let real = fs_err::canonicalize(path)?;
    let repository = real
        .ancestors()
        .find(|folder| fs_err::symlink_metadata(folder.join(".git")).is_ok());
    let own = match real.is_dir() {
        true => real.as_path(),
        false => real.parent().unwrap_or(&real),
    };
    let root = repository.unwrap_or(own);
    let rest = real.strip_prefix(root).unwrap_or(Path::new(""));
    let parts = rest.iter().map(|part| part.to_string_lossy());
    Ok((root.to_owned(), parts.collect::<Vec<_>>().join("/")))
}

//! Why an index could not answer: facts, and advice apart.

use std::path::{Path, PathBuf};

use crate::checkout;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    /// The server's own words; the address is told without its password.
    #[error("{server}: {told}")]
    Postgres { server: String, told: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Checkout(#[from] checkout::Error),
    /// The model could not read a text.
    #[error(transparent)]
    Encoder(#[from] skillbelt_train::Error),
    #[error("{message}")]
    Told {
        message: String,
        hint: Option<String>,
    },
}

impl Error {
    pub fn told(message: impl std::fmt::Display) -> Error {
        Error::Told {
            message: message.to_string(),
            hint: None,
        }
    }

    pub fn with_hint(self, hint: impl std::fmt::Display) -> Error {
        match self {
            Error::Told { message, .. } => Error::Told {
                message,
                hint: Some(hint.to_string()),
            },
            other => other,
        }
    }

    pub(super) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> Error + '_ {
        |source| Error::Sqlite {
            path: path.to_owned(),
            source,
        }
    }

    /// What could be done about it.
    pub fn hint(&self) -> Option<String> {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseCorrupt, NotADatabase, ReadOnly,
        };
        match self {
            Error::Sqlite { source, .. } => match source.sqlite_error_code()? {
                NotADatabase | DatabaseCorrupt => Some(
                    "remove the file: it is made again from the repository, and nothing else is lost"
                        .to_owned(),
                ),
                CannotOpen | ReadOnly => {
                    Some("--index FILE keeps the index in another place".to_owned())
                }
                DatabaseBusy => Some("another process is writing; try again".to_owned()),
                _ => None,
            },
            Error::Checkout(error) => error.hint().map(str::to_owned),
            Error::Encoder(error) => error.hint().map(|hint| hint.to_string()),
            Error::Told { hint, .. } => hint.clone(),
            Error::Postgres { .. } | Error::Io(_) => None,
        }
    }
}

//! What a quick start can refuse: facts, and advice apart.

use std::fmt;
use std::path::Path;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Harvest(#[from] skillbelt_harvest::Error),
    #[error(transparent)]
    Train(#[from] skillbelt_train::Error),
    #[error("{message}")]
    Told {
        message: String,
        hint: Option<String>,
    },
}

impl Error {
    pub fn told(message: impl fmt::Display) -> Error {
        Error::Told {
            message: message.to_string(),
            hint: None,
        }
    }

    /// What may be done about it. Errors from below have their own.
    pub fn with_hint(self, hint: impl fmt::Display) -> Error {
        match self {
            Error::Told { message, .. } => Error::Told {
                message,
                hint: Some(hint.to_string()),
            },
            other => other,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Harvest(error) => error.hint().map(str::to_owned),
            Error::Train(error) => error.hint(),
            Error::Told { hint, .. } => hint.clone(),
        }
    }

    /// A refusal of the operating system.
    pub fn io(path: &Path, error: std::io::Error) -> Error {
        Error::Train(skillbelt_train::Error::io(path, error))
    }
}

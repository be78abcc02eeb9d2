//! What stops a harvest: facts with a path, advice apart.

use std::fmt;

pub type Result<T> = std::result::Result<T, Error>;

/// Why nothing was harvested. What concerns one file or one function stops nothing; it is counted.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    message: String,
    hint: Option<String>,
}

impl Error {
    pub fn told(message: impl fmt::Display) -> Error {
        Error {
            message: message.to_string(),
            hint: None,
        }
    }

    pub fn with_hint(mut self, hint: impl fmt::Display) -> Error {
        self.hint = Some(hint.to_string());
        self
    }

    /// What could be done about it, where there is something to say.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The operating system refused, and `fs_err` says what and where.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::told(error)
    }
}

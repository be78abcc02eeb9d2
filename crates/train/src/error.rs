//! Everything that learning can refuse: facts with file, line or key; advice apart.

use std::fmt;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    /// A place in a file that is not what it should be.
    #[error("{}:{line}: {message}", path.display())]
    File {
        path: PathBuf,
        line: u64,
        message: String,
        hint: Option<String>,
    },
    /// A key of the recipe, or a flag, that cannot be used.
    #[error("{origin}: `{key}`: {message}")]
    Setting {
        /// File and line, or the flag.
        origin: String,
        key: String,
        message: String,
        hint: Option<String>,
    },
    /// Anything else that stops the work, with what may be done about it.
    #[error("{message}")]
    Told {
        message: String,
        hint: Option<String>,
    },
    #[error(transparent)]
    Model(#[from] skillbelt_model::Error),
    #[error(transparent)]
    Tokenizer(#[from] skillbelt_model::tokenizer::Error),
    #[error(transparent)]
    Generate(#[from] skillbelt_model::generate::Error),
    #[error(transparent)]
    Engine(#[from] skillbelt_engine::Error),
}

impl Error {
    /// A refusal of the operating system. Errors of `fs_err` already name the path; others do not.
    pub fn io(path: &Path, source: std::io::Error) -> Error {
        Error::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub fn told(message: impl fmt::Display) -> Error {
        Error::Told {
            message: message.to_string(),
            hint: None,
        }
    }

    pub fn with_hint(mut self, advice: impl fmt::Display) -> Error {
        if let Error::File { hint, .. } | Error::Setting { hint, .. } | Error::Told { hint, .. } =
            &mut self
        {
            *hint = Some(advice.to_string());
        }
        self
    }

    /// What could be done about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::File { hint, .. } | Error::Setting { hint, .. } | Error::Told { hint, .. } => {
                hint.clone()
            }
            Error::Model(error) => error.hint().map(|hint| hint.to_string()),
            Error::Tokenizer(error) => error.hint().map(|hint| hint.to_string()),
            Error::Generate(error) => error.hint().map(|hint| hint.to_string()),
            Error::Io { .. } | Error::Engine(_) => None,
        }
    }
}

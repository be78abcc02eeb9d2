//! What a tokenizer can refuse: facts with the file and the key they were found at. Advice stands apart in [`Error::hint`].

use std::path::{Path, PathBuf};

/// The tokenizer's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a tokenizer was not loaded, or a text not turned into tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read; the cause names the path.
    #[error("{source}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The folder holds none of the files that define a tokenizer.
    #[error("{}: no tokenizer here; looked for {looked_for}", .folder.display())]
    Missing { folder: PathBuf, looked_for: String },
    /// A file is not the text format it claims to be.
    #[error("{}: {reason}", .path.display())]
    Syntax { path: PathBuf, reason: String },
    /// An entry of a file is not what its place demands.
    #[error("{}: {key}: expected {expected}, found {found}", .path.display())]
    Entry {
        path: PathBuf,
        key: String,
        expected: String,
        found: String,
    },
    /// The tokenizer library refused the file, or failed on it.
    #[error("{}: {stage}: {reason}", .path.display())]
    Library {
        path: PathBuf,
        stage: &'static str,
        reason: String,
    },
    /// A text (or a budget) that no exact answer exists for.
    #[error("text to encode: expected {expected}, found {found}")]
    Text { expected: String, found: String },
    /// A token that the caller needs is not in the vocabulary.
    #[error("{}: the vocabulary has no token {token:?}, needed for {needed_for}", .path.display())]
    Token {
        path: PathBuf,
        token: String,
        needed_for: &'static str,
    },
    /// A chat template could not be parsed or refused the messages.
    #[error("{}: chat template: {reason}", .path.display())]
    Template { path: PathBuf, reason: String },
}

impl Error {
    /// An entry at `key` that is not what its place demands.
    pub(crate) fn entry(
        path: &Path,
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Error::Entry {
            path: path.to_owned(),
            key: key.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// What a person may do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Missing { .. } => Some(
                "a base needs tokenizer.json, or vocab.json with merges.txt, or vocab.txt; a SentencePiece tokenizer.model is not read: save the tokenizer once in the fast format",
            ),
            Error::Syntax { .. } | Error::Library { .. } => {
                Some("the file may be damaged or cut short; fetch it again")
            }
            Error::Entry { key, .. } if key == "tokenizer_class" => Some(
                "name the tokenizer's class in tokenizer_config.json, or the family as model_type in config.json",
            ),
            Error::Entry { .. } => Some("the file may be damaged; fetch it again"),
            Error::Text { .. } => Some("cut the text into smaller pieces"),
            Error::Token { .. } => Some("this base was not made for that use"),
            Error::Template { .. } => {
                Some("check the order and the roles of the messages against the model's card")
            }
            Error::Read { .. } => None,
        }
    }
}

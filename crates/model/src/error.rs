//! Everything that reading a base, a belt or a tokenizer can refuse, as facts: which file, which
//! place or key in it, what was expected, what was found.
//!
//! Advice is kept apart, in [`Error::hint`]: a message that mixes both can be used for neither.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::Dtype;

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was not read or not built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused; its words already name the path.
    #[error("{source}")]
    Io { path: PathBuf, source: io::Error },
    /// A folder that holds no weights in any form that is read.
    #[error("{}: no weights found", folder.display())]
    NoWeights { folder: PathBuf },
    /// A file that is not what its form demands.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    BadFile {
        path: PathBuf,
        place: Place,
        expected: String,
        found: String,
    },
    /// A pickle that asks for something other than tensors. Nothing of it was run.
    #[error("{}: byte {byte}: refused {what}", path.display())]
    Refused {
        path: PathBuf,
        byte: usize,
        what: String,
    },
    /// A weight that the model needs and the files do not have.
    #[error("{}: `{key}`: expected a tensor of shape {}, found none", path.display(), shape_text(expected))]
    MissingTensor {
        path: PathBuf,
        key: String,
        expected: Vec<usize>,
    },
    /// Weights that the files have and the model has no place for.
    #[error("{}: expected no further tensors, found {}", path.display(), keys_text(keys))]
    SurplusTensors { path: PathBuf, keys: Vec<String> },
    /// A weight whose shape is not the one that the configuration promises.
    #[error("{}: `{key}`: expected shape {}, found {}", path.display(), shape_text(expected), shape_text(found))]
    WrongShape {
        path: PathBuf,
        key: String,
        expected: Vec<usize>,
        found: Vec<usize>,
    },
    /// A weight whose kind of number cannot become f32.
    #[error("{}: `{key}`: expected {expected}, found {found}", path.display())]
    WrongDtype {
        path: PathBuf,
        key: String,
        expected: &'static str,
        found: Dtype,
    },
    /// A setting that is absent, of the wrong kind, or outside its bounds.
    #[error("{}: `{key}`: expected {expected}, found {found}", path.display())]
    Config {
        path: PathBuf,
        key: String,
        expected: String,
        found: String,
    },
    /// A belt that asks for linear maps that the base does not have.
    #[error("no linear map of the base is called {}: it has {}", asked.join(", "), known.join(", "))]
    UnknownSites {
        asked: Vec<String>,
        known: Vec<String>,
    },
    /// A belt's setting, given by code or a recipe, that no belt can honour.
    #[error("`{key}`: expected {expected}, found {found}")]
    Plan {
        key: &'static str,
        expected: String,
        found: String,
    },
    /// A belt that was trained on another base.
    #[error(
        "this belt was trained on {expected_name} with content hash {expected_hash}, found \
         {found_name} with content hash {found_hash}"
    )]
    WrongBase {
        expected_name: String,
        expected_hash: String,
        found_name: String,
        found_hash: String,
    },
    /// A tokenizer that cannot be built from its files, or a text that it cannot encode.
    #[error(transparent)]
    Tokenizer(#[from] crate::tokenizer::Error),
    /// A base that the hub, or its cache on this machine, did not give.
    #[error(transparent)]
    Hub(#[from] crate::hub::Error),
    /// The engine refused an operation.
    #[error(transparent)]
    Engine(#[from] skillbelt_engine::Error),
}

/// Where in a file something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Counted from the start of the file.
    Byte(usize),
    /// Of a text file, both counted from one.
    Line { line: usize, column: usize },
    /// The entry that bears this name.
    Key(String),
    /// The file as such, for example its length.
    Whole,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Byte(byte) => write!(f, "byte {byte}"),
            Place::Line { line, column } => write!(f, "line {line}, column {column}"),
            Place::Key(key) => write!(f, "`{key}`"),
            Place::Whole => f.write_str("the file"),
        }
    }
}

impl Error {
    /// A refusal of the operating system. `source` comes from `fs_err`, which names the path.
    pub fn io(path: &Path, source: io::Error) -> Error {
        Error::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// A file that breaks its own form at `place`.
    pub fn bad_file(
        path: &Path,
        place: Place,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Error {
        Error::BadFile {
            path: path.to_owned(),
            place,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// A setting that cannot be used.
    pub fn config(
        path: &Path,
        key: impl Into<String>,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Error {
        Error::Config {
            path: path.to_owned(),
            key: key.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// A setting of a belt that is not what a belt needs.
    pub fn plan(key: &'static str, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::Plan {
            key,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// What the reader of the error could do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let advice = match self {
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path; a base is a folder with config.json and its weights"
            }
            Error::NoWeights { .. } => {
                "a base's folder holds model.safetensors, model.safetensors.index.json with its \
                 shards, pytorch_model.bin, or pytorch_model.bin.index.json with its shards"
            }
            Error::BadFile { .. } => {
                "the file may be cut short or damaged: compare its size and hash with the \
                 publisher's and fetch it again"
            }
            Error::Refused { .. } => {
                "only plain tensors are read from pickled files, and nothing in them is run; if \
                 you trust the file, save its weights as safetensors with the library that wrote it"
            }
            Error::MissingTensor { .. } | Error::SurplusTensors { .. } => {
                "the weights and config.json may belong to different models"
            }
            Error::WrongShape { .. } => {
                "the sizes in config.json do not fit these weights; take both from the same place"
            }
            Error::WrongDtype { .. } => {
                "weights are read from f32, f16, bf16 and f64; quantised files must be converted \
                 back first"
            }
            Error::WrongBase { .. } => {
                "numbers of a belt mean nothing on another base: fetch the base that it names, in \
                 the same revision, or train the belt again on this one"
            }
            Error::UnknownSites { .. } => {
                "name the last part of a map's path, or as much of its end as is needed"
            }
            Error::Config { .. } => "correct the value in the file named",
            Error::Tokenizer(error) => return error.hint().map(str::to_owned),
            Error::Hub(error) => return error.hint().map(str::to_owned),
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

/// `[3, 4]`
fn shape_text(shape: &[usize]) -> String {
    format!("{shape:?}")
}

/// How many surplus keys a message spells out; all of them are in the error itself.
const KEYS_SHOWN: usize = 8;

fn keys_text(keys: &[String]) -> String {
    let shown = keys
        .iter()
        .take(KEYS_SHOWN)
        .map(|key| format!("`{key}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match keys.len().saturating_sub(KEYS_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_the_facts_and_hints_stay_apart() {
        let error = Error::WrongShape {
            path: "base/model.safetensors".into(),
            key: "wte.weight".into(),
            expected: vec![512, 64],
            found: vec![64, 512],
        };
        assert_eq!(
            error.to_string(),
            "base/model.safetensors: `wte.weight`: expected shape [512, 64], found [64, 512]"
        );
        let hint = error.hint().unwrap();
        assert!(hint.contains("config.json") && !error.to_string().contains(&hint));
    }

    #[test]
    fn many_surplus_keys_are_counted_rather_than_all_spelt_out() {
        let error = Error::SurplusTensors {
            path: "m".into(),
            keys: (0..20).map(|n| format!("k{n}")).collect(),
        };
        assert!(error.to_string().ends_with("`k7` and 12 more"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named_once() {
        let path = Path::new("/nowhere/model.safetensors");
        let error = Error::io(path, fs_err::File::open(path).unwrap_err());
        assert_eq!(error.to_string().matches("model.safetensors").count(), 1);
    }
}

//! What the sandbox refuses, and why; advice stands apart.

use std::io;
use std::path::{Path, PathBuf};

use crate::layer::Layer;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer cannot be had on this machine, so nothing was run.
    #[error("no complete sandbox on this machine: {}", list(missing))]
    Missing { missing: Vec<(Layer, String)> },
    #[error("programs that nobody trusts run on Linux only")]
    NotLinux,
    #[error("{what}: {source}")]
    System { what: String, source: io::Error },
    #[error("`{}` cannot be used as an interpreter: {reason}", path.display())]
    Interpreter { path: PathBuf, reason: String },
    #[error("the toolchain `{}` cannot be used: {reason}", path.display())]
    Toolchain { path: PathBuf, reason: String },
    #[error("{0}")]
    Program(String),
}

impl Error {
    pub fn system(what: impl Into<String>, source: io::Error) -> Error {
        Error::System {
            what: what.into(),
            source,
        }
    }

    pub fn interpreter(path: &Path, reason: impl Into<String>) -> Error {
        Error::Interpreter {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub fn toolchain(path: &Path, reason: impl Into<String>) -> Error {
        Error::Toolchain {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// What could be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Missing { .. } => Some(
                "docs/execution.md tells what each layer needs; --unsafe-without-sandbox runs generated code with the layers that there are",
            ),
            Error::NotLinux => Some("run it on Linux, or in a virtual machine with Linux"),
            Error::Interpreter { .. } => Some("name another one with --python PATH"),
            Error::Toolchain { .. } => Some(
                "install it and put it on the search path, or leave out the problems in its language",
            ),
            Error::System { .. } | Error::Program(_) => None,
        }
    }
}

fn list(missing: &[(Layer, String)]) -> String {
    let parts: Vec<String> = missing
        .iter()
        .map(|(layer, reason)| format!("{layer} missing ({reason})"))
        .collect();
    parts.join("; ")
}

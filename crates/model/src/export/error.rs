//! What an export can refuse or fail at, as facts, with advice apart.

use std::path::PathBuf;

/// The result of an export.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Model(#[from] crate::Error),
    #[error(transparent)]
    Tokenizer(#[from] crate::tokenizer::Error),
    /// Something stands where the export should go.
    #[error("{}: already exists", .0.display())]
    Exists(PathBuf),
    /// Something stands there that is never replaced.
    #[error("{}: not replaced: it {reason}", path.display())]
    Irreplaceable { path: PathBuf, reason: String },
    /// Something that the wished form cannot say.
    #[error("{what} has no form in {form}: {reason}")]
    NoForm {
        what: String,
        form: &'static str,
        reason: String,
    },
    /// A kind of belt that the wished form cannot say.
    #[error("a belt of kind `{kind}` has no form in {form}: {reason}")]
    NoFormOfKind {
        kind: &'static str,
        form: &'static str,
        reason: &'static str,
        hint: &'static str,
    },
    /// What was written was loaded, and says something else than the original.
    #[error("what was written does not agree with the original, and was removed: {0}")]
    Mismatch(String),
}

impl Error {
    pub fn no_form(
        what: impl Into<String>,
        form: &'static str,
        reason: impl Into<String>,
    ) -> Error {
        Error::NoForm {
            what: what.into(),
            form,
            reason: reason.into(),
        }
    }

    /// What a person may do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Model(error) => return error.hint(),
            Error::Tokenizer(error) => return error.hint().map(str::to_owned),
            Error::Exists(_) => "choose another --out, or replace it with --force",
            Error::Irreplaceable { .. } => "choose another --out",
            Error::NoFormOfKind { hint, .. } => hint,
            Error::NoForm { form, .. } if [PEFT, ADAPTERHUB].contains(form) => {
                "name a belt's folder, and leave out --dtype"
            }
            Error::NoForm { form, .. } if *form == MERGED => "choose another --dtype",
            Error::NoForm { .. } => {
                "export it in a form that can say it: --to merged, peft or adapterhub"
            }
            Error::Mismatch(_) => {
                "a disk that fails, or a defect of skillbelt: try another place, and report it"
            }
        };
        Some(hint.to_owned())
    }
}

/// Names of forms in messages.
pub(crate) const MERGED: &str = "a merged checkpoint";
pub(crate) const GGUF: &str = "GGUF";
pub(crate) const GGUF_LORA: &str = "a GGUF file of a LoRA";
pub(crate) const PEFT: &str = "peft's files";
pub(crate) const ADAPTERHUB: &str = "AdapterHub's files";

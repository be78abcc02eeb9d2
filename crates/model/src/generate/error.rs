//! What generation can refuse: facts here, advice in [`Error::hint`].

use crate::tokenizer;

/// The module's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why no text was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A base that only reads.
    #[error("a base of family {family} writes no text: {reason}")]
    CannotWrite {
        family: &'static str,
        reason: &'static str,
    },
    /// An option outside its bounds, or two that exclude each other.
    #[error("{option}: expected {expected}, found {found}")]
    Option {
        option: &'static str,
        expected: String,
        found: String,
    },
    /// A prompt without a token.
    #[error("prompt {prompt}: no tokens")]
    Empty { prompt: u64 },
    /// A prompt that leaves no room for a single token.
    #[error("prompt {prompt}: {tokens} tokens, the base reads at most {positions}")]
    TooLong {
        prompt: u64,
        tokens: usize,
        positions: usize,
    },
    /// The network's output is not made of numbers.
    #[error("prompt {prompt}: step {step}: the logits are not finite numbers")]
    NotFinite { prompt: u64, step: usize },
    #[error(transparent)]
    Base(#[from] crate::Error),
    #[error(transparent)]
    Words(#[from] tokenizer::Error),
}

impl Error {
    /// An option that cannot be honoured.
    pub(super) fn option(
        option: &'static str,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Error {
        Error::Option {
            option,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// What a person may do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::CannotWrite { .. } => Some(
                "take a decoder (LLaMA, Mistral, Qwen2, StarCoder), an encoder-decoder (T5), or UniXcoder with a mode"
                    .to_owned(),
            ),
            Error::TooLong { .. } => Some("shorten the prompt".to_owned()),
            Error::NotFinite { .. } => {
                Some("the weights may be damaged; compare their hash with the publisher's".to_owned())
            }
            Error::Base(error) => error.hint(),
            Error::Words(error) => error.hint().map(str::to_owned),
            Error::Option { .. } | Error::Empty { .. } => None,
        }
    }
}

impl From<skillbelt_engine::Error> for Error {
    fn from(error: skillbelt_engine::Error) -> Error {
        Error::Base(crate::Error::Engine(error))
    }
}

//! What an operation can refuse. Facts only: the operation and the shapes; advice belongs to the caller.

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Two things that must agree in shape do not.
    #[error("{op}: expected {expected}, found {found}")]
    Shape {
        op: &'static str,
        expected: String,
        found: String,
    },
    /// A batch without tokens, or a span without tokens, has no meaning in a packed layout.
    #[error("{op}: the batch holds no tokens")]
    Empty { op: &'static str },
    /// An index (token id, label, position) lies outside its table.
    #[error("{op}: {what} {index} is outside 0..{bound}")]
    Index {
        op: &'static str,
        what: &'static str,
        index: i64,
        bound: usize,
    },
    /// A setting that no formula can honour.
    #[error("{op}: {reason}")]
    Setting { op: &'static str, reason: String },
}

impl Error {
    /// A mismatch of two displayable facts.
    pub fn shape(
        op: &'static str,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Self {
        Error::Shape {
            op,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

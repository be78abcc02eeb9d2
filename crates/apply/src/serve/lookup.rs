//! What the server asks an index of code for: functions like a function, and functions that words
//! describe. Where it lies and how it is ranked is the index's own affair.

use serde::Serialize;

/// A function that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    pub path: String,
    pub line: usize,
    /// The line of its name.
    pub signature: String,
    /// Higher is nearer; comparable within one answer only.
    pub score: f32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
}

/// An index of functions. Calls may take as long as a query takes; they are made on a thread of their
/// own.
pub trait Lookup: Send + Sync {
    /// Functions that words describe, best first.
    fn search(&self, words: &str, most: usize) -> Result<Vec<Hit>, String>;

    /// Functions like this one, most alike first.
    fn similar(&self, code: &str, most: usize) -> Result<Vec<Hit>, String>;
}

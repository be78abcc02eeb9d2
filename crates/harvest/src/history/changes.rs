//! What one commit changed, before anything of it is parsed.

use skillbelt_code::Language;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub commit: String,
    pub parent: Option<String>,
    /// When it was made, in seconds.
    pub time: i64,
    /// The first line of its message.
    pub message: String,
    pub merge: bool,
    /// Paths of all source files that it changed.
    pub touched: Vec<String>,
    /// Those that somebody wrote.
    pub files: Vec<ChangedFile>,
}

/// A source file and its content before and after, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    pub path: String,
    pub language: Language,
    pub old: Option<String>,
    pub new: Option<String>,
}

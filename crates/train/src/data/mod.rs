//! Rows of data sets: what a reader hands over and what a task takes.
//!
//! A row is read, or rejected with its place and a reason; nothing is dropped in silence.

pub mod read;
pub mod shelf;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

pub use shelf::{Shelf, TextId};

/// Where a row stands: a file and a line (or the number of the row, where a format has no lines),
/// counted from one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: Arc<Path>,
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The splits of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    Train,
    Valid,
    Test,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }
}

/// One row, after the field map.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub place: Place,
    /// The row's own name in its file, if it has one.
    pub id: Option<String>,
    /// Rows of one group must stand in one split.
    pub group: Option<String>,
    pub content: Content,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// `classify`. The label is missing only where answers are wanted for new inputs.
    Text { text: String, label: Option<String> },
    /// `pair`
    Pair {
        first: String,
        second: String,
        label: Option<String>,
    },
    /// `retrieve`: a query, what answers it (by name too, where candidates have names), and texts
    /// that do not.
    Query {
        query: String,
        answer: Option<Candidate>,
        negatives: Vec<String>,
    },
    /// `retrieve`: something to be found.
    Candidate(Candidate),
    /// `retrieve` by class: all members of a class answer each other.
    Member { text: String, class: String },
    /// `generate`
    Writing {
        source: Source,
        target: Option<String>,
    },
}

/// A text that queries may find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub name: Option<String>,
    pub text: String,
}

/// What an answer is written from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Text(String),
    /// The messages of a conversation, to be laid out by the base's chat template.
    Messages(serde_json::Value),
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub place: Place,
    /// A few words that are the same for all rows of the same defect; they are counted by it.
    pub reason: &'static str,
    /// What was found there.
    pub detail: String,
}

impl Rejection {
    /// A rejection whose reason says everything.
    pub fn plain(place: Place, reason: &'static str) -> Rejection {
        Rejection {
            place,
            reason,
            detail: String::new(),
        }
    }
}

/// How many rows were used and rejected, and why. `total = used + rejected`, always.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub used: u64,
    pub rejected: BTreeMap<&'static str, Rejected>,
}

/// The rejections of one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    pub count: u64,
    /// The first few, to be shown.
    pub examples: Vec<Rejection>,
}

impl Tally {
    /// Rejections of one reason that are kept to be shown.
    pub const SHOWN: usize = 5;

    pub fn reject(&mut self, rejection: Rejection) {
        let rejected = self.rejected.entry(rejection.reason).or_default();
        rejected.count += 1;
        if rejected.examples.len() < Tally::SHOWN {
            rejected.examples.push(rejection);
        }
    }

    pub fn rejections(&self) -> u64 {
        self.rejected.values().map(|rejected| rejected.count).sum()
    }

    pub fn total(&self) -> u64 {
        self.used + self.rejections()
    }
}

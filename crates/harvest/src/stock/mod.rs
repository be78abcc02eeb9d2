//! All that rows are made of: functions, tests, fixes and copies, each with its file and its split.

mod filled;
mod placed;

use skillbelt_code::Language;

use crate::flaky::Observed;
use crate::history::{Copied, Fixed};
use crate::sift::piece::Piece;
use crate::split::Split;

pub use filled::{copied, sifted, stocked};
pub use placed::set_apart;

/// A file that functions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub shown: String,
    pub project: String,
    pub language: Language,
    /// The commit that holds the file as it is, if one does.
    pub commit: Option<String>,
    /// When it was changed last, if history says.
    pub time: Option<i64>,
    /// What stands in one split with it.
    pub group: String,
}

/// A function, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub piece: Piece,
    pub source: usize,
    pub split: Split,
}

/// All that rows are made of.
pub struct Stock {
    pub sources: Vec<Source>,
    /// In the order of files and lines.
    pub items: Vec<Item>,
    /// Functions that are tests.
    pub tests: Vec<Item>,
    pub fixed: Vec<(Fixed, Split)>,
    pub copied: Vec<Copied>,
    pub observed: Vec<Observed>,
}

impl Stock {
    pub fn source(&self, item: &Item) -> &Source {
        &self.sources[item.source]
    }

    /// A function's name in ids: file, line and name.
    pub fn id(&self, item: &Item) -> String {
        let source = self.source(item);
        format!(
            "{}:{} {}",
            source.shown, item.piece.lines.0, item.piece.name
        )
    }
}

//! `skillbelt similar`: functions that are like one of the repository. It only lays out arguments and
//! answers.

use std::path::{Path, PathBuf};

use clap::Args;
use skillbelt_apply::index::{Encoder, Index, Like};

use super::Everywhere;
use super::lookup::{Kept, Narrowed};
use crate::exit::Failure;

/// Find functions of the repository that are like the one at a place.
///
/// By the words that tell it best from others, and with a belt by its vector. The function itself is left
/// out; a copy of it elsewhere comes first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skillbelt similar src/net/http.py:120
  skillbelt similar src/net/http.py:120 --belt runs/four/belt --glob 'src/' -k 5

Exit codes: 0 something was found; 1 nothing was; 2 it could not be looked for.")]
pub struct Similar {
    /// A file, and a line of a function in it; of nested ones the innermost is meant
    #[arg(value_name = "FILE:LINE", value_parser = place)]
    place: (PathBuf, usize),
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    narrowed: Narrowed,
}

impl Similar {
    pub fn run(&self, everywhere: &Everywhere) -> Result<(), Failure> {
        let (path, line) = &self.place;
        let mut index = self.kept.open(path)?;
        let worn = self.kept.worn(everywhere)?;
        let encoder = worn.as_ref().map(|worn| worn as &dyn Encoder);
        let mode = self.narrowed.mode(encoder.is_some())?;
        // The file is where it begins, not where it ends.
        let filter = self.narrowed.filter("")?;
        self.narrowed.prepare(&mut index, encoder, everywhere)?;
        let like = Like::At {
            path: inside(&index).to_owned(),
            line: *line,
        };
        let found = index.similar(encoder, &like, mode, self.narrowed.most(), &filter)?;
        self.narrowed.tell(index.root(), path.is_absolute(), &found)
    }
}

/// The file below the root.
fn inside(index: &Index) -> &str {
    match index.below() {
        // A folder was named, and has no lines; the index says so.
        "" => ".",
        below => below,
    }
}

fn place(word: &str) -> Result<(PathBuf, usize), String> {
    let parted = word
        .rsplit_once(':')
        .and_then(|(path, line)| Some((path, line.parse().ok()?)));
    match parted {
        Some((path, line)) if line > 0 && !path.is_empty() => {
            Ok((Path::new(path).to_owned(), line))
        }
        _ => Err("expected FILE:LINE, such as src/main.rs:12".to_owned()),
    }
}

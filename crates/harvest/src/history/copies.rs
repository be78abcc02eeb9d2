//! Functions that came into a repository with the words of one that was there already.
//!
//! What two functions were when one was made after the other tells that they are of one kind; what
//! both are today is what a row shows, so pairs that are still equal word for word are no use.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use skillbelt_code::near;

use super::changes::Changed;
use super::objects::Versions;
use crate::sift::piece::Piece;

/// A function and the one it was copied from, by path and name, as the repository tells them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub original: (String, String),
    pub copy: (String, String),
    pub commit: String,
}

/// The same, as places among the functions of today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub original: usize,
    pub copy: usize,
    pub commit: String,
}

/// Words of a function that is no mere wrapper.
const LEAST_WORDS: usize = 40;

/// Goes through commits from the oldest on.
pub fn found(commits: &[Changed], versions: &Versions) -> Vec<Shape> {
    // Where the words of a function were first seen.
    let mut first: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let mut shapes = Vec::new();
    let mut told: HashSet<((String, String), (String, String))> = HashSet::new();
    for commit in commits.iter().rev() {
        for file in &commit.files {
            let pieces = |id: &Option<String>| -> &[Piece] {
                let version = id
                    .as_ref()
                    .and_then(|id| versions.get(&(id.clone(), file.language)));
                version.map_or(&[], Vec::as_slice)
            };
            let old = pieces(&file.old);
            let names: BTreeSet<String> = old.iter().map(Piece::full_name).collect();
            // What stood in a file before the commits that are read was there already.
            for piece in old {
                if let Some(words) = words(piece) {
                    first
                        .entry(words)
                        .or_insert_with(|| (file.path.clone(), piece.full_name()));
                }
            }
            for piece in pieces(&file.new) {
                let Some(words) = words(piece) else { continue };
                let here = (file.path.clone(), piece.full_name());
                let new = !names.contains(&here.1);
                let original = first.entry(words).or_insert_with(|| here.clone()).clone();
                if new && original != here && told.insert((original.clone(), here.clone())) {
                    shapes.push(Shape {
                        original,
                        copy: here,
                        commit: commit.commit.clone(),
                    });
                }
            }
        }
    }
    shapes
}

/// The words of a function but its own name, as one number.
fn words(piece: &Piece) -> Option<u64> {
    let words = || near::words(&piece.code).filter(|word| *word != piece.name);
    if words().take(LEAST_WORDS).count() < LEAST_WORDS {
        return None;
    }
    let joined: Vec<&str> = words().collect();
    Some(near::hashed(joined.join(" ").as_bytes()))
}

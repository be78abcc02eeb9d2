//! From texts to windows: documents are laid end to end in windows of so many tokens; each piece of
//! a document in a window is a sequence of its own, so that no token sees another document.

use skillbelt_engine::random::Stream;

use crate::data::{Shelf, TextId};
use crate::error::Result;
use crate::task::{Item, Set};

/// What stands around each piece, and how long a window is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows {
    /// Tokens that the network reads of a window, at most.
    pub length: usize,
    /// Before each piece.
    pub begin: u32,
    /// After the last piece of a document (`every`: after each piece).
    pub end: u32,
    pub every: bool,
    /// The network does not read the last token of a piece, which is only to be told.
    pub told_last: bool,
}

/// A piece that would be shorter waits for the next window.
const SHORTEST: usize = 16;

impl Windows {
    /// The windows of texts, in an order that the seed draws, each an item whose texts are its pieces.
    pub fn set(&self, texts: &[Vec<u32>], seed: u64, name: &str) -> Result<Set> {
        let mut set = Set {
            shelf: Shelf::new(),
            ..Set::default()
        };
        let mut open: Vec<TextId> = Vec::new();
        let mut room = self.length;
        for place in order(texts.len(), seed, name) {
            let mut rest = &texts[place][..];
            while !rest.is_empty() {
                let piece = self.piece(&mut rest, room);
                room = room.saturating_sub(piece.len() - usize::from(self.told_last));
                open.push(set.shelf.put(&piece).map_err(crate::task::unreadable)?);
                if room < SHORTEST.min(self.length) {
                    close(&mut set, &mut open, name);
                    room = self.length;
                }
            }
        }
        close(&mut set, &mut open, name);
        set.tally.used = set.items.len() as u64;
        set.hash = crate::task::set_hash(&set)?;
        Ok(set)
    }

    /// As much of a document as there is room for, with what stands around it.
    fn piece(&self, rest: &mut &[u32], room: usize) -> Vec<u32> {
        // Read are the beginning and the tokens, and where all is read, what ends the piece.
        let around = match (self.told_last, self.every) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        let body = room.saturating_sub(around).max(1).min(rest.len());
        let (own, others) = rest.split_at(body);
        *rest = others;
        let mut piece = Vec::with_capacity(body + 2);
        piece.push(self.begin);
        piece.extend_from_slice(own);
        if self.every || (others.is_empty() && body < room) {
            piece.push(self.end);
        }
        piece
    }
}

fn close(set: &mut Set, open: &mut Vec<TextId>, name: &str) {
    if !open.is_empty() {
        set.items.push(Item {
            texts: std::mem::take(open).into(),
            label: 0,
            name: format!("{name} {}", set.items.len()),
            expected: None,
        });
    }
}

/// Places in an order that the seed draws.
fn order(count: usize, seed: u64, name: &str) -> Vec<usize> {
    let stream = Stream::new(seed, 1, name);
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by_key(|place| (stream.bits(*place as u64), *place));
    places
}

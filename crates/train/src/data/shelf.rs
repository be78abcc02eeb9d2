//! The shelf: token ids of every distinct text of a split, each once.
//!
//! Texts are told apart by their ids alone, so a function that stands in a hundred pairs is held
//! once and encoded once per step. What does not fit in memory goes to an unnamed file, so a data
//! set may be larger than memory.

use std::collections::HashMap;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Mutex;

/// Token ids that are held in memory; further texts go to the file.
const IN_MEMORY: usize = 64 << 20;

/// A text on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(u32);

/// Where a text's ids are.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// In token ids, over memory first and the file after it.
    start: u64,
    length: u32,
}

/// All texts of a split.
#[derive(Default)]
pub struct Shelf {
    ids: Vec<u32>,
    slots: Vec<Slot>,
    /// From the hash of a text's ids to the texts that have it.
    known: HashMap<[u8; 16], TextId>,
    spilled: Option<Mutex<std::fs::File>>,
    written: u64,
    limit: Option<usize>,
}

impl Shelf {
    pub fn new() -> Shelf {
        Shelf::default()
    }

    /// A shelf that holds so many ids in memory.
    pub fn with_limit(limit: usize) -> Shelf {
        Shelf {
            limit: Some(limit),
            ..Shelf::default()
        }
    }

    /// Puts a text on the shelf, or finds it there.
    pub fn put(&mut self, ids: &[u32]) -> std::io::Result<TextId> {
        let key = key(ids);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let count = u32::try_from(self.slots.len())
            .map_err(|_| std::io::Error::other("more than four thousand million texts"))?;
        let slot = Slot {
            start: self.ids.len() as u64 + self.written,
            length: u32::try_from(ids.len()).map_err(|_| {
                std::io::Error::other("a text of more than four thousand million tokens")
            })?,
        };
        if self.written == 0 && self.ids.len() + ids.len() <= self.limit.unwrap_or(IN_MEMORY) {
            self.ids.extend_from_slice(ids);
        } else {
            self.spill(ids)?;
        }
        self.slots.push(slot);
        self.known.insert(key, TextId(count));
        Ok(TextId(count))
    }

    fn spill(&mut self, ids: &[u32]) -> std::io::Result<()> {
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(Mutex::new(tempfile::tempfile()?)),
        };
        let file = file
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        file.seek(SeekFrom::End(0))?;
        file.write_all(&bytes)?;
        self.written += ids.len() as u64;
        Ok(())
    }

    /// The token ids of a text.
    pub fn get(&self, text: TextId) -> std::io::Result<Vec<u32>> {
        let slot = self.slots[text.0 as usize];
        let (start, length) = (slot.start, slot.length as usize);
        let held = self.ids.len() as u64;
        if start + length as u64 <= held {
            return Ok(self.ids[start as usize..start as usize + length].to_vec());
        }
        let Some(file) = &self.spilled else {
            return Ok(Vec::new());
        };
        let mut bytes = vec![0; length * 4];
        {
            use std::io::Read;
            let mut file = file
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            file.seek(SeekFrom::Start((start - held) * 4))?;
            file.read_exact(&mut bytes)?;
        }
        let four = bytes.chunks_exact(4);
        Ok(four
            .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect())
    }

    /// Tokens of a text.
    pub fn length(&self, text: TextId) -> usize {
        self.slots[text.0 as usize].length as usize
    }

    /// Distinct texts.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

/// Tells texts apart; a hash, because all ids of all texts would not fit in memory.
fn key(ids: &[u32]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for id in ids {
        hasher.update(&id.to_le_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_were_from_memory_and_from_the_file() {
        let mut shelf = Shelf::with_limit(5);
        let texts: [&[u32]; 5] = [&[1, 2, 3], &[4], &[5, 6, 7, 8], &[], &[9]];
        let places: Vec<TextId> = texts.iter().map(|text| shelf.put(text).unwrap()).collect();
        for (place, text) in places.iter().zip(texts) {
            assert_eq!(shelf.get(*place).unwrap(), text);
            assert_eq!(shelf.length(*place), text.len());
        }
        assert_eq!(shelf.put(&[5, 6, 7, 8]).unwrap(), places[2]);
        assert_eq!(shelf.len(), 5);
    }
}

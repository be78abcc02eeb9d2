//! Texts that rows name by number: held in memory up to a limit, then in an unnamed file.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;

use super::limits::HELD_BYTES;
use crate::error::{Error, Result};

pub struct Texts {
    held: String,
    /// Start and length of each text; starts at or after `limit` count from there in the file.
    slots: Vec<(u64, u64)>,
    file: Option<Mutex<std::fs::File>>,
    written: u64,
    limit: usize,
}

impl Default for Texts {
    fn default() -> Texts {
        Texts::with_limit(HELD_BYTES)
    }
}

impl Texts {
    pub fn with_limit(limit: usize) -> Texts {
        Texts {
            held: String::new(),
            slots: Vec::new(),
            file: None,
            written: 0,
            limit,
        }
    }

    /// Keeps a text and says its number.
    pub fn put(&mut self, text: &str) -> Result<usize> {
        let length = text.len() as u64;
        let start = match self.file.is_none() && self.held.len() + text.len() <= self.limit {
            true => {
                self.held.push_str(text);
                (self.held.len() - text.len()) as u64
            }
            false => {
                self.spill(text.as_bytes()).map_err(aside)?;
                self.limit as u64 + self.written - length
            }
        };
        self.slots.push((start, length));
        Ok(self.slots.len() - 1)
    }

    fn spill(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(Mutex::new(tempfile::tempfile()?)),
        };
        let file = file
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::End(0))?;
        file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The text of a number that [`Texts::put`] gave.
    pub fn get(&self, number: usize) -> Result<String> {
        let (start, length) = self.slots[number];
        let Some(file) = self.file.as_ref().filter(|_| start >= self.limit as u64) else {
            return Ok(self.held[start as usize..(start + length) as usize].to_owned());
        };
        let mut text = String::with_capacity(length as usize);
        let mut file = file
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(start - self.limit as u64))
            .map_err(aside)?;
        (&mut *file)
            .take(length)
            .read_to_string(&mut text)
            .map_err(aside)?;
        Ok(text)
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }
}

fn aside(error: std::io::Error) -> Error {
    Error::told(format_args!(
        "texts that were put aside in {}: {error}",
        std::env::temp_dir().display()
    ))
    .with_hint("is the disk full? TMPDIR names another folder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_from_memory_and_from_the_file() {
        let mut texts = Texts::with_limit(6);
        let all = ["one", "two", "three", "", "ü"];
        let numbers: Vec<usize> = all.iter().map(|text| texts.put(text).unwrap()).collect();
        for (number, text) in numbers.iter().zip(all) {
            assert_eq!(texts.get(*number).unwrap(), text);
        }
        assert_eq!(texts.len(), 5);
    }
}

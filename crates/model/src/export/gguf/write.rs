//! Writing a GGUF file: settings, the list of tensors, then their numbers one tensor at a time.

use std::io;
use std::path::Path;

use super::value::{Value, write_text};
use super::{ALIGNMENT, Kind, MAGIC, VERSION};
use crate::checkpoint::write;
use crate::error::{Error, Result};

/// A tensor to be written. Its shape is given with rows first, as checkpoints give it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub kind: Kind,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.kind.bytes(&self.shape).unwrap_or(0)
    }
}

/// Writes the file under the guarantee of [`write::file`], asking `numbers` for each tensor by its
/// place in the list.
pub fn file(
    path: &Path,
    settings: &[(String, Value)],
    entries: &[Entry],
    mut numbers: impl FnMut(usize) -> Result<Vec<f32>>,
) -> Result<()> {
    let mut failed = None;
    let outcome = write::file(path, |out| {
        let mut written = head(settings, entries)?;
        pad(&mut written);
        out.write_all(&written)?;
        for (place, entry) in entries.iter().enumerate() {
            let mut bytes = match numbers(place) {
                Ok(numbers) => entry.kind.encode(&numbers),
                Err(error) => {
                    failed = Some(error);
                    return Err(io::Error::other("a tensor could not be made"));
                }
            };
            pad(&mut bytes);
            out.write_all(&bytes)?;
        }
        Ok(())
    });
    match failed {
        Some(error) => Err(error),
        None => outcome,
    }
}

/// Everything before the numbers.
fn head(settings: &[(String, Value)], entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    out.extend(VERSION.to_le_bytes());
    out.extend((entries.len() as u64).to_le_bytes());
    out.extend((settings.len() as u64).to_le_bytes());
    for (key, value) in settings {
        write_text(key, &mut out)?;
        out.extend(value.type_id().to_le_bytes());
        value.write(&mut out)?;
    }
    let mut offset = 0;
    for entry in entries {
        write_text(&entry.name, &mut out)?;
        out.extend((entry.shape.len() as u32).to_le_bytes());
        // The file counts from the dimension that runs fastest.
        for size in entry.shape.iter().rev() {
            out.extend((*size as u64).to_le_bytes());
        }
        out.extend(entry.kind.id().to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        offset += entry.bytes().next_multiple_of(ALIGNMENT);
    }
    Ok(out)
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
}

impl Entry {
    /// A tensor in the kind that is wished, where it has a form in it. Vectors stay f32, as llama.cpp
    /// wants them; rows that do not divide into blocks become f16.
    pub fn new(name: String, shape: Vec<usize>, wished: Kind) -> Entry {
        let kind = match shape.len() {
            0 | 1 => Kind::F32,
            _ if wished.bytes(&shape).is_none() => Kind::F16,
            _ => wished,
        };
        Entry { name, shape, kind }
    }
}

/// A refusal of names that no reader could tell apart.
pub fn expect_distinct(path: &Path, entries: &[Entry]) -> Result<()> {
    let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::config(
            path,
            pair[0],
            "one tensor of that name",
            "two",
        )),
    }
}

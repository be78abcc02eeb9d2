//! Lines of a file, one at a time in one buffer; a line of any length costs bounded memory.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use super::super::Place;
use super::defect::{Defect, NOT_UTF8, Sound, TOO_LONG};
use super::limits::ROW_BYTES;
use super::open::{Opened, damaged, open};
use crate::error::Result;

pub struct Lines {
    path: Arc<Path>,
    opened: Opened,
    buffer: Vec<u8>,
    /// Of the line that was read last, from one.
    number: u64,
    /// Of the byte that comes next, in the unpacked file.
    offset: u64,
    limit: usize,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Lines> {
        Lines::with_limit(path, ROW_BYTES)
    }

    pub fn with_limit(path: &Path, limit: usize) -> Result<Lines> {
        let opened = open(path)?;
        Ok(Lines {
            path: Arc::from(path),
            offset: opened.skipped,
            opened,
            buffer: Vec::new(),
            number: 0,
            limit,
        })
    }

    /// Where the line that was read last stands.
    pub fn place(&self) -> Place {
        Place {
            file: Arc::clone(&self.path),
            line: self.number,
        }
    }

    /// Lines that were read.
    pub fn count(&self) -> u64 {
        self.number
    }

    /// The next line without its end (`\n` or `\r\n`), or what is wrong with it. `None` at the end.
    pub fn next(&mut self) -> Result<Option<Sound<&str>>> {
        let start = self.offset;
        let length = self.take()?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        if length > self.limit as u64 {
            let detail = format!("{length} bytes; at most {} are read", self.limit);
            return Ok(Some(Err(Defect::new(TOO_LONG, detail))));
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(text(line, start)))
    }

    /// Puts a line into the buffer, or its last part if it is too long; returns its length.
    fn take(&mut self) -> Result<u64> {
        self.buffer.clear();
        let mut length = 0;
        loop {
            if length > self.limit as u64 {
                self.buffer.clear();
            }
            let room = self.limit as u64 + 1;
            let read = (&mut self.opened.input)
                .take(room)
                .read_until(b'\n', &mut self.buffer);
            let read =
                read.map_err(|error| damaged(&self.path, self.opened.packing, self.number, error))?;
            length += read as u64;
            self.offset += read as u64;
            if read == 0 || self.buffer.last() == Some(&b'\n') {
                return Ok(length);
            }
        }
    }
}

/// Bytes as a text; `start` is where they begin in the file.
pub fn text(bytes: &[u8], start: u64) -> Sound<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let detail = format!(
            "byte 0x{byte:02x} at offset {} of the file",
            start + at as u64
        );
        Defect::new(NOT_UTF8, detail)
    })
}

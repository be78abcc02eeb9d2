//! The bytes of a pickle, taken one operand after another, never past its end.
//!
//! It knows no instruction; it knows at which byte the current one began, which errors name.

use std::fmt;
use std::path::Path;

use crate::error::{Error, Place, Result};

/// What is left to read of a pickle.
pub(crate) struct Operands<'a> {
    path: &'a Path,
    file: &'a [u8],
    /// The next byte.
    at: usize,
    /// First byte of the current instruction.
    step: usize,
}

impl<'a> Operands<'a> {
    /// From byte `start` of the file on, for at most `limit` bytes.
    pub fn new(path: &'a Path, file: &'a [u8], start: usize, limit: usize) -> Operands<'a> {
        let end = file.len().min(start.saturating_add(limit));
        Operands {
            path,
            file: &file[..end],
            at: start.min(end),
            step: start,
        }
    }

    /// The next byte, from the start of the file.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next instruction.
    pub fn opcode(&mut self) -> Result<u8> {
        self.step = self.at;
        self.byte()
    }

    /// The current instruction does not make sense.
    pub fn bad(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        Error::bad_file(self.path, Place::Byte(self.step), expected, found)
    }

    /// The current instruction asks for something that is never done.
    pub fn refuse(&self, what: String) -> Error {
        Error::Refused {
            path: self.path.to_owned(),
            byte: self.step,
            what,
        }
    }

    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length);
        let Some(bytes) = end.and_then(|end| self.file.get(self.at..end)) else {
            let found = format!("{}", self.file.len() - self.at);
            return Err(self.bad(format!("{length} more bytes of the pickle"), found));
        };
        self.at += length;
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    /// An unsigned operand of one, two or four bytes.
    pub fn index(&mut self, length: usize) -> Result<u32> {
        let bytes = self.take(length)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    /// Bytes of the pickle as text.
    pub fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(bytes).map_err(|error| self.bad("a text in UTF-8", error))
    }

    /// The text up to the next end of line.
    pub fn line(&mut self) -> Result<&'a str> {
        let rest = &self.file[self.at..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.bad("a name that ends", "the end of the file"));
        };
        let line = self.take(length + 1)?;
        self.utf8(&line[..length])
    }
}

//! JSON files that are one value: an array of rows, an object that holds one such array, or an
//! object of entries. They are cut into elements without being held; each element is then read on
//! its own, so one bad element costs only itself.

use std::path::Path;
use std::sync::Arc;

use super::super::Place;
use super::Records;
use super::defect::{Defect, Sound, TOO_LONG};
use super::limits::ROW_BYTES;
use super::lines::text;
use super::object::object;
use super::open::{Opened, damaged, open};
use crate::error::{Error, Result};

/// Cuts a file into values.
pub struct Cutter {
    path: Arc<Path>,
    opened: Opened,
    line: u64,
    offset: u64,
    elements: u64,
    value: Vec<u8>,
    limit: usize,
}

/// The extent of a value that was cut out.
struct Cut {
    offset: u64,
    length: u64,
}

impl Cutter {
    pub fn open(path: &Path) -> Result<Cutter> {
        let opened = open(path)?;
        Ok(Cutter {
            path: Arc::from(path),
            offset: opened.skipped,
            opened,
            line: 1,
            elements: 0,
            value: Vec::new(),
            limit: ROW_BYTES,
        })
    }

    #[cfg(test)]
    pub fn with_limit(mut self, limit: usize) -> Cutter {
        self.limit = limit;
        self
    }

    /// The rows of the file, numbered from one.
    pub fn rows(mut self, sink: &mut Records<'_>) -> Result<()> {
        match self.skip_space()? {
            Some(b'[') => self.elements(sink)?,
            Some(b'{') => self.only_array(sink)?,
            None => return Err(super::open::no_rows(&self.path)),
            Some(_) => return Err(self.broken("expected an array or an object")),
        }
        self.end()
    }

    /// The entries of an object: key, value.
    pub fn entries(
        mut self,
        sink: &mut dyn FnMut(Place, Sound<(String, String)>) -> Result<()>,
    ) -> Result<()> {
        if self.skip_space()? != Some(b'{') {
            return Err(self.broken("expected an object"));
        }
        self.bump()?;
        let mut first = true;
        while self.next_item(b'}', &mut first)? {
            let cut = self.cut()?;
            let key = self.taken(&cut).map(str::to_owned);
            self.colon()?;
            let cut = self.cut()?;
            let value = self.taken(&cut).map(str::to_owned);
            self.elements += 1;
            let place = self.place();
            sink(place, key.and_then(|key| Ok((key, value?))))?;
        }
        self.end()
    }

    fn elements(&mut self, sink: &mut Records<'_>) -> Result<()> {
        self.bump()?;
        let mut first = true;
        while self.next_item(b']', &mut first)? {
            let line = self.line;
            let cut = self.cut()?;
            self.elements += 1;
            let fields = self.taken(&cut).and_then(object).map_err(|mut defect| {
                defect.detail += &format!("; the element begins on line {line}");
                defect
            });
            sink(self.place(), fields)?;
        }
        Ok(())
    }

    fn only_array(&mut self, sink: &mut Records<'_>) -> Result<()> {
        self.bump()?;
        let (mut first, mut arrays) = (true, 0);
        while self.next_item(b'}', &mut first)? {
            self.cut()?;
            self.colon()?;
            match self.skip_space()? {
                Some(b'[') if arrays == 0 => {
                    arrays += 1;
                    self.elements(sink)?;
                }
                Some(b'[') => {
                    return Err(self.broken("expected one array in the object, found two"));
                }
                _ => {
                    self.cut()?;
                }
            }
        }
        match arrays {
            0 => Err(self.broken("expected an array of rows, found an object without one")),
            _ => Ok(()),
        }
    }

    /// Goes to the next item of a list that `close` ends; false at its end.
    fn next_item(&mut self, close: u8, first: &mut bool) -> Result<bool> {
        let found = self.skip_space()?;
        if found == Some(close) {
            self.bump()?;
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            if found != Some(b',') {
                return Err(self.broken("expected `,` or the end of the list"));
            }
            self.bump()?;
        }
        match self.skip_space()? {
            Some(b',' | b']' | b'}' | b':') => Err(self.broken("expected a value")),
            Some(_) => Ok(true),
            None => Err(self.broken("the file ends in the middle of a list")),
        }
    }

    fn colon(&mut self) -> Result<()> {
        match self.skip_space()? {
            Some(b':') => self.bump(),
            _ => Err(self.broken("expected `:`")),
        }
    }

    fn end(&mut self) -> Result<()> {
        match self.skip_space()? {
            None => Ok(()),
            Some(_) => Err(self
                .broken("expected the end of the file")
                .with_hint("a file with one object per line is JSONL: name it .jsonl")),
        }
    }

    /// Copies the bytes of one value, up to the limit.
    fn cut(&mut self) -> Result<Cut> {
        self.skip_space()?;
        self.value.clear();
        let (mut depth, mut quoted, mut escaped) = (0_u64, false, false);
        let mut cut = Cut {
            offset: self.offset,
            length: 0,
        };
        while let Some(byte) = self.peek()? {
            let mut ends = false;
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => {
                    quoted = !quoted;
                    ends = !quoted && depth == 0;
                }
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                    return Ok(cut);
                }
                b'}' | b']' => {
                    depth -= 1;
                    ends = depth == 0;
                }
                _ => {}
            }
            self.bump()?;
            cut.length += 1;
            if cut.length <= self.limit as u64 {
                self.value.push(byte);
            }
            if ends {
                return Ok(cut);
            }
        }
        match depth == 0 && !quoted {
            true => Ok(cut),
            false => Err(self.broken("the file ends in the middle of a value")),
        }
    }

    fn taken(&self, cut: &Cut) -> Sound<&str> {
        if cut.length > self.limit as u64 {
            let detail = format!("{} bytes; at most {} are read", cut.length, self.limit);
            return Err(Defect::new(TOO_LONG, detail));
        }
        text(&self.value, cut.offset)
    }

    fn place(&self) -> Place {
        Place {
            file: Arc::clone(&self.path),
            line: self.elements,
        }
    }

    fn broken(&self, message: &str) -> Error {
        Error::File {
            path: self.path.to_path_buf(),
            line: self.line,
            message: message.to_owned(),
            hint: Some(format!(
                "not JSON from here on; {} rows before are good",
                self.elements
            )),
        }
    }

    fn skip_space(&mut self) -> Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.bump()?,
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let bytes = self.opened.input.fill_buf();
        match bytes {
            Ok(bytes) => Ok(bytes.first().copied()),
            Err(error) => Err(damaged(
                &self.path,
                self.opened.packing,
                self.elements,
                error,
            )),
        }
    }

    /// Leaves the byte that was peeked at.
    fn bump(&mut self) -> Result<()> {
        if self.peek()? == Some(b'\n') {
            self.line += 1;
        }
        self.opened.input.consume(1);
        self.offset += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_is_too_long_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs_err::write(
            &path,
            format!(
                "[{{\"a\":1}}, {{\"a\":\"{}\"}}, {{\"a\":2}}]",
                "]".repeat(90)
            ),
        )
        .unwrap();
        let mut found = Vec::new();
        let cutter = Cutter::open(&path).unwrap().with_limit(50);
        cutter
            .rows(&mut |place, fields| {
                found.push((
                    place.line,
                    fields.map_err(|defect| (defect.reason, defect.detail)),
                ));
                Ok(())
            })
            .unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[1],
            (
                2,
                Err((
                    TOO_LONG,
                    "98 bytes; at most 50 are read; the element begins on line 1".into()
                ))
            )
        );
        assert!(found[2].1.is_ok());
    }
}

//! CSV and TSV with a header. Cells may be quoted (`"a ""b"" c"`) and then hold delimiters and line
//! ends. A quote inside a cell that does not begin with one is a letter.
//!
//! Records are read in bounded memory. A quote that is never closed is refused as a defect of the
//! file: the rows behind it would vanish into one cell.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::Records;
use super::defect::{COLUMNS, Defect, NOT_UTF8, Sound, TOO_LONG};
use super::fields::no_nul;
use super::limits::ROW_BYTES;
use super::object::Fields;
use super::open::{Opened, damaged, no_rows, open, refusal};
use crate::data::Place;
use crate::error::{Error, Result};

/// Cuts a file into records.
struct Cells {
    path: Arc<Path>,
    opened: Opened,
    delimiter: u8,
    /// Of the byte that comes next.
    line: u64,
    offset: u64,
    /// Of the record that was read last: its cells end to end, where each ends, and where it began.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    began: (u64, u64),
    length: u64,
    limit: usize,
}

/// Where in a cell the next byte stands.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or half of a doubled quote.
    Quote,
}

/// Reads every record as fields named by the header.
pub fn records(path: &Path, delimiter: u8, sink: &mut Records<'_>) -> Result<()> {
    records_within(path, delimiter, ROW_BYTES, sink)
}

fn records_within(path: &Path, delimiter: u8, limit: usize, sink: &mut Records<'_>) -> Result<()> {
    let opened = open(path)?;
    let mut cells = Cells {
        path: Arc::from(path),
        offset: opened.skipped,
        opened,
        delimiter,
        line: 1,
        bytes: Vec::new(),
        ends: Vec::new(),
        began: (1, 0),
        length: 0,
        limit,
    };
    if !cells.next()? {
        return Err(no_rows(path));
    }
    let header = cells.header()?;
    while cells.next()? {
        let place = Place {
            file: Arc::clone(&cells.path),
            line: cells.began.0,
        };
        let fields = cells.fields(&header);
        sink(place, fields)?;
    }
    Ok(())
}

impl Cells {
    /// Reads a record that is not an empty line; false at the end of the file.
    fn next(&mut self) -> Result<bool> {
        loop {
            if !self.record()? {
                return Ok(false);
            }
            if self.length > 0 {
                return Ok(true);
            }
        }
    }

    fn record(&mut self) -> Result<bool> {
        self.bytes.clear();
        self.ends.clear();
        self.length = 0;
        self.began = (self.line, self.offset);
        let mut at = At::Start;
        let mut opened_on = self.line;
        loop {
            let chunk = match self.opened.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => {
                    return Err(damaged(&self.path, self.opened.packing, self.line, error));
                }
            };
            if chunk.is_empty() {
                if at == At::Quoted {
                    return Err(self.never_closed(opened_on));
                }
                let any = self.length > 0;
                self.end_cell(at);
                return Ok(any);
            }
            let mut used = 0;
            let mut done = false;
            for &byte in chunk {
                used += 1;
                self.line += u64::from(byte == b'\n');
                let keep = match (at, byte) {
                    (At::Quoted, b'"') => {
                        at = At::Quote;
                        false
                    }
                    (At::Quoted, _) => true,
                    (At::Quote, b'"') => {
                        at = At::Quoted;
                        true
                    }
                    (At::Start, b'"') => {
                        at = At::Quoted;
                        opened_on = self.line;
                        false
                    }
                    (_, b'\n') => {
                        done = true;
                        break;
                    }
                    (_, byte) if byte == self.delimiter => {
                        self.ends.push(self.bytes.len());
                        at = At::Start;
                        false
                    }
                    _ => {
                        at = At::Plain;
                        true
                    }
                };
                self.length += 1;
                if keep && self.bytes.len() <= self.limit {
                    self.bytes.push(byte);
                }
                if self.ends.len() > self.limit / 8 {
                    self.ends.truncate(1);
                    self.length = self.length.max(self.limit as u64 + 1);
                }
            }
            self.opened.input.consume(used);
            self.offset += used as u64;
            if done {
                self.end_cell(at);
                return Ok(true);
            }
        }
    }

    /// The end of the last cell; `\r` before a line end is part of that, unless it was quoted.
    fn end_cell(&mut self, at: At) {
        let from = self.ends.last().copied().unwrap_or(0);
        if at == At::Plain && self.bytes[from..].ends_with(b"\r") {
            self.bytes.pop();
            if self.length == 1 {
                self.length = 0;
            }
        }
        self.ends.push(self.bytes.len());
    }

    fn cells(&self) -> Sound<Vec<&str>> {
        if self.length > self.limit as u64 {
            return Err(Defect::new(
                TOO_LONG,
                format!("{} bytes; at most {} are read", self.length, self.limit),
            ));
        }
        let whole = std::str::from_utf8(&self.bytes).map_err(|error| {
            let byte = self
                .bytes
                .get(error.valid_up_to())
                .copied()
                .unwrap_or_default();
            let begin = self.began.1;
            let detail = format!(
                "byte 0x{byte:02x} in the record that begins at offset {begin} of the file"
            );
            Defect::new(NOT_UTF8, detail)
        })?;
        no_nul(whole)?;
        let mut from = 0;
        let cut = self.ends.iter().map(|end| {
            let cell = whole.get(from..*end);
            from = *end;
            cell
        });
        cut.collect::<Option<Vec<&str>>>()
            .ok_or_else(|| Defect::new(NOT_UTF8, "a letter is cut by a delimiter"))
    }

    fn header(&self) -> Result<Vec<String>> {
        let cells = self.cells().map_err(|defect| {
            refusal(
                &self.path,
                format_args!("the header: {}: {}", defect.reason, defect.detail),
            )
        })?;
        let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        for (place, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..place].contains(name) {
                return Err(refusal(
                    &self.path,
                    format_args!("column `{name}` stands twice in the header"),
                ));
            }
        }
        Ok(names)
    }

    fn fields(&self, header: &[String]) -> Sound<Fields> {
        let cells = self.cells()?;
        if cells.len() != header.len() {
            return Err(Defect::new(
                COLUMNS,
                format!("{} columns; the header has {}", cells.len(), header.len()),
            ));
        }
        Ok(header
            .iter()
            .zip(cells)
            .map(|(name, cell)| (name.clone(), Value::from(cell)))
            .collect())
    }

    fn never_closed(&self, line: u64) -> Error {
        Error::File {
            path: self.path.to_path_buf(),
            line,
            message: "a quote is opened here and never closed".to_owned(),
            hint: Some(
                "a quote inside a quoted cell is written twice; rows before this line are good"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_too_long_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let many = ",".repeat(500);
        let text = format!("a,b\n1,2\n\"{}\",3\n{many}\n4,5\n", "x\n".repeat(90));
        fs_err::write(&path, text).unwrap();
        let mut found = Vec::new();
        records_within(&path, b',', 100, &mut |place, fields| {
            found.push((
                place.line,
                fields
                    .map(|fields| fields.len())
                    .map_err(|defect| defect.reason),
            ));
            Ok(())
        })
        .unwrap();
        assert_eq!(
            found,
            [
                (2, Ok(2)),
                (3, Err(TOO_LONG)),
                (94, Err(TOO_LONG)),
                (95, Ok(2))
            ]
        );
    }
}

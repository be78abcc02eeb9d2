//! What comes in: texts from the command line, from files, from rows of JSON. Rows are read one at
//! a time, so an input may be larger than memory.
//!
//! A row that cannot be used is told on stderr as `{"file":..,"line":..,"error":..}` and counted;
//! the others are done all the same.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::exit::{Failure, say};

/// Bytes of one row of JSON, or of one text file.
const MAX_ROW_BYTES: u64 = 64 << 20;

/// Where inputs come from, besides texts on the command line.
#[derive(Debug, Args)]
pub struct Sources {
    /// A file that is one text; `-` is stdin. May be repeated
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// A file with one JSON object per line; `-` is stdin. Empty lines are passed over
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// The field of a JSONL row that holds the text
    #[arg(long, value_name = "NAME", default_value = "text")]
    field: String,
}

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Of a row its own `id`, if it has one; else the number of the input, from 1.
    pub id: Value,
    /// Where it comes from, if that is a line of a file.
    pub line: Option<usize>,
    pub content: Content,
}

/// What an input says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Text(String),
    /// The messages of a conversation.
    Messages(Value),
}

/// Inputs in their order, and how many of them were rejected.
pub struct Inputs {
    ready: std::vec::IntoIter<Content>,
    files: std::vec::IntoIter<PathBuf>,
    rows: Option<Rows>,
    field: String,
    messages: bool,
    number: usize,
    rejected: usize,
}

struct Rows {
    name: String,
    lines: Box<dyn BufRead>,
    line: usize,
}

impl Sources {
    /// All inputs: `texts`, then files, then rows. `messages` says whether a row may hold a
    /// conversation in its field `messages` instead. Nothing at all is refused, and so is a file
    /// that cannot be opened, before any work.
    pub fn open(&self, texts: &[String], messages: bool) -> Result<Inputs, Failure> {
        if texts.is_empty() && self.file.is_empty() && self.jsonl.is_none() {
            let told = Failure::told("no input");
            return Err(told.with_hint("give a text, --file FILE or --jsonl FILE; `-` is stdin"));
        }
        for file in self.file.iter().filter(|file| !is_stdin(file)) {
            fs_err::File::open(file).map_err(Failure::told)?;
        }
        let rows = match &self.jsonl {
            Some(path) => Some(Rows {
                name: path.display().to_string(),
                lines: reader(path)?,
                line: 0,
            }),
            None => None,
        };
        let ready: Vec<Content> = texts.iter().cloned().map(Content::Text).collect();
        Ok(Inputs {
            ready: ready.into_iter(),
            files: self.file.clone().into_iter(),
            rows,
            field: self.field.clone(),
            messages,
            number: 0,
            rejected: 0,
        })
    }
}

fn is_stdin(path: &std::path::Path) -> bool {
    path.as_os_str() == "-"
}

fn reader(path: &PathBuf) -> Result<Box<dyn BufRead>, Failure> {
    Ok(match is_stdin(path) {
        true => Box::new(BufReader::new(io::stdin())),
        false => Box::new(BufReader::new(
            fs_err::File::open(path).map_err(Failure::told)?,
        )),
    })
}

impl Inputs {
    /// The next input that can be used.
    pub fn next(&mut self) -> Result<Option<Input>, Failure> {
        let plain = match self.ready.next() {
            Some(content) => Some(content),
            None => match self.files.next() {
                Some(file) => Some(Content::Text(whole(&file)?)),
                None => None,
            },
        };
        if let Some(content) = plain {
            self.number += 1;
            return Ok(Some(Input {
                id: json!(self.number),
                line: None,
                content,
            }));
        }
        self.next_row()
    }

    /// The number of the input that came last, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Tells of an input that cannot be used, and counts it.
    pub fn reject(&mut self, input: &Input, error: impl std::fmt::Display) {
        self.tell(input.line, Some(&input.id), &error.to_string());
    }

    /// The end: an error if any input was rejected.
    pub fn finish(self) -> Result<(), Failure> {
        match self.rejected {
            0 => Ok(()),
            rejected => Err(Failure::Rejected {
                rejected,
                all: self.number,
            }),
        }
    }

    fn tell(&mut self, line: Option<usize>, id: Option<&Value>, error: &str) {
        self.rejected += 1;
        let mut told = Map::new();
        if let (Some(line), Some(rows)) = (line, &self.rows) {
            told.insert("file".into(), json!(rows.name));
            told.insert("line".into(), json!(line));
        }
        if let Some(id) = id {
            told.insert("id".into(), id.clone());
        }
        told.insert("error".into(), json!(error));
        say(Value::Object(told));
    }

    fn next_row(&mut self) -> Result<Option<Input>, Failure> {
        loop {
            let Some(rows) = &mut self.rows else {
                return Ok(None);
            };
            let Some(text) = rows.next_line()? else {
                return Ok(None);
            };
            let line = rows.line;
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            self.number += 1;
            match text.and_then(|text| self.read_row(&text, line)) {
                Ok(input) => return Ok(Some(input)),
                Err(error) => self.tell(Some(line), None, &error),
            }
        }
    }

    fn read_row(&self, text: &str, line: usize) -> Result<Input, String> {
        let row: Value =
            serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let Value::Object(mut row) = row else {
            return Err("expected a JSON object".to_owned());
        };
        let content = match row.remove("messages") {
            Some(messages) if self.messages => Content::Messages(messages),
            _ => match row.remove(&self.field) {
                Some(Value::String(text)) => Content::Text(text),
                Some(_) => return Err(format!("field `{}`: expected a string", self.field)),
                None => return Err(self.missing(&row)),
            },
        };
        Ok(Input {
            id: row.remove("id").unwrap_or_else(|| json!(self.number)),
            line: Some(line),
            content,
        })
    }

    fn missing(&self, row: &Map<String, Value>) -> String {
        let names: Vec<String> = row.keys().take(8).map(|name| format!("`{name}`")).collect();
        let there = match names.is_empty() {
            true => "no other".to_owned(),
            false => names.join(", "),
        };
        format!("no field `{}`; the row has {there}", self.field)
    }
}

impl Rows {
    /// The next line, or why it cannot be used; a line beyond the limit is passed over to its end.
    fn next_line(&mut self) -> Result<Option<Result<String, String>>, Failure> {
        let mut bytes = Vec::new();
        let failed = |name: &str, error: io::Error| Failure::told(format_args!("{name}: {error}"));
        let limit = &mut self.lines.by_ref().take(MAX_ROW_BYTES);
        let read = limit
            .read_until(b'\n', &mut bytes)
            .map_err(|error| failed(&self.name, error))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if read as u64 == MAX_ROW_BYTES && !bytes.ends_with(b"\n") {
            self.lines
                .skip_until(b'\n')
                .map_err(|error| failed(&self.name, error))?;
            return Ok(Some(Err(format!("longer than {MAX_ROW_BYTES} bytes"))));
        }
        Ok(Some(String::from_utf8(bytes).map_err(|error| {
            format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())
        })))
    }
}

/// A file as one text.
fn whole(path: &PathBuf) -> Result<String, Failure> {
    let name = path.display();
    let mut bytes = Vec::new();
    let read = reader(path)?
        .take(MAX_ROW_BYTES + 1)
        .read_to_end(&mut bytes);
    read.map_err(|error| Failure::told(format_args!("{name}: {error}")))?;
    if bytes.len() as u64 > MAX_ROW_BYTES {
        return Err(Failure::told(format_args!(
            "{name}: longer than {MAX_ROW_BYTES} bytes"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        Failure::told(format_args!(
            "{name}: not UTF-8 at byte {}",
            error.utf8_error().valid_up_to()
        ))
    })
}

//! What goes to stdout: one JSON object per input, in the order of the inputs.

use std::io::{self, BufWriter, Stdout, Write};

use serde::Serialize;

use crate::exit::Failure;

/// Lines of JSON on stdout.
pub struct Lines {
    out: BufWriter<Stdout>,
}

impl Lines {
    pub fn new() -> Lines {
        Lines {
            out: BufWriter::new(io::stdout()),
        }
    }

    /// One object, one line.
    pub fn object(&mut self, object: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, object).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }

    /// Plain text, seen at once.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes())?;
        self.flush()
    }

    /// Whoever reads gets what there is. To be called before long work and at the end.
    pub fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

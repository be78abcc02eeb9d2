//! How one text is read alone: cut, framed, and made one vector. Two tasks that read alike can answer
//! from the same vector.

use skillbelt_engine::ops::Pool;
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;

use super::frame::Frame;
use crate::error::Result;

/// Which text of a task is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What asks, cut to the length of queries.
    Query,
    /// What is judged or found, cut to the length of texts.
    Candidate,
}

/// A way of reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub frame: Frame,
    /// Tokens, with the frame's.
    pub max_length: usize,
    pub pooling: Pool,
}

impl Reading {
    /// How a base reads that no task has taught: the mean of the tokens' vectors.
    pub fn untaught(tokenizer: &Tokenizer, network: &dyn Network) -> Result<Reading> {
        let frame = Frame::of(tokenizer)?;
        let bound = network.sizes().positions.unwrap_or(usize::MAX);
        Ok(Reading {
            max_length: bound.min(super::limits::TEXT),
            frame,
            pooling: Pool::Mean,
        })
    }

    /// The ids of a text; nothing if there is nothing to read.
    pub fn ids(&self, text: &str, tokenizer: &Tokenizer) -> Result<Option<Vec<u32>>> {
        let body = tokenizer.encode(text, false)?;
        Ok((!body.is_empty()).then(|| self.frame.text(&body, self.max_length)))
    }
}

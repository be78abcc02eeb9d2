//! Where each sequence of a packed batch begins and ends.
//!
//! There is no padding anywhere: a batch is the tokens of its sequences laid end to end, and this.

use std::ops::Range;

use crate::error::{Error, Result};

/// Offsets of the sequences of a packed batch; every span holds at least one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spans {
    offsets: Vec<usize>,
}

impl Spans {
    /// Spans of the given lengths, one after another. No span, or an empty one, is refused.
    pub fn from_lengths(lengths: &[usize]) -> Result<Spans> {
        if lengths.is_empty() || lengths.contains(&0) {
            return Err(Error::Empty { op: "spans" });
        }
        let mut offsets = Vec::with_capacity(lengths.len() + 1);
        let mut end = 0;
        offsets.push(end);
        for length in lengths {
            end += length;
            offsets.push(end);
        }
        Ok(Spans { offsets })
    }

    /// One span over all tokens.
    pub fn single(tokens: usize) -> Result<Spans> {
        Spans::from_lengths(&[tokens])
    }

    /// How many sequences there are.
    pub fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many tokens there are in all, `T`.
    pub fn tokens(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// The rows of one sequence.
    pub fn range(&self, span: usize) -> Range<usize> {
        self.offsets[span]..self.offsets[span + 1]
    }

    /// Tokens of one sequence.
    pub fn length(&self, span: usize) -> usize {
        self.offsets[span + 1] - self.offsets[span]
    }

    /// The rows of every sequence in turn.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The place of each token within its own sequence, counted from zero.
    pub fn positions(&self) -> Vec<u32> {
        self.ranges()
            .flat_map(|range| (0..range.len()).map(|place| place as u32))
            .collect()
    }

    /// Refuses a matrix with another number of rows than these spans have tokens.
    pub fn expect_rows(&self, op: &'static str, rows: usize) -> Result<()> {
        if rows == self.tokens() {
            Ok(())
        } else {
            Err(Error::shape(
                op,
                format_args!("{} rows, as the spans hold", self.tokens()),
                rows,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_count_tokens_and_positions() {
        let spans = Spans::from_lengths(&[2, 1, 3]).unwrap();
        assert_eq!(spans.tokens(), 6);
        assert_eq!(spans.range(2), 3..6);
        assert_eq!(spans.positions(), [0, 1, 0, 0, 1, 2]);
    }

    #[test]
    fn an_empty_batch_or_span_is_refused() {
        assert!(Spans::from_lengths(&[]).is_err());
        assert!(Spans::from_lengths(&[3, 0]).is_err());
    }
}

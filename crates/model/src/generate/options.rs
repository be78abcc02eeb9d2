//! What a caller may ask of the writing, and which wishes no one can honour.

use super::beam::Beams;
use super::choose::Sampling;
use super::error::{Error, Result};

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// The likeliest, always.
    Greedy,
    /// Drawn at random.
    Sample(Sampling),
    /// The likeliest text among several that are followed at once.
    Beams(Beams),
}

/// What a caller may ask of the writing.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub choice: Choice,
    pub max_new_tokens: usize,
    /// No end before this many tokens; stop strings end a text all the same.
    pub min_new_tokens: usize,
    /// Above 1, tokens that occurred become less likely; 1 changes nothing.
    pub repetition_penalty: f32,
    /// Texts that end the writing; they are not part of what is written.
    pub stop: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            choice: Choice::Greedy,
            max_new_tokens: 128,
            min_new_tokens: 0,
            repetition_penalty: 1.0,
            stop: Vec::new(),
        }
    }
}

impl Options {
    /// Refuses settings outside their bounds.
    pub(super) fn check(&self) -> Result<()> {
        let positive = |option, number: f32| match number > 0.0 && number.is_finite() {
            true => Ok(()),
            false => Err(Error::option(option, "a number above 0", number)),
        };
        positive("repetition penalty", self.repetition_penalty)?;
        if self.max_new_tokens == 0 {
            return Err(Error::option("max new tokens", "at least 1", 0));
        }
        if self.min_new_tokens > self.max_new_tokens {
            let expected = format!("at most the {} that may be written", self.max_new_tokens);
            return Err(Error::option(
                "min new tokens",
                expected,
                self.min_new_tokens,
            ));
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(Error::option(
                "stop string",
                "at least one character",
                "none",
            ));
        }
        match &self.choice {
            Choice::Greedy => Ok(()),
            Choice::Sample(how) => {
                positive("temperature", how.temperature)?;
                positive("top-p", how.top_p)?;
                if how.top_p > 1.0 {
                    return Err(Error::option("top-p", "at most 1", how.top_p));
                }
                match how.top_k {
                    Some(0) => Err(Error::option("top-k", "at least 1", 0)),
                    _ => Ok(()),
                }
            }
            Choice::Beams(how) if how.count == 0 => Err(Error::option("beams", "at least 1", 0)),
            Choice::Beams(how) if !how.length_penalty.is_finite() => Err(Error::option(
                "length penalty",
                "a finite number",
                how.length_penalty,
            )),
            Choice::Beams(_) => Ok(()),
        }
    }
}

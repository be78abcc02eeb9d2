//! Writing: a base continues prompts, or answers them, until each text has reason to end.
//!
//! There is no padding: prompts of unequal length are read as one packed batch, a sequence that is
//! finished leaves the batch, and what was read is remembered as keys and values. Every sequence is
//! its own affair: in f32 its text does not depend on which others stand in the batch.

pub mod beam;
pub mod choose;
mod error;
mod flow;
mod habits;
mod lines;
mod options;
mod reader;
mod stop;
#[cfg(test)]
mod tests;
mod widths;

pub use beam::{Beams, EarlyStopping};
pub use choose::Sampling;
pub use error::{Error, Result};
pub use flow::{Asked, Flow};
pub use habits::Habits;
pub use options::{Choice, Options};
pub use reader::Role;

use crate::base::{Network, Shape};
use crate::tokenizer::{Tokenizer, UnixcoderMode};
use reader::NetworkReader;

/// One text to be continued or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pub ids: Vec<u32>,
    /// What tells this prompt from others, in errors and in sampling: with one seed, the same
    /// number and prompt give the same text.
    pub number: u64,
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// By an end token or a stop string.
    Stop,
    /// It has as many tokens as were allowed.
    Length,
    /// The base reads no longer sequence.
    Context,
}

impl Finish {
    /// The word used in output.
    pub fn name(self) -> &'static str {
        match self {
            Finish::Stop => "stop",
            Finish::Length => "length",
            Finish::Context => "context",
        }
    }
}

/// What was written for one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Without special tokens, and without the stop string and what came after it.
    pub text: String,
    /// All new tokens, the last included.
    pub ids: Vec<u32>,
    pub finish: Finish,
    pub prompt_tokens: usize,
    /// Of a beam search: log probability over length to the power of the length penalty.
    pub score: Option<f32>,
}

/// Hears pieces of finished text: the place of the prompt in the batch, and the piece.
pub type Listener<'l> = &'l mut dyn FnMut(usize, &str);

/// A base that writes.
pub struct Writer<'b> {
    network: &'b dyn Network,
    tokenizer: &'b Tokenizer,
    habits: Habits,
    role: Role,
    mode: Option<UnixcoderMode>,
    task: Option<usize>,
}

impl<'b> Writer<'b> {
    /// A base in the role that it has by itself. Encoders, and bases without a head, are refused.
    pub fn new(network: &'b dyn Network, tokenizer: &'b Tokenizer, habits: Habits) -> Result<Self> {
        Ok(Writer {
            role: reader::native_role(network, habits.start)?,
            network,
            tokenizer,
            habits,
            mode: None,
            task: None,
        })
    }

    /// The same, for one task of a belt that has parts of its own for each, by its place.
    pub fn for_task(self, task: usize) -> Self {
        Writer {
            task: Some(task),
            ..self
        }
    }

    /// UniXcoder, an encoder that was also taught to write, in one of its two writing modes.
    pub fn unixcoder(
        network: &'b dyn Network,
        tokenizer: &'b Tokenizer,
        habits: Habits,
        mode: UnixcoderMode,
    ) -> Result<Self> {
        let refuse = |reason| Error::CannotWrite {
            family: network.family(),
            reason,
        };
        if network.shape() != Shape::Encoder || tokenizer.token_id(mode.token()).is_none() {
            return Err(refuse(
                "modes are for UniXcoder, whose vocabulary names them",
            ));
        }
        if network.head().is_none() {
            return Err(refuse("the checkpoint has no language-model head"));
        }
        Ok(Writer {
            role: match mode {
                UnixcoderMode::EncoderOnly => {
                    return Err(refuse("its encoder-only mode does not write"));
                }
                UnixcoderMode::DecoderOnly => Role::LookBack,
                UnixcoderMode::EncoderDecoder => Role::PromptWhole,
            },
            network,
            tokenizer,
            habits,
            mode: Some(mode),
            task: None,
        })
    }

    /// The tokens of a prompt as this base wants it. A text that comes out of a chat template holds
    /// its special tokens itself: `framed` adds none.
    pub fn encode(&self, text: &str, framed: bool) -> Result<Vec<u32>> {
        Ok(match self.mode {
            Some(mode) => self.tokenizer.encode_unixcoder(text, mode, usize::MAX)?,
            None => self.tokenizer.encode(text, !framed)?,
        })
    }

    /// The longest sequence that the base reads, prompt and answer together, if there is a bound.
    pub fn positions(&self) -> Option<usize> {
        match self.role {
            Role::Translate { .. } => None,
            _ => self.network.sizes().positions,
        }
    }

    /// Writes one text for each prompt, all at once. `listener` hears each text in pieces as it
    /// grows (of a beam search, whole at its end).
    pub fn write(
        &self,
        prompts: &[Prompt],
        options: &Options,
        listener: Listener<'_>,
    ) -> Result<Vec<Written>> {
        options.check()?;
        if prompts.is_empty() {
            return Ok(Vec::new());
        }
        let rooms = prompts
            .iter()
            .map(|prompt| self.room(prompt, options))
            .collect::<Result<Vec<_>>>()?;
        let ids: Vec<&[u32]> = prompts.iter().map(|prompt| &prompt.ids[..]).collect();
        let mut reader = NetworkReader::begin(self.network, self.role, self.task, &ids)?;
        let openings: Vec<Vec<u32>> = prompts.iter().map(|prompt| self.opening(prompt)).collect();
        let job = Job {
            tokenizer: self.tokenizer,
            ends: &self.habits.ends,
            options,
            prompts,
            openings: &openings,
            rooms: &rooms,
        };
        match &options.choice {
            Choice::Beams(beams) => widths::write(&job, beams, &mut reader, listener),
            _ => lines::write(&job, &mut reader, listener),
        }
    }

    /// Refuses a prompt that `write` would refuse: one without tokens, or too long.
    pub fn check(&self, prompt: &Prompt) -> Result<()> {
        self.room(prompt, &Options::default()).map(|_| ())
    }

    /// What the sequence of a prompt begins with on the writing side.
    fn opening(&self, prompt: &Prompt) -> Vec<u32> {
        match self.role {
            Role::Translate { start } => vec![start],
            _ => prompt.ids.clone(),
        }
    }

    /// How many tokens may follow a prompt, and why no more.
    fn room(&self, prompt: &Prompt, options: &Options) -> Result<Room> {
        let tokens = prompt.ids.len();
        if tokens == 0 {
            return Err(Error::Empty {
                prompt: prompt.number,
            });
        }
        let asked = Room {
            tokens: options.max_new_tokens,
            reason: Finish::Length,
        };
        let Some(positions) = self.positions() else {
            return Ok(asked);
        };
        if tokens > positions {
            return Err(Error::TooLong {
                prompt: prompt.number,
                tokens,
                positions,
            });
        }
        // The last token written need not be read.
        let left = positions - tokens + 1;
        Ok(match left < options.max_new_tokens {
            true => Room {
                tokens: left,
                reason: Finish::Context,
            },
            false => asked,
        })
    }
}

/// How many tokens may be written, and what stands in the way of more.
#[derive(Debug, Clone, Copy)]
struct Room {
    tokens: usize,
    reason: Finish,
}

/// One batch to be written.
struct Job<'j> {
    tokenizer: &'j Tokenizer,
    ends: &'j [u32],
    options: &'j Options,
    prompts: &'j [Prompt],
    /// What each sequence begins with on the writing side.
    openings: &'j [Vec<u32>],
    rooms: &'j [Room],
}

impl Job<'_> {
    /// Changes scores as the options ask, before the next token of a sequence is chosen.
    fn adjust(&self, scores: &mut [f32], prompt: usize, new: &[u32]) {
        let penalty = self.options.repetition_penalty;
        if penalty != 1.0 {
            let history = [&self.openings[prompt], new].concat();
            choose::penalise(scores, &history, penalty);
        }
        if new.len() < self.options.min_new_tokens {
            choose::forbid(scores, self.ends);
        }
    }

    fn not_finite(&self, prompt: usize, step: usize) -> Error {
        Error::NotFinite {
            prompt: self.prompts[prompt].number,
            step,
        }
    }
}

//! Feeds a network the tokens of running sequences and gives back the logits of what comes next.
//!
//! The one place that knows the three ways in which a base can write: a decoder continues its
//! prompt; an encoder-decoder reads the prompt and begins a text of its own; UniXcoder is one
//! network in either role. It chooses no token.

use skillbelt_engine::ops::take_rows;
use skillbelt_engine::{Mat, Pass, Spans, Var};

use super::error::{Error, Result};
use crate::base::{self, Batch, Memory, Network, Shape, Sight};

/// Something that reads sequences token by token and scores what may come next.
pub trait Reader {
    /// Reads further tokens of each sequence, at least one of each; gives the logits `[S x V]` of
    /// the token after the last of each.
    fn read(&mut self, further: &[&[u32]]) -> Result<Mat>;

    /// Rearranges the sequences: the new one `i` continues the old one `from[i]`.
    fn select(&mut self, from: &[usize]);
}

/// How a base writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Continues the prompt.
    Continue,
    /// Reads the prompt whole, then writes a text that begins with this token.
    Translate { start: u32 },
    /// Continues the prompt with a network that by itself looks both ways.
    LookBack,
    /// The same, but within the prompt every token sees every other.
    PromptWhole,
}

/// A network with what it remembers of a batch.
pub struct NetworkReader<'n> {
    network: &'n dyn Network,
    memory: Memory,
    role: Role,
    /// The task of the belt that writes, where it has parts for each.
    task: Option<usize>,
    /// Tokens of each prompt.
    prompts: Vec<usize>,
    /// What the encoder made of the prompts, `[T x C]`, one span each.
    encoded: Option<(Var, Spans)>,
}

impl<'n> NetworkReader<'n> {
    /// Begins a batch. What is to be read first is [`NetworkReader::openings`].
    pub fn begin(
        network: &'n dyn Network,
        role: Role,
        task: Option<usize>,
        prompts: &[&[u32]],
    ) -> Result<NetworkReader<'n>> {
        let encoded = match role {
            Role::Translate { .. } => {
                let batch = Batch::pack(prompts)?;
                let encoded = network.hidden(&for_task(Pass::inference(), task), &batch, None)?;
                Some((encoded, batch.spans))
            }
            _ => None,
        };
        Ok(NetworkReader {
            network,
            memory: Memory::new(network.memory_layers(), prompts.len()),
            role,
            task,
            prompts: prompts.iter().map(|ids| ids.len()).collect(),
            encoded,
        })
    }

    /// Takes the sequences of another reader in, after its own. Both have read their openings with the
    /// same network, in the same role and for the same task.
    pub fn join(&mut self, other: NetworkReader<'n>) -> Result<()> {
        self.encoded = match (self.encoded.take(), other.encoded) {
            (Some(own), Some(more)) => Some(after_each_other(&own, &more)?),
            (own, more) => own.or(more),
        };
        self.memory.join(other.memory);
        self.prompts.extend(other.prompts);
        Ok(())
    }

    /// Logits of the last token of each span.
    fn last(&self, pass: &Pass, hidden: &Var, spans: &Spans) -> Result<Mat> {
        let rows: Vec<usize> = spans.ranges().map(|range| range.end - 1).collect();
        Ok(base::logits(self.network, pass, hidden, &rows)?)
    }
}

impl Reader for NetworkReader<'_> {
    fn read(&mut self, further: &[&[u32]]) -> Result<Mat> {
        let pass = for_task(Pass::writing(), self.task);
        let sight = match self.role {
            Role::Continue | Role::Translate { .. } => Sight::Native,
            Role::LookBack => Sight::Causal,
            Role::PromptWhole => Sight::Prefix(self.prompts.clone()),
        };
        let batch = Batch::pack(further)?.with_sight(sight);
        let memory = Some(&mut self.memory);
        let hidden = match &self.encoded {
            Some((encoded, spans)) => self.network.decode(&pass, encoded, spans, &batch, memory)?,
            None => self.network.hidden(&pass, &batch, memory)?,
        };
        self.last(&pass, &hidden, &batch.spans)
    }

    fn select(&mut self, from: &[usize]) {
        self.memory.select(from);
        self.prompts = from.iter().map(|old| self.prompts[*old]).collect();
        if let Some((encoded, spans)) = self.encoded.take() {
            self.encoded = rearranged(&encoded, &spans, from);
        }
    }
}

fn for_task(pass: Pass, task: Option<usize>) -> Pass {
    match task {
        Some(task) => pass.with_task(task),
        None => pass,
    }
}

/// The rows of the selected spans, in their new order; nothing if none is left.
fn rearranged(encoded: &Var, spans: &Spans, from: &[usize]) -> Option<(Var, Spans)> {
    let lengths: Vec<usize> = from.iter().map(|old| spans.length(*old)).collect();
    let rows: Vec<usize> = from.iter().flat_map(|old| spans.range(*old)).collect();
    let spans = Spans::from_lengths(&lengths).ok()?;
    Some((take_rows(&Pass::inference(), encoded, &rows).ok()?, spans))
}

/// The rows and spans of one batch, then those of another.
fn after_each_other(own: &(Var, Spans), more: &(Var, Spans)) -> Result<(Var, Spans)> {
    let ((first, first_spans), (second, second_spans)) = (own, more);
    let lengths = first_spans.ranges().chain(second_spans.ranges());
    let lengths: Vec<usize> = lengths.map(|range| range.len()).collect();
    let numbers = [first.value().data(), second.value().data()].concat();
    let rows = Mat::from_vec(first.rows() + second.rows(), first.cols(), numbers);
    Ok((
        Pass::inference().constant(rows),
        Spans::from_lengths(&lengths)?,
    ))
}

/// The role of a network that was not told a mode.
pub fn native_role(network: &dyn Network, start: Option<u32>) -> Result<Role> {
    let refuse = |reason| {
        Err(Error::CannotWrite {
            family: network.family(),
            reason,
        })
    };
    if network.head().is_none() {
        return refuse("the checkpoint has no language-model head");
    }
    match (network.shape(), start) {
        (Shape::Decoder, _) => Ok(Role::Continue),
        (Shape::EncoderDecoder, Some(start)) => Ok(Role::Translate { start }),
        (Shape::EncoderDecoder, None) => refuse("its files name no decoder_start_token_id"),
        (Shape::Encoder, _) => refuse("it is an encoder"),
    }
}

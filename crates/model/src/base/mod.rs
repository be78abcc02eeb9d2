//! Bases: what every family of pretrained models offers, and how one is opened.

mod held;
mod inventory;
mod loader;
mod memory;
mod open;
pub mod portrait;
mod random;

pub use held::Held;
pub use inventory::Inventory;
pub use loader::{Loader, Purpose, Source};
pub use memory::{Memory, Remembered};

pub use open::{Base, open, open_shared};
pub use random::RandomWeights;

use skillbelt_engine::ops::Linear;
use skillbelt_engine::{Mat, Param, Pass, Spans, Var};

use crate::belt::sites::Sites;
use crate::error::{Error, Result};

/// Token ids of a packed batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[T]`, the sequences laid end to end.
    pub ids: Vec<u32>,
    pub spans: Spans,
    /// Who sees whom, where the family leaves a choice.
    pub sight: Sight,
}

/// Which tokens of its own sequence a token sees, for the one family (UniXcoder) that is an encoder
/// and a decoder in one network; others have one sight only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sight {
    /// What the family does by itself: encoders see all, decoders what came before.
    #[default]
    Native,
    /// What came before.
    Causal,
    /// The first tokens of each sequence (one count per span) see each other, later ones what came
    /// before.
    Prefix(Vec<usize>),
}

impl Batch {
    /// Lays sequences end to end. No sequence, or an empty one, is refused.
    pub fn pack(sequences: &[impl AsRef<[u32]>]) -> Result<Batch> {
        let lengths: Vec<usize> = sequences.iter().map(|ids| ids.as_ref().len()).collect();
        Ok(Batch {
            spans: Spans::from_lengths(&lengths)?,
            ids: sequences
                .iter()
                .flat_map(|ids| ids.as_ref().iter().copied())
                .collect(),
            sight: Sight::Native,
        })
    }

    /// The same batch under another sight.
    pub fn with_sight(self, sight: Sight) -> Batch {
        Batch { sight, ..self }
    }
}

/// The sizes that people ask of a base.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    pub width: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
    pub vocabulary: usize,
    /// Longest sequence in tokens, if the family has a bound.
    pub positions: Option<usize>,
}

/// How text goes in and comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Sees the whole text; its output is one vector per token.
    Encoder,
    /// Continues a text.
    Decoder,
    /// Reads one text and writes another.
    EncoderDecoder,
}

/// A pretrained network: a family's forward pass over packed batches.
pub trait Network: Send + Sync {
    /// What the family is called, as in the hub's `model_type`.
    fn family(&self) -> &'static str;

    fn shape(&self) -> Shape;

    fn sizes(&self) -> Sizes;

    /// What stands before the paths of linear maps here though the checkpoint, saved from a network
    /// without its head, does not have it in its keys. Files for others go by the checkpoint.
    fn lacking(&self) -> &'static str {
        ""
    }

    /// The last hidden states `[T x C]`, after the final norm; of the encoder if there are two
    /// halves. With `memory`, the batch continues what is remembered (decoders, inference only).
    fn hidden(&self, pass: &Pass, batch: &Batch, memory: Option<&mut Memory>) -> Result<Var>;

    /// The decoder's hidden states `[T' x C]` for target tokens that read `encoded [T x C]`.
    fn decode(
        &self,
        _pass: &Pass,
        _encoded: &Var,
        _encoded_spans: &Spans,
        _batch: &Batch,
        _memory: Option<&mut Memory>,
    ) -> Result<Var> {
        Err(self.cannot("decode a second text"))
    }

    /// What stands between hidden states and the head: nothing, a transform, a factor. Takes only
    /// the rows whose logits are wanted.
    fn before_head(&self, _pass: &Pass, hidden: &Var) -> Result<Var> {
        Ok(hidden.clone())
    }

    /// The map from width to vocabulary, if the checkpoint has one.
    fn head(&self) -> Option<&Linear>;

    /// Every linear map, in the order of the forward pass; the sites of low-rank belts. Refused
    /// while a recorded pass still holds a part of the network.
    fn linears_mut(&mut self) -> Result<Vec<&mut Linear>>;

    /// The places of each block at which a belt other than a low-rank one may act, in the order of
    /// the forward pass, an encoder's before its decoder's. Refused as `linears_mut` is.
    fn sites_mut(&mut self) -> Result<Vec<&mut Sites>>;

    /// Every parameter: those in f32, and those of maps under full fine-tuning. Each once.
    fn params(&self) -> Vec<Param>;

    /// How many layers a `Memory` for this network needs.
    fn memory_layers(&self) -> usize {
        self.sizes().layers
    }

    /// The refusal of something that this family is not made for.
    fn cannot(&self, what: &'static str) -> Error {
        Error::Engine(skillbelt_engine::Error::Setting {
            op: what,
            reason: format!("a base of family {} cannot do that", self.family()),
        })
    }
}

/// Logits `[rows x V]` of the given rows of the hidden states.
pub fn logits(network: &dyn Network, pass: &Pass, hidden: &Var, rows: &[usize]) -> Result<Mat> {
    let head = network
        .head()
        .ok_or_else(|| network.cannot("give logits: the checkpoint has no language-model head"))?;
    let rows = skillbelt_engine::ops::take_rows(pass, hidden, rows)?;
    let ready = network.before_head(pass, &rows)?;
    Ok(skillbelt_engine::ops::linear(pass, &ready, head, None)?.into_mat())
}

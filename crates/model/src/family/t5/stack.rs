//! The pieces of T5: attention to itself and to what was encoded, the feed-forward part, a block of
//! them, and the stack of blocks that is an encoder or a decoder.
//!
//! It knows neither tokens nor the vocabulary.

use std::sync::Arc;

use skillbelt_engine::ops::{
    self, Activation, Attend, Columns, Linear, Norm, NormKind, Prefix, Reach, RelativeBias,
};
use skillbelt_engine::{Pass, Spans, Var};

use super::Config;
use crate::base::{Inventory, Loader, Memory, Remembered};
use crate::belt::sites::{Around, Names, PrefixRows, Sites};
use crate::error::Result;
use crate::family;

/// Attention of either kind; the place of its keys and values is the caller's affair.
struct Attention {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    how: Attend,
}

impl Attention {
    fn load(
        loader: &mut Loader<'_>,
        config: &Config,
        path: &str,
        reach: Reach,
    ) -> Result<Attention> {
        let (c, hd) = (config.width, config.heads * config.head_width);
        Ok(Attention {
            q: loader.linear(&format!("{path}.q"), hd, c, false)?,
            k: loader.linear(&format!("{path}.k"), hd, c, false)?,
            v: loader.linear(&format!("{path}.v"), hd, c, false)?,
            o: loader.linear(&format!("{path}.o"), c, hd, false)?,
            how: Attend {
                heads: config.heads,
                kv_heads: config.heads,
                head_width: config.head_width,
                scale: 1.0,
                reach,
            },
        })
    }

    /// What the tokens of `x [T x C]` see of each other, `[T x HD]`.
    fn of_itself(
        &self,
        pass: &Pass,
        x: &Var,
        spans: &Spans,
        bias: &RelativeBias,
        prefix: Option<&PrefixRows>,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let q = ops::linear(pass, x, &self.q, None)?;
        let k = ops::linear(pass, x, &self.k, None)?;
        let v = ops::linear(pass, x, &self.v, None)?;
        let columns = [Columns::all(&q), Columns::all(&k), Columns::all(&v)];
        family::attend(
            pass,
            columns,
            spans,
            (&self.how, Some(bias)),
            prefix,
            memory,
        )
    }

    /// What the tokens of `x [T' x C]` see of the encoded text, `[T' x HD]`. Its keys and values are
    /// made once for each memory.
    fn of_encoded(
        &self,
        pass: &Pass,
        x: &Var,
        spans: &Spans,
        encoded: &Encoded<'_>,
        prefix: Option<&Prefix>,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let q = ops::linear(pass, x, &self.q, None)?;
        let made = |map: &Linear| ops::linear(pass, encoded.states, map, None);
        let Some(memory) = memory else {
            let (k, v) = (made(&self.k)?, made(&self.v)?);
            let [q, k, v] = [Columns::all(&q), Columns::all(&k), Columns::all(&v)];
            if let Some(prefix) = prefix {
                let width = self.k.outputs();
                let laid = ops::lay_before(pass, prefix, k, v, width, encoded.spans)?;
                let (k, v) = (laid.keys(), laid.values());
                return ops::attention(pass, q, k, v, spans, &laid.spans, &self.how, None);
            }
            return ops::attention(pass, q, k, v, spans, encoded.spans, &self.how, None);
        };
        if memory.iter().any(|sequence| sequence.length() == 0) {
            let (k, v) = (made(&self.k)?, made(&self.v)?);
            for (sequence, rows) in memory.iter_mut().zip(encoded.spans.ranges()) {
                *sequence = Remembered::default();
                family::begin(std::slice::from_mut(sequence), prefix, k.cols())?;
                sequence.append(rows, (k.value(), 0), (v.value(), 0), k.cols());
            }
        }
        let cached: Vec<_> = memory.iter().map(Remembered::cached).collect();
        let seen =
            ops::attention_cached(pass.isa(), q.value(), 0, spans, &cached, &self.how, None)?;
        Ok(pass.constant(seen))
    }

    fn linears_mut(&mut self) -> [&mut Linear; 4] {
        [&mut self.q, &mut self.k, &mut self.v, &mut self.o]
    }

    fn list(&self, inventory: &mut Inventory) {
        for linear in [&self.q, &self.k, &self.v, &self.o] {
            inventory.linear(linear);
        }
    }
}

/// What a decoder reads.
#[derive(Clone, Copy)]
pub(super) struct Encoded<'v> {
    /// `[T x C]`
    pub states: &'v Var,
    pub spans: &'v Spans,
}

/// `wo(act(wi x))`, or gated `wo(act(wi_0 x) * wi_1 x)`.
struct FeedForward {
    wi: Linear,
    up: Option<Linear>,
    wo: Linear,
    activation: Activation,
}

impl FeedForward {
    fn load(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<FeedForward> {
        let (c, inner) = (config.width, config.inner);
        let mut wide = |name: &str| loader.linear(&format!("{path}.{name}"), inner, c, false);
        let (wi, up) = match config.gated {
            true => (wide("wi_0")?, Some(wide("wi_1")?)),
            false => (wide("wi")?, None),
        };
        Ok(FeedForward {
            wi,
            up,
            wo: loader.linear(&format!("{path}.wo"), c, inner, false)?,
            activation: config.activation,
        })
    }

    fn forward(
        &self,
        pass: &Pass,
        [x, residual]: [&Var; 2],
        sites: &Sites,
    ) -> skillbelt_engine::Result<Var> {
        let wide = ops::linear(pass, x, &self.wi, None)?;
        let wide = match &self.up {
            None => ops::activation(pass, &wide, self.activation)?,
            Some(up) => {
                let up = ops::linear(pass, x, up, None)?;
                let (gate, up, inner) = (Columns::all(&wide), Columns::all(&up), up.cols());
                ops::gated(pass, gate, up, inner, self.activation)?
            }
        };
        sites.after_feed_forward(pass, &wide, &self.wo, residual, Around::Stream)
    }
}

/// One block: attention to itself, in a decoder attention to the encoded, then feed-forward; each
/// after a norm and added to what came in.
struct Block {
    attention: Attention,
    attention_norm: Norm,
    cross: Option<(Attention, Norm)>,
    feed_forward: FeedForward,
    feed_forward_norm: Norm,
    sites: Sites,
}

impl Block {
    fn load(loader: &mut Loader<'_>, config: &Config, path: &str, decodes: bool) -> Result<Block> {
        let layer = |place: usize| format!("{path}.layer.{place}");
        let norm = |loader: &mut Loader<'_>, place: usize| {
            let path = format!("{}.layer_norm", layer(place));
            loader.norm(&path, config.width, NormKind::Rms, config.eps, false)
        };
        let reach = if decodes {
            Reach::causal()
        } else {
            Reach::default()
        };
        let itself = format!("{}.SelfAttention", layer(0));
        let encoded = format!("{}.EncDecAttention", layer(1));
        let last = if decodes { 2 } else { 1 };
        Ok(Block {
            attention: Attention::load(loader, config, &itself, reach)?,
            attention_norm: norm(loader, 0)?,
            cross: match decodes {
                true => Some((
                    Attention::load(loader, config, &encoded, Reach::default())?,
                    norm(loader, 1)?,
                )),
                false => None,
            },
            feed_forward: FeedForward::load(
                loader,
                config,
                &format!("{}.DenseReluDense", layer(last)),
            )?,
            feed_forward_norm: norm(loader, last)?,
            sites: Sites::new(Names {
                root: "",
                attention: layer(0),
                feed_forward: layer(last),
                self_attention: itself,
                location: match decodes {
                    true => "self_prefix",
                    false => "encoder_prefix",
                },
                cross_attention: decodes.then_some(encoded),
            }),
        })
    }

    /// `memory` comes with the place of this block in it.
    fn forward(
        &self,
        pass: &Pass,
        x: &Var,
        (spans, bias): (&Spans, &RelativeBias),
        encoded: Option<Encoded<'_>>,
        mut memory: Option<(&mut Memory, usize)>,
    ) -> skillbelt_engine::Result<Var> {
        let normed = ops::norm(pass, x, &self.attention_norm)?;
        let own = memory.as_mut().map(|(memory, i)| memory.layer(*i));
        let (sites, o) = (&self.sites, &self.attention.o);
        let seen = self
            .attention
            .of_itself(pass, &normed, spans, bias, sites.prefix(), own)?;
        let mut x = sites.after_attention(pass, &seen, o, x, Around::Stream)?;
        if let (Some((cross, norm)), Some(encoded)) = (&self.cross, &encoded) {
            let normed = ops::norm(pass, &x, norm)?;
            let crossed = memory.as_mut().map(|(memory, i)| memory.crossed(*i));
            let prefix = sites.cross_prefix();
            let seen = cross.of_encoded(pass, &normed, spans, encoded, prefix, crossed)?;
            x = ops::linear(pass, &seen, &cross.o, Some(&x))?;
        }
        let normed = ops::norm(pass, &x, &self.feed_forward_norm)?;
        self.feed_forward.forward(pass, [&normed, &x], sites)
    }

    fn linears_mut(&mut self) -> Vec<&mut Linear> {
        let mut linears = Vec::from(self.attention.linears_mut());
        if let Some((cross, _)) = &mut self.cross {
            linears.extend(cross.linears_mut());
        }
        linears.push(&mut self.feed_forward.wi);
        linears.extend(&mut self.feed_forward.up);
        linears.push(&mut self.feed_forward.wo);
        linears
    }

    fn list(&self, inventory: &mut Inventory) {
        self.attention.list(inventory);
        inventory.norm(&self.attention_norm);
        if let Some((cross, norm)) = &self.cross {
            cross.list(inventory);
            inventory.norm(norm);
        }
        inventory.linear(&self.feed_forward.wi);
        if let Some(up) = &self.feed_forward.up {
            inventory.linear(up);
        }
        inventory.linear(&self.feed_forward.wo);
        inventory.norm(&self.feed_forward_norm);
    }
}

/// The encoder or the decoder.
pub(super) struct Stack {
    blocks: Vec<Arc<Block>>,
    /// Stands in the first block and serves all.
    bias: Arc<RelativeBias>,
    final_layer_norm: Norm,
}

impl Stack {
    pub fn load(
        loader: &mut Loader<'_>,
        config: &Config,
        path: &str,
        (layers, decodes): (usize, bool),
    ) -> Result<Stack> {
        let table = format!("{path}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
        Ok(Stack {
            bias: Arc::new(RelativeBias {
                table: loader.matrix(&table, config.buckets, config.heads)?,
                max_distance: config.max_distance,
                bidirectional: !decodes,
                ahead: 0,
            }),
            blocks: (0..layers)
                .map(|i| Block::load(loader, config, &format!("{path}.block.{i}"), decodes))
                .map(|block| block.map(Arc::new))
                .collect::<Result<_>>()?,
            final_layer_norm: loader.norm(
                &format!("{path}.final_layer_norm"),
                config.width,
                NormKind::Rms,
                config.eps,
                false,
            )?,
        })
    }

    /// From embeddings `[T x C]` to normed hidden states `[T x C]`.
    pub fn run(
        &self,
        pass: &Pass,
        mut x: Var,
        spans: &Spans,
        encoded: Option<Encoded<'_>>,
        mut memory: Option<&mut Memory>,
    ) -> Result<Var> {
        for (i, block) in self.blocks.iter().enumerate() {
            if let Some(memory) = memory.as_deref_mut() {
                let how = (spans, &*self.bias);
                x = block.forward(pass, &x, how, encoded, Some((memory, i)))?;
                continue;
            }
            let (block, bias) = (Arc::clone(block), Arc::clone(&self.bias));
            let (spans, read) = (
                spans.clone(),
                encoded.as_ref().map(|read| read.spans.clone()),
            );
            let mut inputs = vec![&x];
            inputs.extend(encoded.as_ref().map(|read| read.states));
            x = pass.block(&inputs, move |pass, inputs| {
                let encoded = inputs.get(1).zip(read.as_ref());
                let encoded = encoded.map(|(states, spans)| Encoded { states, spans });
                block.forward(pass, &inputs[0], (&spans, &bias), encoded, None)
            })?;
        }
        Ok(ops::norm(pass, &x, &self.final_layer_norm)?)
    }

    pub fn linears_mut<'s>(&'s mut self, linears: &mut Vec<&'s mut Linear>) -> Result<()> {
        for block in &mut self.blocks {
            linears.extend(family::unshared(block)?.linears_mut());
        }
        Ok(())
    }

    pub fn sites_mut(&mut self) -> Result<Vec<&mut Sites>> {
        family::sites_of(&mut self.blocks, |block| &mut block.sites)
    }

    pub fn list(&self, inventory: &mut Inventory) {
        inventory.param(&self.bias.table);
        for block in &self.blocks {
            block.list(inventory);
        }
        inventory.norm(&self.final_layer_norm);
    }
}

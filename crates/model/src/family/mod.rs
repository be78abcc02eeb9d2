//! One file per family of bases. Each reads: configuration, pieces, the whole; the path of a weight
//! in the code is its key in the checkpoint.
//!
//! Here stands only what all of them share.

use std::sync::Arc;

use skillbelt_engine::ops::{
    self, Activation, Attend, Columns, Linear, Map, Prefix, Reach, RelativeBias,
};
use skillbelt_engine::{Pass, Spans, Var};

use crate::base::{Batch, Loader, Memory, Network, Remembered, Sight};
use crate::belt::sites::{PrefixRows, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::{Error, Result};

mod bert;
mod bigcode;
mod decoder;
mod modernbert;
mod rotary;
mod starcoder2;
mod t5;

/// What the error about an unknown family lists.
const KNOWN: &str = "a family that is known: bert, gpt_bigcode, llama, mistral, modernbert, qwen2, \
                     roberta, starcoder2 or t5";

/// Builds the network that `config.json` names.
pub fn load(loader: Loader<'_>, config: &ConfigFile) -> Result<Box<dyn Network>> {
    Ok(match config.string("model_type")? {
        "bert" | "roberta" => Box::new(bert::Bert::load(loader, config)?),
        "gpt_bigcode" => Box::new(bigcode::Bigcode::load(loader, config)?),
        "llama" | "mistral" | "qwen2" => Box::new(decoder::Decoder::load(loader, config)?),
        "modernbert" => Box::new(modernbert::ModernBert::load(loader, config)?),
        "starcoder2" => Box::new(starcoder2::Starcoder2::load(loader, config)?),
        "t5" => Box::new(t5::T5::load(loader, config)?),
        _ => return Err(config.wrong("model_type", KNOWN)),
    })
}

/// The activation that a configuration names.
fn activation(config: &ConfigFile, key: &str, default: &str) -> Result<Activation> {
    Activation::parse(config.string_or(key, default)?)
        .ok_or_else(|| config.wrong(key, "gelu, gelu_new, gelu_pytorch_tanh, relu, silu or tanh"))
}

/// Refuses a count (of heads) that does not divide a width.
fn expect_divides(config: &ConfigFile, key: &str, count: usize, width: usize) -> Result<()> {
    if count > 0 && width.is_multiple_of(count) {
        Ok(())
    } else {
        Err(config.wrong(key, format_args!("a divisor of {width}")))
    }
}

/// The table of tokens `[V x C]` and the map from width to vocabulary, which is the same table where
/// they are tied. Only a checkpoint of the bare network may lack a head of its own.
fn tokens_and_head(
    loader: &mut Loader<'_>,
    table: &str,
    (vocabulary, width): (usize, usize),
    tied: bool,
) -> Result<(Map, Option<Linear>)> {
    let key = "lm_head.weight";
    let (tokens, head) = if tied {
        let tokens = loader.head_table(table, vocabulary, width)?;
        (tokens.clone(), Some(tokens))
    } else if loader.is_bare() && !loader.has(key) {
        (loader.table(table, vocabulary, width)?, None)
    } else {
        let tokens = loader.table(table, vocabulary, width)?;
        (tokens, Some(loader.head_table(key, vocabulary, width)?))
    };
    Ok((tokens, head.map(lm_head)))
}

/// The output head that a map from width to vocabulary makes.
fn lm_head(map: Map) -> Linear {
    Linear {
        name: "lm_head".into(),
        map,
        bias: None,
        low_rank: None,
    }
}

/// The place of each token within its own sequence `[T]`, what is remembered of it included; where
/// the sites of the first layer say so, counted from the end of a prefix.
fn positions(batch: &Batch, memory: Option<&Memory>, first: Option<&Sites>) -> Vec<u32> {
    let mut positions = match memory {
        Some(memory) => memory.positions(&batch.spans),
        None => batch.spans.positions(),
    };
    let counted = counted(first) as u32;
    positions.iter_mut().for_each(|place| *place += counted);
    positions
}

/// Positions that a prefix takes from a text.
fn counted(first: Option<&Sites>) -> usize {
    first.map_or(0, Sites::counted)
}

/// Positions that it leaves to it.
fn left(positions: usize, first: Option<&Sites>) -> usize {
    positions.saturating_sub(counted(first))
}

/// Refuses, for a network that only looks back, another sight and a memory of other sequences.
fn expect_causal(network: &dyn Network, batch: &Batch, memory: Option<&Memory>) -> Result<()> {
    match &batch.sight {
        Sight::Native | Sight::Causal => {}
        Sight::Prefix(_) => return Err(network.cannot("look ahead within a prefix")),
    }
    match memory.filter(|memory| memory.sequences() != batch.spans.count()) {
        None => Ok(()),
        Some(memory) => Err(Error::Engine(skillbelt_engine::Error::shape(
            "continue what is remembered",
            format_args!("{} sequences", memory.sequences()),
            batch.spans.count(),
        ))),
    }
}

/// Refuses, for a network that sees the whole text, another sight and any memory.
fn expect_whole(network: &dyn Network, batch: &Batch, memory: Option<&Memory>) -> Result<()> {
    if batch.sight != Sight::Native {
        return Err(network.cannot("look back only"));
    }
    match memory {
        None => Ok(()),
        Some(_) => Err(network.cannot("continue a text")),
    }
}

/// Runs one layer as a block of the tape: the unit of recomputation.
fn block(
    pass: &Pass,
    x: &Var,
    layer: impl Fn(&Pass, &Var) -> skillbelt_engine::Result<Var> + 'static,
) -> Result<Var> {
    Ok(pass.block(&[x], move |pass, inputs| layer(pass, &inputs[0]))?)
}

/// A layer that is about to be changed; refused while a recorded pass still holds it.
fn unshared<L>(layer: &mut Arc<L>) -> Result<&mut L> {
    Arc::get_mut(layer).ok_or_else(|| {
        Error::Engine(skillbelt_engine::Error::Setting {
            op: "change a layer",
            reason: "a recorded pass still holds it".into(),
        })
    })
}

/// Self-attention of a layer: over the batch itself, or, with what the layer remembers, over that
/// and the new tokens, which are remembered in turn; and over a belt's prefix before either.
fn attend(
    pass: &Pass,
    [q, k, v]: [Columns<'_>; 3],
    spans: &Spans,
    (how, bias): (&Attend, Option<&RelativeBias>),
    prefix: Option<&PrefixRows>,
    memory: Option<&mut [Remembered]>,
) -> skillbelt_engine::Result<Var> {
    let width = how.kv_heads * how.head_width;
    let (how, bias) = match prefix {
        Some(prefix) => (&reaching(how, prefix), bias.map(|bias| prefix.bias(bias))),
        None => (how, bias.cloned()),
    };
    let bias = bias.as_ref();
    let Some(memory) = memory else {
        let Some(prefix) = prefix else {
            return ops::attention(pass, q, k, v, spans, spans, how, bias);
        };
        let laid = ops::lay_before(pass, &prefix.prefix, k, v, width, spans)?;
        let (k, v) = (laid.keys(), laid.values());
        return ops::attention(pass, q, k, v, spans, &laid.spans, how, bias);
    };
    begin(memory, prefix.map(|rows| &rows.prefix), width)?;
    for (remembered, rows) in memory.iter_mut().zip(spans.ranges()) {
        let (keys, values) = ((k.var.value(), k.first), (v.var.value(), v.first));
        remembered.append(rows, keys, values, width);
    }
    let cached: Vec<_> = memory.iter().map(Remembered::cached).collect();
    let (isa, queries) = (pass.isa(), q.var.value());
    let seen = ops::attention_cached(isa, queries, q.first, spans, &cached, how, bias)?;
    Ok(pass.constant(seen))
}

/// What an empty memory begins with.
fn begin(
    memory: &mut [Remembered],
    prefix: Option<&Prefix>,
    width: usize,
) -> skillbelt_engine::Result<()> {
    if let Some(prefix) = prefix {
        prefix.check(width)?;
        for remembered in memory {
            remembered.begin(prefix, width);
        }
    }
    Ok(())
}

/// The same form over keys that a prefix stands before: tokens that see each other in both
/// directions begin after it.
fn reaching(how: &Attend, prefix: &PrefixRows) -> Attend {
    let longer = |lengths: &Arc<[usize]>| {
        let ahead = prefix.prefix.length();
        lengths.iter().map(|length| length + ahead).collect()
    };
    Attend {
        reach: Reach {
            prefix: how.reach.prefix.as_ref().map(longer),
            ..how.reach
        },
        ..how.clone()
    }
}

/// The sites of layers, in their order.
fn sites_of<'n, L: 'n>(
    layers: impl IntoIterator<Item = &'n mut Arc<L>>,
    sites: impl Fn(&'n mut L) -> &'n mut Sites,
) -> Result<Vec<&'n mut Sites>> {
    let layers = layers.into_iter();
    layers.map(|layer| unshared(layer).map(&sites)).collect()
}

//! One file per family of bases. Each reads: configuration, pieces, the whole; the path of a weight
//! in the code is its key in the checkpoint.
//!
//! Here stands only what all of them share.

use std::sync::Arc;

use skillbelt_engine::ops::{self, Activation, Attend, Columns, RelativeBias};
use skillbelt_engine::{Pass, Spans, Var};

use crate::base::{Loader, Network, Remembered};
use crate::checkpoint::ConfigFile;
use crate::error::{Error, Result};

mod bert;

/// Builds the network that `config.json` names.
pub fn load(loader: Loader<'_>, config: &ConfigFile) -> Result<Box<dyn Network>> {
    Ok(match config.string("model_type")? {
        "bert" | "roberta" => Box::new(bert::Bert::load(loader, config)?),
        _ => return Err(config.wrong("model_type", "a family that is known: bert, roberta")),
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
/// and the new tokens, which are remembered in turn.
fn attend(
    pass: &Pass,
    [q, k, v]: [Columns<'_>; 3],
    spans: &Spans,
    how: &Attend,
    bias: Option<&RelativeBias>,
    memory: Option<&mut [Remembered]>,
) -> skillbelt_engine::Result<Var> {
    let Some(memory) = memory else {
        return ops::attention(pass, q, k, v, spans, spans, how, bias);
    };
    let width = how.kv_heads * how.head_width;
    for (remembered, rows) in memory.iter_mut().zip(spans.ranges()) {
        let (keys, values) = ((k.var.value(), k.first), (v.var.value(), v.first));
        remembered.append(rows, keys, values, width);
    }
    let cached: Vec<_> = memory.iter().map(Remembered::cached).collect();
    let (isa, queries) = (pass.isa(), q.var.value());
    let seen = ops::attention_cached(isa, queries, q.first, spans, &cached, how, bias)?;
    Ok(pass.constant(seen))
}

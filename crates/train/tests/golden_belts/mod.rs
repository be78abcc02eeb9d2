//! What must hold of every golden belt, of whichever kind and library.

pub mod fresh;

use std::path::Path;

use skillbelt_engine::ops::LowRank;
use skillbelt_engine::{Pass, Precision};
use skillbelt_model::Checkpoint;
use skillbelt_model::base::{self, Base, Batch, Memory, Network, Purpose, Shape};
use skillbelt_model::belt::Belt;

use crate::golden_files::{Reference, Style};
use crate::golden_oracle::{
    LOSS, alone_is_packed, close, compare_after, compare_gradients, gradients, losses_of_steps,
    outputs, recomputed_is_kept,
};
use crate::{Check, compare_outputs, must_fail, text};

/// The checks that compare with the reference, by what they say.
pub const AGAINST_THE_REFERENCE: [(&str, Check); 2] = [
    ("is the reference", is_the_reference),
    ("oracle notices", oracle_notices),
];

/// The checks that need its inputs only.
pub const CHECKS: [(&str, Check); 4] = [
    ("alone equals packed", packed),
    ("recomputed equals kept", recomputed),
    ("read token by token equals read at once", remembered),
    ("written and read again", written_and_read),
];

/// A base with the belt of a folder, and their reference.
fn open(folder: &Path, precision: Precision) -> Result<(Base, Belt, Reference), String> {
    let (base_folder, reference) = Reference::read_belt(folder)?;
    let mut base = base::open(&base_folder, Purpose::frozen(precision)).map_err(text)?;
    let reference = reference.normed_as(&base)?;
    let belt = Belt::attach(folder, &mut *base.network, true).map_err(text)?;
    Ok((base, belt, reference))
}

/// Outputs, loss, gradients, steps and final weights.
fn is_the_reference(folder: &Path) -> Result<(), String> {
    let (base, belt, reference) = open(folder, Precision::F32)?;
    let (network, params, name) = (&*base.network, belt.params(), name_of(&belt));
    compare_outputs(network, &reference)?;
    let (loss, grads) = gradients(network, &reference, Pass::recording())?;
    close("loss", loss, reference.loss, LOSS)?;
    compare_gradients(params, &grads, &reference, "grad.", name)?;
    losses_of_steps(network, params, &reference, &reference.full_losses)?;
    compare_after(params, &grads, &reference, name)
}

/// What the reference calls a parameter: `peft` puts the name of the adapter into it.
fn name_of(belt: &Belt) -> fn(&str) -> String {
    match belt {
        Belt::Lora(_) => |name| match name.strip_suffix(".weight") {
            Some(matrix) => format!("{matrix}.default.weight"),
            None => format!("{name}.default.weight"),
        },
        _ => |name| match name {
            "prompt_embeddings" => "prompt_encoder.default.embedding.weight".into(),
            _ => name.to_owned(),
        },
    }
}

/// A LoRA without its scale must not pass, nor any belt whose numbers are off by a hundredth, nor
/// gradients that are off by a thousandth.
fn oracle_notices(folder: &Path) -> Result<(), String> {
    let (mut base, belt, reference) = open(folder, Precision::F32)?;
    let (_, mut grads) = gradients(&*base.network, &reference, Pass::recording())?;
    grads.iter_mut().for_each(|grad| grad.scale(1.001));
    let name = name_of(&belt);
    must_fail(compare_gradients(
        belt.params(),
        &grads,
        &reference,
        "grad.",
        name,
    ))?;
    if matches!(belt, Belt::Lora(_)) {
        for linear in base.network.linears_mut().map_err(text)? {
            if let Some(LowRank { scale, .. }) = &mut linear.low_rank {
                *scale = 1.0;
            }
        }
    } else {
        for param in belt.params() {
            param.update(|value| value.scale(1.01));
        }
    }
    must_fail(compare_outputs(&*base.network, &reference))
}

/// How bases are stored beside a belt.
const PRECISIONS: [Precision; 4] = [
    Precision::F32,
    Precision::Bf16,
    Precision::Int8,
    Precision::Nf4,
];

fn packed(folder: &Path) -> Result<(), String> {
    PRECISIONS.into_iter().try_for_each(|precision| {
        let (base, _, reference) = open(folder, precision)?;
        let found = alone_is_packed(&*base.network, &reference);
        found.map_err(|error| format!("{precision:?}: {error}"))
    })
}

fn recomputed(folder: &Path) -> Result<(), String> {
    PRECISIONS.into_iter().try_for_each(|precision| {
        let (base, belt, reference) = open(folder, precision)?;
        let (_, grads) = gradients(&*base.network, &reference, Pass::recording())?;
        if grads.len() != belt.params().len() {
            return Err(format!(
                "{precision:?}: {} of {} parameters have a gradient",
                grads.len(),
                belt.params().len()
            ));
        }
        let found = recomputed_is_kept(&*base.network, belt.params(), &reference);
        found.map_err(|error| format!("{precision:?}: {error}"))
    })
}

/// A text that is read token by token gives the bits of one that is read at once.
fn remembered(folder: &Path) -> Result<(), String> {
    let (base, _, reference) = open(folder, Precision::F32)?;
    let network = &*base.network;
    let texts = match reference.style {
        Style::Masked => return Ok(()),
        Style::Causal => &reference.inputs,
        Style::Translating => &reference.decoder_inputs,
    };
    let pass = Pass::writing();
    let whole = Batch::pack(texts).map_err(text)?;
    let whole = read(network, &pass, &reference, &whole, None)?;
    let mut memory = Memory::new(network.memory_layers(), texts.len());
    let steps = texts.iter().map(Vec::len).min().unwrap_or(0);
    for step in 0..steps {
        let tokens: Vec<_> = texts.iter().map(|ids| vec![ids[step]]).collect();
        let batch = Batch::pack(&tokens).map_err(text)?;
        let rows = read(network, &pass, &reference, &batch, Some(&mut memory))?;
        let mut start = 0;
        for (place, ids) in texts.iter().enumerate() {
            if rows.row(place) != whole.row(start + step) {
                return Err(format!("token {step} of sequence {place} differs"));
            }
            start += ids.len();
        }
    }
    Ok(())
}

/// Hidden states of texts that are continued, or of those that are written from the inputs.
fn read(
    network: &dyn Network,
    pass: &Pass,
    reference: &Reference,
    batch: &Batch,
    memory: Option<&mut Memory>,
) -> Result<skillbelt_engine::Mat, String> {
    if network.shape() != Shape::EncoderDecoder {
        let hidden = network.hidden(pass, batch, memory).map_err(text)?;
        return Ok(hidden.into_mat());
    }
    let inputs = Batch::pack(&reference.inputs).map_err(text)?;
    let encoded = network.hidden(pass, &inputs, None).map_err(text)?;
    let decoded = network.decode(pass, &encoded, &inputs.spans, batch, memory);
    Ok(decoded.map_err(text)?.into_mat())
}

/// What is written has the keys, shapes and numbers of the library's own file, and gives the same
/// bits on a fresh base.
fn written_and_read(folder: &Path) -> Result<(), String> {
    let (base, belt, reference) = open(folder, Precision::F32)?;
    let again = tempfile::tempdir().map_err(text)?;
    belt.save(again.path()).map_err(text)?;
    same_weights(&weights(folder)?, &weights(again.path())?)?;
    let (base_folder, _) = Reference::read_belt(folder)?;
    let mut fresh = base::open(&base_folder, Purpose::frozen(Precision::F32)).map_err(text)?;
    let read = Belt::attach(again.path(), &mut *fresh.network, false).map_err(text)?;
    let names = |belt: &Belt| -> Vec<String> {
        let names = belt.params().iter().map(|param| param.name().to_owned());
        names.collect()
    };
    if names(&read) != names(&belt) {
        return Err("other parameters".into());
    }
    match outputs(&*base.network, &reference)? == outputs(&*fresh.network, &reference)? {
        true => Ok(()),
        false => Err("other outputs".into()),
    }
}

fn weights(folder: &Path) -> Result<Checkpoint, String> {
    let names = [
        "adapter_model.safetensors",
        "adapter.safetensors",
        "pytorch_adapter.bin",
    ];
    let path = names.map(|name| folder.join(name));
    let path = path.iter().find(|path| path.exists()).ok_or("no weights")?;
    Checkpoint::open_file(path).map_err(text)
}

fn same_weights(theirs: &Checkpoint, ours: &Checkpoint) -> Result<(), String> {
    if !theirs.keys().eq(ours.keys()) {
        return Err("other keys".into());
    }
    for key in theirs.keys() {
        let shape = theirs.shape(key).unwrap_or_default();
        let numbers = |file: &Checkpoint| file.read_f32(key, shape).map_err(text);
        if ours.shape(key) != Some(shape) || numbers(theirs)? != numbers(ours)? {
            return Err(format!("{key} differs"));
        }
    }
    Ok(())
}

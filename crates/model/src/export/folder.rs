//! A base with its belt merged in, as a complete folder in the hub's layout: configuration, weights
//! in one file or in shards, and the base's tokenizer.
//!
//! Weights are made and written one at a time; at no moment are all of them in memory.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::compare::Weights;
use super::error::{Error, MERGED, Result};
use super::merge::{Changes, Merged};
use super::{Dtype, Report, Work};
use crate::Error as ModelError;
use crate::base::{self, Purpose, Source};
use crate::checkpoint::write::{self, Stored};
use crate::checkpoint::{Checkpoint, json};

/// Weights per file where nothing else is asked for: what the hub's own tools use.
pub const MAX_SHARD_BYTES: usize = 5_000_000_000;

/// What of a base's folder goes along, where it is there.
const COMPANIONS: [&str; 13] = [
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
];
/// No such file is larger.
const MAX_COMPANION_BYTES: usize = 256 << 20;

/// Writes the folder, opens it again, and compares.
pub(super) fn write(work: Work<'_>, changes: Changes, folder: &Path) -> Result<Report> {
    let stored = stored(work.order.dtype, MERGED)?;
    let meant = Merged::new(work.checkpoint, changes);
    let weights = shapes(&meant);
    fs_err::create_dir(folder).map_err(|source| ModelError::io(folder, source))?;
    write_weights(&meant, &weights, stored, folder, work.order.shard_bytes)?;
    write_config(work.config.object(), stored, &folder.join("config.json"))?;
    copy_companions(&work.order.base, folder)?;
    (work.between)(folder);
    let written = Checkpoint::open(folder)?;
    let allowed = |_: &str, expected: &[f32], place: usize| rounding(stored, expected[place]);
    let compared = Weights::compare(&meant, &written, &weights, allowed)?;
    let read = base::open(folder, Purpose::frozen(skillbelt_engine::Precision::F32))?;
    let found = work.expected.again(&*read.network)?;
    Ok(work.report(&found, Some(compared), Vec::new()))
}

/// The kind of number in a safetensors file of `form`.
pub(super) fn stored(dtype: Dtype, form: &'static str) -> Result<Stored> {
    match dtype {
        Dtype::F32 => Ok(Stored::F32),
        Dtype::F16 => Ok(Stored::F16),
        Dtype::Bf16 => Ok(Stored::Bf16),
        Dtype::Q8 => {
            let reason = "its libraries read f32, f16 and bf16";
            Err(Error::no_form("q8_0", form, reason))
        }
    }
}

/// How far rounding moves a number at most.
pub(super) fn rounding(stored: Stored, number: f32) -> f32 {
    match stored {
        Stored::F32 => 0.0,
        // Half a unit of eleven significant bits, and of the smallest number.
        Stored::F16 => number.abs() / 2048.0 + 3e-8,
        // Half a unit of eight significant bits, and of the smallest number.
        Stored::Bf16 => number.abs() / 256.0 + 1e-38,
    }
}

/// Every key of a source with its shape.
pub(super) fn shapes(source: &dyn Source) -> Vec<(String, Vec<usize>)> {
    let keys = source.keys().into_iter();
    keys.map(|key| {
        let shape = source.shape(&key).unwrap_or_default();
        (key, shape)
    })
    .collect()
}

/// One file if it fits, else shards with their index, as the hub's libraries name them.
fn write_weights(
    meant: &dyn Source,
    weights: &[(String, Vec<usize>)],
    stored: Stored,
    folder: &Path,
    limit: usize,
) -> Result<()> {
    let shards = shards(weights, stored, limit);
    let numbers = |key: &str, shape: &[usize]| meant.read_f32(key, shape);
    if let [shard] = &shards[..] {
        write::streamed(&folder.join("model.safetensors"), shard, stored, numbers)?;
        return Ok(());
    }
    let mut places = Map::new();
    for (i, shard) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", i + 1, shards.len());
        write::streamed(&folder.join(&name), shard, stored, numbers)?;
        places.extend(shard.iter().map(|(key, _)| (key.clone(), json!(name))));
    }
    let total: usize = weights.iter().map(|(_, shape)| bytes(shape, stored)).sum();
    let index = json!({"metadata": {"total_size": total}, "weight_map": places});
    write_json(&folder.join("model.safetensors.index.json"), &index)
}

fn bytes(shape: &[usize], stored: Stored) -> usize {
    shape.iter().product::<usize>() * stored.bytes()
}

/// Weights in their order, as many to a file as fit; a weight is never divided.
fn shards(
    weights: &[(String, Vec<usize>)],
    stored: Stored,
    limit: usize,
) -> Vec<Vec<(String, Vec<usize>)>> {
    let (mut shards, mut filled) = (vec![Vec::new()], 0);
    for weight in weights {
        let size = bytes(&weight.1, stored);
        if filled > 0 && filled + size > limit {
            shards.push(Vec::new());
            filled = 0;
        }
        filled += size;
        if let Some(shard) = shards.last_mut() {
            shard.push(weight.clone());
        }
    }
    shards
}

/// The base's configuration with the kind of number that the files now hold.
fn write_config(object: &Map<String, Value>, stored: Stored, path: &Path) -> Result<()> {
    let mut object = object.clone();
    let name = match stored {
        Stored::F32 => "float32",
        Stored::F16 => "float16",
        Stored::Bf16 => "bfloat16",
    };
    let newer = object.contains_key("dtype");
    let key = if newer { "dtype" } else { "torch_dtype" };
    object.insert(key.to_owned(), json!(name));
    write_json(path, &Value::Object(object))
}

pub(super) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let text = format!("{value:#}\n");
    Ok(write::file(path, |out| out.write_all(text.as_bytes()))?)
}

fn copy_companions(base: &Path, folder: &Path) -> Result<()> {
    for name in COMPANIONS {
        let path = base.join(name);
        if path.is_file() {
            let bytes = json::read_bytes(&path, MAX_COMPANION_BYTES)?;
            write::file(&folder.join(name), |out| out.write_all(&bytes))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_hold_what_fits_and_one_weight_at_least() {
        let weight = |key: &str, size| (key.to_owned(), vec![size]);
        let weights = [
            weight("a", 3),
            weight("b", 3),
            weight("c", 9),
            weight("d", 1),
        ];
        let keys = |limit| -> Vec<Vec<String>> {
            let shards = shards(&weights, Stored::F32, limit).into_iter();
            shards
                .map(|shard| shard.into_iter().map(|(key, _)| key).collect())
                .collect()
        };
        assert_eq!(keys(24), [vec!["a", "b"], vec!["c"], vec!["d"]]);
        assert_eq!(keys(1000).len(), 1);
    }
}

//! What can be said of a base from its configuration and the headers of its weights, without
//! reading a number: sizes, parameters, sites, memory. A base of any size is described at once.
//!
//! It checks nothing: whether the weights fit the configuration shows when the base is opened.

use std::collections::BTreeMap;

use serde::Serialize;
use skillbelt_engine::Precision;

use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::Result;

/// A base at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct Portrait {
    pub family: String,
    /// `encoder`, `decoder` or `encoder-decoder`.
    pub shape: &'static str,
    pub width: Option<usize>,
    pub layers: Option<usize>,
    pub heads: Option<usize>,
    /// Longest sequence in tokens, if the family has a bound.
    pub positions: Option<usize>,
    /// Numbers in all weights.
    pub parameters: u64,
    /// Kinds of numbers in the files, each with how many weights are of it.
    pub dtypes: BTreeMap<&'static str, usize>,
    pub sites: Vec<Site>,
    /// Bytes of the weights once they are packed, by precision.
    pub memory: BTreeMap<&'static str, u64>,
}

/// Linear maps of one name in all layers: where a low-rank belt can act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The path of the weights, with `*` for the number of the layer.
    pub pattern: String,
    pub count: usize,
    pub outputs: usize,
    pub inputs: usize,
}

/// Places beside the linear maps where other belts act, once in every layer.
pub const HOOKS: [&str; 3] = ["after attention", "after feed-forward", "keys and values"];

impl Portrait {
    pub fn of(config: &ConfigFile, checkpoint: &Checkpoint) -> Result<Portrait> {
        let family = config.string("model_type")?.to_owned();
        let first = |keys: &[&str]| -> Result<Option<usize>> {
            for key in keys {
                if let Some(size) = config.usize_optional(key)? {
                    return Ok(Some(size));
                }
            }
            Ok(None)
        };
        let mut positions = first(&["max_position_embeddings", "n_positions"])?;
        if family == "roberta" {
            // Its table begins with rows for padding, which no token of a text stands at.
            let unused = config.token_id("pad_token_id")?.unwrap_or(1) as usize + 1;
            positions = positions.map(|rows| rows.saturating_sub(unused));
        }
        let shape = match family.as_str() {
            "bert" | "roberta" | "modernbert" => "encoder",
            "t5" | "codet5p" => {
                // Its places are relative; n_positions is a habit of training.
                positions = None;
                "encoder-decoder"
            }
            _ => "decoder",
        };
        let mut portrait = Portrait {
            family,
            shape,
            width: first(&["hidden_size", "d_model", "n_embd"])?,
            layers: first(&["num_hidden_layers", "num_layers", "n_layer"])?,
            heads: first(&["num_attention_heads", "num_heads", "n_head"])?,
            positions,
            parameters: 0,
            dtypes: BTreeMap::new(),
            sites: Vec::new(),
            memory: Precision::ALL.into_iter().map(|p| (p.name(), 0)).collect(),
        };
        for key in checkpoint.keys() {
            if let (Some(shape), Some(dtype)) = (checkpoint.shape(key), checkpoint.dtype(key)) {
                *portrait.dtypes.entry(dtype.name()).or_default() += 1;
                portrait.add(key, shape);
            }
        }
        Ok(portrait)
    }

    fn add(&mut self, key: &str, shape: &[usize]) {
        let numbers: u64 = shape.iter().map(|size| *size as u64).product();
        self.parameters += numbers;
        let site = site(key, shape);
        for precision in Precision::ALL {
            let bytes = match (&site, precision, shape) {
                (_, Precision::F32, _) | (None, _, [] | [_]) => 4 * numbers,
                (_, Precision::Bf16, _) | (None, _, _) => 2 * numbers,
                // A byte each and a scale for every output.
                (Some(site), Precision::Int8, _) => numbers + 4 * site.outputs as u64,
                // Half a byte each, a byte for every 64, and their common scales.
                (Some(_), Precision::Nf4, _) => numbers.div_ceil(2) + numbers.div_ceil(64),
            };
            *self.memory.entry(precision.name()).or_default() += bytes;
        }
        let Some(site) = site else { return };
        let known = self.sites.iter_mut().find(|known| {
            (&known.pattern, known.outputs, known.inputs)
                == (&site.pattern, site.outputs, site.inputs)
        });
        match known {
            Some(known) => known.count += 1,
            None => self.sites.push(site),
        }
    }
}

/// A weight of two dimensions inside a numbered layer is a linear map, unless it is a table.
fn site(key: &str, shape: &[usize]) -> Option<Site> {
    let path = key.strip_suffix(".weight")?;
    let [outputs, inputs] = shape else {
        return None;
    };
    let is_number = |part: &str| part.parse::<usize>().is_ok();
    if !path.split('.').any(is_number) || path.ends_with("relative_attention_bias") {
        return None;
    }
    // T5 numbers the sublayers of a block too; only the first number counts layers.
    let mut parts: Vec<&str> = path.split('.').collect();
    if let Some(layer) = parts.iter_mut().find(|part| is_number(part)) {
        *layer = "*";
    }
    Some(Site {
        pattern: parts.join("."),
        count: 1,
        outputs: *outputs,
        inputs: *inputs,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::{self, Purpose};

    #[test]
    fn linear_maps_of_numbered_layers_are_sites_and_tables_are_not() {
        let found = site("decoder.block.11.layer.0.SelfAttention.q.weight", &[64, 32]).unwrap();
        assert_eq!(found.pattern, "decoder.block.*.layer.0.SelfAttention.q");
        assert_eq!((found.outputs, found.inputs), (64, 32));
        assert!(
            site(
                "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
                &[8, 4]
            )
            .is_none()
        );
        assert!(site("shared.weight", &[512, 64]).is_none());
        assert!(site("layers.0.norm.weight", &[64]).is_none());
        assert!(site("layers.0.fc.bias", &[64]).is_none());
    }

    #[test]
    fn the_portrait_of_every_reference_agrees_with_the_network_itself() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
        let families =
            "bert roberta modernbert t5 t5_gated llama mistral qwen2 starcoder2 gpt_bigcode";
        for family in families.split(' ') {
            let folder = root.join(family);
            let purpose = Purpose::frozen(Precision::F32);
            let mut base = base::open(&folder, purpose).unwrap();
            let checkpoint = Checkpoint::open(&folder).unwrap();
            let portrait = Portrait::of(&base.config, &checkpoint).unwrap();
            let sizes = base.network.sizes();
            assert_eq!(portrait.width, Some(sizes.width), "{family}");
            assert_eq!(portrait.layers, Some(sizes.layers), "{family}");
            assert_eq!(portrait.heads, Some(sizes.heads), "{family}");
            assert_eq!(portrait.positions, sizes.positions, "{family}");
            let mut maps = BTreeMap::new();
            for linear in base.network.linears_mut().unwrap() {
                let key = format!("{}.weight", linear.name);
                if let Some(site) = site(&key, &[linear.outputs(), linear.inputs()]) {
                    *maps
                        .entry((site.pattern, site.outputs, site.inputs))
                        .or_insert(0) += 1;
                }
            }
            let sites = portrait.sites.into_iter();
            let sites = sites.map(|site| ((site.pattern, site.outputs, site.inputs), site.count));
            assert_eq!(sites.collect::<BTreeMap<_, _>>(), maps, "{family}");
        }
    }
}

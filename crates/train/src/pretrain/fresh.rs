//! Fresh networks: the configuration that the plan's sizes make, the first numbers of weights, and a
//! network of another base's shape that begins with such numbers.

use std::path::Path;

use serde_json::{Value, json};
use skillbelt_engine::random::Stream;
use skillbelt_model::base::{Base, Loader, Purpose, Source};
use skillbelt_model::{ConfigFile, Error, Tokenizer, family};

use super::plan::{Aim, NetworkSettings};
use crate::error::Result;

/// Spread of the first numbers, as most of these networks begin.
const SPREAD: f32 = 0.02;

/// `config.json` of a network, as the hub's libraries write it.
pub fn config(aim: Aim, network: &NetworkSettings, tokenizer: &Tokenizer) -> Value {
    let special = tokenizer.special();
    // A table of a round number of rows is no slower than an odd one.
    let vocabulary = tokenizer.vocab_size().next_multiple_of(16);
    let mut config = json!({
        "hidden_size": network.width,
        "intermediate_size": network.inner,
        "num_hidden_layers": network.layers,
        "num_attention_heads": network.heads,
        "vocab_size": vocabulary,
        "bos_token_id": special.bos,
        "eos_token_id": special.eos,
        "pad_token_id": special.pad,
        "initializer_range": SPREAD,
        "tie_word_embeddings": true,
        "torch_dtype": "float32",
    });
    let own = match aim {
        // A contrastive stage is learnt on a base; it has no network of its own.
        Aim::Causal | Aim::Contrastive => json!({
            "architectures": ["Qwen2ForCausalLM"],
            "model_type": "qwen2",
            "hidden_act": "silu",
            "num_key_value_heads": network.kv_heads.unwrap_or(network.heads),
            "max_position_embeddings": network.positions,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0,
            "attention_dropout": 0.0,
            "use_sliding_window": false,
            "use_cache": true,
        }),
        Aim::Masked => json!({
            "architectures": ["RobertaForMaskedLM"],
            "model_type": "roberta",
            "hidden_act": "gelu",
            // RoBERTa counts from the place after its padding token's id.
            "max_position_embeddings": network.positions + special.pad.map_or(2, |pad| pad as usize + 1),
            "type_vocab_size": 1,
            "layer_norm_eps": 1e-5,
            "attention_probs_dropout_prob": 0.0,
            "hidden_dropout_prob": 0.0,
        }),
    };
    if let (Some(config), Value::Object(own)) = (config.as_object_mut(), own) {
        config.extend(own);
    }
    config
}

/// A network of the shape of the base in a folder, with the numbers that a pretraining would begin
/// with. The weights of the base are not opened.
pub fn of_shape(folder: &Path, purpose: Purpose, seed: u64) -> Result<Base> {
    let config = ConfigFile::open(&folder.join("config.json"))?;
    let layers = ["num_hidden_layers", "num_layers", "n_layer"];
    let layers = layers.iter().find_map(|key| config.object().get(*key));
    let layers = layers.and_then(Value::as_u64).unwrap_or(1).max(1) as usize;
    let weights = FreshWeights { seed, layers };
    let network = family::load(Loader::new(&weights, purpose), &config)?;
    Ok(Base { network, config })
}

/// What tells one such network from another: the configuration and the seed.
pub fn hash(folder: &Path, seed: u64) -> Result<String> {
    let config = ConfigFile::open(&folder.join("config.json"))?;
    let text = json!({"fresh": config.object(), "seed": seed}).to_string();
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// The first numbers of every weight: norms are one, biases zero, maps normal around zero, and those
/// that add to the stream of a deep network smaller, so that its sum begins no larger.
pub struct FreshWeights {
    pub seed: u64,
    pub layers: usize,
}

/// Maps whose outputs are added to the stream.
const INTO_THE_STREAM: [&str; 4] = [
    "self_attn.o_proj.weight",
    "mlp.down_proj.weight",
    "attention.output.dense.weight",
    ".output.dense.weight",
];

impl Source for FreshWeights {
    fn path(&self) -> &Path {
        Path::new("fresh weights")
    }

    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self, _key: &str) -> Option<Vec<usize>> {
        None
    }

    fn read_f32(&self, key: &str, shape: &[usize]) -> std::result::Result<Vec<f32>, Error> {
        let count = shape.iter().product();
        if let [_] = shape {
            let constant = if key.ends_with("bias") { 0.0 } else { 1.0 };
            return Ok(vec![constant; count]);
        }
        let stream = Stream::new(self.seed, 0, key);
        let adds = INTO_THE_STREAM.iter().any(|end| key.ends_with(end));
        let spread = match adds {
            true => SPREAD / (2.0 * self.layers as f32).sqrt(),
            false => SPREAD,
        };
        Ok((0..count as u64)
            .map(|i| spread * stream.normal(i))
            .collect())
    }
}

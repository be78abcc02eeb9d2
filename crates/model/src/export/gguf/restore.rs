//! From llama.cpp's settings back to a configuration that our own families read: the proof that a
//! file alone says all that its model is.

use serde_json::{Map, Value as Json, json};

use super::names::Architecture;
use super::read::File;
use super::rope;
use super::settings::{ACTIVATION, T5_DISTANCE};
use super::value::Value;
use crate::checkpoint::ConfigFile;
use crate::checkpoint::config::MAX_SIZE;
use crate::error::Result;

/// A configuration while it is gathered.
struct Gathered<'f> {
    file: &'f File,
    arch: &'static str,
    config: Map<String, Json>,
}

/// The architecture of a file and the configuration of its model.
pub fn config(file: &File) -> Result<(Architecture, ConfigFile)> {
    let architecture = architecture(file)?;
    let mut gathered = Gathered {
        file,
        arch: architecture.name(),
        config: Map::new(),
    };
    gathered.put("vocab_size", json!(rows(file, "token_embd.weight")));
    match architecture {
        Architecture::Llama | Architecture::Qwen2 | Architecture::Starcoder2 => {
            gathered.rotary(architecture)?;
        }
        Architecture::Starcoder => gathered.bigcode()?,
        Architecture::Bert => gathered.bert()?,
        Architecture::ModernBert => gathered.modern_bert()?,
        Architecture::T5 { gated } => gathered.t5(gated, true)?,
        Architecture::T5Encoder { gated } => gathered.t5(gated, false)?,
    }
    Ok((
        architecture,
        ConfigFile::from_object(file.path(), gathered.config),
    ))
}

/// The architecture that a file names.
pub fn architecture(file: &File) -> Result<Architecture> {
    let gated = file.shape("enc.blk.0.ffn_gate.weight").is_some();
    let known = [
        Architecture::Llama,
        Architecture::Qwen2,
        Architecture::Starcoder2,
        Architecture::Starcoder,
        Architecture::Bert,
        Architecture::ModernBert,
        Architecture::T5 { gated },
        Architecture::T5Encoder { gated },
    ];
    let name = file.text("general.architecture")?;
    let found = known
        .into_iter()
        .find(|architecture| architecture.name() == name);
    let expected = "an architecture that is known: llama, qwen2, starcoder2, starcoder, bert, \
                    modern-bert, t5 or t5encoder";
    found.ok_or_else(|| file.wrong("general.architecture", expected))
}

fn rows(file: &File, name: &str) -> usize {
    let shape = file.shape(name).unwrap_or_default();
    shape.first().copied().unwrap_or(0)
}

impl Gathered<'_> {
    fn put(&mut self, key: &str, value: Json) {
        self.config.insert(key.to_owned(), value);
    }

    fn count(&self, name: &str) -> Result<u64> {
        let key = format!("{}.{name}", self.arch);
        let found = self.file.setting(&key).and_then(Value::count);
        let found = found.filter(|count| *count <= MAX_SIZE as u64);
        found.ok_or_else(|| self.file.wrong(&key, "a count"))
    }

    fn counts(&mut self, pairs: &[(&str, &str)]) -> Result<()> {
        for (key, name) in pairs {
            let count = self.count(name)?;
            self.put(key, json!(count));
        }
        Ok(())
    }

    fn float(&mut self, key: &str, name: &str) -> Result<()> {
        let setting = format!("{}.{name}", self.arch);
        let Some(number) = self.file.setting(&setting).and_then(Value::float) else {
            return Err(self.file.wrong(&setting, "a number"));
        };
        self.put(key, json!(number));
        Ok(())
    }

    /// Our own setting, else what llama.cpp always runs here.
    fn activation(&mut self, key: &str, usual: &str) {
        let own = self.file.setting(ACTIVATION).and_then(Value::text);
        self.put(key, json!(own.unwrap_or(usual)));
    }

    /// Without a head of its own a file's head is its table of tokens.
    fn tied(&mut self) {
        let tied = self.file.shape("output.weight").is_none();
        self.put("tie_word_embeddings", json!(tied));
    }

    fn rotary(&mut self, architecture: Architecture) -> Result<()> {
        self.counts(&[
            ("num_hidden_layers", "block_count"),
            ("max_position_embeddings", "context_length"),
            ("hidden_size", "embedding_length"),
            ("intermediate_size", "feed_forward_length"),
            ("num_attention_heads", "attention.head_count"),
            ("num_key_value_heads", "attention.head_count_kv"),
        ])?;
        let width = match self.count("attention.key_length") {
            Ok(width) => width,
            Err(_) => self.count("rope.dimension_count")?,
        };
        self.put("head_dim", json!(width));
        self.tied();
        let family = architecture.name();
        self.put("model_type", json!(family));
        if architecture == Architecture::Starcoder2 {
            self.float("norm_epsilon", "attention.layer_norm_epsilon")?;
            self.activation("hidden_act", "gelu_pytorch_tanh");
        } else {
            self.float("rms_norm_eps", "attention.layer_norm_rms_epsilon")?;
            self.activation("hidden_act", "silu");
        }
        if architecture == Architecture::Llama {
            let has = |name: &str| self.file.shape(name).is_some();
            let (attention, mlp) = (has("blk.0.attn_output.bias"), has("blk.0.ffn_up.bias"));
            self.put("attention_bias", json!(attention));
            self.put("mlp_bias", json!(mlp));
        }
        rope::restore(self.file, self.arch, &mut self.config)
    }

    fn bigcode(&mut self) -> Result<()> {
        self.counts(&[
            ("n_layer", "block_count"),
            ("n_positions", "context_length"),
            ("n_embd", "embedding_length"),
            ("n_inner", "feed_forward_length"),
            ("n_head", "attention.head_count"),
        ])?;
        self.put("model_type", json!("gpt_bigcode"));
        self.put("multi_query", json!(true));
        self.float("layer_norm_epsilon", "attention.layer_norm_epsilon")?;
        self.activation("activation_function", "gelu_pytorch_tanh");
        self.tied();
        Ok(())
    }

    /// RoBERTa without the first rows of its table of positions is BERT.
    fn bert(&mut self) -> Result<()> {
        self.counts(&[
            ("num_hidden_layers", "block_count"),
            ("max_position_embeddings", "context_length"),
            ("hidden_size", "embedding_length"),
            ("intermediate_size", "feed_forward_length"),
            ("num_attention_heads", "attention.head_count"),
        ])?;
        self.put("model_type", json!("bert"));
        self.put(
            "type_vocab_size",
            json!(rows(self.file, "token_types.weight")),
        );
        self.float("layer_norm_eps", "attention.layer_norm_epsilon")?;
        self.activation("hidden_act", "gelu");
        Ok(())
    }

    fn modern_bert(&mut self) -> Result<()> {
        self.counts(&[
            ("num_hidden_layers", "block_count"),
            ("max_position_embeddings", "context_length"),
            ("hidden_size", "embedding_length"),
            ("intermediate_size", "feed_forward_length"),
            ("num_attention_heads", "attention.head_count"),
            ("local_attention", "attention.sliding_window"),
            (
                "global_attn_every_n_layers",
                "attention.sliding_window_pattern",
            ),
        ])?;
        self.put("model_type", json!("modernbert"));
        self.float("global_rope_theta", "rope.freq_base")?;
        self.float("local_rope_theta", "rope.freq_base_swa")?;
        self.float("norm_eps", "attention.layer_norm_epsilon")?;
        self.activation("hidden_activation", "gelu");
        Ok(())
    }

    fn t5(&mut self, gated: bool, decodes: bool) -> Result<()> {
        self.counts(&[
            ("num_layers", "block_count"),
            ("d_model", "embedding_length"),
            ("d_ff", "feed_forward_length"),
            ("num_heads", "attention.head_count"),
            ("d_kv", "attention.key_length"),
            (
                "relative_attention_num_buckets",
                "attention.relative_buckets_count",
            ),
        ])?;
        if decodes {
            self.counts(&[("num_decoder_layers", "decoder_block_count")])?;
            self.put("architectures", json!(["T5ForConditionalGeneration"]));
        }
        self.put("model_type", json!("t5"));
        self.put("relative_attention_max_distance", json!(T5_DISTANCE));
        self.put("is_gated_act", json!(gated));
        self.put("scale_decoder_outputs", json!(false));
        self.float("layer_norm_epsilon", "attention.layer_norm_rms_epsilon")?;
        self.activation("dense_act_fn", if gated { "gelu_new" } else { "relu" });
        self.tied();
        Ok(())
    }
}

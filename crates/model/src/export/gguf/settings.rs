//! From a base's configuration to llama.cpp's settings, and what of it llama.cpp cannot say.

mod encoders;

use super::names::Architecture;
use super::rope;
use super::value::Value;
use crate::checkpoint::ConfigFile;
use crate::export::error::{Error, GGUF, Result};

/// Where our own reader finds the activation, which llama.cpp fixes for each architecture.
pub const ACTIVATION: &str = "skillbelt.activation";
/// llama.cpp's T5 counts distances up to this.
pub const T5_DISTANCE: usize = 128;

/// A base in llama.cpp's words.
pub struct Description {
    pub architecture: Architecture,
    pub settings: Vec<(String, Value)>,
    pub notes: Vec<String>,
    /// How many tokens of a text are computed as the original does.
    pub context: usize,
    pub vocabulary: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// First rows of the table of positions that stand for no position.
    pub idle_positions: usize,
    /// The output head is the table of tokens.
    pub tied: bool,
    /// What hidden states are multiplied by before the head, which llama.cpp does not do.
    pub head_scale: Option<f32>,
    /// Divisors of the rope's frequencies.
    pub rope_factors: Option<Vec<f32>>,
}

impl Description {
    pub fn of(config: &ConfigFile) -> Result<Description> {
        match config.string("model_type")? {
            "llama" | "mistral" => rotary(config, Architecture::Llama),
            "qwen2" => rotary(config, Architecture::Qwen2),
            "starcoder2" => rotary(config, Architecture::Starcoder2),
            "gpt_bigcode" => bigcode(config),
            "bert" | "roberta" => encoders::bert(config),
            "modernbert" => encoders::modern_bert(config),
            "t5" => encoders::t5(config),
            other => Err(Error::no_form(
                format!("the family `{other}`"),
                GGUF,
                "no architecture of llama.cpp is known for it",
            )),
        }
    }

    fn new(architecture: Architecture, config: &ConfigFile, context: usize) -> Result<Description> {
        let vocabulary = config.usize("vocab_size")?;
        Ok(Description {
            architecture,
            settings: Vec::new(),
            notes: Vec::new(),
            context,
            vocabulary,
            heads: 1,
            kv_heads: 1,
            idle_positions: 0,
            tied: false,
            head_scale: None,
            rope_factors: None,
        })
    }

    fn set(&mut self, key: &str, value: Value) {
        let key = format!("{}.{key}", self.architecture.name());
        self.settings.push((key, value));
    }

    fn counts(&mut self, pairs: &[(&str, usize)]) {
        for (key, count) in pairs {
            self.set(key, Value::U32(*count as u32));
        }
    }

    /// The activation must be one that llama.cpp runs in this architecture.
    fn activation(
        &mut self,
        config: &ConfigFile,
        key: &str,
        name: &str,
        known: &[&str],
    ) -> Result<()> {
        if !known.contains(&name) {
            let reason = format!(
                "llama.cpp runs {} in {}",
                known.join(" or "),
                self.architecture.name()
            );
            let what = format!("`{key}`: {name} (in {})", config.path().display());
            return Err(Error::no_form(what, GGUF, reason));
        }
        if name == "gelu" {
            self.notes.push(
                "llama.cpp computes gelu by its tanh form: its numbers differ from the \
                 original's by about a thousandth"
                    .to_owned(),
            );
        }
        self.settings
            .push((ACTIVATION.to_owned(), Value::Text(name.to_owned())));
        Ok(())
    }

    /// A window that llama.cpp does not know in this architecture: the model is exact up to it.
    fn window(&mut self, window: Option<usize>) {
        if let Some(window) = window.filter(|window| *window < self.context) {
            self.context = window;
            self.notes.push(format!(
                "the context is written as {window} tokens: llama.cpp has no sliding window in {}, \
                 and computes longer texts otherwise than the original",
                self.architecture.name()
            ));
        }
    }
}

fn rotary(config: &ConfigFile, architecture: Architecture) -> Result<Description> {
    let positions = config.usize("max_position_embeddings")?;
    let mut about = Description::new(architecture, config, positions)?;
    about.window(window(config, architecture)?);
    let (width, heads) = (
        config.usize("hidden_size")?,
        config.usize("num_attention_heads")?,
    );
    let kv_heads = config.usize_or("num_key_value_heads", heads)?;
    let head_width = config.usize_or("head_dim", width / heads)?;
    (about.heads, about.kv_heads) = (heads, kv_heads);
    let starcoder = architecture == Architecture::Starcoder2;
    about.tied = config.bool_or("tie_word_embeddings", starcoder)?;
    about.counts(&[
        ("vocab_size", about.vocabulary),
        ("block_count", config.usize("num_hidden_layers")?),
        ("context_length", about.context),
        ("embedding_length", width),
        ("feed_forward_length", config.usize("intermediate_size")?),
        ("attention.head_count", heads),
        ("attention.head_count_kv", kv_heads),
        ("attention.key_length", head_width),
        ("attention.value_length", head_width),
    ]);
    if starcoder {
        let eps = config.positive_or("norm_epsilon", 1e-5)?;
        about.set("attention.layer_norm_epsilon", Value::F32(eps as f32));
        let name = config.string_or("hidden_act", "gelu_pytorch_tanh")?;
        about.activation(
            config,
            "hidden_act",
            name,
            &["gelu_pytorch_tanh", "gelu_new", "gelu"],
        )?;
        if !config.bool_or("use_bias", true)? {
            return Err(Error::no_form(
                "`use_bias`: false",
                GGUF,
                "llama.cpp demands the biases",
            ));
        }
    } else {
        let eps = config.positive_or("rms_norm_eps", 1e-6)?;
        about.set("attention.layer_norm_rms_epsilon", Value::F32(eps as f32));
        let name = config.string_or("hidden_act", "silu")?;
        about.activation(config, "hidden_act", name, &["silu"])?;
    }
    let rotation = rope::describe(config, architecture.name(), head_width)?;
    about.settings.extend(rotation.settings);
    about.rope_factors = rotation.factors;
    Ok(about)
}

/// How many tokens a token sees, where that is less than all in some layer.
fn window(config: &ConfigFile, architecture: Architecture) -> Result<Option<usize>> {
    let written = config.usize_optional("sliding_window")?;
    Ok(match architecture {
        Architecture::Starcoder2 => written,
        Architecture::Qwen2 if config.bool_or("use_sliding_window", false)? => {
            written.or((!config.is_written("sliding_window")).then_some(4096))
        }
        Architecture::Llama if config.string("model_type")? == "mistral" => {
            written.or((!config.is_written("sliding_window")).then_some(4096))
        }
        _ => None,
    })
}

fn bigcode(config: &ConfigFile) -> Result<Description> {
    for key in ["multi_query", "scale_attn_weights"] {
        if !config.bool_or(key, true)? {
            let what = format!("`{key}`: false");
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp's starcoder has it true",
            ));
        }
    }
    let mut about = Description::new(
        Architecture::Starcoder,
        config,
        config.usize("n_positions")?,
    )?;
    let width = config.usize("n_embd")?;
    about.heads = config.usize("n_head")?;
    about.tied = config.bool_or("tie_word_embeddings", true)?;
    about.counts(&[
        ("context_length", about.context),
        ("embedding_length", width),
        (
            "feed_forward_length",
            config.usize_or("n_inner", 4 * width)?,
        ),
        ("block_count", config.usize("n_layer")?),
        ("attention.head_count", about.heads),
        ("attention.head_count_kv", 1),
    ]);
    let eps = config.positive_or("layer_norm_epsilon", 1e-5)?;
    about.set("attention.layer_norm_epsilon", Value::F32(eps as f32));
    let name = config.string_or("activation_function", "gelu_pytorch_tanh")?;
    let known = ["gelu_pytorch_tanh", "gelu_new", "gelu"];
    about.activation(config, "activation_function", name, &known)?;
    Ok(about)
}

//! The families that have an encoder, in llama.cpp's settings.

use super::{Description, T5_DISTANCE};
use crate::checkpoint::ConfigFile;
use crate::export::error::{Error, GGUF, Result};
use crate::export::gguf::names::Architecture;
use crate::export::gguf::value::Value;

pub fn bert(config: &ConfigFile) -> Result<Description> {
    // RoBERTa counts positions from the one after its padding token's id.
    let idle = match config.string("model_type")? {
        "roberta" => config.token_id("pad_token_id")?.unwrap_or(1) as usize + 1,
        _ => 0,
    };
    let positions = config
        .usize("max_position_embeddings")?
        .saturating_sub(idle);
    let mut about = Description::new(Architecture::Bert, config, positions)?;
    about.idle_positions = idle;
    about.heads = config.usize("num_attention_heads")?;
    about.counts(&[
        ("block_count", config.usize("num_hidden_layers")?),
        ("context_length", positions),
        ("embedding_length", config.usize("hidden_size")?),
        ("feed_forward_length", config.usize("intermediate_size")?),
        ("attention.head_count", about.heads),
    ]);
    let eps = config.positive_or("layer_norm_eps", 1e-12)?;
    about.set("attention.layer_norm_epsilon", Value::F32(eps as f32));
    about.set("attention.causal", Value::Bool(false));
    let types = config.count_or("type_vocab_size", 2)? as u32;
    about.settings.push((
        "tokenizer.ggml.token_type_count".to_owned(),
        Value::U32(types),
    ));
    let name = config.string_or("hidden_act", "gelu")?;
    about.activation(config, "hidden_act", name, &["gelu"])?;
    Ok(about)
}

pub fn modern_bert(config: &ConfigFile) -> Result<Description> {
    for key in ["attention_bias", "mlp_bias", "norm_bias"] {
        if config.bool_or(key, false)? {
            let what = format!("`{key}`: true");
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp's modern-bert has no such biases",
            ));
        }
    }
    let positions = config.usize("max_position_embeddings")?;
    let mut about = Description::new(Architecture::ModernBert, config, positions)?;
    about.heads = config.usize("num_attention_heads")?;
    about.counts(&[
        ("vocab_size", about.vocabulary),
        ("block_count", config.usize("num_hidden_layers")?),
        ("context_length", positions),
        ("embedding_length", config.usize("hidden_size")?),
        ("feed_forward_length", config.usize("intermediate_size")?),
        ("attention.head_count", about.heads),
        (
            "attention.sliding_window",
            config.usize_or("local_attention", 128)?,
        ),
        (
            "attention.sliding_window_pattern",
            config.usize_or("global_attn_every_n_layers", 3)?,
        ),
    ]);
    let global = theta(config, "full_attention", "global_rope_theta", 160_000.0)?;
    let usual = if config.is_written("local_rope_theta") {
        global
    } else {
        10_000.0
    };
    let local = theta(config, "sliding_attention", "local_rope_theta", usual)?;
    about.set("rope.freq_base", Value::F32(global as f32));
    about.set("rope.freq_base_swa", Value::F32(local as f32));
    about.set("rope.scaling.type", Value::Text("none".to_owned()));
    let eps = config.positive_or("norm_eps", 1e-5)?;
    about.set("attention.layer_norm_epsilon", Value::F32(eps as f32));
    about.set("attention.causal", Value::Bool(false));
    let name = config.string_or("hidden_activation", "gelu")?;
    about.activation(config, "hidden_activation", name, &["gelu", "silu"])?;
    about.set("hidden_activation", Value::Text(name.to_owned()));
    Ok(about)
}

/// The base of a rotation, from a section for each kind of layer or from a key of its own.
fn theta(config: &ConfigFile, kind: &str, key: &str, default: f64) -> Result<f64> {
    let sections = config.section("rope_parameters")?;
    let section = match &sections {
        Some(sections) => sections.section(kind)?,
        None => None,
    };
    Ok(match section {
        Some(section) => section.positive_or("rope_theta", default)?,
        None => config.positive_or(key, default)?,
    })
}

pub fn t5(config: &ConfigFile) -> Result<Description> {
    let projection = config.string_or("feed_forward_proj", "relu")?;
    let gated = config.bool_or("is_gated_act", projection.starts_with("gated-"))?;
    let alone = config.strings("architectures")?.contains(&"T5EncoderModel");
    let architecture = match alone {
        true => Architecture::T5Encoder { gated },
        false => Architecture::T5 { gated },
    };
    let distance = config.usize_or("relative_attention_max_distance", T5_DISTANCE)?;
    if distance != T5_DISTANCE {
        let what = format!("`relative_attention_max_distance`: {distance}");
        return Err(Error::no_form(what, GGUF, "llama.cpp's T5 has 128"));
    }
    let mut about = Description::new(architecture, config, config.usize_or("n_positions", 512)?)?;
    let (width, layers) = (config.usize("d_model")?, config.usize("num_layers")?);
    about.heads = config.usize("num_heads")?;
    about.counts(&[
        ("context_length", about.context),
        ("embedding_length", width),
        ("feed_forward_length", config.usize("d_ff")?),
        ("block_count", layers),
        ("attention.head_count", about.heads),
        ("attention.key_length", config.usize("d_kv")?),
        ("attention.value_length", config.usize("d_kv")?),
        (
            "attention.relative_buckets_count",
            config.usize_or("relative_attention_num_buckets", 32)?,
        ),
    ]);
    let eps = config.positive_or("layer_norm_epsilon", 1e-6)? as f32;
    about.set("attention.layer_norm_epsilon", Value::F32(eps));
    about.set("attention.layer_norm_rms_epsilon", Value::F32(eps));
    if !alone {
        let start = config.token_id("decoder_start_token_id")?.unwrap_or(0);
        about.set("decoder_start_token_id", Value::U32(start));
        let layers = config.usize_or("num_decoder_layers", layers)?;
        about.counts(&[("decoder_block_count", layers)]);
        about.tied = config.bool_or("tie_word_embeddings", true)?;
        if config.bool_or("scale_decoder_outputs", about.tied)? {
            about.head_scale = Some(1.0 / (width as f32).sqrt());
        }
    }
    let usual = match projection.strip_prefix("gated-") {
        Some("gelu") => "gelu_new",
        Some(other) => other,
        None => projection,
    };
    let name = config.string_or("dense_act_fn", usual)?;
    let known: &[&str] = if gated {
        &["gelu_new", "gelu_pytorch_tanh"]
    } else {
        &["relu"]
    };
    about.activation(config, "dense_act_fn", name, known)?;
    Ok(about)
}

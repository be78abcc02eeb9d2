//! Writing a LoRA as `peft` writes it: the same keys, the same shapes, a configuration that it
//! loads.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Lora, LoraConfig, MAGNITUDE};
use crate::belt::folder::plain_name;
use crate::belt::{write_json, write_params};
use crate::error::Result;

pub(super) fn save(belt: &Lora, folder: &Path) -> Result<()> {
    write_params(
        &folder.join("adapter_model.safetensors"),
        &belt.params,
        |param| match param.name().ends_with(MAGNITUDE) {
            true => vec![param.value().cols()],
            false => vec![param.value().rows(), param.value().cols()],
        },
    )?;
    write_json(&folder.join("adapter_config.json"), &written(&belt.config))
}

/// `adapter_config.json`. Options that change nothing are left out: `peft` has defaults for them.
fn written(config: &LoraConfig) -> Value {
    let ranks: Map<String, Value> = pairs(&config.rank_pattern);
    let alphas: Map<String, Value> = pairs(&config.alpha_pattern);
    let exclude = config.exclude.as_ref().map(|targets| targets.written());
    let layers_pattern = match config.layers_pattern.is_empty() {
        true => Value::Null,
        false => config.layers_pattern.clone().into(),
    };
    json!({
        "alpha_pattern": alphas,
        "base_model_name_or_path": config.base_name.as_deref().map(plain_name),
        "bias": "none",
        "exclude_modules": exclude,
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "layers_pattern": layers_pattern,
        "layers_to_transform": config.layers,
        "lora_alpha": number(config.alpha),
        "lora_dropout": config.dropout,
        "modules_to_save": null,
        "peft_type": "LORA",
        "r": config.rank,
        "rank_pattern": ranks,
        "target_modules": config.targets.written(),
        "task_type": config.task_type,
        "use_dora": config.dora,
        "use_rslora": config.rank_stabilised,
    })
}

fn pairs<T: Copy + Into<Value>>(pattern: &[(String, T)]) -> Map<String, Value> {
    let pairs = pattern
        .iter()
        .map(|(key, value)| (key.clone(), (*value).into()));
    pairs.collect()
}

/// Whole numbers without a point, as people write them.
fn number(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 1e15 {
        (x as i64).into()
    } else {
        x.into()
    }
}

//! The rotation of queries and keys in llama.cpp's settings, and back. What llama.cpp computes in
//! another way than the hub's libraries is refused.

use serde_json::{Map, Value as Json, json};

use super::read::File;
use super::value::Value;
use crate::checkpoint::ConfigFile;
use crate::export::error::{Error, GGUF, Result};

/// Settings of a rotation, and the divisors of its frequencies where they are a tensor.
pub struct Rotation {
    pub settings: Vec<(String, Value)>,
    /// `[D / 2]`
    pub factors: Option<Vec<f32>>,
}

/// Where our own reader finds a rotation that llama.cpp has only as a tensor of divisors.
const OWN: &str = "skillbelt.rope_scaling";

/// The rotation that a configuration asks for, for heads of width `d`.
pub fn describe(config: &ConfigFile, arch: &str, d: usize) -> Result<Rotation> {
    let parameters = config.section("rope_parameters")?;
    let theta = match &parameters {
        Some(parameters) => parameters.positive_or("rope_theta", 10_000.0)?,
        None => config.positive_or("rope_theta", 10_000.0)?,
    };
    let mut settings = vec![
        (format!("{arch}.rope.dimension_count"), Value::U32(d as u32)),
        (format!("{arch}.rope.freq_base"), Value::F32(theta as f32)),
    ];
    let mut factors = None;
    if let Some(section) = config.section("rope_scaling")?.or(parameters) {
        let key = if section.has("type") {
            "type"
        } else {
            "rope_type"
        };
        match section.string_or(key, "default")? {
            "default" => {}
            "linear" => settings.extend(scaled(arch, "linear", section.f64("factor")?)),
            "yarn" => settings.extend(yarn(config, &section, arch)?),
            "llama3" => {
                factors = Some(llama3(config, &section, theta, d)?);
                let text = Json::Object(section.object().clone()).to_string();
                settings.push((OWN.to_owned(), Value::Text(text)));
            }
            other => {
                let what = format!("the rope scaling `{other}`");
                return Err(Error::no_form(
                    what,
                    GGUF,
                    "llama.cpp has none of that name",
                ));
            }
        }
    }
    Ok(Rotation { settings, factors })
}

fn scaled(arch: &str, kind: &str, factor: f64) -> [(String, Value); 2] {
    let key = |name| format!("{arch}.rope.scaling.{name}");
    [
        (key("type"), Value::Text(kind.to_owned())),
        (key("factor"), Value::F32(factor as f32)),
    ]
}

fn yarn(config: &ConfigFile, section: &ConfigFile, arch: &str) -> Result<Vec<(String, Value)>> {
    for key in ["attention_factor", "mscale", "mscale_all_dim"] {
        if section.has(key) {
            let what = format!("`{key}` of yarn");
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp derives it from the factor",
            ));
        }
    }
    if !section.bool_or("truncate", true)? {
        return Err(Error::no_form(
            "yarn without `truncate`",
            GGUF,
            "llama.cpp always truncates",
        ));
    }
    let key = |name: &str| format!("{arch}.rope.scaling.{name}");
    let trained = config.usize("max_position_embeddings")?;
    let original = section.usize_or("original_max_position_embeddings", trained)?;
    let mut settings = Vec::from(scaled(arch, "yarn", section.f64("factor")?));
    settings.push((key("original_context_length"), Value::U32(original as u32)));
    for (name, default) in [("beta_fast", 32.0), ("beta_slow", 1.0)] {
        let value = section.positive_or(name, default)? as f32;
        settings.push((key(&format!("yarn_{name}")), Value::F32(value)));
    }
    Ok(settings)
}

/// What each frequency is divided by: nothing for the fast, the factor for the slow, and a smooth
/// way between them.
fn llama3(config: &ConfigFile, section: &ConfigFile, theta: f64, d: usize) -> Result<Vec<f32>> {
    let factor = section.f64("factor")?;
    let (low, high) = (
        section.f64("low_freq_factor")?,
        section.f64("high_freq_factor")?,
    );
    let trained = config.usize("max_position_embeddings")?;
    let context = section.usize_or("original_max_position_embeddings", trained)? as f64;
    let divisor = |i: usize| {
        let frequency = theta.powf(-((2 * i) as f64) / d as f64);
        let turns = context * frequency / (2.0 * std::f64::consts::PI);
        if turns > high {
            1.0
        } else if turns < low {
            factor
        } else {
            let smooth = (turns - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    };
    Ok((0..d / 2).map(|i| divisor(i) as f32).collect())
}

/// The keys of a configuration that say the rotation which a file has.
pub fn restore(file: &File, arch: &str, config: &mut Map<String, Json>) -> crate::Result<()> {
    let float = |name: &str| {
        let value = file.setting(&format!("{arch}.rope.{name}"));
        value.and_then(Value::float)
    };
    if let Some(theta) = float("freq_base") {
        config.insert("rope_theta".into(), json!(theta));
    }
    if let Some(own) = file.setting(OWN).and_then(Value::text) {
        let scaling: Json = crate::checkpoint::json::parse(file.path(), own.as_bytes())?;
        config.insert("rope_scaling".into(), scaling);
        return Ok(());
    }
    let kind = file.setting(&format!("{arch}.rope.scaling.type"));
    let Some(kind @ ("linear" | "yarn")) = kind.and_then(Value::text) else {
        return Ok(());
    };
    let mut scaling = Map::new();
    scaling.insert("rope_type".into(), json!(kind));
    scaling.insert("factor".into(), json!(float("scaling.factor")));
    if kind == "yarn" {
        let original = file.setting(&format!("{arch}.rope.scaling.original_context_length"));
        let original = original.and_then(Value::count);
        scaling.insert("original_max_position_embeddings".into(), json!(original));
        scaling.insert("beta_fast".into(), json!(float("scaling.yarn_beta_fast")));
        scaling.insert("beta_slow".into(), json!(float("scaling.yarn_beta_slow")));
    }
    config.insert("rope_scaling".into(), Json::Object(scaling));
    Ok(())
}

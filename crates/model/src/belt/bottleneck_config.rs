//! The settings of bottleneck adapters as AdapterHub's `adapters` library writes them: which places
//! of a block, how narrow, what they read.
//!
//! What is not understood (norms of their own, gates, hypercomplex maps, invertible adapters, those
//! after cross attention, learnt scales) is refused by name rather than left out.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use skillbelt_engine::ops::Activation;

use super::sites::Reads;
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// How the maps of a new adapter are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draw {
    /// Normal with a spread of 0.02, biases zero.
    Bert,
    /// Down uniform within one over the root of the width, up zero: it changes nothing yet.
    Zero,
    /// Normal with a spread of 0.01, cut off at twice that, biases zero.
    Houlsby,
}

/// How much narrower than the stream a bottleneck is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reduction {
    /// Of the layers that are not named.
    pub usual: Option<f64>,
    /// Of single layers, counted from nought, an encoder's before its decoder's.
    pub of_layer: BTreeMap<usize, f64>,
}

/// `adapter_config.json`, as far as it changes numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct BottleneckConfig {
    /// What the adapter is called; stands in the keys of its weights.
    pub name: String,
    pub after_attention: bool,
    pub after_feed_forward: bool,
    pub reads: Reads,
    pub reduction: Reduction,
    /// As the library spells it.
    pub activation: String,
    pub scale: f64,
    pub dropout: f64,
    /// Layers without an adapter.
    pub leave_out: Vec<usize>,
    pub draw: Draw,
}

/// Settings that must be off, since they would change numbers in ways that are not known here.
const OFF: [&str; 5] = [
    "cross_adapter",
    "ln_after",
    "ln_before",
    "phm_layer",
    "use_gating",
];

impl BottleneckConfig {
    /// The word for the kind in recipes and reports.
    pub fn kind_name(&self) -> &'static str {
        match (self.reads, self.after_attention) {
            (Reads::Before, _) => "par_bn",
            (_, true) => "double_seq_bn",
            (_, false) => "seq_bn",
        }
    }

    /// Serial, after the feed-forward part (Pfeiffer).
    pub fn seq_bn(reduction: f64) -> BottleneckConfig {
        BottleneckConfig {
            name: super::NAME.into(),
            after_attention: false,
            after_feed_forward: true,
            reads: Reads::Sum,
            reduction: Reduction {
                usual: Some(reduction),
                of_layer: BTreeMap::new(),
            },
            activation: "relu".into(),
            scale: 1.0,
            dropout: 0.0,
            leave_out: Vec::new(),
            draw: Draw::Bert,
        }
    }

    /// Serial, after attention and after the feed-forward part (Houlsby).
    pub fn double_seq_bn(reduction: f64) -> BottleneckConfig {
        BottleneckConfig {
            after_attention: true,
            reads: Reads::Part,
            activation: "swish".into(),
            ..BottleneckConfig::seq_bn(reduction)
        }
    }

    /// Parallel to the feed-forward part (He).
    pub fn par_bn(reduction: f64) -> BottleneckConfig {
        BottleneckConfig {
            reads: Reads::Before,
            scale: 4.0,
            draw: Draw::Zero,
            ..BottleneckConfig::seq_bn(reduction)
        }
    }

    /// Reads the `config` section of an adapter that bears this name.
    pub fn read(name: &str, file: &ConfigFile) -> Result<BottleneckConfig> {
        for key in OFF {
            if file.bool_or(key, false)? {
                return Err(file.wrong(key, "false"));
            }
        }
        for key in ["architecture", "inv_adapter"] {
            if file.has(key) {
                return Err(file.wrong(key, "null"));
            }
        }
        if file.f64_or("stochastic_depth", 0.0)? != 0.0 {
            return Err(file.wrong("stochastic_depth", "0"));
        }
        let activation = file.string("non_linearity")?.to_lowercase();
        if Activation::parse(&activation).is_none() {
            return Err(file.wrong("non_linearity", "relu, gelu, gelu_new, swish, silu or tanh"));
        }
        let flag = |key: &str| {
            let value = file.bool_optional(key)?;
            value.ok_or_else(|| file.wrong(key, "true or false"))
        };
        Ok(BottleneckConfig {
            name: name.to_owned(),
            after_attention: flag("mh_adapter")?,
            after_feed_forward: flag("output_adapter")?,
            reads: reads(file)?,
            reduction: reduction(file)?,
            activation,
            scale: file.f64_or("scaling", 1.0)?,
            dropout: share(file, "dropout")?,
            leave_out: super::layers(file, "leave_out")?,
            draw: match file.string_or("init_weights", "bert")? {
                "bert" => Draw::Bert,
                "mam_adapter" => Draw::Zero,
                "houlsby" => Draw::Houlsby,
                _ => return Err(file.wrong("init_weights", "bert, mam_adapter or houlsby")),
            },
        })
    }

    /// The `config` section in the library's own words.
    pub fn written(&self) -> Value {
        let mut reduction = serde_json::Map::new();
        for (layer, factor) in &self.reduction.of_layer {
            reduction.insert(layer.to_string(), json!(factor));
        }
        let reduction = match (self.reduction.usual, reduction.is_empty()) {
            (Some(usual), true) => json!(usual),
            (Some(usual), false) => {
                reduction.insert("default".into(), json!(usual));
                Value::Object(reduction)
            }
            (None, _) => Value::Object(reduction),
        };
        json!({
            "adapter_residual_before_ln": false,
            "cross_adapter": false,
            "dropout": self.dropout,
            "factorized_phm_W": true,
            "factorized_phm_rule": false,
            "hypercomplex_nonlinearity": "glorot-uniform",
            "init_weights": match self.draw {
                Draw::Bert => "bert",
                Draw::Zero => "mam_adapter",
                Draw::Houlsby => "houlsby",
            },
            "init_weights_seed": null,
            "inv_adapter": null,
            "inv_adapter_reduction_factor": null,
            "is_parallel": self.reads == Reads::Before,
            "learn_phm": true,
            "leave_out": self.leave_out,
            "ln_after": false,
            "ln_before": false,
            "mh_adapter": self.after_attention,
            "non_linearity": self.activation,
            "original_ln_after": true,
            "original_ln_before": self.reads == Reads::Sum,
            "output_adapter": self.after_feed_forward,
            "phm_bias": true,
            "phm_c_init": "normal",
            "phm_dim": 4,
            "phm_init_range": 0.0001,
            "phm_layer": false,
            "phm_rank": 1,
            "reduction_factor": reduction,
            "residual_before_ln": true,
            "scaling": self.scale,
            "shared_W_phm": false,
            "shared_phm_rule": true,
            "stochastic_depth": 0.0,
            "use_gating": false,
        })
    }

    /// The width of the bottleneck of a layer; nothing if no reduction is stated for it.
    pub fn rank(&self, layer: usize, width: usize) -> Option<usize> {
        let named = self.reduction.of_layer.get(&layer).copied();
        let factor = named.or(self.reduction.usual)?;
        let rank = (width as f64 / factor).floor();
        Some((rank as usize).clamp(1, crate::checkpoint::config::MAX_SIZE))
    }
}

/// What the adapters look at. The residual sum and the norm of the block itself must follow them.
fn reads(file: &ConfigFile) -> Result<Reads> {
    if !file.bool_or("original_ln_after", true)? {
        return Err(file.wrong("original_ln_after", "true"));
    }
    if file.bool_or("is_parallel", false)? {
        return Ok(Reads::Before);
    }
    match file.value("residual_before_ln") {
        None | Some(Value::Bool(true)) => {}
        Some(_) => return Err(file.wrong("residual_before_ln", "true")),
    }
    Ok(match file.bool_or("original_ln_before", false)? {
        true => Reads::Sum,
        false => Reads::Part,
    })
}

/// One number for all layers, or a map from layers to numbers with a `default`.
fn reduction(file: &ConfigFile) -> Result<Reduction> {
    const KEY: &str = "reduction_factor";
    let wrong = || file.wrong(KEY, "a number above 0, or a map of layers to such numbers");
    let factor = |value: &Value| {
        let factor = value.as_f64().filter(|factor| (*factor as f32) > 0.0);
        factor.filter(|factor| factor.is_finite()).ok_or_else(wrong)
    };
    let Some(Value::Object(map)) = file.value(KEY) else {
        let value = file.value(KEY).ok_or_else(wrong)?;
        return Ok(Reduction {
            usual: Some(factor(value)?),
            of_layer: BTreeMap::new(),
        });
    };
    let mut reduction = Reduction::default();
    for (key, value) in map {
        if key == "default" {
            reduction.usual = Some(factor(value)?);
        } else {
            let layer = key.parse().map_err(|_| wrong())?;
            reduction.of_layer.insert(layer, factor(value)?);
        }
    }
    Ok(reduction)
}

/// A share from nought to below one.
fn share(file: &ConfigFile, key: &str) -> Result<f64> {
    let share = file.f64_or(key, 0.0)?;
    match (0.0..1.0).contains(&share) {
        true => Ok(share),
        false => Err(file.wrong(key, "a share from 0 to below 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a `config` section.
    fn read(config: &Value) -> Result<BottleneckConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adapter_config.json");
        fs_err::write(&path, config.to_string()).unwrap();
        BottleneckConfig::read("a", &ConfigFile::open(&path).unwrap())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut mapped = BottleneckConfig::double_seq_bn(16.0);
        mapped.reduction.of_layer.insert(1, 8.0);
        mapped.leave_out = vec![0, 2];
        for config in [
            BottleneckConfig::seq_bn(2.5),
            BottleneckConfig::par_bn(2.0),
            mapped,
        ] {
            let named = BottleneckConfig {
                name: "a".into(),
                ..config
            };
            assert_eq!(read(&named.written()).unwrap(), named);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (key, value) in [
            ("ln_before", json!(true)),
            ("ln_after", json!(true)),
            ("use_gating", json!(true)),
            ("phm_layer", json!(true)),
            ("cross_adapter", json!(true)),
            ("inv_adapter", json!("nice")),
            ("scaling", json!("learned")),
            ("original_ln_after", json!(false)),
            ("residual_before_ln", json!("post_add")),
            ("non_linearity", json!("leakyrelu")),
            ("reduction_factor", json!(0)),
            ("reduction_factor", json!({"one": 2})),
            ("leave_out", json!([-1])),
            ("dropout", json!(1)),
        ] {
            let mut config = BottleneckConfig::seq_bn(4.0).written();
            config[key] = value;
            let error = read(&config).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }
}

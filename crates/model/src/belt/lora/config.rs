//! What a LoRA is configured with: everything in `adapter_config.json` that changes numbers.
//!
//! It is read strictly: an option of the `peft` library that would change numbers here and is not
//! known is refused by name.

use serde_json::Value;

use super::pattern::Pattern;
use super::targets::Targets;
use crate::checkpoint::ConfigFile;
use crate::error::{Error, Result};

/// A LoRA's settings, under the words that the field knows.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraConfig {
    /// `r`.
    pub rank: usize,
    /// `lora_alpha`.
    pub alpha: f64,
    /// Ranks of the sites whose path ends with the key (a regular expression); the first that fits
    /// counts.
    pub rank_pattern: Vec<(String, usize)>,
    /// Alphas, likewise.
    pub alpha_pattern: Vec<(String, f64)>,
    /// `use_rslora`: alpha over the root of the rank.
    pub rank_stabilised: bool,
    /// `use_dora`: a learnt length for each row.
    pub dora: bool,
    /// `lora_dropout`.
    pub dropout: f64,
    pub targets: Targets,
    /// `exclude_modules`.
    pub exclude: Option<Targets>,
    /// `layers_to_transform`: the only layers that get a path.
    pub layers: Option<Vec<usize>>,
    /// `layers_pattern`: what stands before the number of a layer.
    pub layers_pattern: Vec<String>,
    /// `task_type`, which says nothing here and is kept for those who read it.
    pub task_type: Option<String>,
    /// `base_model_name_or_path`. Of a path only the last part is ever written.
    pub base_name: Option<String>,
}

impl Default for LoraConfig {
    /// As `peft` has it: rank 8, alpha 8, on the family's usual sites.
    fn default() -> LoraConfig {
        LoraConfig {
            rank: 8,
            alpha: 8.0,
            rank_pattern: Vec::new(),
            alpha_pattern: Vec::new(),
            rank_stabilised: false,
            dora: false,
            dropout: 0.0,
            targets: Targets::Default,
            exclude: None,
            layers: None,
            layers_pattern: Vec::new(),
            task_type: None,
            base_name: None,
        }
    }
}

/// Options of `peft` that change numbers and that nothing here does: each must be absent, null,
/// false or empty.
const UNKNOWN: [&str; 16] = [
    "alora_invocation_tokens",
    "arrow_config",
    "fan_in_fan_out",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
    "ensure_weight_tying",
    "megatron_config",
    "lora_ga_config",
];

/// Ways of `peft` to begin that leave the base as it is. The others (PiSSA, OLoRA, CorDA, LoftQ)
/// change its weights, and the belt fits only what they made of it.
const HARMLESS_BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

impl LoraConfig {
    /// Reads `adapter_config.json`.
    pub fn read(file: &ConfigFile) -> Result<LoraConfig> {
        if file.string("peft_type")? != "LORA" {
            return Err(file.wrong("peft_type", "`LORA`"));
        }
        refuse_unknown(file)?;
        let mut rank_pattern = Vec::new();
        if let Some(section) = file.section("rank_pattern")? {
            for key in section.keys() {
                expect_pattern(&section, key, key)?;
                rank_pattern.push((key.to_owned(), section.usize(key)?));
            }
        }
        let mut alpha_pattern = Vec::new();
        if let Some(section) = file.section("alpha_pattern")? {
            for key in section.keys() {
                expect_pattern(&section, key, key)?;
                alpha_pattern.push((key.to_owned(), section.f64(key)?));
            }
        }
        let targets = Targets::read(file, "target_modules")?;
        let config = LoraConfig {
            rank: file.usize("r")?,
            alpha: file.f64("lora_alpha")?,
            rank_pattern,
            alpha_pattern,
            rank_stabilised: file.bool_or("use_rslora", false)?,
            dora: file.bool_or("use_dora", false)?,
            dropout: file.f64_or("lora_dropout", 0.0)?,
            targets: targets.unwrap_or(Targets::Default),
            exclude: Targets::read(file, "exclude_modules")?,
            layers: read_layers(file)?,
            layers_pattern: one_or_more(file, "layers_pattern")?,
            task_type: file.string_optional("task_type")?.map(str::to_owned),
            base_name: file
                .string_optional("base_model_name_or_path")?
                .map(str::to_owned),
        };
        for pattern in &config.layers_pattern {
            expect_pattern(file, "layers_pattern", pattern)?;
        }
        match (0.0..1.0).contains(&config.dropout) {
            true => Ok(config),
            false => Err(file.wrong("lora_dropout", "a share from 0 up to 1")),
        }
    }

    /// Refuses settings of a new belt that make none.
    pub(crate) fn check(&self) -> Result<()> {
        let ranks = self.rank_pattern.iter().map(|(_, rank)| *rank);
        if let Some(rank) = ranks
            .chain([self.rank])
            .find(|rank| !(1..=MAX_RANK).contains(rank))
        {
            return Err(Error::plan("r", format_args!("1 to {MAX_RANK}"), rank));
        }
        let alphas = self.alpha_pattern.iter().map(|(_, alpha)| *alpha);
        if let Some(alpha) = alphas
            .chain([self.alpha])
            .find(|alpha| !(*alpha as f32).is_finite())
        {
            return Err(Error::plan("lora_alpha", "a finite number", alpha));
        }
        match (0.0..1.0).contains(&self.dropout) {
            true => Ok(()),
            false => Err(Error::plan(
                "lora_dropout",
                "a share from 0 up to 1",
                self.dropout,
            )),
        }
    }

    /// The patterns, ready to be asked.
    pub(super) fn sizes(&self) -> Result<Sizes<'_>> {
        Ok(Sizes {
            config: self,
            ranks: endings(&self.rank_pattern, "rank_pattern")?,
            alphas: endings(&self.alpha_pattern, "alpha_pattern")?,
        })
    }
}

/// More than any low rank.
const MAX_RANK: usize = 1 << 16;

/// Rank and scale of each site.
pub(super) struct Sizes<'c> {
    config: &'c LoraConfig,
    ranks: Vec<(Pattern, usize)>,
    alphas: Vec<(Pattern, f64)>,
}

impl Sizes<'_> {
    pub fn rank(&self, site: &str) -> usize {
        first(&self.ranks, site).unwrap_or(self.config.rank)
    }

    /// The factor of the low-rank path.
    pub fn scale(&self, site: &str) -> f32 {
        let alpha = first(&self.alphas, site).unwrap_or(self.config.alpha);
        scale(alpha, self.rank(site), self.config.rank_stabilised)
    }
}

/// `alpha / r`, or over its root.
pub(crate) fn scale(alpha: f64, rank: usize, stabilised: bool) -> f32 {
    let rank = rank as f64;
    (alpha / if stabilised { rank.sqrt() } else { rank }) as f32
}

fn first<T: Copy>(patterns: &[(Pattern, T)], site: &str) -> Option<T> {
    let found = patterns.iter().find(|(pattern, _)| pattern.matches(site));
    found.map(|(_, value)| *value)
}

fn endings<T: Copy>(patterns: &[(String, T)], key: &'static str) -> Result<Vec<(Pattern, T)>> {
    let compiled = patterns.iter().map(|(text, value)| {
        let pattern = Pattern::ending(text).map_err(|error| {
            Error::plan(
                key,
                "regular expressions",
                format_args!("`{text}`: {error}"),
            )
        })?;
        Ok((pattern, *value))
    });
    compiled.collect()
}

fn expect_pattern(file: &ConfigFile, key: &str, text: &str) -> Result<()> {
    match Pattern::ending(text) {
        Ok(_) => Ok(()),
        Err(error) => {
            let expected = format!("a regular expression as key ({error})");
            Err(file.wrong(key, expected))
        }
    }
}

fn refuse_unknown(file: &ConfigFile) -> Result<()> {
    for key in UNKNOWN {
        let empty = match file.value(key) {
            None | Some(Value::Bool(false)) => true,
            Some(Value::Array(list)) => list.is_empty(),
            Some(Value::Object(object)) => object.is_empty(),
            Some(_) => false,
        };
        if !empty {
            return Err(file.wrong(key, "nothing: this reader does not know that option"));
        }
    }
    if file.string_or("bias", "none")? != "none" {
        return Err(file.wrong("bias", "`none`"));
    }
    match file.value("init_lora_weights") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(Value::String(way)) if HARMLESS_BEGINNINGS.contains(&way.as_str()) => Ok(()),
        Some(_) => Err(file.wrong(
            "init_lora_weights",
            "true, false, `gaussian`, `eva` or `orthogonal`: others change the base's own weights",
        )),
    }
}

/// A number, a list of them, or nothing.
fn read_layers(file: &ConfigFile) -> Result<Option<Vec<usize>>> {
    let key = "layers_to_transform";
    let one = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let layers = match file.value(key) {
        None => return Ok(None),
        Some(Value::Array(list)) => list.iter().map(one).collect(),
        Some(single) => one(single).map(|layer| vec![layer]),
    };
    let layers: Vec<usize> = layers.ok_or_else(|| file.wrong(key, "numbers of layers"))?;
    Ok(Some(layers).filter(|layers| !layers.is_empty()))
}

/// A string, a list of them, or nothing.
pub(super) fn one_or_more(file: &ConfigFile, key: &str) -> Result<Vec<String>> {
    Ok(match file.value(key) {
        Some(Value::String(single)) if single.is_empty() => Vec::new(),
        Some(Value::String(single)) => vec![single.clone()],
        _ => file.strings(key)?.into_iter().map(str::to_owned).collect(),
    })
}

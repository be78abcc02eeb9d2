//! Section `belt`: what is trained. One flat list of keys, named as in `peft` and AdapterHub; a key
//! that means nothing for the chosen kind is refused when the recipe is checked.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The kinds of belt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeltKind {
    #[default]
    Lora,
    Dora,
    /// One shared low-rank pair with small parts for each task.
    TaskLora,
    /// Serial adapter after the feed-forward part.
    SeqBn,
    /// Serial adapters after attention and after the feed-forward part.
    DoubleSeqBn,
    /// Adapter beside the feed-forward part.
    ParBn,
    Prefix,
    /// Every weight of the base: full fine-tuning.
    Full,
}

/// Where low-rank belts act: a word (`all-linear`, `attention`, or a pattern) or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetModules {
    Word(String),
    Names(Vec<String>),
}

/// What is trained. A key that is not given has the default of the kind's own library.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeltSettings {
    pub kind: BeltKind,
    /// Rank of LoRA, DoRA and task-aware LoRA [8].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora_r: Option<usize>,
    /// [twice the rank]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora_alpha: Option<f64>,
    /// [0]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora_dropout: Option<f64>,
    /// [what `peft` chooses for the family: query and value]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_modules: Option<TargetModules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_rslora: Option<bool>,
    /// Other ranks, by the end of a site's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank_pattern: Option<IndexMap<String, usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha_pattern: Option<IndexMap<String, f64>>,
    /// Up-projections that tasks mix, in task-aware LoRA [2].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_projections: Option<usize>,
    /// Width of the base over width of an adapter [16].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reduction_factor: Option<f64>,
    /// Of an adapter [relu].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_linearity: Option<String>,
    /// What an adapter's output is multiplied by [1; parallel 4].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scaling: Option<f64>,
    /// Length of a prefix [20].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_virtual_tokens: Option<usize>,
}

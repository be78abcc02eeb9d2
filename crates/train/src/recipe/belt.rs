//! Section `belt`: what is trained. One flat list of keys, named as in `peft` and AdapterHub; a key
//! that means nothing for the chosen kind is refused when the recipe is checked.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::shape::{Shape, Shaped, section, words};

words! {
    /// The kinds of belt.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum BeltKind {
        /// Low-rank pairs beside linear maps (`peft`).
        #[default]
        Lora,
        /// LoRA of directions, with a trained length for every output (`peft`).
        Dora,
        /// One shared low-rank pair with small parts for each task.
        TaskLora,
        /// Serial adapter after the feed-forward part.
        SeqBn,
        /// Serial adapters after attention and after the feed-forward part.
        DoubleSeqBn,
        /// Adapter beside the feed-forward part.
        ParBn,
        /// Trained keys and values before every sequence, in each layer (`peft`).
        Prefix,
        /// Every weight of the base: full fine-tuning.
        Full,
    }
}

/// Where low-rank belts act: a word (`all-linear`, `attention`, or a pattern) or a list of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetModules {
    Word(String),
    Names(Vec<String>),
}

impl Shaped for TargetModules {
    fn shape() -> Shape {
        let shapes = vec![Shape::Text, Vec::<String>::shape()];
        Shape::OneOf("a word or a list of names", shapes)
    }
}

section! {
    /// What is trained. A key that is not given has the default of the kind's own library.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct BeltSettings {
        /// What kind of belt, or `full` for full fine-tuning [lora].
        pub kind: BeltKind,
        /// Rank of LoRA, DoRA and task-aware LoRA [8].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lora_r: Option<usize>,
        /// Strength of a low-rank belt; its path counts `lora_alpha / lora_r` [twice the rank].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lora_alpha: Option<f64>,
        /// Share of inputs that a low-rank path drops while it learns [0].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub lora_dropout: Option<f64>,
        /// Where a low-rank belt acts: `all-linear`, `attention`, a pattern, or a list of names [what `peft` chooses for the family: query and value].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub target_modules: Option<TargetModules>,
        /// Divide `lora_alpha` by the root of the rank instead of the rank [false].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub use_rslora: Option<bool>,
        /// Other ranks, by the end of a site's path [none].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rank_pattern: Option<IndexMap<String, usize>>,
        /// Other alphas, by the end of a site's path [none].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub alpha_pattern: Option<IndexMap<String, f64>>,
        /// Up-projections that tasks mix, in task-aware LoRA [2].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub up_projections: Option<usize>,
        /// Width of the base over width of an adapter [16; parallel 2].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reduction_factor: Option<f64>,
        /// Curve inside an adapter [relu; `double_seq_bn` swish].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub non_linearity: Option<String>,
        /// What an adapter's output is multiplied by [1; parallel 4].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub scaling: Option<f64>,
        /// Length of a prefix [20].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub num_virtual_tokens: Option<usize>,
    }
}

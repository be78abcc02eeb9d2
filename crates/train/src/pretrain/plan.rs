//! The plan of a pretraining: its keys, what they mean, and what holds without them. Reading it and
//! making a run of it stand beside.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::shape::{section, words};
use crate::recipe::{Mixing, Optimiser, Schedule, SplitFiles, TaskSettings, TaskType, Training};

words! {
    /// What is learnt of a text.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Aim {
        /// Each token from those before it: a decoder in Qwen2's layout.
        Causal,
        /// Tokens that were hidden, from all others: an encoder of the BERT family, in RoBERTa's layout.
        Masked,
        /// Documentation and its function lie close together: a last stage, on a base.
        Contrastive,
    }
}

section! {
    /// One run of `skillbelt pretrain`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct PlanFile {
        /// What is learnt of a text [causal].
        #[serde(default = "causal")]
        pub objective: Aim,
        /// A base to go on from, instead of fresh weights: a folder, or a name on the hub. Its network and its tokenizer are kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub base: Option<String>,
        /// The sizes of a fresh network.
        #[serde(default)]
        pub network: NetworkSettings,
        /// How text is cut into tokens.
        #[serde(default)]
        pub tokenizer: TokenizerSettings,
        /// Where texts come from, by name.
        pub sources: IndexMap<String, SourceSettings>,
        /// What is never learnt from, so that it can be measured.
        #[serde(default)]
        pub held_out: HeldOut,
        /// The documented functions of the sources, as pairs that are to lie close together: all that is drawn under `contrastive`, else a share of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub documented: Option<Documented>,
        /// Pairs of other files that are to lie close together, as tasks of type `retrieve`, mixed in by their weights.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        pub contrast: IndexMap<String, TaskSettings>,
        /// How long, how fast.
        #[serde(default)]
        pub training: Course,
    }
}

fn causal() -> Aim {
    Aim::Causal
}

impl PlanFile {
    /// How documented functions are learnt, if they are.
    pub fn pairs(&self) -> Option<Documented> {
        match (&self.documented, self.objective) {
            (Some(given), _) => Some(given.clone()),
            (None, Aim::Contrastive) => Some(Documented::default()),
            (None, _) => None,
        }
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct NetworkSettings {
        /// Numbers per token.
        pub width: usize,
        /// Blocks.
        pub layers: usize,
        /// Heads of attention; they share the width.
        pub heads: usize,
        /// Heads of keys and values, a divisor of `heads` (`causal` only) [heads].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub kv_heads: Option<usize>,
        /// Width of the feed-forward part.
        pub inner: usize,
        /// Longest text in tokens.
        pub positions: usize,
    }
}

impl Default for NetworkSettings {
    fn default() -> NetworkSettings {
        NetworkSettings {
            width: 256,
            layers: 8,
            heads: 4,
            kv_heads: None,
            inner: 688,
            positions: 1024,
        }
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct TokenizerSettings {
        /// A folder with a `tokenizer.json` to use, instead of learning one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub folder: Option<PathBuf>,
        /// Tokens, those with a role included.
        pub vocabulary: usize,
        /// It is learnt from so many bytes, drawn from the sources by their weights.
        pub sample_bytes: u64,
    }
}

impl Default for TokenizerSettings {
    fn default() -> TokenizerSettings {
        TokenizerSettings {
            folder: None,
            vocabulary: 8192,
            sample_bytes: 40_000_000,
        }
    }
}

section! {
    /// Files of one kind.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct SourceSettings {
        /// Files, and folders whose own folders are projects.
        pub files: Vec<PathBuf>,
        /// Endings of the names of files that are taken from folders [all].
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub extensions: Vec<String>,
        /// How often the source is drawn, against the others [its bytes].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub weight: Option<f64>,
        /// At most so many bytes of text, drawn by the seed [all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_bytes: Option<u64>,
        /// At most so many bytes of any one project, so that none speaks for all [all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_project_bytes: Option<u64>,
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct HeldOut {
        /// Share of the projects, drawn by their names: the same ones however the sources change.
        pub share: f64,
        /// Instead of the share: the projects, by the names of their folders.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pub projects: Vec<String>,
        /// At most so many bytes of each source are asked in an evaluation.
        pub max_bytes: u64,
    }
}

impl Default for HeldOut {
    fn default() -> HeldOut {
        HeldOut {
            share: 0.05,
            projects: Vec::new(),
            max_bytes: 100_000,
        }
    }
}

section! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Documented {
        /// Share of the draws, beside texts (`contrastive` draws nothing else).
        pub share: f64,
        /// Functions of a draw: each documentation must find its own among them.
        pub batch_size: usize,
        /// Longest documentation in tokens.
        pub max_query_length: usize,
        /// Longest function in tokens.
        pub max_length: usize,
        /// How a text becomes a vector: `mean`, `first` or `last`.
        pub pooling: String,
        /// What similarities are divided by before the softmax.
        pub temperature: f64,
    }
}

impl Default for Documented {
    fn default() -> Documented {
        Documented {
            share: 0.25,
            batch_size: 64,
            max_query_length: 48,
            max_length: 160,
            pooling: "mean".to_owned(),
            temperature: 0.05,
        }
    }
}

impl Documented {
    /// The same in a recipe's words, of the pairs in these files.
    pub fn settings(&self, train: PathBuf, valid: Option<PathBuf>) -> TaskSettings {
        TaskSettings {
            kind: Some(TaskType::Retrieve),
            train: Some(SplitFiles::One(train)),
            valid: valid.map(SplitFiles::One),
            max_length: Some(self.max_length),
            max_query_length: Some(self.max_query_length),
            max_eval_rows: Some(ASKED_PAIRS),
            pooling: Some(self.pooling.clone()),
            temperature: Some(self.temperature),
            symmetric: Some(true),
            metric: Some("mrr".to_owned()),
            ..TaskSettings::default()
        }
    }
}

/// Held-out pairs of a source that are asked in an evaluation.
const ASKED_PAIRS: usize = 256;

section! {
    /// The keys have the names and meanings that they have in a recipe.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Course {
        /// Of every draw; the same seed gives the same base.
        pub seed: u64,
        /// Steps in all. Under `warmup_stable_decay` a run may go on under another number, so long as it has not begun to decay.
        pub max_steps: u64,
        /// Highest learning rate.
        pub learning_rate: f64,
        /// Decay of the weights, as AdamW decouples it.
        pub weight_decay: f64,
        /// Memory of the mean of gradients.
        pub adam_beta1: f64,
        /// Memory of the mean of their squares.
        pub adam_beta2: f64,
        /// What keeps the division by the root of the squares from zero.
        pub adam_epsilon: f64,
        /// How the moments of AdamW are held.
        pub optim: Optimiser,
        /// How the rate moves after the warm-up.
        pub lr_scheduler_type: Schedule,
        /// Steps in which the rate rises from zero.
        pub warmup_steps: u64,
        /// `warmup_stable_decay`: the last steps, in which the rate falls to zero [a fifth of all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub decay_steps: Option<u64>,
        /// Longest gradient, over all that is trained; 0 for no limit.
        pub max_grad_norm: f64,
        /// Tokens of a stretch of text that is read at once.
        pub window: usize,
        /// Tokens of a step.
        pub batch_tokens: usize,
        /// Tokens that are computed at once: the texts of one draw from one source.
        pub pack_tokens: usize,
        /// `masked`: share of the tokens that are hidden.
        pub masked_share: f64,
        /// Keep only the inputs of each layer and compute the rest again.
        pub gradient_checkpointing: bool,
        /// Round what is kept for the way back to bf16.
        pub half_activations: bool,
        /// Round what is multiplied to bf16, where the machine has tiles of it; sums and weights stay f32.
        pub bf16: bool,
        /// Steps between looks at what is held out; 0: only at the end.
        pub eval_steps: u64,
        /// Steps between checkpoints; 0: one at each evaluation.
        pub save_steps: u64,
        /// Steps between lines of the log.
        pub logging_steps: u64,
    }
}

impl Default for Course {
    fn default() -> Course {
        Course {
            seed: 0,
            max_steps: 2000,
            learning_rate: 2e-3,
            weight_decay: 0.05,
            adam_beta1: 0.9,
            adam_beta2: 0.95,
            adam_epsilon: 1e-8,
            optim: Optimiser::AdamW,
            lr_scheduler_type: Schedule::WarmupStableDecay,
            warmup_steps: 100,
            decay_steps: None,
            max_grad_norm: 1.0,
            window: 512,
            batch_tokens: 16384,
            pack_tokens: 4096,
            masked_share: 0.15,
            gradient_checkpointing: false,
            half_activations: false,
            bf16: false,
            eval_steps: 500,
            save_steps: 100,
            logging_steps: 10,
        }
    }
}

impl Course {
    /// The same in a recipe's words: sources are tasks, a draw is a pack of one of them, and they are
    /// drawn by their weights.
    pub fn training(&self) -> Training {
        Training {
            seed: self.seed,
            max_steps: Some(self.max_steps),
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            adam_beta1: self.adam_beta1,
            adam_beta2: self.adam_beta2,
            adam_epsilon: self.adam_epsilon,
            optim: self.optim,
            lr_scheduler_type: self.lr_scheduler_type,
            warmup_steps: Some(self.warmup_steps),
            decay_steps: self.decay_steps,
            max_grad_norm: self.max_grad_norm,
            batch_size: (self.pack_tokens / self.window).max(1),
            tasks_per_step: 1,
            gradient_accumulation_steps: (self.batch_tokens / self.pack_tokens).max(1),
            pack_tokens: self.pack_tokens,
            mixing: Mixing::Weights,
            gradient_checkpointing: self.gradient_checkpointing,
            half_activations: self.half_activations,
            save_steps: self.save_steps,
            logging_steps: self.logging_steps,
            ..Training::default()
        }
    }
}

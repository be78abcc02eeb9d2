//! Section `training`: how long, how fast, in which order.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::shape::{section, words};

words! {
    /// How the learning rate moves after the warm-up.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Schedule {
        /// It stays.
        Constant,
        /// It falls to zero in a line.
        Linear,
        /// It falls to zero along half a wave.
        Cosine,
        /// It stays, and falls to zero in a line over the last `decay_steps`.
        WarmupStableDecay,
    }
}

words! {
    /// How moments are held.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum Optimiser {
        /// Both moments in f32.
        #[serde(rename = "adamw")]
        AdamW,
        /// Both moments in eight bits per number.
        #[serde(rename = "adamw_8bit")]
        AdamW8bit,
    }
}

words! {
    /// Which tasks stand in a step.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Mixing {
        /// Drawn with a chance that grows with the task's size to the power of 1 / temperature.
        Temperature,
        /// Drawn with chances given by the tasks' weights.
        Weights,
        /// One after the other.
        Turns,
    }
}

words! {
    /// How the losses of tasks are weighed against each other.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Balancing {
        /// By the tasks' own weights.
        Fixed,
        /// Learnt uncertainties, with the term that keeps them from running away.
        Uncertainty,
        /// By how fast each loss falls on validation rows, as CoBa.
        Coba,
        /// Conflicting gradients are projected off each other, as PCGrad.
        Pcgrad,
        /// A softmax learnt by descending the very loss that it weighs. It collapses; kept only to show that.
        StudySoftmax,
    }
}

section! {
    /// How the run goes.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct Training {
        /// Of every draw; the same seed gives the same belt.
        pub seed: u64,
        /// Walks over the training rows, all tasks together.
        pub num_epochs: f64,
        /// Instead of epochs: so many steps [by num_epochs].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_steps: Option<u64>,
        /// Highest learning rate.
        pub learning_rate: f64,
        /// Of the heads [learning_rate].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub head_learning_rate: Option<f64>,
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
        /// Share of all steps in which the rate rises from zero.
        pub warmup_ratio: f64,
        /// Instead of the share: so many steps [by warmup_ratio].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub warmup_steps: Option<u64>,
        /// `warmup_stable_decay`: the last steps, in which the rate falls [a fifth of all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub decay_steps: Option<u64>,
        /// Longest gradient, over all that is trained; 0 for no limit.
        pub max_grad_norm: f64,
        /// Examples of each task in a step that holds it.
        pub batch_size: usize,
        /// Tasks in a step; all of them if 0.
        pub tasks_per_step: usize,
        /// Draws of batches whose gradients make one step.
        pub gradient_accumulation_steps: usize,
        /// Tokens that are computed at once. Changes memory and speed, never what is learnt.
        pub pack_tokens: usize,
        /// Which tasks stand in a step.
        pub mixing: Mixing,
        /// Of `mixing: temperature`; 1 draws by size, more evens out.
        pub mixing_temperature: f64,
        /// How the losses of tasks are weighed against each other.
        pub balancing: Balancing,
        /// Settings of a balancing, by name [those of the method].
        #[serde(skip_serializing_if = "IndexMap::is_empty")]
        pub balancing_options: IndexMap<String, f64>,
        /// Keep only the inputs of each layer and compute the rest again.
        pub gradient_checkpointing: bool,
        /// Round what is kept for the way back to bf16.
        pub half_activations: bool,
        /// A task whose metric has not risen for so many evaluations leaves the mix; 0: never.
        pub freeze_after: usize,
        /// Steps between checkpoints; 0: one at each evaluation.
        pub save_steps: u64,
        /// Steps between lines of the log.
        pub logging_steps: u64,
    }
}

impl Default for Training {
    fn default() -> Training {
        Training {
            seed: 0,
            num_epochs: 3.0,
            max_steps: None,
            learning_rate: 5e-4,
            head_learning_rate: None,
            weight_decay: 0.01,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            optim: Optimiser::AdamW,
            lr_scheduler_type: Schedule::Linear,
            warmup_ratio: 0.06,
            warmup_steps: None,
            decay_steps: None,
            max_grad_norm: 1.0,
            batch_size: 32,
            tasks_per_step: 1,
            gradient_accumulation_steps: 1,
            pack_tokens: 4096,
            mixing: Mixing::Temperature,
            mixing_temperature: 2.0,
            balancing: Balancing::Fixed,
            balancing_options: IndexMap::new(),
            gradient_checkpointing: false,
            half_activations: false,
            freeze_after: 0,
            save_steps: 0,
            logging_steps: 10,
        }
    }
}

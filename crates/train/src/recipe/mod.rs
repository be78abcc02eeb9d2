//! The recipe: everything that a training run is told, as one value.
//!
//! Here stand the keys, their defaults and what they mean; one file per section. Reading YAML, saying
//! where a value came from, and refusing what does not fit together stand beside it.

pub mod base;
pub mod belt;
pub mod evaluation;
pub mod task;
pub mod training;

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use base::BaseSettings;
pub use belt::{BeltKind, BeltSettings};
pub use evaluation::{Evaluation, Policy};
pub use task::{Format, SplitFiles, TaskSettings, TaskType};
pub use training::{Balancing, Mixing, Optimiser, Schedule, Training};

/// One run of `skillbelt train`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub base: BaseSettings,
    #[serde(default)]
    pub belt: BeltSettings,
    /// By name, in the order of the file: the order is the order of turns and of the belt's heads.
    pub tasks: IndexMap<String, TaskSettings>,
    #[serde(default)]
    pub training: Training,
    #[serde(default)]
    pub evaluation: Evaluation,
    /// The run folder: checkpoints, metrics, and the belt.
    pub output: PathBuf,
}

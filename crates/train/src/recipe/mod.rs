//! The recipe: everything that a training run is told, as one value.
//!
//! Here stand the keys, their defaults and what they mean; one file per section. Reading YAML, saying
//! where a value came from, and refusing what does not fit together stand beside it.

pub mod base;
pub mod belt;
pub mod check;
pub(crate) mod conform;
mod defaults;
pub mod endpoint;
pub mod evaluation;
pub mod identity;
pub(crate) mod places;
pub mod preset;
pub mod problem;
pub mod prompting;
pub mod reference;
pub mod resolve;
mod section_file;
pub mod shape;
pub(crate) mod suggest;
pub mod task;
pub mod training;
pub(crate) mod tree;
mod write;
pub(crate) mod yaml;

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::shape::section;

pub use base::BaseSettings;
pub use belt::{BeltKind, BeltSettings};
pub use endpoint::{Api, EndpointSettings};
pub use evaluation::{Evaluation, Policy};
pub use problem::Problem;
pub use prompting::{Asking, Choosing, Labelling, Prompting, Search};
pub use resolve::{Override, Resolved, read};
pub(crate) use resolve::{lay_over, settle, text_of};
pub use section_file::read_section;
pub use task::{Format, SplitFiles, TaskSettings, TaskType};
pub use training::{Balancing, Mixing, Optimiser, Schedule, Training};
pub use tree::Origin;

section! {
    /// One run of `skillbelt train`.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Recipe {
        /// Which pretrained model, and how it is held; a name or folder alone is its `name` [must be given].
        pub base: BaseSettings,
        /// What is trained; a kind alone is its `kind` [a LoRA].
        #[serde(default)]
        pub belt: BeltSettings,
        /// By name, in the order of the file: the order is the order of turns and of the belt's heads [must be given].
        pub tasks: IndexMap<String, TaskSettings>,
        /// How long, how fast, in which order [the values below].
        #[serde(default)]
        pub training: Training,
        /// When validation rows are asked, and which moment is shipped [the values below].
        #[serde(default)]
        pub evaluation: Evaluation,
        /// How `skillbelt prompt` asks the tasks without a belt; training does not read it [the values below].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub prompting: Option<Prompting>,
        /// The run folder: checkpoints, metrics, and the belt [must be given].
        pub output: PathBuf,
    }
}

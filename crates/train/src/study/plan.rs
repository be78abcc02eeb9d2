//! The plan of a study: its keys, what they mean, and what holds without them. Reading it and making
//! cells of it stand beside.

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::recipe::shape::{Shape, Shaped, section, words};
use crate::recipe::tree::Node;
use crate::recipe::{BaseSettings, BeltSettings, Evaluation, Prompting, TaskSettings, Training};

words! {
    /// Which tasks are trained together.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Arm {
        /// Each task alone.
        Single,
        /// All tasks together.
        Multi,
        /// Every two tasks.
        Pairs,
        /// All tasks but one, for each one.
        LeaveOneOut,
        /// Each task alone by full fine-tuning: the belts of kind `full`, and no other.
        Full,
        /// Answers that are made by prompting.
        Prompted,
        /// All tasks, before the first step.
        Untrained,
    }
}

impl Arm {
    pub fn name(self) -> &'static str {
        match self {
            Arm::Single => "single",
            Arm::Multi => "multi",
            Arm::Pairs => "pairs",
            Arm::LeaveOneOut => "leave_one_out",
            Arm::Full => "full",
            Arm::Prompted => "prompted",
            Arm::Untrained => "untrained",
        }
    }
}

section! {
    /// The keys of a belt of a plan that are not those of the section `belt` of a recipe.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    pub struct BesideTheBelt {
        /// Highest learning rate of this belt, the same in every arm [training.learning_rate].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub learning_rate: Option<f64>,
        /// Of its heads, the same in every arm [training.head_learning_rate].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub head_learning_rate: Option<f64>,
        /// How frozen weights are held under this belt [that of the base; `f32` for `full`].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub precision: Option<String>,
        /// The arms of this belt [those of the plan].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub arms: Option<Vec<Arm>>,
        /// The bases of this belt, by the names of the plan [all of them].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bases: Option<Vec<String>>,
    }
}

/// A belt of a plan: the keys of the section `belt` of a recipe, and some beside.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PlannedBelt {
    #[serde(flatten)]
    pub beside: BesideTheBelt,
    #[serde(flatten)]
    pub settings: BeltSettings,
}

impl PlannedBelt {
    /// Whether the belt is trained on a base of the plan.
    pub fn is_on(&self, base: &str) -> bool {
        let named = self.beside.bases.as_ref();
        named.is_none_or(|bases| bases.iter().any(|name| name == base))
    }
}

impl Shaped for PlannedBelt {
    fn shape() -> Shape {
        let all = [BesideTheBelt::shape(), BeltSettings::shape()];
        Shape::Section(all.iter().flat_map(|part| part.keys().to_vec()).collect())
    }
}

section! {
    /// The keys of an entry of `prompts` that are not those of the section `prompting` of a recipe.
    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default)]
    pub struct BesideThePrompt {
        /// Answers that are there, and nothing is asked: the folder that holds them, as `TASK.test.jsonl`; a task without a file is not in the arm.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub answers: Option<PathBuf>,
        /// The bases that are asked: by the names of the plan, or folders and hub names of bases that nothing is trained on [those of the plan].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub bases: Option<Vec<String>>,
        /// The tasks that are asked [all].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub only: Option<Vec<String>>,
    }
}

/// A way to answer without training: the keys of the section `prompting` of a recipe, and some beside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompted {
    #[serde(flatten)]
    pub beside: BesideThePrompt,
    #[serde(flatten)]
    pub settings: Prompting,
}

impl Shaped for Prompted {
    fn shape() -> Shape {
        let all = [BesideThePrompt::shape(), Prompting::shape()];
        Shape::Section(all.iter().flat_map(|part| part.keys().to_vec()).collect())
    }
}

section! {
    /// A study: arms x belts x bases x seeds.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct PlanFile {
        /// Which tasks are trained together.
        pub arms: Vec<Arm>,
        /// What is trained, by a name of your own; a list of kinds is enough where nothing is set.
        #[serde(default)]
        pub belts: IndexMap<String, PlannedBelt>,
        /// On which bases, by a name of your own; a list of folders or hub names is enough.
        #[serde(default)]
        pub bases: IndexMap<String, BaseSettings>,
        /// Each cell is trained once for each of these.
        pub seeds: Vec<u64>,
        /// As in a recipe.
        pub tasks: IndexMap<String, TaskSettings>,
        /// As in a recipe, but for what would make arms unequal; `max_steps` must be given.
        #[serde(default)]
        pub training: Training,
        /// As in a recipe.
        #[serde(default)]
        pub evaluation: Evaluation,
        /// Of the arm `prompted`, by a name of your own.
        #[serde(default)]
        pub prompts: IndexMap<String, Prompted>,
        /// Keep the belts of finished cells, and not only answers and numbers [true].
        #[serde(default = "kept")]
        pub keep_belts: bool,
        /// Draws of the bootstrap behind intervals and p [2000].
        #[serde(default = "usual_draws")]
        pub draws: u64,
    }
}

fn kept() -> bool {
    true
}

fn usual_draws() -> u64 {
    2000
}

/// A plan that was read: typed, and as it was written with the origin of each value.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As it was named.
    pub path: PathBuf,
    pub text: String,
    pub file: PlanFile,
    pub(super) given: Node,
}

impl Plan {
    /// The name of the file, without its ending.
    pub fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or(self.path.as_os_str());
        stem.to_string_lossy().into_owned()
    }

    /// Every base by its name: those of the plan, then those that are only asked.
    pub fn bases(&self) -> IndexMap<String, BaseSettings> {
        let mut bases = self.file.bases.clone();
        for prompted in self.file.prompts.values() {
            for written in prompted.beside.bases.iter().flatten() {
                let name = self.base_called(written);
                bases.entry(name).or_insert_with(|| BaseSettings {
                    name: written.clone(),
                    revision: None,
                    precision: "f32".into(),
                    weights: None,
                });
            }
        }
        bases
    }

    /// The name of a base that is asked: its own, or the end of its path.
    pub fn base_called(&self, written: &str) -> String {
        let end = std::path::Path::new(written).file_name();
        match (self.file.bases.contains_key(written), end) {
            (false, Some(end)) => end.to_string_lossy().into_owned(),
            _ => written.to_owned(),
        }
    }

    /// A base by its name: a folder beside the plan if there is one, else a hub's name.
    pub fn base(&self, name: &str) -> Option<BaseSettings> {
        let base = self.bases().shift_remove(name)?;
        let folder = self.path.parent().unwrap_or(std::path::Path::new(""));
        let beside = folder.join(&base.name);
        let relative = base.name.starts_with("./") || base.name.starts_with("../");
        let name = match relative || beside.is_dir() {
            true => beside.to_string_lossy().into_owned(),
            false => base.name.clone(),
        };
        Some(BaseSettings { name, ..base })
    }

    /// The arms of a belt.
    pub fn arms_of(&self, belt: &PlannedBelt) -> Vec<Arm> {
        belt.beside
            .arms
            .clone()
            .unwrap_or_else(|| self.file.arms.clone())
    }

    /// Every arm that some belt stands in, in the order of [`Arm`].
    pub fn arms(&self) -> Vec<Arm> {
        let mut arms = self.file.arms.clone();
        arms.extend(self.file.belts.values().flat_map(|belt| self.arms_of(belt)));
        arms.sort();
        arms.dedup();
        arms
    }

    /// Steps that every task takes in every arm.
    pub fn steps(&self) -> u64 {
        self.file.training.max_steps.unwrap_or_default()
    }
}

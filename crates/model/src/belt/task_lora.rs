//! Task-aware LoRA (arXiv 2410.09437): one A and a few B shared by all tasks; for each task a small
//! turn between them and its own mixture of the B. In a pass of task `t` a map gives
//! `W x + scale * sum_i softmax(w_t / temperature)_i B_i L_t A x`.
//!
//! No other library has a format for it, so it has its own, which none can misread:
//! `adapter_config.json` has a section `skillbelt` with `kind: task_lora` and no `peft_type`, and
//! the numbers lie in `task_lora.safetensors` as `<site>.down [R x K]`, `<site>.up [N x I R]` (the
//! `I` projections side by side), `<site>.turn.<t> [R x R]` and `<site>.mix.<t> [1 x I]`, where `t`
//! is the place of the task in `tasks`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use skillbelt_engine::ops::{Linear, LowRank, Tasks};
use skillbelt_engine::{Mat, Param};

use super::folder::plain_name;
use super::full::expect_own;
use super::lora::{LoraConfig, Targets, drawn_down, names_of, scale, sites};
use super::{CONFIG, OWN, write_json, write_params};
use crate::base::Network;
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

pub const KIND: &str = "task_lora";
const FORMAT: usize = 1;
const WEIGHTS: &str = "task_lora.safetensors";
/// More tasks or projections than any belt has.
const MAX_PARTS: usize = 4096;

/// A task-aware LoRA's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLoraConfig {
    pub rank: usize,
    pub alpha: f64,
    /// Alpha over the root of the rank.
    pub rank_stabilised: bool,
    pub dropout: f64,
    pub targets: Targets,
    /// Names of the tasks; a pass names its task by the place in this list.
    pub tasks: Vec<String>,
    /// How many B the tasks share.
    pub projections: usize,
    /// Below one a task's mixture is sharper, above one flatter.
    pub temperature: f64,
    /// The base it was made for; of a path only the last part is written.
    pub base_name: Option<String>,
}

impl Default for TaskLoraConfig {
    /// Rank 8 on the family's usual sites, three projections (as the paper), no tasks yet.
    fn default() -> TaskLoraConfig {
        TaskLoraConfig {
            rank: 8,
            alpha: 16.0,
            rank_stabilised: false,
            dropout: 0.0,
            targets: Targets::Default,
            tasks: Vec::new(),
            projections: 3,
            temperature: 0.5,
            base_name: None,
        }
    }
}

/// A task-aware LoRA on a base; of each site A, B, the turns, the mixtures.
pub struct TaskLora {
    pub config: TaskLoraConfig,
    pub params: Vec<Param>,
}

impl TaskLoraConfig {
    fn check(&self) -> Result<()> {
        let unique: BTreeSet<&String> = self.tasks.iter().collect();
        if self.tasks.is_empty() || unique.len() != self.tasks.len() || unique.len() > MAX_PARTS {
            let found = format!("{:?}", self.tasks);
            return Err(Error::plan("tasks", "names of tasks, each once", found));
        }
        if !(1..=MAX_PARTS).contains(&self.projections) {
            let expected = format!("1 to {MAX_PARTS}");
            return Err(Error::plan("projections", expected, self.projections));
        }
        match self.temperature as f32 > 0.0 && (self.temperature as f32).is_finite() {
            true => self.sites().check(),
            false => Err(Error::plan(
                "temperature",
                "a number above 0",
                self.temperature,
            )),
        }
    }

    /// What it has in common with a LoRA.
    fn sites(&self) -> LoraConfig {
        LoraConfig {
            rank: self.rank,
            alpha: self.alpha,
            dropout: self.dropout,
            targets: self.targets.clone(),
            ..LoraConfig::default()
        }
    }

    fn read(own: &ConfigFile) -> Result<TaskLoraConfig> {
        let config = TaskLoraConfig {
            rank: own.usize("r")?,
            alpha: own.f64("lora_alpha")?,
            rank_stabilised: own.bool_or("use_rslora", false)?,
            dropout: own.f64_or("lora_dropout", 0.0)?,
            targets: Targets::Names(
                own.strings("target_modules")?
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            ),
            tasks: own
                .strings("tasks")?
                .into_iter()
                .map(str::to_owned)
                .collect(),
            projections: own.usize("projections")?,
            temperature: own.positive_or("temperature", 0.5)?,
            base_name: own.string_optional("base_name")?.map(str::to_owned),
        };
        config.check().map_err(|error| match error {
            Error::Plan { key, expected, .. } => own.wrong(key, expected),
            other => other,
        })?;
        Ok(config)
    }

    /// The path of one site; `make` gives a parameter by its name after the site's and its shape.
    fn path(
        &self,
        linear: &Linear,
        mut make: impl FnMut(&str, usize, usize) -> Result<Param>,
    ) -> Result<LowRank> {
        let (rank, n, k) = (self.rank, linear.outputs(), linear.inputs());
        let down = make("down", rank, k)?;
        let up = make("up", n, rank * self.projections)?;
        let mut each = |part: &str, rows, cols| -> Result<Vec<Param>> {
            let of_task = |task| make(&format!("{part}.{task}"), rows, cols);
            (0..self.tasks.len()).map(of_task).collect()
        };
        let tasks = Tasks {
            turns: each("turn", rank, rank)?,
            weights: each("mix", 1, self.projections)?,
            temperature: self.temperature as f32,
        };
        let scale = scale(self.alpha, rank, self.rank_stabilised);
        Ok(LowRank {
            tasks: Some(tasks),
            ..LowRank::plain(down, up, scale, self.dropout as f32)
        })
    }
}

impl TaskLora {
    /// A new belt that changes nothing yet: A drawn as for LoRA, every B zero, the turns identity,
    /// the mixtures even. The projections then differ from the first step on only if the mixtures
    /// of the tasks do: so each mixture starts a little off even, drawn from the seed.
    pub fn fresh(
        network: &mut dyn Network,
        mut config: TaskLoraConfig,
        seed: u64,
    ) -> Result<TaskLora> {
        config.check()?;
        let family = network.family();
        let linears = network.linears_mut()?;
        let paths: Vec<String> = linears.iter().map(|linear| linear.name.clone()).collect();
        let sites = sites(&config.sites(), family, &paths)?;
        let mut params = Vec::new();
        for linear in linears {
            if !sites.contains(&linear.name) {
                continue;
            }
            let low_rank = config.path(linear, |part, rows, cols| {
                let name = format!("{}.{part}", linear.name);
                let kind = part.split('.').next().unwrap_or_default();
                let mat = match kind {
                    "down" => drawn_down(&name, rows, cols, seed),
                    "turn" => identity(rows),
                    "mix" => {
                        let mut mat = drawn_down(&name, rows, cols, seed);
                        mat.scale(UNEVENNESS);
                        mat
                    }
                    _ => Mat::zeros(rows, cols),
                };
                Ok(Param::trained(name, mat))
            })?;
            params.extend(low_rank.params());
            linear.attach(low_rank)?;
        }
        config.targets = Targets::Names(names_of(&sites, &paths));
        Ok(TaskLora { config, params })
    }

    /// Reads a belt and puts it on a base, as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<TaskLora> {
        let file = ConfigFile::open(&folder.join(CONFIG))?;
        let config = TaskLoraConfig::read(&expect_own(&file, KIND, FORMAT)?)?;
        let weights = Checkpoint::open_file(&folder.join(WEIGHTS))?;
        let family = network.family();
        let linears = network.linears_mut()?;
        let paths: Vec<String> = linears.iter().map(|linear| linear.name.clone()).collect();
        let sites = sites(&config.sites(), family, &paths)?;
        let new = if trained {
            Param::trained
        } else {
            Param::frozen
        };
        let (mut params, mut placed) = (Vec::new(), BTreeSet::new());
        for linear in linears {
            if !sites.contains(&linear.name) {
                continue;
            }
            let low_rank = config.path(linear, |part, rows, cols| {
                let key = format!("{}.{part}", linear.name);
                let numbers = weights.read_f32(&key, &[rows, cols])?;
                placed.insert(key.clone());
                Ok(new(key, Mat::from_vec(rows, cols, numbers)))
            })?;
            params.extend(low_rank.params());
            linear.attach(low_rank)?;
        }
        let keys: Vec<String> = weights
            .keys()
            .filter(|key| !placed.contains(*key))
            .map(str::to_owned)
            .collect();
        match keys.is_empty() {
            true => Ok(TaskLora { config, params }),
            false => Err(Error::SurplusTensors {
                path: weights.path().to_owned(),
                keys,
            }),
        }
    }

    /// Writes the numbers and the configuration.
    pub fn save(&self, folder: &Path) -> Result<()> {
        write_params(&folder.join(WEIGHTS), &self.params, |param| {
            vec![param.value().rows(), param.value().cols()]
        })?;
        let config = &self.config;
        let own = json!({
            "kind": KIND,
            "format": FORMAT,
            "r": config.rank,
            "lora_alpha": config.alpha,
            "use_rslora": config.rank_stabilised,
            "lora_dropout": config.dropout,
            "target_modules": config.targets.written(),
            "tasks": config.tasks,
            "projections": config.projections,
            "temperature": config.temperature,
            "base_name": config.base_name.as_deref().map(plain_name),
        });
        write_json(&folder.join(CONFIG), &json!({ OWN: own }))
    }

    /// The place of a task, for the pass.
    pub fn task(&self, name: &str) -> Option<usize> {
        self.config.tasks.iter().position(|task| task == name)
    }
}

/// How far from even the mixtures start, at most, times the root of the number of projections.
const UNEVENNESS: f32 = 0.1;

fn identity(size: usize) -> Mat {
    let mut mat = Mat::zeros(size, size);
    for i in 0..size {
        mat.row_mut(i)[i] = 1.0;
    }
    mat
}

//! Belts: what is trained beside a frozen base, read from and written to the formats of the
//! libraries of the field. One file or folder per kind.
//!
//! A belt is a list of parameters that stand in a network. Freezing, counting, saving and the
//! optimiser all follow from that one list.

pub(crate) mod adapterhub;
pub mod bottleneck;
pub mod bottleneck_config;
pub mod folder;
pub mod full;
pub mod heads;
pub mod lora;
pub mod prefix;
mod prefix_files;
pub mod sites;
pub mod task_lora;

use std::path::Path;

use serde_json::Value;
use skillbelt_engine::{Param, Precision};

use crate::base::{Network, Purpose};
use crate::checkpoint::{ConfigFile, write};
use crate::error::{Error, Result};

pub use bottleneck::BottleneckBelt;
pub use bottleneck_config::BottleneckConfig;
pub use folder::BeltFile;
pub use full::Full;
pub use lora::{Lora, LoraConfig, Targets};
pub use prefix::{PrefixBelt, PrefixConfig};
pub use task_lora::{KIND as TASK_LORA, TaskLora, TaskLoraConfig};

/// What a new belt is called in files that need a name.
const NAME: &str = "belt";

/// Numbers of layers under a key; absent is none.
fn layers(file: &ConfigFile, key: &str) -> Result<Vec<usize>> {
    let whole = |number: f64| {
        let is_one = number >= 0.0 && number.fract() == 0.0;
        is_one.then_some(number as usize)
    };
    let layers = file.numbers(key)?.into_iter().map(whole);
    layers
        .collect::<Option<_>>()
        .ok_or_else(|| file.wrong(key, "a list of layers, counted from 0"))
}

/// A belt of any kind on a network.
pub enum Belt {
    /// LoRA, or DoRA where its configuration says so.
    Lora(Lora),
    Bottleneck(BottleneckBelt),
    Prefix(PrefixBelt),
    /// One shared low-rank path with small parts for each task.
    TaskLora(TaskLora),
    /// Every number of the base.
    Full(Full),
}

/// What a new belt is to be: the kind, with its configuration.
#[derive(Debug, Clone, PartialEq)]
pub enum BeltPlan {
    Lora(LoraConfig),
    TaskLora(TaskLoraConfig),
    /// Serial or parallel adapters.
    Bottleneck(BottleneckConfig),
    Prefix(PrefixConfig),
    /// The network must have been opened with every weight trained.
    Full,
}

/// The file that says what kind of belt a folder holds, in every format.
pub const CONFIG: &str = "adapter_config.json";

/// The section of our own formats in `adapter_config.json`. Such a file has no `peft_type`, so that
/// no other library takes it for one of its own.
const OWN: &str = "skillbelt";

impl Belt {
    /// A new belt of the planned kind that changes nothing yet. The same seed gives the same belt.
    pub fn fresh(network: &mut dyn Network, plan: &BeltPlan, seed: u64) -> Result<Belt> {
        Ok(match plan {
            BeltPlan::Lora(config) => Belt::Lora(Lora::fresh(network, config.clone(), seed)?),
            BeltPlan::TaskLora(config) => {
                Belt::TaskLora(TaskLora::fresh(network, config.clone(), seed)?)
            }
            BeltPlan::Bottleneck(config) => {
                Belt::Bottleneck(BottleneckBelt::fresh(network, config.clone(), seed)?)
            }
            BeltPlan::Prefix(config) => {
                Belt::Prefix(PrefixBelt::fresh(network, config.clone(), seed)?)
            }
            BeltPlan::Full => Belt::Full(Full::fresh(network)?),
        })
    }

    /// Reads the belt that a folder holds, of whichever kind and library, and puts it on a network,
    /// as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Belt> {
        let file = ConfigFile::open(&folder.join(CONFIG))?;
        if let Some(own) = file.section(OWN)? {
            return match own.string("kind")? {
                task_lora::KIND => TaskLora::attach(folder, network, trained).map(Belt::TaskLora),
                full::KIND => Full::attach(folder, network, trained).map(Belt::Full),
                _ => Err(own.wrong("kind", "`task_lora` or `full`")),
            };
        }
        let Some(settings) = file.section("config")? else {
            return match file.string("peft_type")? {
                "LORA" => Lora::attach(folder, network, trained).map(Belt::Lora),
                "PREFIX_TUNING" => PrefixBelt::attach(folder, network, trained).map(Belt::Prefix),
                _ => Err(file.wrong("peft_type", "`LORA` or `PREFIX_TUNING`")),
            };
        };
        match settings.string_optional("architecture")? {
            None => BottleneckBelt::attach(folder, network, trained).map(Belt::Bottleneck),
            Some("prefix_tuning") => PrefixBelt::attach(folder, network, trained).map(Belt::Prefix),
            Some(_) => Err(settings.wrong("architecture", "null or `prefix_tuning`")),
        }
    }

    /// How a base must be opened to take the belt that a folder holds: with every weight trained for
    /// a full fine-tuning, else frozen in `precision`.
    pub fn purpose(folder: &Path, precision: Precision) -> Result<Purpose> {
        let file = ConfigFile::open(&folder.join(CONFIG))?;
        let is_full = match file.section(OWN)? {
            Some(own) => own.string("kind")? == full::KIND,
            None => false,
        };
        Ok(match is_full {
            true => Purpose::full(),
            false => Purpose::frozen(precision),
        })
    }

    /// Writes the belt's own files, in the format of its kind.
    pub fn save(&self, folder: &Path) -> Result<()> {
        match self {
            Belt::Lora(belt) => belt.save(folder),
            Belt::TaskLora(belt) => belt.save(folder),
            Belt::Bottleneck(belt) => belt.save(folder),
            Belt::Prefix(belt) => belt.save(folder),
            Belt::Full(belt) => belt.save(folder),
        }
    }

    /// Everything that is trained, in a fixed order.
    pub fn params(&self) -> &[Param] {
        match self {
            Belt::Lora(belt) => &belt.params,
            Belt::Bottleneck(belt) => &belt.params,
            Belt::Prefix(belt) => &belt.params,
            Belt::TaskLora(belt) => &belt.params,
            Belt::Full(belt) => &belt.params,
        }
    }

    /// The word for the kind in recipes, in `belt.json` and in reports.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Belt::Lora(belt) if belt.config.dora => "dora",
            Belt::Lora(_) => "lora",
            Belt::TaskLora(_) => task_lora::KIND,
            Belt::Bottleneck(belt) => belt.config.kind_name(),
            Belt::Prefix(_) => "prefix",
            Belt::Full(_) => full::KIND,
        }
    }

    /// How many numbers are trained.
    pub fn count(&self) -> usize {
        self.params().iter().map(|param| param.value().len()).sum()
    }
}

/// Makes a belt's folder if it is not there.
fn make_folder(folder: &Path) -> Result<()> {
    fs_err::create_dir_all(folder).map_err(|source| Error::io(folder, source))
}

/// Writes parameters under their names, in the shapes that `shape` gives, into a folder that is
/// made if need be.
fn write_params(path: &Path, params: &[Param], shape: impl Fn(&Param) -> Vec<usize>) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let held: Vec<_> = params
        .iter()
        .map(|param| (param, shape(param), param.value()))
        .collect();
    let tensors: Vec<write::Tensor<'_>> = held
        .iter()
        .map(|(param, shape, value)| write::Tensor {
            key: param.name(),
            shape,
            numbers: value.data(),
        })
        .collect();
    write::safetensors(path, &tensors, write::Stored::F32)
}

/// Writes a small JSON file for people and programs: indented, ending in a line break.
fn write_json(path: &Path, value: &Value) -> Result<()> {
    write::file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

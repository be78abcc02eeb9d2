//! LoRA and DoRA in the `peft` library's own files: `adapter_config.json` and
//! `adapter_model.safetensors` (or `.bin`, read only).
//!
//! Knows plain and rank-stabilised LoRA with rank and alpha patterns, and DoRA. What it does not
//! know (biases, further saved modules, changed beginnings) it refuses by name rather than leaving
//! it out.

mod config;
mod fresh;
mod pattern;
mod read;
mod targets;
mod write;

use std::path::Path;

use skillbelt_engine::Param;

use crate::base::Network;
use crate::error::Result;

pub use config::LoraConfig;
pub(crate) use config::scale;
pub(crate) use fresh::drawn_down;
pub use targets::Targets;
pub(crate) use targets::{names_of, sites};

/// A LoRA on a base: the same parameters that stand in its linear maps, in the order of the sites;
/// of each site A, B and, for DoRA, the magnitude. Their names are the keys in the file.
pub struct Lora {
    pub config: LoraConfig,
    pub params: Vec<Param>,
}

/// What `peft` puts before the path of every module.
const PEFT_ROOT: &str = "base_model.model.";
const DOWN: &str = ".lora_A.weight";
const UP: &str = ".lora_B.weight";
const MAGNITUDE: &str = ".lora_magnitude_vector";

impl Lora {
    /// A new belt that changes nothing yet: A drawn as `peft` draws it (uniform within one over the
    /// root of the width), B zero, the magnitudes of DoRA the lengths of the base's rows.
    ///
    /// The same seed gives the same belt on every machine.
    pub fn fresh(network: &mut dyn Network, config: LoraConfig, seed: u64) -> Result<Lora> {
        fresh::fresh(network, config, seed)
    }

    /// Reads a belt and puts it on a base, as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Lora> {
        read::attach(folder, network, trained)
    }

    /// Writes the two files that `peft` loads. Each is whole or not there at all.
    pub fn save(&self, folder: &Path) -> Result<()> {
        write::save(self, folder)
    }
}

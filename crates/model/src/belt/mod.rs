//! Belts: what is trained beside a frozen base, read from and written to the formats of the
//! libraries of the field. One file per kind.
//!
//! A belt is a list of parameters that stand in a network. Freezing, counting, saving and the
//! optimiser all follow from that one list.

mod adapterhub;
pub mod bottleneck;
pub mod bottleneck_config;
pub mod lora;
pub mod prefix;
mod prefix_files;
pub mod sites;

use std::path::Path;

use skillbelt_engine::Param;

use crate::base::Network;
use crate::checkpoint::ConfigFile;
use crate::error::Result;

pub use bottleneck::BottleneckBelt;
pub use bottleneck_config::BottleneckConfig;
pub use lora::Lora;
pub use prefix::{PrefixBelt, PrefixConfig};

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
    Lora(Lora),
    Bottleneck(BottleneckBelt),
    Prefix(PrefixBelt),
}

impl Belt {
    /// Reads the belt that a folder holds, of whichever kind and library, and puts it on a network,
    /// as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Belt> {
        let file = ConfigFile::open(&folder.join("adapter_config.json"))?;
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

    /// Everything that is trained, in a fixed order.
    pub fn params(&self) -> &[Param] {
        match self {
            Belt::Lora(belt) => &belt.params,
            Belt::Bottleneck(belt) => &belt.params,
            Belt::Prefix(belt) => &belt.params,
        }
    }
}

//! Belts: what is trained beside a frozen base, read from and written to the formats of the
//! libraries of the field. One file per kind.
//!
//! A belt is a list of parameters that stand in a network. Freezing, counting, saving and the
//! optimiser all follow from that one list.

pub mod lora;

use std::path::Path;

use skillbelt_engine::Param;

use crate::base::Network;
use crate::checkpoint::ConfigFile;
use crate::error::Result;

pub use lora::Lora;

/// A belt of any kind on a network.
pub enum Belt {
    Lora(Lora),
}

impl Belt {
    /// Reads the belt that a folder holds, of whichever kind and library, and puts it on a network,
    /// as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Belt> {
        let file = ConfigFile::open(&folder.join("adapter_config.json"))?;
        match file.string("peft_type")? {
            "LORA" => Ok(Belt::Lora(Lora::attach(folder, network, trained)?)),
            _ => Err(file.wrong("peft_type", "`LORA`")),
        }
    }

    /// Everything that is trained, in a fixed order.
    pub fn params(&self) -> &[Param] {
        match self {
            Belt::Lora(belt) => &belt.params,
        }
    }
}

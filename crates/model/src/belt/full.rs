//! Full fine-tuning as a belt: the parameters are all of the base's own.
//!
//! The folder holds `model.safetensors` with the keys of the reference library's whole model (tied
//! weights once) and a marker. With the base's `config.json` and tokenizer beside it, it opens as a
//! base of its own, in any precision; this file does not copy those.

use std::path::Path;

use serde_json::json;
use skillbelt_engine::{Mat, Param};

use super::{CONFIG, OWN, write_json, write_params};
use crate::base::Network;
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

pub const KIND: &str = "full";
const FORMAT: usize = 1;
pub const WEIGHTS: &str = "model.safetensors";

/// Every parameter of a network, each once however often it is tied.
pub struct Full {
    pub params: Vec<Param>,
}

impl Full {
    /// The parameters of a network that was opened with every weight trained.
    pub fn fresh(network: &dyn Network) -> Result<Full> {
        let params = network.params();
        match params.iter().find(|param| !param.is_trained()) {
            None => Ok(Full { params }),
            Some(frozen) => Err(Error::plan(
                "belt",
                "a base that was opened with every weight trained",
                format_args!("`{}`, which is frozen", frozen.name()),
            )),
        }
    }

    /// Puts the numbers of a folder into a network that was opened with every weight trained.
    ///
    /// Whether they then count as trained is settled by how the network was opened: to use them on
    /// a frozen base, open the folder itself as one.
    pub fn attach(folder: &Path, network: &dyn Network, _trained: bool) -> Result<Full> {
        let file = ConfigFile::open(&folder.join(CONFIG))?;
        expect_own(&file, KIND, FORMAT)?;
        let belt = Full::fresh(network)?;
        let weights = Checkpoint::open_file(&folder.join(WEIGHTS))?;
        let known = |key: &&str| belt.params.iter().any(|param| param.name() == *key);
        let keys: Vec<String> = weights
            .keys()
            .filter(|key| !known(key))
            .map(str::to_owned)
            .collect();
        if !keys.is_empty() {
            let path = weights.path().to_owned();
            return Err(Error::SurplusTensors { path, keys });
        }
        // All is read before anything is changed.
        let read = belt.params.iter().map(|param| {
            let numbers = weights.read_f32(param.name(), &shape(param))?;
            let value = param.value();
            Ok(Mat::from_vec(value.rows(), value.cols(), numbers))
        });
        let read = read.collect::<Result<Vec<Mat>>>()?;
        for (param, mat) in belt.params.iter().zip(read) {
            param.update(|value| *value = mat);
        }
        Ok(belt)
    }

    /// Writes the weights alone, as a base of its own has them.
    pub fn save_weights(&self, folder: &Path) -> Result<()> {
        write_params(&folder.join(WEIGHTS), &self.params, shape)
    }

    /// Writes the weights and the marker.
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.save_weights(folder)?;
        let config = json!({ OWN: { "kind": KIND, "format": FORMAT } });
        write_json(&folder.join(CONFIG), &config)
    }
}

/// The shape of a parameter in a checkpoint. One row is a vector, except in a table of embeddings,
/// which may have a single entry (RoBERTa's token types).
fn shape(param: &Param) -> Vec<usize> {
    let (rows, cols) = param.value().shape();
    match rows == 1 && !param.name().ends_with("embeddings.weight") {
        true => vec![cols],
        false => vec![rows, cols],
    }
}

/// The section of our own formats, if it is of this kind and version.
pub(super) fn expect_own(file: &ConfigFile, kind: &str, format: usize) -> Result<ConfigFile> {
    let Some(own) = file.section(OWN)? else {
        return Err(file.wrong(OWN, format_args!("a section for a belt of kind `{kind}`")));
    };
    if own.string("kind")? != kind {
        return Err(own.wrong("kind", format_args!("`{kind}`")));
    }
    match own.usize("format")? == format {
        true => Ok(own),
        false => Err(own.wrong("format", format_args!("{format}"))),
    }
}

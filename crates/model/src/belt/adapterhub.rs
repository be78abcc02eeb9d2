//! A folder in the form of AdapterHub's `adapters` library: `adapter_config.json`, and the weights in
//! `adapter.safetensors` or `pytorch_adapter.bin`.
//!
//! It knows names and files; what the settings mean is for the kinds of belts to say. Heads that the
//! library stores beside an adapter are not read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skillbelt_engine::Param;

use crate::base::Network;
use crate::checkpoint::write::{self, Stored, Tensor};
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

const CONFIG: &str = "adapter_config.json";
pub(crate) const SAFE: &str = "adapter.safetensors";
pub(crate) const PICKLED: &str = "pytorch_adapter.bin";
/// The version of the library whose form is written.
const VERSION: &str = "adapters.1.3.0";

/// An opened folder. Weights are taken out of it one by one; none may be left over.
pub(super) struct Folder {
    /// What the adapter is called; stands in the keys of its weights.
    pub name: String,
    /// The section of the configuration that says what the adapter is.
    pub settings: ConfigFile,
    path: PathBuf,
    weights: Checkpoint,
    left: BTreeSet<String>,
}

impl Folder {
    pub fn open(folder: &Path) -> Result<Folder> {
        let file = ConfigFile::open(&folder.join(CONFIG))?;
        let settings = file
            .section("config")?
            .ok_or_else(|| file.wrong("config", "an object"))?;
        let name = file.string("name")?;
        if !is_name(name) {
            return Err(file.wrong("name", "a name without points"));
        }
        let safe = folder.join(SAFE);
        let there = safe
            .try_exists()
            .map_err(|source| Error::io(&safe, source))?;
        let weights = Checkpoint::open_file(&if there { safe } else { folder.join(PICKLED) })?;
        Ok(Folder {
            name: name.to_owned(),
            settings,
            path: folder.to_owned(),
            left: weights.keys().map(str::to_owned).collect(),
            weights,
        })
    }

    /// The key as this folder spells it: one that was written from a bare network lacks its root.
    fn stored(&self, root: &str, key: &str) -> String {
        let bare = key.strip_prefix(root).filter(|bare| {
            let bare: &str = bare;
            !self.left.contains(key) && self.left.contains(bare)
        });
        bare.unwrap_or(key).to_owned()
    }

    /// The numbers of a weight, which must be there and of this shape.
    pub fn take(&mut self, root: &str, key: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let stored = self.stored(root, key);
        let numbers = self.weights.read_f32(&stored, shape)?;
        self.left.remove(&stored);
        Ok(numbers)
    }

    /// The numbers that the folder says once or more often, under keys with one ending. Copies that
    /// differ are refused: which of them was meant cannot be known.
    pub fn take_copies(&mut self, ending: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let ends = |key: &&String| key.ends_with(ending);
        let keys: Vec<String> = self.left.iter().filter(ends).cloned().collect();
        let first = keys.first().map_or(ending, String::as_str);
        let numbers = self.weights.read_f32(first, shape)?;
        for key in &keys {
            let copy = self.weights.read_f32(key, shape)?;
            let pairs = copy.iter().zip(&numbers);
            if pairs.into_iter().any(|(a, b)| a.to_bits() != b.to_bits()) {
                let place = crate::error::Place::Key(key.clone());
                let expected = format!("the numbers of `{first}`");
                return Err(Error::bad_file(&self.path, place, expected, "others"));
            }
            self.left.remove(key);
        }
        Ok(numbers)
    }

    /// Columns of the first matrix whose key ends so.
    pub fn columns(&self, ending: &str) -> Result<usize> {
        let key = self.left.iter().find(|key| key.ends_with(ending));
        match key.and_then(|key| self.weights.shape(key)) {
            Some([_, columns]) => Ok(*columns),
            _ => Err(Error::MissingTensor {
                path: self.path.clone(),
                key: ending.to_owned(),
                expected: Vec::new(),
            }),
        }
    }

    /// Refuses weights that no place of the base asked for.
    pub fn finish(self) -> Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        Err(Error::SurplusTensors {
            path: self.path,
            keys: self.left.into_iter().collect(),
        })
    }
}

/// What the library can use as a part of a key.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('.')
}

/// What a written configuration says of the base.
#[derive(Debug, Clone)]
pub(super) struct About {
    family: &'static str,
    width: usize,
}

impl About {
    pub fn of(network: &dyn Network) -> About {
        About {
            family: network.family(),
            width: network.sizes().width,
        }
    }
}

/// A weight as it stands in the file.
pub(super) struct Entry<'p> {
    pub key: String,
    pub shape: Vec<usize>,
    pub param: &'p Param,
}

/// Writes a folder that the library loads; each file is replaced whole or not at all, the weights
/// before the configuration.
pub(super) fn write(
    folder: &Path,
    about: &About,
    name: &str,
    config: &Value,
    entries: &[Entry<'_>],
) -> Result<()> {
    fs_err::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
    let values: Vec<_> = entries.iter().map(|entry| entry.param.value()).collect();
    let tensors: Vec<Tensor<'_>> = entries
        .iter()
        .zip(&values)
        .map(|(entry, value)| Tensor {
            key: &entry.key,
            shape: &entry.shape,
            numbers: value.data(),
        })
        .collect();
    write::safetensors(&folder.join(SAFE), &tensors, Stored::F32)?;
    let file = json!({
        "config": config,
        "hidden_size": about.width,
        "model_name": "",
        "model_type": about.family,
        "name": name,
        "version": VERSION,
    });
    write_config(&folder.join(CONFIG), &file)
}

/// Writes a configuration as people read it.
pub(super) fn write_config(path: &Path, config: &Value) -> Result<()> {
    write::file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, config)?;
        out.write_all(b"\n")
    })
}

//! Opening a base from a folder in the hub's layout.

use std::path::Path;

use super::{Held, Loader, Network, Purpose, Source};
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::Result;
use crate::family;

/// A network with the files it came from.
pub struct Base {
    pub network: Box<dyn Network>,
    pub config: ConfigFile,
}

/// Opens the base in a folder: reads `config.json`, then exactly the weights that it promises.
pub fn open(folder: &Path, purpose: Purpose) -> Result<Base> {
    let config = ConfigFile::open(&folder.join("config.json"))?;
    let checkpoint = Checkpoint::open(folder)?;
    let network = family::load(Loader::new(&checkpoint, purpose), &config)?;
    Ok(Base { network, config })
}

/// The same, with the frozen maps of every base of the same weights that was opened with `held`.
pub fn open_shared(folder: &Path, purpose: Purpose, held: &Held) -> Result<Base> {
    let config = ConfigFile::open(&folder.join("config.json"))?;
    let checkpoint = Checkpoint::open(folder)?;
    let loader = Loader::new(&checkpoint, purpose).sharing(held, checkpoint.content_hash());
    let network = family::load(loader, &config)?;
    Ok(Base { network, config })
}

impl Source for Checkpoint {
    fn path(&self) -> &Path {
        Checkpoint::path(self)
    }

    fn keys(&self) -> Vec<String> {
        Checkpoint::keys(self).map(str::to_owned).collect()
    }

    fn shape(&self, key: &str) -> Option<Vec<usize>> {
        Checkpoint::shape(self, key).map(<[usize]>::to_vec)
    }

    fn read_f32(&self, key: &str, expected: &[usize]) -> Result<Vec<f32>> {
        Checkpoint::read_f32(self, key, expected)
    }
}

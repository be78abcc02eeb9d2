//! Reading a LoRA: each site's numbers go to the linear map of the same path; a key without a place
//! is refused, and so is a place without its key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use skillbelt_engine::ops::{Linear, LowRank, Magnitude};
use skillbelt_engine::{Mat, Param};

use super::config::Sizes;
use super::{DOWN, Lora, LoraConfig, MAGNITUDE, PEFT_ROOT, UP};
use crate::base::Network;
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

pub(super) fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Lora> {
    let config = LoraConfig::read(&ConfigFile::open(&folder.join("adapter_config.json"))?)?;
    let safe = folder.join("adapter_model.safetensors");
    let pickled = folder.join("adapter_model.bin");
    let is_pickled = !safe.exists() && pickled.exists();
    let weights = Checkpoint::open_file(if is_pickled { &pickled } else { &safe })?;
    let mut sites = Sites::sorted(&weights, config.dora)?;
    let sizes = config.sizes()?;
    let mut params = Vec::new();
    for linear in network.linears_mut()? {
        let Some(site) = sites.take(&linear.name) else {
            continue;
        };
        let low_rank = site.read(&weights, linear, (&config, &sizes), trained)?;
        params.extend(low_rank.params());
        linear.attach(low_rank)?;
    }
    sites.finish()?;
    drop(sizes);
    Ok(Lora { config, params })
}

/// The sites of a belt's file that have not found their linear map yet, by path.
struct Sites {
    file: PathBuf,
    sites: BTreeMap<String, Site>,
}

/// The path of a site, as the file spells it, and its keys.
struct Site {
    path: String,
    down: String,
    up: String,
    magnitude: Option<String>,
}

impl Sites {
    /// Pairs every A with its B and its magnitude. Any other key is refused.
    fn sorted(weights: &Checkpoint, dora: bool) -> Result<Sites> {
        let mut sites = BTreeMap::new();
        let mut surplus = Vec::new();
        for key in weights.keys() {
            let Some(start) = key.strip_suffix(DOWN) else {
                continue;
            };
            let path = start.strip_prefix(PEFT_ROOT).unwrap_or(start).to_owned();
            let site = Site {
                path: path.clone(),
                down: key.to_owned(),
                up: format!("{start}{UP}"),
                magnitude: dora.then(|| magnitude_key(weights, start)),
            };
            // Two spellings of one path cannot both have a place.
            if let Some(other) = sites.insert(path, site) {
                surplus.push(other.down);
            }
        }
        let placed: BTreeSet<&str> = sites.values().flat_map(Site::keys).collect();
        let strangers = weights.keys().filter(|key| !placed.contains(key));
        surplus.extend(strangers.map(str::to_owned));
        if !surplus.is_empty() {
            let path = weights.path().to_owned();
            return Err(Error::SurplusTensors {
                path,
                keys: surplus,
            });
        }
        Ok(Sites {
            file: weights.path().to_owned(),
            sites,
        })
    }

    /// The site of a linear map, whose path may have been written from a model without its head
    /// (and so without the first part of the path).
    fn take(&mut self, name: &str) -> Option<Site> {
        let bare = name.split_once('.').map(|(_, rest)| rest);
        self.sites.remove(name).or_else(|| self.sites.remove(bare?))
    }

    /// Refuses sites that the base does not have.
    fn finish(self) -> Result<()> {
        if self.sites.is_empty() {
            return Ok(());
        }
        Err(Error::SurplusTensors {
            path: self.file,
            keys: self.sites.into_values().map(|site| site.down).collect(),
        })
    }
}

/// Older files of `peft` write `.weight` after it.
fn magnitude_key(weights: &Checkpoint, start: &str) -> String {
    let key = format!("{start}{MAGNITUDE}");
    let older = format!("{key}.weight");
    if weights.contains(&older) { older } else { key }
}

impl Site {
    fn keys(&self) -> impl Iterator<Item = &str> {
        let magnitude = self.magnitude.iter().map(String::as_str);
        [self.down.as_str(), self.up.as_str()]
            .into_iter()
            .chain(magnitude)
    }

    /// The path of a site of the rank that the configuration says, its parameters named as `peft`
    /// writes them now.
    fn read(
        &self,
        weights: &Checkpoint,
        linear: &Linear,
        (config, sizes): (&LoraConfig, &Sizes<'_>),
        trained: bool,
    ) -> Result<LowRank> {
        let (n, k, rank) = (linear.outputs(), linear.inputs(), sizes.rank(&self.path));
        let new = if trained {
            Param::trained
        } else {
            Param::frozen
        };
        let make = |key: &str, part: &str, shape: &[usize]| -> Result<Param> {
            let numbers = weights.read_f32(key, shape)?;
            let mat = match shape {
                [rows, cols] => Mat::from_vec(*rows, *cols, numbers),
                _ => Mat::row_vector(numbers),
            };
            Ok(new(format!("{PEFT_ROOT}{}{part}", self.path), mat))
        };
        let down = make(&self.down, DOWN, &[rank, k])?;
        let up = make(&self.up, UP, &[n, rank])?;
        let magnitude = match &self.magnitude {
            None => None,
            Some(key) => Some(Magnitude::new(make(key, MAGNITUDE, &[n])?, &linear.map)),
        };
        let scale = sizes.scale(&self.path);
        Ok(LowRank {
            magnitude,
            ..LowRank::plain(down, up, scale, config.dropout as f32)
        })
    }
}

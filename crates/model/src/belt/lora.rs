//! LoRA in the `peft` library's own files: `adapter_config.json` and `adapter_model.safetensors`
//! (or `.bin`).
//!
//! Reads plain and rank-stabilised LoRA with rank and alpha patterns. What it does not understand
//! (DoRA, biases, further saved modules) it refuses by name rather than leaving it out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use skillbelt_engine::ops::{Linear, LowRank};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Param};

use crate::base::Network;
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

/// `adapter_config.json`, as far as it changes numbers.
#[derive(Debug, Clone, Default)]
pub struct LoraConfig {
    pub rank: usize,
    pub alpha: f64,
    /// Alpha of the sites whose path ends with the key.
    pub alpha_pattern: BTreeMap<String, f64>,
    pub rank_stabilised: bool,
    pub dropout: f64,
}

/// A LoRA on a base: the same parameters that stand in its linear maps, in the order of the sites.
pub struct Lora {
    pub config: LoraConfig,
    pub params: Vec<Param>,
}

/// What `peft` puts before the path of every module.
const PEFT_ROOT: &str = "base_model.model.";
const DOWN: &str = ".lora_A.weight";
const UP: &str = ".lora_B.weight";

impl LoraConfig {
    pub fn read(file: &ConfigFile) -> Result<LoraConfig> {
        let kind = file.string("peft_type")?;
        if kind != "LORA" {
            return Err(file.wrong("peft_type", "`LORA`"));
        }
        for key in ["use_dora", "use_qalora", "lora_bias", "fan_in_fan_out"] {
            if file.bool_or(key, false)? {
                return Err(file.wrong(
                    key,
                    "false (this reader knows plain and rank-stabilised LoRA)",
                ));
            }
        }
        if file.string_or("bias", "none")? != "none" {
            return Err(file.wrong("bias", "`none`"));
        }
        let mut alpha_pattern = BTreeMap::new();
        if let Some(section) = file.section("alpha_pattern")? {
            for key in section.keys() {
                alpha_pattern.insert(key.to_owned(), section.f64(key)?);
            }
        }
        Ok(LoraConfig {
            rank: file.usize("r")?,
            alpha: file.f64("lora_alpha")?,
            alpha_pattern,
            rank_stabilised: file.bool_or("use_rslora", false)?,
            dropout: file.f64_or("lora_dropout", 0.0)?,
        })
    }

    /// The factor of the low-rank path at one site.
    fn scale(&self, site: &str, rank: usize) -> f32 {
        let ends = |pattern: &str| site == pattern || site.ends_with(&format!(".{pattern}"));
        let alpha = self
            .alpha_pattern
            .iter()
            .find(|(pattern, _)| ends(pattern))
            .map_or(self.alpha, |(_, alpha)| *alpha);
        let rank = rank as f64;
        (alpha
            / if self.rank_stabilised {
                rank.sqrt()
            } else {
                rank
            }) as f32
    }
}

impl Lora {
    /// A new belt on the sites whose path ends with one of the given words: A drawn as `peft` draws
    /// it (uniform within one over the root of the width), B zero, so that it changes nothing yet.
    pub fn fresh(
        network: &mut dyn Network,
        sites: &[&str],
        config: LoraConfig,
        seed: u64,
    ) -> Result<Lora> {
        let mut params = Vec::new();
        for linear in network.linears_mut()? {
            let last = linear.name.rsplit('.').next().unwrap_or_default();
            if !sites.contains(&last) {
                continue;
            }
            let (rank, n, k) = (config.rank, linear.outputs(), linear.inputs());
            let name = |half: &str| format!("{PEFT_ROOT}{}{half}", linear.name);
            let stream = Stream::new(seed, 0, &name(DOWN));
            let bound = 1.0 / (k as f32).sqrt();
            let drawn = (0..(rank * k) as u64).map(|i| (2.0 * stream.uniform(i) - 1.0) * bound);
            let low_rank = LowRank {
                down: Param::trained(name(DOWN), Mat::from_vec(rank, k, drawn.collect())),
                up: Param::trained(name(UP), Mat::zeros(n, rank)),
                scale: config.scale(&linear.name, rank),
                dropout: config.dropout as f32,
            };
            params.extend([low_rank.down.clone(), low_rank.up.clone()]);
            linear.attach(low_rank)?;
        }
        Ok(Lora { config, params })
    }

    /// Reads a belt and puts it on a base, as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<Lora> {
        let config = LoraConfig::read(&ConfigFile::open(&folder.join("adapter_config.json"))?)?;
        let safe = folder.join("adapter_model.safetensors");
        let pickled = folder.join("adapter_model.bin");
        let weights = Checkpoint::open_file(if safe.exists() { &safe } else { &pickled })?;
        let mut halves = Halves::sorted(&weights, folder)?;
        let mut params = Vec::new();
        for linear in network.linears_mut()? {
            let Some(site) = halves.take(&linear.name) else {
                continue;
            };
            let low_rank = site.read(&weights, linear, &config, trained)?;
            params.extend([low_rank.down.clone(), low_rank.up.clone()]);
            linear.attach(low_rank)?;
        }
        halves.finish()?;
        Ok(Lora { config, params })
    }
}

/// The sites of a belt's files that have not found their linear map yet, by path.
struct Halves {
    folder: PathBuf,
    sites: BTreeMap<String, Site>,
}

/// The keys of one site.
struct Site {
    down: String,
    up: String,
}

impl Halves {
    /// Pairs every A with its B. Any other key is refused.
    fn sorted(weights: &Checkpoint, folder: &Path) -> Result<Halves> {
        let keys: Vec<String> = weights.keys().map(str::to_owned).collect();
        let mut sites = BTreeMap::new();
        let mut surplus = Vec::new();
        for key in &keys {
            let path = key.strip_prefix(PEFT_ROOT).unwrap_or(key);
            if let Some(site) = path.strip_suffix(DOWN) {
                let up = key.replace(DOWN, UP);
                sites.insert(
                    site.to_owned(),
                    Site {
                        down: key.clone(),
                        up,
                    },
                );
            } else if !(path.ends_with(UP) && keys.contains(&key.replace(UP, DOWN))) {
                surplus.push(key.clone());
            }
        }
        if surplus.is_empty() {
            Ok(Halves {
                folder: folder.to_owned(),
                sites,
            })
        } else {
            Err(Error::SurplusTensors {
                path: folder.to_owned(),
                keys: surplus,
            })
        }
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
            path: self.folder,
            keys: self.sites.into_values().map(|site| site.down).collect(),
        })
    }
}

impl Site {
    fn read(
        &self,
        weights: &Checkpoint,
        linear: &Linear,
        config: &LoraConfig,
        trained: bool,
    ) -> Result<LowRank> {
        let (n, k) = (linear.outputs(), linear.inputs());
        // Rank patterns show in the shapes; the configuration's own rank is only the usual one.
        let rank = match weights.shape(&self.down) {
            Some([rank, _]) => *rank,
            _ => config.rank,
        };
        let make = |key: &str, rows: usize, cols: usize| -> Result<Param> {
            let mat = Mat::from_vec(rows, cols, weights.read_f32(key, &[rows, cols])?);
            let new = if trained {
                Param::trained
            } else {
                Param::frozen
            };
            Ok(new(key, mat))
        };
        Ok(LowRank {
            down: make(&self.down, rank, k)?,
            up: make(&self.up, n, rank)?,
            scale: config.scale(&linear.name, rank),
            dropout: config.dropout as f32,
        })
    }
}

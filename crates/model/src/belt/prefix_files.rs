//! What stands in the files of a prefix, in either library: the settings, which attentions share a
//! matrix, and the many keys under which AdapterHub stores one.
//!
//! It puts nothing on a base; that is [`super::prefix`].

use std::path::Path;

use serde_json::{Value, json};
use skillbelt_engine::ops::{Activation, Linear, Map, activation, linear};
use skillbelt_engine::{Mat, Param, Pass};

use super::adapterhub::{Entry, Folder};
use super::prefix::{Library, PrefixConfig};
use super::sites::Sites;
use crate::checkpoint::{Checkpoint, ConfigFile};
use crate::error::{Error, Result};

/// AdapterHub's word for the attention to the encoded text.
pub(super) const CROSS: &str = "cross_prefix";
const ENCODER: &str = "encoder_prefix";

/// A folder of `peft`.
pub(super) struct PeftFolder {
    file: ConfigFile,
    weights: Checkpoint,
}

impl PeftFolder {
    pub fn open(folder: &Path, file: ConfigFile, trained: bool) -> Result<PeftFolder> {
        if file.string("peft_type")? != "PREFIX_TUNING" {
            return Err(file.wrong("peft_type", "`PREFIX_TUNING`"));
        }
        if trained && file.bool_or("prefix_projection", false)? {
            return Err(file.wrong(
                "prefix_projection",
                "false: only what the projection made is in the files, so it can be used, not trained",
            ));
        }
        let safe = folder.join("adapter_model.safetensors");
        let there = safe
            .try_exists()
            .map_err(|source| Error::io(&safe, source))?;
        let path = if there {
            safe
        } else {
            folder.join("adapter_model.bin")
        };
        Ok(PeftFolder {
            file,
            weights: Checkpoint::open_file(&path)?,
        })
    }

    pub fn config(&self) -> Result<PrefixConfig> {
        Ok(PrefixConfig {
            library: Library::Peft,
            length: self.file.usize("num_virtual_tokens")?,
            name: super::NAME.into(),
            leave_out: Vec::new(),
            encoder: false,
            cross: false,
        })
    }

    /// Refuses a prefix that was made for a base of another depth or width.
    pub fn expect(&self, layers: usize, width: usize) -> Result<()> {
        for (key, expected) in [("num_layers", layers), ("token_dim", width)] {
            if self.file.usize(key)? != expected {
                return Err(self.file.wrong(key, expected));
            }
        }
        Ok(())
    }

    pub fn numbers(&mut self, rows: usize, cols: usize) -> Result<Vec<f32>> {
        self.weights.read_f32("prompt_embeddings", &[rows, cols])
    }

    pub fn finish(self) -> Result<()> {
        let others = self
            .weights
            .keys()
            .filter(|key| *key != "prompt_embeddings");
        let keys: Vec<String> = others.map(str::to_owned).collect();
        if keys.is_empty() {
            return Ok(());
        }
        Err(Error::SurplusTensors {
            path: self.weights.path().to_owned(),
            keys,
        })
    }
}

/// A folder of AdapterHub's.
pub(super) struct Hub {
    folder: Folder,
    flat: bool,
}

impl Hub {
    pub fn open(folder: &Path, trained: bool) -> Result<Hub> {
        let folder = Folder::open(folder)?;
        let settings = &folder.settings;
        if settings.bool_or("use_gating", false)? {
            return Err(settings.wrong("use_gating", "false"));
        }
        if settings.f64_or("dropout", 0.0)? != 0.0 {
            return Err(settings.wrong("dropout", "0"));
        }
        let flat = settings.bool_or("flat", false)?;
        if trained && !flat {
            return Err(settings.wrong(
                "flat",
                "true: a prefix made by a network of its own can be used, not trained; the library \
                 turns it into a flat one with `eject_prefix_tuning`",
            ));
        }
        Ok(Hub { folder, flat })
    }

    pub fn config(&self) -> Result<PrefixConfig> {
        let settings = &self.folder.settings;
        Ok(PrefixConfig {
            library: Library::AdapterHub,
            length: settings.usize_or("prefix_length", 30)?,
            name: self.folder.name.clone(),
            leave_out: super::layers(settings, "leave_out")?,
            encoder: settings.bool_or("encoder_prefix", true)?,
            cross: settings.bool_or("cross_prefix", true)?,
        })
    }

    /// The matrix `[rows x cols]` of a location.
    pub fn numbers(&mut self, location: &str, rows: usize, cols: usize) -> Result<Vec<f32>> {
        let path = format!(".prefix_tunings.{}.{location}", self.folder.name);
        let ending = format!("{path}.control_trans").replacen('.', "", 1);
        if self.flat {
            return self.folder.take_copies(&ending, &[rows * cols]);
        }
        self.unfolded(&path[1..], rows, cols)
    }

    /// What the small network of a prefix that is not flat makes of its table.
    fn unfolded(&mut self, path: &str, rows: usize, cols: usize) -> Result<Vec<f32>> {
        let settings = &self.folder.settings;
        let inner = settings.usize_or("bottleneck_size", 512)?;
        let curve = Activation::parse(&settings.string_or("non_linearity", "tanh")?.to_lowercase())
            .ok_or_else(|| settings.wrong("non_linearity", "tanh, relu, gelu or swish"))?;
        let width = self.folder.columns(&format!("{path}.wte.weight"))?;
        let mut read =
            |key: &str, shape: &[usize]| self.folder.take_copies(&format!("{path}.{key}"), shape);
        let mut map = |key: &str, n: usize, k: usize| {
            let weight = Mat::from_vec(n, k, read(&format!("{key}.weight"), &[n, k])?);
            let bias = Mat::row_vector(read(&format!("{key}.bias"), &[n])?);
            Ok::<Linear, Error>(Linear {
                name: key.to_owned(),
                map: Map::Trained(Param::frozen(key, weight)),
                bias: Some(Param::frozen(key, bias)),
                low_rank: None,
            })
        };
        let (first, second) = (
            map("control_trans.0", inner, width)?,
            map("control_trans.2", cols, inner)?,
        );
        let table = Mat::from_vec(rows, width, read("wte.weight", &[rows, width])?);
        let pass = Pass::inference();
        let x = linear(&pass, &pass.constant(table), &first, None)?;
        let x = activation(&pass, &x, curve)?;
        Ok(linear(&pass, &x, &second, None)?.into_mat().into_vec())
    }

    pub fn finish(self) -> Result<()> {
        self.folder.finish()
    }
}

/// The `config` section in AdapterHub's own words.
pub(super) fn written(config: &PrefixConfig) -> Value {
    json!({
        "architecture": "prefix_tuning",
        "bottleneck_size": 512,
        "cross_prefix": config.cross,
        "dropout": 0.0,
        "encoder_prefix": config.encoder,
        "flat": true,
        "init_weights_seed": null,
        "leave_out": config.leave_out,
        "non_linearity": "tanh",
        "prefix_length": config.length,
        "shared_gating": true,
        "use_gating": false,
    })
}

/// AdapterHub's pool: one matrix for all attentions of a location, which every attention of the
/// network stores anew.
pub(super) struct Pool {
    name: String,
    root: &'static str,
    /// Paths of all attentions.
    attentions: Vec<String>,
    /// Each location with how many attentions it has.
    locations: Vec<(&'static str, usize)>,
    /// The location, its how-manieth attention, and the block that has it.
    places: Vec<(&'static str, (usize, usize))>,
}

impl Pool {
    pub fn of(sites: &[&mut Sites], config: &PrefixConfig) -> Pool {
        let mut pool = Pool {
            name: config.name.clone(),
            root: sites.first().map_or("", |sites| sites.names().root),
            attentions: Vec::new(),
            locations: Vec::new(),
            places: Vec::new(),
        };
        for (layer, sites) in sites.iter().enumerate() {
            let names = sites.names();
            pool.attentions.push(names.self_attention.clone());
            pool.attentions.extend(names.cross_attention.clone());
            if config.leave_out.contains(&layer) {
                continue;
            }
            if names.location != ENCODER || config.encoder {
                pool.add(names.location, layer);
            }
            if names.cross_attention.is_some() && config.cross {
                pool.add(CROSS, layer);
            }
        }
        pool
    }

    fn add(&mut self, location: &'static str, layer: usize) {
        let known = self
            .locations
            .iter()
            .position(|(name, _)| *name == location);
        let at = known.unwrap_or_else(|| {
            self.locations.push((location, 0));
            self.locations.len() - 1
        });
        let count = &mut self.locations[at].1;
        self.places.push((location, (*count, layer)));
        *count += 1;
    }

    pub fn locations(&self) -> &[(&'static str, usize)] {
        &self.locations
    }

    pub fn places(&self) -> &[(&'static str, (usize, usize))] {
        &self.places
    }

    /// The first of the keys of a location: the one that the library names the parameter by.
    pub fn key(&self, location: &str) -> String {
        let first = self.attentions.first().map_or("", String::as_str);
        self.of_attention(first, location)
    }

    fn of_attention(&self, attention: &str, location: &str) -> String {
        let name = &self.name;
        format!("{attention}.prefix_tuning.pool.prefix_tunings.{name}.{location}.control_trans")
    }

    /// Every key of every location; `params` are in the order of the locations.
    pub fn entries<'p>(&self, params: &'p [Param]) -> Vec<Entry<'p>> {
        let mut entries = Vec::new();
        for ((location, _), param) in self.locations.iter().zip(params) {
            let (root, name) = (self.root, &self.name);
            let own = format!("{root}prefix_tuning.prefix_tunings.{name}.{location}.control_trans");
            let attentions = self.attentions.iter();
            let keys = attentions.map(|attention| self.of_attention(attention, location));
            entries.extend(keys.chain([own]).map(|key| Entry {
                key,
                shape: vec![param.value().len()],
                param,
            }));
        }
        entries
    }
}

//! Bottleneck adapters: serial ones (`seq_bn`, `double_seq_bn`) and parallel ones (`par_bn`), in the
//! files of AdapterHub's `adapters` library.
//!
//! Where in a block they stand and what they read is settled in [`super::sites`]. Families that the
//! library does not know get them at the same places, under the names that it gives to others.

use std::path::Path;

use skillbelt_engine::ops::{Activation, Bottleneck, Linear, Map};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Param};

use super::adapterhub::{self, About, Entry, Folder};
use super::bottleneck_config::{BottleneckConfig, Draw};
use super::sites::{Adapter, Names, Reads, Sites};
use crate::base::Network;
use crate::error::{Error, Result};

/// Adapters on a base: their parameters in the order of the sites, each block's `down` before `up`
/// and weights before biases.
pub struct BottleneckBelt {
    pub config: BottleneckConfig,
    pub params: Vec<Param>,
    about: About,
}

/// One adapter to be made.
struct Place<'a> {
    /// Path of its weights: `<module>.adapters.<name>`.
    path: String,
    names: &'a Names,
    width: usize,
    rank: usize,
}

impl BottleneckBelt {
    /// New adapters, drawn as the library draws them.
    pub fn fresh(
        network: &mut dyn Network,
        config: BottleneckConfig,
        seed: u64,
    ) -> Result<BottleneckBelt> {
        let draw = config.draw;
        let made = |_: &Names, key: &str, rows: usize, cols: usize| {
            let numbers = drawn(draw, seed, key, rows, cols);
            Ok(Param::trained(key, Mat::from_vec(rows, cols, numbers)))
        };
        BottleneckBelt::put(network, config, made)
    }

    /// Reads adapters and puts them on a base, as trained parameters or frozen ones.
    pub fn attach(
        folder: &Path,
        network: &mut dyn Network,
        trained: bool,
    ) -> Result<BottleneckBelt> {
        let mut folder = Folder::open(folder)?;
        let config = BottleneckConfig::read(&folder.name, &folder.settings)?;
        if let Some(reason) = unknown(network, &config) {
            return Err(folder.settings.wrong("original_ln_before", reason));
        }
        let new = match trained {
            true => Param::trained,
            false => Param::frozen,
        };
        let belt = BottleneckBelt::put(network, config, |names, key, rows, cols| {
            let shape = if rows == 1 && key.ends_with("bias") {
                vec![cols]
            } else {
                vec![rows, cols]
            };
            let numbers = folder.take(names.root, key, &shape)?;
            Ok(new(key.to_owned(), Mat::from_vec(rows, cols, numbers)))
        })?;
        folder.finish()?;
        Ok(belt)
    }

    /// Puts an adapter at every place that the configuration names; `made` makes the parameter of a
    /// key.
    fn put(
        network: &mut dyn Network,
        config: BottleneckConfig,
        mut made: impl FnMut(&Names, &str, usize, usize) -> Result<Param>,
    ) -> Result<BottleneckBelt> {
        if let Some(reason) = unknown(network, &config) {
            return Err(refused(reason));
        }
        let (about, width) = (About::of(network), network.sizes().width);
        let mut params = Vec::new();
        for (layer, sites) in network.sites_mut()?.into_iter().enumerate() {
            if config.leave_out.contains(&layer) {
                continue;
            }
            let rank = config
                .rank(layer, width)
                .ok_or_else(|| refused(format!("no reduction factor for layer {layer}")))?;
            let names = sites.names().clone();
            let mut adapter = |module: &str| {
                let path = format!("{module}.adapters.{}", config.name);
                let place = Place {
                    path,
                    names: &names,
                    width,
                    rank,
                };
                let adapter = place.adapter(&config, &mut made)?;
                params.extend(of_maps(&adapter.maps));
                Ok::<Adapter, Error>(adapter)
            };
            put_at(sites, &config, &names, &mut adapter)?;
        }
        Ok(BottleneckBelt {
            config,
            params,
            about,
        })
    }

    /// Writes the adapters so that the library loads them.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let entries: Vec<Entry<'_>> = self
            .params
            .iter()
            .map(|param| {
                let (rows, cols) = param.value().shape();
                let bias = param.name().ends_with("bias");
                Entry {
                    key: param.name().to_owned(),
                    shape: if bias { vec![cols] } else { vec![rows, cols] },
                    param,
                }
            })
            .collect();
        let (about, config) = (&self.about, self.config.written());
        adapterhub::write(folder, about, &self.config.name, &config, &entries)
    }
}

fn put_at(
    sites: &mut Sites,
    config: &BottleneckConfig,
    names: &Names,
    adapter: &mut impl FnMut(&str) -> Result<Adapter>,
) -> Result<()> {
    if config.after_attention {
        sites.put_after_attention(adapter(&names.attention)?)?;
    }
    if config.after_feed_forward {
        sites.put_after_feed_forward(adapter(&names.feed_forward)?)?;
    }
    Ok(())
}

impl Place<'_> {
    fn adapter(
        &self,
        config: &BottleneckConfig,
        made: &mut impl FnMut(&Names, &str, usize, usize) -> Result<Param>,
    ) -> Result<Adapter> {
        let mut linear = |map: &str, rows: usize, cols: usize| {
            let name = format!("{}.{map}", self.path);
            let weight = made(self.names, &format!("{name}.weight"), rows, cols)?;
            let bias = made(self.names, &format!("{name}.bias"), 1, rows)?;
            Ok::<Linear, Error>(Linear {
                map: Map::Trained(weight),
                bias: Some(bias),
                low_rank: None,
                name,
            })
        };
        let activation = Activation::parse(&config.activation)
            .ok_or_else(|| refused(format!("no activation `{}` is known", config.activation)))?;
        Ok(Adapter {
            maps: Bottleneck {
                down: linear("adapter_down.0", self.rank, self.width)?,
                up: linear("adapter_up", self.width, self.rank)?,
                activation,
                scale: config.scale as f32,
                dropout: config.dropout as f32,
            },
            reads: config.reads,
        })
    }
}

/// The parameters of one adapter.
fn of_maps(maps: &Bottleneck) -> impl Iterator<Item = Param> {
    [&maps.down, &maps.up].into_iter().flat_map(|linear| {
        let weight = match &linear.map {
            Map::Trained(param) => Some(param.clone()),
            Map::Frozen(_) => None,
        };
        [weight, linear.bias.clone()].into_iter().flatten()
    })
}

/// What this base cannot do as the library does: there, adapters after the attention of ModernBERT
/// that read a normed sum are normed with the weights of the last block, whichever block they are of.
fn unknown(network: &dyn Network, config: &BottleneckConfig) -> Option<&'static str> {
    let lent = network.family() == "modernbert" && config.after_attention;
    (lent && config.reads == Reads::Sum).then_some("false for adapters after this attention")
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Engine(skillbelt_engine::Error::Setting {
        op: "put adapters on a base",
        reason: reason.into(),
    })
}

/// The numbers of one parameter of a new adapter.
fn drawn(draw: Draw, seed: u64, key: &str, rows: usize, cols: usize) -> Vec<f32> {
    let count = rows * cols;
    if key.ends_with("bias") || (draw == Draw::Zero && key.contains(".adapter_up.")) {
        return vec![0.0; count];
    }
    let stream = Stream::new(seed, 0, key);
    let number = |i: u64| match draw {
        Draw::Bert => 0.02 * stream.normal(i),
        Draw::Zero => (2.0 * stream.uniform(i) - 1.0) / (cols as f32).sqrt(),
        Draw::Houlsby => {
            let mut tries = (0..).map(|again: u64| stream.normal(i + again * count as u64));
            0.01 * tries.find(|x| x.abs() <= 2.0).unwrap_or(0.0)
        }
    };
    (0..count as u64).map(number).collect()
}

//! Prefix tuning: trained keys and values before those of every text, in the files of `peft` or of
//! AdapterHub's `adapters`.
//!
//! The two libraries differ in more than names. In `peft`'s form, which decoders have, the prefix is
//! as if it had been read: positions of the text begin after it and windows count it. In AdapterHub's
//! form, which encoders and encoder-decoders have, positions do not know of it.

use std::path::Path;

use serde_json::json;
use skillbelt_engine::ops::Prefix;
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Param};

use super::adapterhub::{self, About};
use super::prefix_files::{self, Pool};
use super::sites::{PrefixRows, Sites};
use crate::base::{Network, Shape};
use crate::checkpoint::ConfigFile;
use crate::checkpoint::write::{self, Stored, Tensor};
use crate::error::{Error, Result};

/// Whose form a prefix has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// Decoders, and the decoder of an encoder-decoder.
    Peft,
    /// Encoders, and every attention of an encoder-decoder.
    AdapterHub,
}

/// What a prefix is, apart from its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixConfig {
    pub library: Library,
    /// Places before each text, `P`.
    pub length: usize,
    /// What AdapterHub calls it; stands in the keys of its weights.
    pub name: String,
    /// Layers without a prefix (AdapterHub).
    pub leave_out: Vec<usize>,
    /// Whether the encoder of an encoder-decoder has one (AdapterHub).
    pub encoder: bool,
    /// Whether the attention to the encoded text has one (AdapterHub).
    pub cross: bool,
}

impl PrefixConfig {
    /// The form that fits a base: `peft`'s for decoders, AdapterHub's for all others.
    pub fn fitting(network: &dyn Network, length: usize) -> PrefixConfig {
        PrefixConfig {
            library: match network.shape() {
                Shape::Decoder => Library::Peft,
                Shape::Encoder | Shape::EncoderDecoder => Library::AdapterHub,
            },
            length,
            name: super::NAME.into(),
            leave_out: Vec::new(),
            encoder: true,
            cross: true,
        }
    }
}

/// A prefix on a base: one matrix `[P x layers * 2 * kv width]` for each set of attentions that the
/// library keeps together.
pub struct PrefixBelt {
    pub config: PrefixConfig,
    pub params: Vec<Param>,
    about: About,
    form: Form,
}

/// What writing needs beyond the numbers.
enum Form {
    Peft(Peft),
    Pool(Pool),
}

/// The key of `peft`'s only tensor.
const EMBEDDINGS: &str = "prompt_embeddings";
/// Spread of a new prefix.
const SPREAD: f32 = 0.02;

/// The sizes that `peft` writes down.
struct Peft {
    layers: usize,
    heads: usize,
    width: usize,
    two_halves: bool,
}

impl PrefixBelt {
    /// A new prefix of small numbers around zero.
    pub fn fresh(network: &mut dyn Network, config: PrefixConfig, seed: u64) -> Result<PrefixBelt> {
        PrefixBelt::put(network, config, |key, _, rows, cols| {
            let stream = Stream::new(seed, 0, key);
            let drawn = (0..(rows * cols) as u64).map(|i| SPREAD * stream.normal(i));
            Ok(Param::trained(
                key,
                Mat::from_vec(rows, cols, drawn.collect()),
            ))
        })
    }

    /// Reads a prefix of either library and puts it on a base, as trained parameters or frozen ones.
    pub fn attach(folder: &Path, network: &mut dyn Network, trained: bool) -> Result<PrefixBelt> {
        let file = ConfigFile::open(&folder.join("adapter_config.json"))?;
        let new = match trained {
            true => Param::trained,
            false => Param::frozen,
        };
        if !file.has("peft_type") {
            let mut source = prefix_files::Hub::open(folder, trained)?;
            let config = source.config()?;
            let belt = PrefixBelt::put(network, config, |key, location, rows, cols| {
                let numbers = source.numbers(location, rows, cols)?;
                Ok(new(key.to_owned(), Mat::from_vec(rows, cols, numbers)))
            })?;
            source.finish()?;
            return Ok(belt);
        }
        let mut source = prefix_files::PeftFolder::open(folder, file, trained)?;
        let (config, kv_width, layers) = (source.config()?, kv_width(network), layers(network)?);
        source.expect(layers, kv_width)?;
        let belt = PrefixBelt::put(network, config, |key, _, rows, cols| {
            let numbers = source.numbers(rows, cols)?;
            Ok(new(key.to_owned(), Mat::from_vec(rows, cols, numbers)))
        })?;
        source.finish()?;
        Ok(belt)
    }

    /// `made` makes the parameter of a key, of a location, of a shape.
    fn put(
        network: &mut dyn Network,
        config: PrefixConfig,
        made: impl FnMut(&str, &str, usize, usize) -> Result<Param>,
    ) -> Result<PrefixBelt> {
        match config.library {
            Library::Peft => PrefixBelt::put_peft(network, config, made),
            Library::AdapterHub => PrefixBelt::put_pool(network, config, made),
        }
    }

    fn put_peft(
        network: &mut dyn Network,
        config: PrefixConfig,
        mut made: impl FnMut(&str, &str, usize, usize) -> Result<Param>,
    ) -> Result<PrefixBelt> {
        let (about, width, layers) = (About::of(network), kv_width(network), layers(network)?);
        let heads = network.sizes().kv_heads;
        let two_halves = network.shape() == Shape::EncoderDecoder;
        let rows = made(EMBEDDINGS, "", config.length, layers * 2 * width)?;
        let decoding = network.sites_mut()?.into_iter();
        let decoding = decoding.filter(|sites| !two_halves || reads_encoded(sites));
        for (layer, sites) in decoding.enumerate() {
            let place = if two_halves {
                doubled(layer, layers)
            } else {
                layer
            };
            sites.put_prefix(PrefixRows {
                prefix: Prefix {
                    rows: rows.clone(),
                    first: place * 2 * width,
                },
                counted: true,
            })?;
        }
        Ok(PrefixBelt {
            config,
            params: vec![rows],
            about,
            form: Form::Peft(Peft {
                layers,
                heads,
                width,
                two_halves,
            }),
        })
    }

    fn put_pool(
        network: &mut dyn Network,
        config: PrefixConfig,
        mut made: impl FnMut(&str, &str, usize, usize) -> Result<Param>,
    ) -> Result<PrefixBelt> {
        if network.shape() == Shape::Decoder {
            return Err(network.cannot("take AdapterHub's prefix (decoders take peft's)"));
        }
        if network.shape() == Shape::EncoderDecoder && !config.leave_out.is_empty() {
            return Err(network.cannot("leave layers out of AdapterHub's prefix"));
        }
        let (about, width) = (About::of(network), kv_width(network));
        let mut sites = network.sites_mut()?;
        let pool = Pool::of(&sites, &config);
        let mut params = Vec::new();
        for (location, count) in pool.locations() {
            let key = pool.key(location);
            params.push(made(&key, location, config.length, count * 2 * width)?);
        }
        for (location, (number, layer)) in pool.places() {
            let Some(at) = pool
                .locations()
                .iter()
                .position(|(name, _)| name == location)
            else {
                continue;
            };
            let prefix = Prefix {
                rows: params[at].clone(),
                first: number * 2 * width,
            };
            if *location == prefix_files::CROSS {
                sites[*layer].put_cross_prefix(prefix)?;
            } else {
                sites[*layer].put_prefix(PrefixRows {
                    prefix,
                    counted: false,
                })?;
            }
        }
        Ok(PrefixBelt {
            config,
            params,
            about,
            form: Form::Pool(pool),
        })
    }

    /// Writes the prefix so that its library loads it.
    pub fn save(&self, folder: &Path) -> Result<()> {
        match &self.form {
            Form::Peft(form) => self.save_peft(folder, form),
            Form::Pool(pool) => {
                let config = prefix_files::written(&self.config);
                let entries = pool.entries(&self.params);
                adapterhub::write(folder, &self.about, &self.config.name, &config, &entries)
            }
        }
    }

    fn save_peft(&self, folder: &Path, form: &Peft) -> Result<()> {
        fs_err::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        let values: Vec<_> = self.params.iter().map(Param::value).collect();
        let shapes: Vec<[usize; 2]> = values.iter().map(|v| [v.rows(), v.cols()]).collect();
        let tensors: Vec<Tensor<'_>> = values
            .iter()
            .zip(&shapes)
            .map(|(value, shape)| Tensor {
                key: EMBEDDINGS,
                shape,
                numbers: value.data(),
            })
            .collect();
        let path = folder.join("adapter_model.safetensors");
        write::safetensors(&path, &tensors, Stored::F32)?;
        let config = json!({
            "auto_mapping": null,
            "base_model_name_or_path": null,
            "encoder_hidden_size": form.width,
            "inference_mode": true,
            "modules_to_save": null,
            "num_attention_heads": form.heads,
            "num_layers": form.layers,
            "num_transformer_submodules": if form.two_halves { 2 } else { 1 },
            "num_virtual_tokens": self.config.length,
            "peft_type": "PREFIX_TUNING",
            "prefix_projection": false,
            "revision": null,
            "task_type": if form.two_halves { "SEQ_2_SEQ_LM" } else { "CAUSAL_LM" },
            "token_dim": form.width,
        });
        adapterhub::write_config(&folder.join("adapter_config.json"), &config)
    }
}

/// Whose columns a layer of an encoder-decoder's decoder reads. `peft` lays the layers' keys and
/// values twice one after another and cuts fours from that, of which a layer uses the first two: it
/// skips every other pair, and the same columns serve two layers.
fn doubled(layer: usize, layers: usize) -> usize {
    2 * layer % layers
}

fn reads_encoded(sites: &Sites) -> bool {
    sites.names().cross_attention.is_some()
}

/// Columns of the keys of one layer.
fn kv_width(network: &dyn Network) -> usize {
    let sizes = network.sizes();
    sizes.kv_heads * sizes.head_width
}

/// Layers that `peft` gives a prefix to.
fn layers(network: &mut dyn Network) -> Result<usize> {
    let (shape, layers) = (network.shape(), network.sizes().layers);
    if shape == Shape::Encoder {
        return Err(network.cannot("take peft's prefix (encoders take AdapterHub's)"));
    }
    let sites = network.sites_mut()?;
    let decoding = sites.iter().filter(|sites| reads_encoded(sites)).count();
    if shape == Shape::EncoderDecoder && decoding != layers {
        return Err(network.cannot("take peft's prefix: its halves differ in depth"));
    }
    Ok(layers)
}

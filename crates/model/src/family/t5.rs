//! T5: an encoder and a decoder that reads what was encoded, with root-mean-square norms before
//! each part and a learnt bias for distances in place of positions. CodeT5 and CodeT5+ are T5.
//!
//! A checkpoint of the encoder alone is an encoder; it decodes nothing.

mod stack;

use skillbelt_engine::ops::{self, Activation, Linear, Map};
use skillbelt_engine::{Param, Pass, Spans, Var};

use self::stack::{Encoded, Stack};
use crate::base::{Batch, Inventory, Loader, Memory, Network, Shape, Sizes};
use crate::belt::sites::Sites;
use crate::checkpoint::ConfigFile;
use crate::error::{Error, Result};

/// What `config.json` says of the network.
#[derive(Debug, Clone)]
pub struct Config {
    pub width: usize,
    pub inner: usize,
    pub encoder_layers: usize,
    pub decoder_layers: usize,
    pub heads: usize,
    /// Does not follow from width and heads.
    pub head_width: usize,
    pub vocabulary: usize,
    pub buckets: usize,
    pub max_distance: usize,
    pub eps: f64,
    pub activation: Activation,
    pub gated: bool,
    /// The output head is the table of tokens.
    pub tied: bool,
    /// Hidden states are made smaller before the head. Version 5 of the reference library writes it
    /// down; before that, being tied implied it.
    pub scaled: bool,
    /// The checkpoint claims to have an output head.
    pub writes: bool,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        let projection = file.string_or("feed_forward_proj", "relu")?;
        let (gated, name) = match projection.strip_prefix("gated-") {
            Some("gelu") => (true, "gelu_new"),
            Some(name) => (true, name),
            None => (false, projection),
        };
        let layers = file.usize("num_layers")?;
        let tied = file.bool_or("tie_word_embeddings", true)?;
        Ok(Config {
            width: file.usize("d_model")?,
            inner: file.usize("d_ff")?,
            encoder_layers: layers,
            decoder_layers: file.usize_or("num_decoder_layers", layers)?,
            heads: file.usize("num_heads")?,
            head_width: file.usize("d_kv")?,
            vocabulary: file.usize("vocab_size")?,
            buckets: file.usize_or("relative_attention_num_buckets", 32)?,
            max_distance: file.usize_or("relative_attention_max_distance", 128)?,
            eps: file.positive_or("layer_norm_epsilon", 1e-6)?,
            activation: super::activation(file, "dense_act_fn", name)?,
            gated: file.bool_or("is_gated_act", gated)?,
            tied,
            scaled: file.bool_or("scale_decoder_outputs", tied)?,
            writes: file
                .strings("architectures")?
                .iter()
                .any(|name| name.ends_with("ForConditionalGeneration")),
        })
    }
}

/// The whole network.
pub struct T5 {
    config: Config,
    shared: Map,
    encoder: Stack,
    decoder: Option<Stack>,
    lm_head: Option<Linear>,
}

/// Duplicates of tied weights, and one that old checkpoints have and nothing uses.
const FORGIVEN: [&str; 3] = [
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
];

impl T5 {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<T5> {
        let config = Config::read(file)?;
        let (v, c) = (config.vocabulary, config.width);
        let decodes = loader.has("decoder.final_layer_norm.weight")
            || loader.has("decoder.block.0.layer.0.SelfAttention.q.weight");
        let ties = decodes && config.tied;
        let shared = match ties {
            true => loader.head_table("shared.weight", v, c)?,
            false => loader.table("shared.weight", v, c)?,
        };
        let separate = decodes && !ties && (config.writes || loader.has("lm_head.weight"));
        let head = match (ties, separate) {
            (true, _) => Some(shared.clone()),
            (false, true) => Some(loader.head_table("lm_head.weight", v, c)?),
            (false, false) => None,
        };
        let t5 = T5 {
            encoder: Stack::load(
                &mut loader,
                &config,
                "encoder",
                (config.encoder_layers, false),
            )?,
            decoder: match decodes {
                true => Some(Stack::load(
                    &mut loader,
                    &config,
                    "decoder",
                    (config.decoder_layers, true),
                )?),
                false => None,
            },
            lm_head: head.map(super::lm_head),
            shared,
            config,
        };
        loader.forgive_tied(&FORGIVEN);
        if t5.config.tied {
            loader.forgive_tied(&["lm_head.weight"]);
        }
        loader.finish()?;
        Ok(t5)
    }

    fn embed(&self, pass: &Pass, batch: &Batch) -> Result<Var> {
        Ok(ops::embed(pass, &[(&self.shared, &batch.ids)], "token")?)
    }
}

impl Network for T5 {
    fn family(&self) -> &'static str {
        "t5"
    }

    fn shape(&self) -> Shape {
        match self.decoder {
            Some(_) => Shape::EncoderDecoder,
            None => Shape::Encoder,
        }
    }

    fn sizes(&self) -> Sizes {
        let config = &self.config;
        Sizes {
            width: config.width,
            layers: config.encoder_layers,
            heads: config.heads,
            kv_heads: config.heads,
            head_width: config.head_width,
            vocabulary: config.vocabulary,
            positions: None,
        }
    }

    fn hidden(&self, pass: &Pass, batch: &Batch, memory: Option<&mut Memory>) -> Result<Var> {
        super::expect_whole(self, batch, memory.as_deref())?;
        let x = self.embed(pass, batch)?;
        self.encoder.run(pass, x, &batch.spans, None, None)
    }

    fn decode(
        &self,
        pass: &Pass,
        encoded: &Var,
        encoded_spans: &Spans,
        batch: &Batch,
        memory: Option<&mut Memory>,
    ) -> Result<Var> {
        let Some(decoder) = &self.decoder else {
            return Err(self.cannot("decode a second text"));
        };
        super::expect_causal(self, batch, memory.as_deref())?;
        encoded_spans.expect_rows("decode", encoded.rows())?;
        if encoded_spans.count() != batch.spans.count() {
            return Err(Error::Engine(skillbelt_engine::Error::shape(
                "decode",
                format_args!("{} encoded texts", batch.spans.count()),
                encoded_spans.count(),
            )));
        }
        let x = self.embed(pass, batch)?;
        let encoded = Encoded {
            states: encoded,
            spans: encoded_spans,
        };
        decoder.run(pass, x, &batch.spans, Some(encoded), memory)
    }

    /// A head that is the table of tokens has large rows; hidden states are made smaller for it.
    fn before_head(&self, pass: &Pass, hidden: &Var) -> Result<Var> {
        Ok(match self.config.scaled {
            true => ops::scale(pass, hidden, 1.0 / (self.config.width as f32).sqrt())?,
            false => hidden.clone(),
        })
    }

    fn head(&self) -> Option<&Linear> {
        self.lm_head.as_ref()
    }

    fn linears_mut(&mut self) -> Result<Vec<&mut Linear>> {
        let mut linears = Vec::new();
        self.encoder.linears_mut(&mut linears)?;
        if let Some(decoder) = &mut self.decoder {
            decoder.linears_mut(&mut linears)?;
        }
        Ok(linears)
    }

    fn sites_mut(&mut self) -> Result<Vec<&mut Sites>> {
        let mut sites = self.encoder.sites_mut()?;
        if let Some(decoder) = &mut self.decoder {
            sites.extend(decoder.sites_mut()?);
        }
        Ok(sites)
    }

    fn params(&self) -> Vec<Param> {
        let mut inventory = Inventory::default();
        inventory.map(&self.shared);
        self.encoder.list(&mut inventory);
        if let Some(decoder) = &self.decoder {
            decoder.list(&mut inventory);
        }
        if let Some(head) = &self.lm_head {
            inventory.linear(head);
        }
        inventory.into_params()
    }

    fn memory_layers(&self) -> usize {
        self.config.decoder_layers
    }
}

//! StarCoder2: a decoder with layer norms, rotated queries and keys, a plain feed-forward part, and
//! biases throughout.

use std::sync::Arc;

use skillbelt_engine::ops::{self, Activation, Linear, Map, Norm, NormKind, Rope};
use skillbelt_engine::{Param, Pass, Var};

use super::rotary::{self, Attention, Biases, Heads, Text};
use crate::base::{Batch, Inventory, Loader, Memory, Network, Remembered, Shape, Sizes};
use crate::belt::sites::{Around, Names, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// What `config.json` says of the network.
#[derive(Debug, Clone)]
pub struct Config {
    heads: Heads,
    pub inner: usize,
    pub layers: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub eps: f64,
    pub activation: Activation,
    /// The output head is the table of tokens.
    pub tied: bool,
    /// All linear maps have biases, or none has.
    pub bias: bool,
    /// How many tokens a token sees, itself included; all if `None`.
    pub window: Option<usize>,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        Ok(Config {
            heads: Heads::read(file)?,
            inner: file.usize("intermediate_size")?,
            layers: file.usize("num_hidden_layers")?,
            vocabulary: file.usize("vocab_size")?,
            positions: file.usize("max_position_embeddings")?,
            eps: file.positive_or("norm_epsilon", 1e-5)?,
            activation: super::activation(file, "hidden_act", "gelu_pytorch_tanh")?,
            tied: file.bool_or("tie_word_embeddings", true)?,
            bias: file.bool_or("use_bias", true)?,
            window: file.usize_optional("sliding_window")?,
        })
    }
}

/// One block: attention, then feed-forward, each after a norm and added to what came in.
struct Layer {
    input_layernorm: Norm,
    self_attn: Attention,
    post_attention_layernorm: Norm,
    c_fc: Linear,
    c_proj: Linear,
    activation: Activation,
    sites: Sites,
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<Layer> {
        let (c, inner, bias) = (config.heads.width, config.inner, config.bias);
        let norm = |loader: &mut Loader<'_>, name: &str| {
            loader.norm(
                &format!("{path}.{name}"),
                c,
                NormKind::Layer,
                config.eps,
                true,
            )
        };
        let biases = Biases {
            inputs: bias,
            output: bias,
        };
        Ok(Layer {
            input_layernorm: norm(loader, "input_layernorm")?,
            self_attn: Attention::load(
                loader,
                &format!("{path}.self_attn"),
                &config.heads,
                biases,
                config.window,
            )?,
            post_attention_layernorm: norm(loader, "post_attention_layernorm")?,
            c_fc: loader.linear(&format!("{path}.mlp.c_fc"), inner, c, bias)?,
            c_proj: loader.linear(&format!("{path}.mlp.c_proj"), c, inner, bias)?,
            activation: config.activation,
            sites: Sites::new(Names::of_layer("model.", path, "self_attn")),
        })
    }

    fn forward(
        &self,
        pass: &Pass,
        x: &Var,
        text: &Text,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let normed = ops::norm(pass, x, &self.input_layernorm)?;
        let sites = &self.sites;
        let x = self
            .self_attn
            .forward(pass, [&normed, x], text, sites, memory)?;
        let normed = ops::norm(pass, &x, &self.post_attention_layernorm)?;
        let wide = ops::linear(pass, &normed, &self.c_fc, None)?;
        let wide = ops::activation(pass, &wide, self.activation)?;
        sites.after_feed_forward(pass, &wide, &self.c_proj, &x, Around::Stream)
    }

    fn linears_mut(&mut self) -> Vec<&mut Linear> {
        let mut linears = Vec::from(self.self_attn.linears_mut());
        linears.extend([&mut self.c_fc, &mut self.c_proj]);
        linears
    }

    fn list(&self, inventory: &mut Inventory) {
        inventory.norm(&self.input_layernorm);
        self.self_attn.list(inventory);
        inventory.norm(&self.post_attention_layernorm);
        inventory.linear(&self.c_fc);
        inventory.linear(&self.c_proj);
    }
}

/// The whole network.
pub struct Starcoder2 {
    config: Config,
    embed_tokens: Map,
    layers: Vec<Arc<Layer>>,
    norm: Norm,
    lm_head: Option<Linear>,
    rope: Arc<Rope>,
    lacking: &'static str,
}

impl Starcoder2 {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<Starcoder2> {
        let config = Config::read(file)?;
        let (v, c) = (config.vocabulary, config.heads.width);
        loader.root("model.", "embed_tokens.weight");
        let (embed_tokens, lm_head) = super::tokens_and_head(
            &mut loader,
            "model.embed_tokens.weight",
            (v, c),
            config.tied,
        )?;
        let starcoder = Starcoder2 {
            lacking: loader.lacking(),
            rope: rotary::rope(file, config.heads.head_width, config.positions)?,
            embed_tokens,
            layers: (0..config.layers)
                .map(|i| Layer::load(&mut loader, &config, &format!("model.layers.{i}")))
                .map(|layer| layer.map(Arc::new))
                .collect::<Result<_>>()?,
            norm: loader.norm("model.norm", c, NormKind::Layer, config.eps, true)?,
            lm_head,
            config,
        };
        if starcoder.config.tied {
            loader.forgive_tied(&["lm_head.weight"]);
        }
        loader.forgive(&[], &["rotary_emb.inv_freq"]);
        loader.finish()?;
        Ok(starcoder)
    }

    fn first(&self) -> Option<&Sites> {
        self.layers.first().map(|layer| &layer.sites)
    }
}

impl Network for Starcoder2 {
    fn family(&self) -> &'static str {
        "starcoder2"
    }

    fn shape(&self) -> Shape {
        Shape::Decoder
    }

    fn sizes(&self) -> Sizes {
        let heads = &self.config.heads;
        Sizes {
            width: heads.width,
            layers: self.config.layers,
            heads: heads.heads,
            kv_heads: heads.kv_heads,
            head_width: heads.head_width,
            vocabulary: self.config.vocabulary,
            positions: Some(super::left(self.config.positions, self.first())),
        }
    }

    fn lacking(&self) -> &'static str {
        self.lacking
    }

    fn hidden(&self, pass: &Pass, batch: &Batch, mut memory: Option<&mut Memory>) -> Result<Var> {
        super::expect_causal(self, batch, memory.as_deref())?;
        let text = Arc::new(Text::new(
            batch,
            memory.as_deref(),
            self.first(),
            &self.rope,
        ));
        let mut x = ops::embed(pass, &[(&self.embed_tokens, &batch.ids)], "token")?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = match memory.as_deref_mut() {
                Some(memory) => layer.forward(pass, &x, &text, Some(memory.layer(i)))?,
                None => {
                    let (layer, text) = (Arc::clone(layer), Arc::clone(&text));
                    super::block(pass, &x, move |pass, x| layer.forward(pass, x, &text, None))?
                }
            };
        }
        Ok(ops::norm(pass, &x, &self.norm)?)
    }

    fn head(&self) -> Option<&Linear> {
        self.lm_head.as_ref()
    }

    fn linears_mut(&mut self) -> Result<Vec<&mut Linear>> {
        let mut linears = Vec::new();
        for layer in &mut self.layers {
            linears.extend(super::unshared(layer)?.linears_mut());
        }
        Ok(linears)
    }

    fn sites_mut(&mut self) -> Result<Vec<&mut Sites>> {
        super::sites_of(&mut self.layers, |layer| &mut layer.sites)
    }

    fn params(&self) -> Vec<Param> {
        let mut inventory = Inventory::default();
        inventory.map(&self.embed_tokens);
        for layer in &self.layers {
            layer.list(&mut inventory);
        }
        inventory.norm(&self.norm);
        if let Some(head) = &self.lm_head {
            inventory.linear(head);
        }
        inventory.into_params()
    }
}

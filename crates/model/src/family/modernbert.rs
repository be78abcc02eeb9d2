//! ModernBERT: an encoder with norms before each part, fused maps, and rotated queries and keys;
//! most of its layers see only their neighbourhood.
//!
//! No pooler: what Skillbelt does with hidden states is the task's affair.

use std::sync::Arc;

use skillbelt_engine::ops::{
    self, Activation, Attend, Columns, Linear, Map, Norm, NormKind, Reach, Rope, RopeScaling,
};
use skillbelt_engine::{Param, Pass, Spans, Var};

use crate::base::{Batch, Inventory, Loader, Memory, Network, Shape, Sizes};
use crate::belt::sites::{Around, Names, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// What `config.json` says of the network.
#[derive(Debug, Clone)]
pub struct Config {
    pub width: usize,
    pub inner: usize,
    pub layers: usize,
    pub heads: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub eps: f64,
    pub activation: Activation,
    pub head_activation: Activation,
    /// Every so many layers, from the first on, one sees the whole text.
    pub global_every: usize,
    /// Tokens that the other layers see, half of them on either side.
    pub window: usize,
    pub global_theta: f64,
    pub local_theta: f64,
    pub attention_bias: bool,
    pub mlp_bias: bool,
    pub norm_bias: bool,
    pub head_bias: bool,
    pub decoder_bias: bool,
    /// The output head is the table of tokens.
    pub tied: bool,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        let global_theta = theta(file, "full_attention", "global_rope_theta", 160_000.0)?;
        // Written as null, the local layers rotate as the global ones do.
        let local_default = match file.is_written("local_rope_theta") {
            true => global_theta,
            false => 10_000.0,
        };
        let config = Config {
            width: file.usize("hidden_size")?,
            inner: file.usize("intermediate_size")?,
            layers: file.usize("num_hidden_layers")?,
            heads: file.usize("num_attention_heads")?,
            vocabulary: file.usize("vocab_size")?,
            positions: file.usize("max_position_embeddings")?,
            eps: file.positive_or("norm_eps", 1e-5)?,
            activation: super::activation(file, "hidden_activation", "gelu")?,
            head_activation: super::activation(file, "classifier_activation", "gelu")?,
            global_every: file.usize_or("global_attn_every_n_layers", 3)?,
            window: file.usize_or("local_attention", 128)?,
            global_theta,
            local_theta: theta(file, "sliding_attention", "local_rope_theta", local_default)?,
            attention_bias: file.bool_or("attention_bias", false)?,
            mlp_bias: file.bool_or("mlp_bias", false)?,
            norm_bias: file.bool_or("norm_bias", false)?,
            head_bias: file.bool_or("classifier_bias", false)?,
            decoder_bias: file.bool_or("decoder_bias", true)?,
            tied: file.bool_or("tie_word_embeddings", true)?,
        };
        super::expect_divides(file, "num_attention_heads", config.heads, config.width)?;
        super::expect_divides(file, "num_attention_heads", 2 * config.heads, config.width)?;
        if file.has("rope_scaling") {
            return Err(file.wrong("rope_scaling", "nothing"));
        }
        Ok(config)
    }

    fn sees_all(&self, layer: usize) -> bool {
        layer.is_multiple_of(self.global_every)
    }
}

/// The base of a rotation; newer files keep it in a section for each kind of layer.
fn theta(file: &ConfigFile, kind: &str, key: &str, default: f64) -> Result<f64> {
    let parameters = match file.section("rope_parameters")? {
        Some(parameters) => parameters.section(kind)?,
        None => None,
    };
    match parameters {
        Some(parameters) => match parameters.string_or("rope_type", "default")? {
            "default" => parameters.positive_or("rope_theta", default),
            _ => Err(parameters.wrong("rope_type", "default")),
        },
        None => file.positive_or(key, default),
    }
}

/// What every layer of one pass must know about the batch.
struct Text {
    spans: Spans,
    /// `[T]`, of each token within its own sequence.
    positions: Vec<u32>,
}

/// One block: attention, then feed-forward, each after a norm and added to what came in.
struct Layer {
    /// The first layer has none: the embeddings come normed.
    attn_norm: Option<Norm>,
    wqkv: Linear,
    attn_wo: Linear,
    mlp_norm: Norm,
    wi: Linear,
    mlp_wo: Linear,
    activation: Activation,
    how: Attend,
    rope: Arc<Rope>,
    sites: Sites,
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, i: usize, rope: &Arc<Rope>) -> Result<Layer> {
        let path = format!("model.layers.{i}");
        let (c, inner) = (config.width, config.inner);
        let (attention, mlp) = (config.attention_bias, config.mlp_bias);
        let head_width = c / config.heads;
        let side = (!config.sees_all(i)).then_some(config.window / 2);
        Ok(Layer {
            attn_norm: match i {
                0 => None,
                _ => Some(norm(loader, config, &format!("{path}.attn_norm"))?),
            },
            wqkv: loader.linear(&format!("{path}.attn.Wqkv"), 3 * c, c, attention)?,
            attn_wo: loader.linear(&format!("{path}.attn.Wo"), c, c, attention)?,
            mlp_norm: norm(loader, config, &format!("{path}.mlp_norm"))?,
            wi: loader.linear(&format!("{path}.mlp.Wi"), 2 * inner, c, mlp)?,
            mlp_wo: loader.linear(&format!("{path}.mlp.Wo"), c, inner, mlp)?,
            activation: config.activation,
            how: Attend {
                heads: config.heads,
                kv_heads: config.heads,
                head_width,
                scale: 1.0 / (head_width as f32).sqrt(),
                reach: Reach {
                    left: side,
                    right: side,
                    prefix: None,
                },
            },
            rope: Arc::clone(rope),
            sites: Sites::new(Names::of_layer("model.", &path, "attn")),
        })
    }

    fn forward(&self, pass: &Pass, x: &Var, text: &Text) -> skillbelt_engine::Result<Var> {
        let normed = match &self.attn_norm {
            Some(norm) => ops::norm(pass, x, norm)?,
            None => x.clone(),
        };
        // [T x 3C]: queries, keys and values side by side
        let qkv = ops::linear(pass, &normed, &self.wqkv, None)?;
        let (c, heads) = (x.cols(), self.how.heads);
        let turned = [(0, heads), (c, heads)];
        let qkv = ops::rope(pass, &qkv, &turned, &text.positions, &self.rope)?;
        let part = |first| Columns { var: &qkv, first };
        let columns = [part(0), part(c), part(2 * c)];
        let (sites, how) = (&self.sites, (&self.how, None));
        let seen = super::attend(pass, columns, &text.spans, how, sites.prefix(), None)?;
        let x = sites.after_attention(pass, &seen, &self.attn_wo, x, Around::Fed(&normed))?;
        let normed = ops::norm(pass, &x, &self.mlp_norm)?;
        // [T x 2 inner]: what is activated, and what it is multiplied by
        let wide = ops::linear(pass, &normed, &self.wi, None)?;
        let inner = self.mlp_wo.inputs();
        let (gate, up) = (
            Columns::all(&wide),
            Columns {
                var: &wide,
                first: inner,
            },
        );
        let wide = ops::gated(pass, gate, up, inner, self.activation)?;
        sites.after_feed_forward(pass, &wide, &self.mlp_wo, &x, Around::Fed(&normed))
    }

    fn linears_mut(&mut self) -> [&mut Linear; 4] {
        [
            &mut self.wqkv,
            &mut self.attn_wo,
            &mut self.wi,
            &mut self.mlp_wo,
        ]
    }

    fn list(&self, inventory: &mut Inventory) {
        if let Some(norm) = &self.attn_norm {
            inventory.norm(norm);
        }
        inventory.linear(&self.wqkv);
        inventory.linear(&self.attn_wo);
        inventory.norm(&self.mlp_norm);
        inventory.linear(&self.wi);
        inventory.linear(&self.mlp_wo);
    }
}

fn norm(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<Norm> {
    loader.norm(
        path,
        config.width,
        NormKind::Layer,
        config.eps,
        config.norm_bias,
    )
}

/// From hidden states to the vocabulary.
struct Head {
    dense: Linear,
    norm: Norm,
    decoder: Linear,
}

impl Head {
    /// Absent in a checkpoint of the bare encoder.
    fn load(loader: &mut Loader<'_>, config: &Config, tokens: &Map) -> Result<Option<Head>> {
        if loader.is_bare() && !loader.has("head.dense.weight") {
            return Ok(None);
        }
        let (c, v) = (config.width, config.vocabulary);
        Ok(Some(Head {
            dense: loader.linear("head.dense", c, c, config.head_bias)?,
            norm: norm(loader, config, "head.norm")?,
            decoder: Linear {
                name: "decoder".into(),
                map: match config.tied {
                    true => tokens.clone(),
                    false => loader.head_table("decoder.weight", v, c)?,
                },
                bias: match config.decoder_bias {
                    true => Some(loader.vector("decoder.bias", v)?),
                    false => None,
                },
                low_rank: None,
            },
        }))
    }
}

/// The whole network.
pub struct ModernBert {
    config: Config,
    tok_embeddings: Map,
    norm: Norm,
    layers: Vec<Arc<Layer>>,
    final_norm: Norm,
    head: Option<Head>,
    lacking: &'static str,
}

impl ModernBert {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<ModernBert> {
        let config = Config::read(file)?;
        loader.root("model.", "embeddings.tok_embeddings.weight");
        let (table, v, c) = (
            "model.embeddings.tok_embeddings.weight",
            config.vocabulary,
            config.width,
        );
        let tok_embeddings = match config.tied && !loader.is_bare() {
            true => loader.head_table(table, v, c)?,
            false => loader.table(table, v, c)?,
        };
        let rope = |theta| {
            let head_width = c / config.heads;
            Rope::new(head_width, config.positions, theta, RopeScaling::None).map(Arc::new)
        };
        let (global, local) = (rope(config.global_theta)?, rope(config.local_theta)?);
        let bert = ModernBert {
            lacking: loader.lacking(),
            norm: norm(&mut loader, &config, "model.embeddings.norm")?,
            layers: (0..config.layers)
                .map(|i| {
                    let rope = if config.sees_all(i) { &global } else { &local };
                    Layer::load(&mut loader, &config, i, rope).map(Arc::new)
                })
                .collect::<Result<_>>()?,
            final_norm: norm(&mut loader, &config, "model.final_norm")?,
            head: Head::load(&mut loader, &config, &tok_embeddings)?,
            tok_embeddings,
            config,
        };
        if bert.config.tied {
            loader.forgive_tied(&["decoder.weight"]);
        }
        loader.finish()?;
        Ok(bert)
    }
}

impl Network for ModernBert {
    fn family(&self) -> &'static str {
        "modernbert"
    }

    fn shape(&self) -> Shape {
        Shape::Encoder
    }

    fn sizes(&self) -> Sizes {
        let config = &self.config;
        Sizes {
            width: config.width,
            layers: config.layers,
            heads: config.heads,
            kv_heads: config.heads,
            head_width: config.width / config.heads,
            vocabulary: config.vocabulary,
            positions: Some(config.positions),
        }
    }

    fn lacking(&self) -> &'static str {
        self.lacking
    }

    fn hidden(&self, pass: &Pass, batch: &Batch, memory: Option<&mut Memory>) -> Result<Var> {
        super::expect_whole(self, batch, memory.as_deref())?;
        let text = Arc::new(Text {
            spans: batch.spans.clone(),
            positions: batch.spans.positions(),
        });
        let x = ops::embed(pass, &[(&self.tok_embeddings, &batch.ids)], "token")?;
        let mut x = ops::norm(pass, &x, &self.norm)?;
        for layer in &self.layers {
            let (layer, text) = (Arc::clone(layer), Arc::clone(&text));
            x = super::block(pass, &x, move |pass, x| layer.forward(pass, x, &text))?;
        }
        Ok(ops::norm(pass, &x, &self.final_norm)?)
    }

    fn before_head(&self, pass: &Pass, hidden: &Var) -> Result<Var> {
        let Some(head) = &self.head else {
            return Ok(hidden.clone());
        };
        let x = ops::linear(pass, hidden, &head.dense, None)?;
        let x = ops::activation(pass, &x, self.config.head_activation)?;
        Ok(ops::norm(pass, &x, &head.norm)?)
    }

    fn head(&self) -> Option<&Linear> {
        self.head.as_ref().map(|head| &head.decoder)
    }

    fn linears_mut(&mut self) -> Result<Vec<&mut Linear>> {
        let mut linears = Vec::new();
        for layer in &mut self.layers {
            linears.extend(super::unshared(layer)?.linears_mut());
        }
        linears.extend(self.head.as_mut().map(|head| &mut head.dense));
        Ok(linears)
    }

    fn sites_mut(&mut self) -> Result<Vec<&mut Sites>> {
        super::sites_of(&mut self.layers, |layer| &mut layer.sites)
    }

    fn params(&self) -> Vec<Param> {
        let mut inventory = Inventory::default();
        inventory.map(&self.tok_embeddings);
        inventory.norm(&self.norm);
        for layer in &self.layers {
            layer.list(&mut inventory);
        }
        inventory.norm(&self.final_norm);
        if let Some(head) = &self.head {
            inventory.linear(&head.dense);
            inventory.norm(&head.norm);
            inventory.linear(&head.decoder);
        }
        inventory.into_params()
    }
}

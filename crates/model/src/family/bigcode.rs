//! GPTBigCode, which StarCoder and SantaCoder are: a decoder with learnt positions, layer norms, one
//! fused map for queries, keys and values, and usually a single head of keys and values.

use std::sync::Arc;

use skillbelt_engine::ops::{
    self, Activation, Attend, Columns, Linear, Map, Norm, NormKind, Reach,
};
use skillbelt_engine::{Param, Pass, Spans, Var};

use crate::base::{Batch, Inventory, Loader, Memory, Network, Remembered, Shape, Sizes};
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
    /// All heads of queries share one head of keys and values.
    pub multi_query: bool,
    /// Scores are divided by the root of the head width.
    pub scaled: bool,
    /// The output head is the table of tokens.
    pub tied: bool,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        let width = file.usize("n_embd")?;
        let config = Config {
            width,
            inner: file.usize_or("n_inner", 4 * width)?,
            layers: file.usize("n_layer")?,
            heads: file.usize("n_head")?,
            vocabulary: file.usize("vocab_size")?,
            positions: file.usize("n_positions")?,
            eps: file.positive_or("layer_norm_epsilon", 1e-5)?,
            activation: super::activation(file, "activation_function", "gelu_pytorch_tanh")?,
            multi_query: file.bool_or("multi_query", true)?,
            scaled: file.bool_or("scale_attn_weights", true)?,
            tied: file.bool_or("tie_word_embeddings", true)?,
        };
        super::expect_divides(file, "n_head", config.heads, config.width)?;
        match file.bool_or("add_cross_attention", false)? {
            false => Ok(config),
            true => Err(file.wrong("add_cross_attention", "false")),
        }
    }

    fn head_width(&self) -> usize {
        self.width / self.heads
    }

    fn kv_heads(&self) -> usize {
        if self.multi_query { 1 } else { self.heads }
    }

    fn attend(&self) -> Attend {
        let root = (self.head_width() as f32).sqrt();
        Attend {
            heads: self.heads,
            kv_heads: self.kv_heads(),
            head_width: self.head_width(),
            scale: if self.scaled { 1.0 / root } else { 1.0 },
            reach: Reach::causal(),
        }
    }

    /// With one head of keys and values per head of queries the fused map gives them head by head:
    /// the columns that bring all queries, then all keys, then all values together.
    fn order(&self) -> Option<Arc<[usize]>> {
        let (heads, d) = (self.heads, self.head_width());
        let place = |part, head, column| (head * 3 + part) * d + column;
        let of_head = |part, head| (0..d).map(move |column| place(part, head, column));
        let of_part = |part| (0..heads).flat_map(move |head| of_head(part, head));
        (!self.multi_query).then(|| (0..3).flat_map(of_part).collect())
    }
}

/// One block: attention, then feed-forward, each after a norm and added to what came in.
struct Layer {
    ln_1: Norm,
    c_attn: Linear,
    attn_c_proj: Linear,
    ln_2: Norm,
    c_fc: Linear,
    mlp_c_proj: Linear,
    activation: Activation,
    how: Attend,
    order: Option<Arc<[usize]>>,
    sites: Sites,
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<Layer> {
        let (c, inner) = (config.width, config.inner);
        let fused = c + 2 * config.kv_heads() * config.head_width();
        Ok(Layer {
            ln_1: norm(loader, config, &format!("{path}.ln_1"))?,
            c_attn: loader.linear(&format!("{path}.attn.c_attn"), fused, c, true)?,
            attn_c_proj: loader.linear(&format!("{path}.attn.c_proj"), c, c, true)?,
            ln_2: norm(loader, config, &format!("{path}.ln_2"))?,
            c_fc: loader.linear(&format!("{path}.mlp.c_fc"), inner, c, true)?,
            mlp_c_proj: loader.linear(&format!("{path}.mlp.c_proj"), c, inner, true)?,
            activation: config.activation,
            how: config.attend(),
            order: config.order(),
            sites: Sites::new(Names::of_layer("transformer.", path, "attn")),
        })
    }

    fn forward(
        &self,
        pass: &Pass,
        x: &Var,
        spans: &Spans,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let normed = ops::norm(pass, x, &self.ln_1)?;
        // [T x (C + 2 kv D)]: queries, keys and values
        let fused = ops::linear(pass, &normed, &self.c_attn, None)?;
        let fused = match &self.order {
            Some(order) => ops::take_columns(pass, &fused, order)?,
            None => fused,
        };
        let (c, kv) = (x.cols(), self.how.kv_heads * self.how.head_width);
        let part = |first| Columns { var: &fused, first };
        let columns = [part(0), part(c), part(c + kv)];
        let (sites, how) = (&self.sites, (&self.how, None));
        let seen = super::attend(pass, columns, spans, how, sites.prefix(), memory)?;
        let x = sites.after_attention(pass, &seen, &self.attn_c_proj, x, Around::Stream)?;
        let normed = ops::norm(pass, &x, &self.ln_2)?;
        let wide = ops::linear(pass, &normed, &self.c_fc, None)?;
        let wide = ops::activation(pass, &wide, self.activation)?;
        sites.after_feed_forward(pass, &wide, &self.mlp_c_proj, &x, Around::Stream)
    }

    fn linears_mut(&mut self) -> [&mut Linear; 4] {
        [
            &mut self.c_attn,
            &mut self.attn_c_proj,
            &mut self.c_fc,
            &mut self.mlp_c_proj,
        ]
    }

    fn list(&self, inventory: &mut Inventory) {
        inventory.norm(&self.ln_1);
        inventory.linear(&self.c_attn);
        inventory.linear(&self.attn_c_proj);
        inventory.norm(&self.ln_2);
        inventory.linear(&self.c_fc);
        inventory.linear(&self.mlp_c_proj);
    }
}

fn norm(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<Norm> {
    loader.norm(path, config.width, NormKind::Layer, config.eps, true)
}

/// The whole network.
pub struct Bigcode {
    config: Config,
    wte: Map,
    wpe: Map,
    layers: Vec<Arc<Layer>>,
    ln_f: Norm,
    lm_head: Option<Linear>,
    lacking: &'static str,
}

impl Bigcode {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<Bigcode> {
        let config = Config::read(file)?;
        let (v, c) = (config.vocabulary, config.width);
        loader.root("transformer.", "wte.weight");
        let (wte, lm_head) =
            super::tokens_and_head(&mut loader, "transformer.wte.weight", (v, c), config.tied)?;
        let bigcode = Bigcode {
            lacking: loader.lacking(),
            wte,
            wpe: loader.table("transformer.wpe.weight", config.positions, c)?,
            layers: (0..config.layers)
                .map(|i| Layer::load(&mut loader, &config, &format!("transformer.h.{i}")))
                .map(|layer| layer.map(Arc::new))
                .collect::<Result<_>>()?,
            ln_f: norm(&mut loader, &config, "transformer.ln_f")?,
            lm_head,
            config,
        };
        if bigcode.config.tied {
            loader.forgive_tied(&["lm_head.weight"]);
        }
        loader.finish()?;
        Ok(bigcode)
    }

    fn first(&self) -> Option<&Sites> {
        self.layers.first().map(|layer| &layer.sites)
    }
}

impl Network for Bigcode {
    fn family(&self) -> &'static str {
        "gpt_bigcode"
    }

    fn shape(&self) -> Shape {
        Shape::Decoder
    }

    fn sizes(&self) -> Sizes {
        let config = &self.config;
        Sizes {
            width: config.width,
            layers: config.layers,
            heads: config.heads,
            kv_heads: config.kv_heads(),
            head_width: config.head_width(),
            vocabulary: config.vocabulary,
            positions: Some(super::left(config.positions, self.first())),
        }
    }

    fn lacking(&self) -> &'static str {
        self.lacking
    }

    fn hidden(&self, pass: &Pass, batch: &Batch, mut memory: Option<&mut Memory>) -> Result<Var> {
        super::expect_causal(self, batch, memory.as_deref())?;
        let places = super::positions(batch, memory.as_deref(), self.first());
        let tables: [(&Map, &[u32]); 2] = [(&self.wte, &batch.ids), (&self.wpe, &places)];
        let mut x = ops::embed(pass, &tables, "token or position")?;
        for (i, layer) in self.layers.iter().enumerate() {
            x = match memory.as_deref_mut() {
                Some(memory) => layer.forward(pass, &x, &batch.spans, Some(memory.layer(i)))?,
                None => {
                    let (layer, spans) = (Arc::clone(layer), batch.spans.clone());
                    super::block(pass, &x, move |pass, x| {
                        layer.forward(pass, x, &spans, None)
                    })?
                }
            };
        }
        Ok(ops::norm(pass, &x, &self.ln_f)?)
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
        for map in [&self.wte, &self.wpe] {
            inventory.map(map);
        }
        for layer in &self.layers {
            layer.list(&mut inventory);
        }
        inventory.norm(&self.ln_f);
        if let Some(head) = &self.lm_head {
            inventory.linear(head);
        }
        inventory.into_params()
    }
}

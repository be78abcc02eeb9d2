//! LLaMA, Mistral and Qwen2: decoders with root-mean-square norms, rotated queries and keys, and a
//! gated feed-forward part. DeepSeek-Coder and CodeLlama are LLaMA; Qwen2.5-Coder is Qwen2.
//!
//! What tells them apart is settings only: biases, windows, the scaling of the rope.

use std::sync::Arc;

use skillbelt_engine::ops::{self, Activation, Columns, Linear, Map, Norm, NormKind, Rope};
use skillbelt_engine::{Param, Pass, Var};

use super::rotary::{self, Attention, Biases, Heads, Text};
use crate::base::{Batch, Inventory, Loader, Memory, Network, Remembered, Shape, Sizes};
use crate::belt::sites::{Around, Names, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// What `config.json` says of the network.
#[derive(Debug, Clone)]
pub struct Config {
    pub family: &'static str,
    heads: Heads,
    pub inner: usize,
    pub layers: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub eps: f64,
    pub activation: Activation,
    /// The output head is the table of tokens.
    pub tied: bool,
    biases: Biases,
    pub inner_bias: bool,
    /// Of each layer: how many tokens a token sees, itself included; all if `None`.
    pub windows: Vec<Option<usize>>,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        let family = match file.string("model_type")? {
            "mistral" => "mistral",
            "qwen2" => "qwen2",
            _ => "llama",
        };
        let layers = file.usize("num_hidden_layers")?;
        let llama_bias = family == "llama" && file.bool_or("attention_bias", false)?;
        Ok(Config {
            family,
            heads: Heads::read(file)?,
            inner: file.usize("intermediate_size")?,
            layers,
            vocabulary: file.usize("vocab_size")?,
            positions: file.usize("max_position_embeddings")?,
            eps: file.positive_or("rms_norm_eps", 1e-6)?,
            activation: super::activation(file, "hidden_act", "silu")?,
            tied: file.bool_or("tie_word_embeddings", false)?,
            biases: Biases {
                inputs: llama_bias || family == "qwen2",
                output: llama_bias,
            },
            inner_bias: family == "llama" && file.bool_or("mlp_bias", false)?,
            windows: match family {
                "mistral" => vec![mistral_window(file)?; layers],
                "qwen2" => qwen2_windows(file, layers)?,
                _ => vec![None; layers],
            },
        })
    }
}

/// The library's own default holds where the file says nothing; `null` means no window.
fn mistral_window(file: &ConfigFile) -> Result<Option<usize>> {
    if file.is_written("sliding_window") {
        file.usize_optional("sliding_window")
    } else {
        Ok(Some(4096))
    }
}

/// Qwen2 has windows only if asked for, and then in its upper layers or in those that it lists.
fn qwen2_windows(file: &ConfigFile, layers: usize) -> Result<Vec<Option<usize>>> {
    let window = match file.bool_or("use_sliding_window", false)? {
        true => mistral_window(file)?,
        false => None,
    };
    let types = file.strings("layer_types")?;
    if types.is_empty() {
        let first = file.count_or("max_window_layers", 28)?;
        return Ok((0..layers).map(|i| window.filter(|_| i >= first)).collect());
    }
    if types.len() != layers {
        return Err(file.wrong(
            "layer_types",
            format_args!("one type for each of {layers} layers"),
        ));
    }
    let windowed = |kind: &str| match kind {
        "full_attention" => Ok(None),
        "sliding_attention" => Ok(window),
        _ => Err(file.wrong("layer_types", "full_attention or sliding_attention")),
    };
    types.into_iter().map(windowed).collect()
}

/// The gated feed-forward part: `down(act(gate x) * up x)`.
struct Gated {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
    activation: Activation,
}

/// One block: attention, then feed-forward, each after a norm and added to what came in.
struct Layer {
    input_layernorm: Norm,
    self_attn: Attention,
    post_attention_layernorm: Norm,
    mlp: Gated,
    sites: Sites,
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, i: usize) -> Result<Layer> {
        let path = format!("model.layers.{i}");
        let (c, inner, bias) = (config.heads.width, config.inner, config.inner_bias);
        let norm = |loader: &mut Loader<'_>, name: &str| {
            loader.norm(
                &format!("{path}.{name}"),
                c,
                NormKind::Rms,
                config.eps,
                false,
            )
        };
        Ok(Layer {
            input_layernorm: norm(loader, "input_layernorm")?,
            self_attn: Attention::load(
                loader,
                &format!("{path}.self_attn"),
                &config.heads,
                config.biases,
                config.windows[i],
            )?,
            post_attention_layernorm: norm(loader, "post_attention_layernorm")?,
            mlp: Gated {
                gate_proj: loader.linear(&format!("{path}.mlp.gate_proj"), inner, c, bias)?,
                up_proj: loader.linear(&format!("{path}.mlp.up_proj"), inner, c, bias)?,
                down_proj: loader.linear(&format!("{path}.mlp.down_proj"), c, inner, bias)?,
                activation: config.activation,
            },
            sites: Sites::new(Names::of_layer("model.", &path, "self_attn")),
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
        let mlp = &self.mlp;
        let gate = ops::linear(pass, &normed, &mlp.gate_proj, None)?;
        let up = ops::linear(pass, &normed, &mlp.up_proj, None)?;
        let (gate, up, inner) = (Columns::all(&gate), Columns::all(&up), gate.cols());
        let wide = ops::gated(pass, gate, up, inner, mlp.activation)?;
        sites.after_feed_forward(pass, &wide, &mlp.down_proj, &x, Around::Stream)
    }

    fn linears_mut(&mut self) -> Vec<&mut Linear> {
        let mlp = &mut self.mlp;
        let mut linears = Vec::from(self.self_attn.linears_mut());
        linears.extend([&mut mlp.gate_proj, &mut mlp.up_proj, &mut mlp.down_proj]);
        linears
    }

    fn list(&self, inventory: &mut Inventory) {
        inventory.norm(&self.input_layernorm);
        self.self_attn.list(inventory);
        inventory.norm(&self.post_attention_layernorm);
        for linear in [&self.mlp.gate_proj, &self.mlp.up_proj, &self.mlp.down_proj] {
            inventory.linear(linear);
        }
    }
}

/// The whole network.
pub struct Decoder {
    config: Config,
    embed_tokens: Map,
    layers: Vec<Arc<Layer>>,
    norm: Norm,
    lm_head: Option<Linear>,
    rope: Arc<Rope>,
    lacking: &'static str,
}

impl Decoder {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<Decoder> {
        let config = Config::read(file)?;
        let (v, c) = (config.vocabulary, config.heads.width);
        loader.root("model.", "embed_tokens.weight");
        let (embed_tokens, lm_head) = super::tokens_and_head(
            &mut loader,
            "model.embed_tokens.weight",
            (v, c),
            config.tied,
        )?;
        let decoder = Decoder {
            lacking: loader.lacking(),
            rope: rotary::rope(file, config.heads.head_width, config.positions)?,
            embed_tokens,
            layers: (0..config.layers)
                .map(|i| Layer::load(&mut loader, &config, i).map(Arc::new))
                .collect::<Result<_>>()?,
            norm: loader.norm("model.norm", c, NormKind::Rms, config.eps, false)?,
            lm_head,
            config,
        };
        if decoder.config.tied {
            loader.forgive_tied(&["lm_head.weight"]);
        }
        loader.forgive(&[], &["rotary_emb.inv_freq"]);
        loader.finish()?;
        Ok(decoder)
    }

    fn first(&self) -> Option<&Sites> {
        self.layers.first().map(|layer| &layer.sites)
    }
}

impl Network for Decoder {
    fn family(&self) -> &'static str {
        self.config.family
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

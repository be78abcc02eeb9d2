//! BERT and RoBERTa: encoders with learnt positions and norms after each residual sum. CodeBERT and
//! GraphCodeBERT are RoBERTa; UniXcoder is RoBERTa that can also be made to look back only.
//!
//! No pooler: what Skillbelt does with hidden states is the task's affair.

use std::sync::Arc;

use skillbelt_engine::ops::{
    self, Activation, Attend, Columns, Linear, Map, Norm, NormKind, Reach,
};
use skillbelt_engine::{Param, Pass, Spans, Var};

use crate::base::{Batch, Inventory, Loader, Memory, Network, Remembered, Shape, Sight, Sizes};
use crate::belt::sites::{Around, Names, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// What `config.json` says of the network.
#[derive(Debug, Clone)]
pub struct Config {
    pub kind: Kind,
    pub width: usize,
    pub inner: usize,
    pub layers: usize,
    pub heads: usize,
    pub vocabulary: usize,
    pub positions: usize,
    pub types: usize,
    pub eps: f64,
    pub activation: Activation,
    /// RoBERTa counts positions from the one after this token's id.
    pub pad: u32,
}

/// The two spellings of the same network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bert,
    Roberta,
}

impl Config {
    pub fn read(file: &ConfigFile) -> Result<Config> {
        let kind = match file.string("model_type")? {
            "bert" => Kind::Bert,
            _ => Kind::Roberta,
        };
        let default_pad = if kind == Kind::Roberta { 1 } else { 0 };
        let config = Config {
            kind,
            width: file.usize("hidden_size")?,
            inner: file.usize("intermediate_size")?,
            layers: file.usize("num_hidden_layers")?,
            heads: file.usize("num_attention_heads")?,
            vocabulary: file.usize("vocab_size")?,
            positions: file.usize("max_position_embeddings")?,
            types: file.count_or("type_vocab_size", 2)?,
            eps: file.positive_or("layer_norm_eps", 1e-12)?,
            activation: super::activation(file, "hidden_act", "gelu")?,
            pad: file.token_id("pad_token_id")?.unwrap_or(default_pad),
        };
        super::expect_divides(file, "num_attention_heads", config.heads, config.width)?;
        match file.string_or("position_embedding_type", "absolute")? {
            "absolute" => Ok(config),
            _ => Err(file.wrong("position_embedding_type", "`absolute`")),
        }
    }

    fn root(&self) -> &'static str {
        match self.kind {
            Kind::Bert => "bert.",
            Kind::Roberta => "roberta.",
        }
    }
}

/// One block: attention, then feed-forward, each followed by a residual sum and a norm.
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
    activation: Activation,
    heads: usize,
    sites: Sites,
}

/// What every layer of one pass must know about the batch.
struct Sentences {
    spans: Spans,
    reach: Reach,
}

impl Layer {
    fn load(loader: &mut Loader<'_>, config: &Config, path: &str) -> Result<Layer> {
        let (c, inner) = (config.width, config.inner);
        let norm = |loader: &mut Loader<'_>, name: &str| {
            loader.norm(
                &format!("{path}.{name}"),
                c,
                NormKind::Layer,
                config.eps,
                true,
            )
        };
        Ok(Layer {
            query: loader.linear(&format!("{path}.attention.self.query"), c, c, true)?,
            key: loader.linear(&format!("{path}.attention.self.key"), c, c, true)?,
            value: loader.linear(&format!("{path}.attention.self.value"), c, c, true)?,
            attention_output: loader.linear(
                &format!("{path}.attention.output.dense"),
                c,
                c,
                true,
            )?,
            attention_norm: norm(loader, "attention.output.LayerNorm")?,
            intermediate: loader.linear(&format!("{path}.intermediate.dense"), inner, c, true)?,
            output: loader.linear(&format!("{path}.output.dense"), c, inner, true)?,
            output_norm: norm(loader, "output.LayerNorm")?,
            activation: config.activation,
            heads: config.heads,
            sites: Sites::new(Names {
                root: config.root(),
                attention: format!("{path}.attention.output"),
                feed_forward: format!("{path}.output"),
                self_attention: format!("{path}.attention.self"),
                location: "self_prefix",
                cross_attention: None,
            }),
        })
    }

    fn forward(
        &self,
        pass: &Pass,
        x: &Var,
        sentences: &Sentences,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let q = ops::linear(pass, x, &self.query, None)?;
        let k = ops::linear(pass, x, &self.key, None)?;
        let v = ops::linear(pass, x, &self.value, None)?;
        let head_width = q.cols() / self.heads;
        let how = Attend {
            heads: self.heads,
            kv_heads: self.heads,
            head_width,
            scale: 1.0 / (head_width as f32).sqrt(),
            reach: sentences.reach.clone(),
        };
        let columns = [Columns::all(&q), Columns::all(&k), Columns::all(&v)];
        let (sites, how) = (&self.sites, (&how, None));
        let seen = super::attend(pass, columns, &sentences.spans, how, sites.prefix(), memory)?;
        let around = Around::Norm(&self.attention_norm);
        let x = sites.after_attention(pass, &seen, &self.attention_output, x, around)?;
        let wide = ops::linear(pass, &x, &self.intermediate, None)?;
        let wide = ops::activation(pass, &wide, self.activation)?;
        let around = Around::Norm(&self.output_norm);
        sites.after_feed_forward(pass, &wide, &self.output, &x, around)
    }

    fn linears_mut(&mut self) -> [&mut Linear; 6] {
        [
            &mut self.query,
            &mut self.key,
            &mut self.value,
            &mut self.attention_output,
            &mut self.intermediate,
            &mut self.output,
        ]
    }

    fn list(&self, inventory: &mut Inventory) {
        for linear in [&self.query, &self.key, &self.value, &self.attention_output] {
            inventory.linear(linear);
        }
        inventory.norm(&self.attention_norm);
        inventory.linear(&self.intermediate);
        inventory.linear(&self.output);
        inventory.norm(&self.output_norm);
    }
}

/// From hidden states to the vocabulary.
struct Head {
    /// Dense, activation and norm before the vocabulary; UniXcoder has none of it.
    transform: Option<(Linear, Norm)>,
    vocabulary: Linear,
}

/// The whole network.
pub struct Bert {
    config: Config,
    words: Map,
    places: Map,
    types: Map,
    norm: Norm,
    layers: Vec<Arc<Layer>>,
    head: Head,
    lacking: &'static str,
}

impl Bert {
    pub fn load(mut loader: Loader<'_>, file: &ConfigFile) -> Result<Bert> {
        let config = Config::read(file)?;
        let (root, c) = (config.root(), config.width);
        loader.root(root, "embeddings.word_embeddings.weight");
        let table = format!("{root}embeddings.");
        let words = loader.table(
            &format!("{table}word_embeddings.weight"),
            config.vocabulary,
            c,
        )?;
        let bert = Bert {
            lacking: loader.lacking(),
            places: loader.table(
                &format!("{table}position_embeddings.weight"),
                config.positions,
                c,
            )?,
            types: loader.table(
                &format!("{table}token_type_embeddings.weight"),
                config.types,
                c,
            )?,
            norm: loader.norm(
                &format!("{table}LayerNorm"),
                c,
                NormKind::Layer,
                config.eps,
                true,
            )?,
            layers: (0..config.layers)
                .map(|i| Layer::load(&mut loader, &config, &format!("{root}encoder.layer.{i}")))
                .map(|layer| layer.map(Arc::new))
                .collect::<Result<_>>()?,
            head: Head::load(&mut loader, &config, &words)?,
            words,
            config,
        };
        let pooler = format!("{root}pooler.");
        loader.forgive(
            &[
                &pooler,
                "cls.seq_relationship.",
                "cls.predictions.decoder.",
                "lm_head.decoder.",
            ],
            &["embeddings.position_ids"],
        );
        loader.finish()?;
        Ok(bert)
    }

    /// `[T]` rows of the table of positions.
    fn positions(&self, batch: &Batch, memory: Option<&Memory>) -> Vec<u32> {
        let places = match memory {
            Some(memory) => memory.positions(&batch.spans),
            None => batch.spans.positions(),
        };
        match self.config.kind {
            Kind::Bert => places,
            Kind::Roberta if memory.is_some() => places
                .iter()
                .map(|place| place + self.config.pad + 1)
                .collect(),
            Kind::Roberta => self.positions_past_padding(batch),
        }
    }

    /// RoBERTa counts only tokens that are not its padding token, which a text may contain.
    fn positions_past_padding(&self, batch: &Batch) -> Vec<u32> {
        let pad = self.config.pad;
        let mut positions = Vec::with_capacity(batch.ids.len());
        for range in batch.spans.ranges() {
            let mut counted = 0;
            for id in &batch.ids[range] {
                counted += u32::from(*id != pad);
                positions.push(if *id == pad { pad } else { pad + counted });
            }
        }
        positions
    }
}

impl Head {
    fn load(loader: &mut Loader<'_>, config: &Config, words: &Map) -> Result<Head> {
        let (c, v) = (config.width, config.vocabulary);
        let (dense, norm, bias) = match config.kind {
            Kind::Bert => (
                "cls.predictions.transform.dense",
                "cls.predictions.transform.LayerNorm",
                "cls.predictions.bias",
            ),
            Kind::Roberta => ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
        };
        let whole = loader.has(&format!("{dense}.weight"));
        Ok(Head {
            transform: match whole {
                true => Some((
                    loader.linear(dense, c, c, true)?,
                    loader.norm(norm, c, NormKind::Layer, config.eps, true)?,
                )),
                false => None,
            },
            vocabulary: Linear {
                name: "lm_head".into(),
                map: words.clone(),
                bias: match whole {
                    true => Some(loader.vector(bias, v)?),
                    false => None,
                },
                low_rank: None,
            },
        })
    }
}

impl Network for Bert {
    fn family(&self) -> &'static str {
        match self.config.kind {
            Kind::Bert => "bert",
            Kind::Roberta => "roberta",
        }
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
            positions: Some(match config.kind {
                Kind::Bert => config.positions,
                Kind::Roberta => config.positions.saturating_sub(config.pad as usize + 1),
            }),
        }
    }

    fn lacking(&self) -> &'static str {
        self.lacking
    }

    fn hidden(&self, pass: &Pass, batch: &Batch, mut memory: Option<&mut Memory>) -> Result<Var> {
        let places = self.positions(batch, memory.as_deref());
        let types = vec![0; batch.ids.len()];
        let tables: [(&Map, &[u32]); 3] = [
            (&self.words, &batch.ids),
            (&self.types, &types),
            (&self.places, &places),
        ];
        let x = ops::embed(pass, &tables, "tokens and positions")?;
        let mut x = ops::norm(pass, &x, &self.norm)?;
        let sentences = Arc::new(Sentences {
            spans: batch.spans.clone(),
            reach: match &batch.sight {
                Sight::Native => Reach::default(),
                Sight::Causal => Reach::causal(),
                Sight::Prefix(lengths) => Reach::prefix(lengths),
            },
        });
        for (i, layer) in self.layers.iter().enumerate() {
            x = match memory.as_deref_mut() {
                Some(memory) => layer.forward(pass, &x, &sentences, Some(memory.layer(i)))?,
                None => {
                    let (layer, sentences) = (Arc::clone(layer), Arc::clone(&sentences));
                    super::block(pass, &x, move |pass, x| {
                        layer.forward(pass, x, &sentences, None)
                    })?
                }
            };
        }
        Ok(x)
    }

    fn before_head(&self, pass: &Pass, hidden: &Var) -> Result<Var> {
        let Some((dense, norm)) = &self.head.transform else {
            return Ok(hidden.clone());
        };
        let x = ops::linear(pass, hidden, dense, None)?;
        let x = ops::activation(pass, &x, self.config.activation)?;
        Ok(ops::norm(pass, &x, norm)?)
    }

    fn head(&self) -> Option<&Linear> {
        Some(&self.head.vocabulary)
    }

    fn linears_mut(&mut self) -> Result<Vec<&mut Linear>> {
        let mut linears = Vec::new();
        for layer in &mut self.layers {
            linears.extend(super::unshared(layer)?.linears_mut());
        }
        linears.extend(self.head.transform.as_mut().map(|(dense, _)| dense));
        Ok(linears)
    }

    fn sites_mut(&mut self) -> Result<Vec<&mut Sites>> {
        super::sites_of(&mut self.layers, |layer| &mut layer.sites)
    }

    fn params(&self) -> Vec<Param> {
        let mut inventory = Inventory::default();
        for map in [&self.words, &self.places, &self.types] {
            inventory.map(map);
        }
        inventory.norm(&self.norm);
        for layer in &self.layers {
            layer.list(&mut inventory);
        }
        if let Some((dense, norm)) = &self.head.transform {
            inventory.linear(dense);
            inventory.norm(norm);
        }
        inventory.linear(&self.head.vocabulary);
        inventory.into_params()
    }
}

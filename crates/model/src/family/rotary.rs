//! What the decoders that rotate their queries and keys share: the settings of heads, windows and
//! rope, and a self-attention of four maps.
//!
//! It knows nothing of norms and feed-forward parts; those are where such families differ.

use std::sync::Arc;

use skillbelt_engine::Spans;
use skillbelt_engine::ops::{self, Attend, Columns, Linear, Reach, Rope, RopeScaling};
use skillbelt_engine::{Pass, Var};

use crate::base::{Batch, Inventory, Loader, Memory, Remembered};
use crate::belt::sites::{Around, Sites};
use crate::checkpoint::ConfigFile;
use crate::error::Result;

/// How the width of a network is divided among heads.
#[derive(Debug, Clone)]
pub(super) struct Heads {
    pub width: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_width: usize,
}

impl Heads {
    pub fn read(file: &ConfigFile) -> Result<Heads> {
        let width = file.usize("hidden_size")?;
        let heads = file.usize("num_attention_heads")?;
        let kv_heads = file.usize_or("num_key_value_heads", heads)?;
        super::expect_divides(file, "num_key_value_heads", kv_heads, heads)?;
        let head_width = match file.usize_optional("head_dim")? {
            Some(head_width) => head_width,
            None => {
                super::expect_divides(file, "num_attention_heads", heads, width)?;
                width / heads
            }
        };
        if head_width % 2 == 1 {
            let key = if file.has("head_dim") {
                "head_dim"
            } else {
                "hidden_size"
            };
            return Err(file.wrong(key, "heads of an even width, since rotation pairs columns"));
        }
        Ok(Heads {
            width,
            heads,
            kv_heads,
            head_width,
        })
    }
}

/// The rotation that the configuration asks for, with the context length it was trained for.
pub(super) fn rope(file: &ConfigFile, head_width: usize, positions: usize) -> Result<Arc<Rope>> {
    if file.f64_or("partial_rotary_factor", 1.0)? != 1.0 {
        return Err(file.wrong("partial_rotary_factor", "1: heads that rotate as a whole"));
    }
    let parameters = file.section("rope_parameters")?;
    let theta = match &parameters {
        Some(parameters) => parameters.positive_or("rope_theta", 10_000.0)?,
        None => file.positive_or("rope_theta", 10_000.0)?,
    };
    let scaling = match file.section("rope_scaling")?.or(parameters) {
        Some(section) => scaling(&section, positions)?,
        None => RopeScaling::None,
    };
    Ok(Arc::new(Rope::new(head_width, positions, theta, scaling)?))
}

/// How positions beyond the trained context are rotated; older files say `type`, newer `rope_type`.
fn scaling(section: &ConfigFile, positions: usize) -> Result<RopeScaling> {
    let key = if section.has("type") {
        "type"
    } else {
        "rope_type"
    };
    let original = section.usize_or("original_max_position_embeddings", positions)?;
    Ok(match section.string_or(key, "default")? {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear {
            factor: section.f64("factor")?,
        },
        "dynamic" => RopeScaling::Dynamic,
        "llama3" => RopeScaling::Llama3 {
            factor: section.f64("factor")?,
            low_freq_factor: section.f64("low_freq_factor")?,
            high_freq_factor: section.f64("high_freq_factor")?,
            original_max_position: original,
        },
        "yarn" => RopeScaling::Yarn {
            factor: section.f64("factor")?,
            beta_fast: section.positive_or("beta_fast", 32.0)?,
            beta_slow: section.positive_or("beta_slow", 1.0)?,
            attention_factor: yarn_attention(section)?,
            original_max_position: original,
            truncate: section.bool_or("truncate", true)?,
        },
        _ => return Err(section.wrong(key, "default, linear, dynamic, llama3 or yarn")),
    })
}

/// What cosines and sines are multiplied by, where the file does not leave it to the factor alone.
fn yarn_attention(section: &ConfigFile) -> Result<Option<f64>> {
    let factor = section.f64("factor")?;
    let growth = |weight: f64| match factor <= 1.0 {
        true => 1.0,
        false => 0.1 * weight * factor.ln() + 1.0,
    };
    let above = section.f64_or("mscale", 0.0)?;
    let below = section.f64_or("mscale_all_dim", 0.0)?;
    Ok(match section.f64_optional("attention_factor")? {
        None if above != 0.0 && below != 0.0 => Some(growth(above) / growth(below)),
        given => given,
    })
}

/// What every layer of one pass must know about the batch.
pub(super) struct Text {
    spans: Spans,
    /// `[T]`, of each token within its own sequence.
    positions: Vec<u32>,
    rope: Arc<Rope>,
}

impl Text {
    /// `first` are the sites of the first layer.
    pub fn new(
        batch: &Batch,
        memory: Option<&Memory>,
        first: Option<&Sites>,
        rope: &Arc<Rope>,
    ) -> Text {
        Text {
            spans: batch.spans.clone(),
            positions: super::positions(batch, memory, first),
            rope: Arc::clone(rope),
        }
    }
}

/// Which maps of an attention have a bias.
#[derive(Debug, Clone, Copy)]
pub(super) struct Biases {
    pub inputs: bool,
    pub output: bool,
}

/// Causal self-attention over rotated queries and keys.
pub(super) struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    how: Attend,
}

impl Attention {
    /// `window` counts the tokens that a token sees, itself included.
    pub fn load(
        loader: &mut Loader<'_>,
        path: &str,
        heads: &Heads,
        biases: Biases,
        window: Option<usize>,
    ) -> Result<Attention> {
        let c = heads.width;
        let (q, kv) = (
            heads.heads * heads.head_width,
            heads.kv_heads * heads.head_width,
        );
        Ok(Attention {
            q_proj: loader.linear(&format!("{path}.q_proj"), q, c, biases.inputs)?,
            k_proj: loader.linear(&format!("{path}.k_proj"), kv, c, biases.inputs)?,
            v_proj: loader.linear(&format!("{path}.v_proj"), kv, c, biases.inputs)?,
            o_proj: loader.linear(&format!("{path}.o_proj"), c, q, biases.output)?,
            how: Attend {
                heads: heads.heads,
                kv_heads: heads.kv_heads,
                head_width: heads.head_width,
                scale: 1.0 / (heads.head_width as f32).sqrt(),
                reach: Reach {
                    left: window.map(|tokens| tokens - 1),
                    ..Reach::causal()
                },
            },
        })
    }

    /// `residual [T x C]` plus what the tokens of `x [T x C]` see of each other.
    pub fn forward(
        &self,
        pass: &Pass,
        [x, residual]: [&Var; 2],
        text: &Text,
        sites: &Sites,
        memory: Option<&mut [Remembered]>,
    ) -> skillbelt_engine::Result<Var> {
        let rotate =
            |x: &Var, heads: usize| ops::rope(pass, x, &[(0, heads)], &text.positions, &text.rope);
        // [T x HD], [T x kv D], [T x kv D]
        let q = rotate(&ops::linear(pass, x, &self.q_proj, None)?, self.how.heads)?;
        let k = rotate(
            &ops::linear(pass, x, &self.k_proj, None)?,
            self.how.kv_heads,
        )?;
        let v = ops::linear(pass, x, &self.v_proj, None)?;
        let columns = [Columns::all(&q), Columns::all(&k), Columns::all(&v)];
        let how = (&self.how, None);
        let seen = super::attend(pass, columns, &text.spans, how, sites.prefix(), memory)?;
        sites.after_attention(pass, &seen, &self.o_proj, residual, Around::Stream)
    }

    pub fn linears_mut(&mut self) -> [&mut Linear; 4] {
        [
            &mut self.q_proj,
            &mut self.k_proj,
            &mut self.v_proj,
            &mut self.o_proj,
        ]
    }

    pub fn list(&self, inventory: &mut Inventory) {
        for linear in [&self.q_proj, &self.k_proj, &self.v_proj, &self.o_proj] {
            inventory.linear(linear);
        }
    }
}

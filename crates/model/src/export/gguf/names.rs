//! Names of weights in the hub's checkpoints and in llama.cpp's files, both ways, and the order of
//! rows in which they differ.

use crate::export::error::{Error, GGUF, Result};

/// What llama.cpp calls a kind of model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// LLaMA and Mistral.
    Llama,
    Qwen2,
    Starcoder2,
    /// GPTBigCode.
    Starcoder,
    /// BERT and RoBERTa; the encoder without the head for masked words.
    Bert,
    ModernBert,
    T5 {
        gated: bool,
    },
    T5Encoder {
        gated: bool,
    },
}

/// A path in the hub's checkpoint and its name in the file; a star is the number of a layer.
type Pair = (&'static str, &'static str);

const ROTARY: [Pair; 9] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
    ("model.layers.*.input_layernorm", "blk.*.attn_norm"),
    ("model.layers.*.self_attn.q_proj", "blk.*.attn_q"),
    ("model.layers.*.self_attn.k_proj", "blk.*.attn_k"),
    ("model.layers.*.self_attn.v_proj", "blk.*.attn_v"),
    ("model.layers.*.self_attn.o_proj", "blk.*.attn_output"),
    ("model.layers.*.post_attention_layernorm", "blk.*.ffn_norm"),
];
const GATED: [Pair; 3] = [
    ("model.layers.*.mlp.gate_proj", "blk.*.ffn_gate"),
    ("model.layers.*.mlp.up_proj", "blk.*.ffn_up"),
    ("model.layers.*.mlp.down_proj", "blk.*.ffn_down"),
];
const STARCODER2: [Pair; 2] = [
    ("model.layers.*.mlp.c_fc", "blk.*.ffn_up"),
    ("model.layers.*.mlp.c_proj", "blk.*.ffn_down"),
];
const STARCODER: [Pair; 10] = [
    ("transformer.wte", "token_embd"),
    ("transformer.wpe", "position_embd"),
    ("transformer.ln_f", "output_norm"),
    ("lm_head", "output"),
    ("transformer.h.*.ln_1", "blk.*.attn_norm"),
    ("transformer.h.*.attn.c_attn", "blk.*.attn_qkv"),
    ("transformer.h.*.attn.c_proj", "blk.*.attn_output"),
    ("transformer.h.*.ln_2", "blk.*.ffn_norm"),
    ("transformer.h.*.mlp.c_fc", "blk.*.ffn_up"),
    ("transformer.h.*.mlp.c_proj", "blk.*.ffn_down"),
];
const BERT: [Pair; 12] = [
    ("bert.embeddings.word_embeddings", "token_embd"),
    ("bert.embeddings.position_embeddings", "position_embd"),
    ("bert.embeddings.token_type_embeddings", "token_types"),
    ("bert.embeddings.LayerNorm", "token_embd_norm"),
    ("bert.encoder.layer.*.attention.self.query", "blk.*.attn_q"),
    ("bert.encoder.layer.*.attention.self.key", "blk.*.attn_k"),
    ("bert.encoder.layer.*.attention.self.value", "blk.*.attn_v"),
    ("bert.encoder.layer.*.attention.output.dense", "blk.*.attn_output"),
    ("bert.encoder.layer.*.attention.output.LayerNorm", "blk.*.attn_output_norm"),
    ("bert.encoder.layer.*.intermediate.dense", "blk.*.ffn_up"),
    ("bert.encoder.layer.*.output.dense", "blk.*.ffn_down"),
    ("bert.encoder.layer.*.output.LayerNorm", "blk.*.layer_output_norm"),
];
const MODERN_BERT: [Pair; 9] = [
    ("model.embeddings.tok_embeddings", "token_embd"),
    ("model.embeddings.norm", "token_embd_norm"),
    ("model.final_norm", "output_norm"),
    ("model.layers.*.attn_norm", "blk.*.attn_norm"),
    ("model.layers.*.attn.Wqkv", "blk.*.attn_qkv"),
    ("model.layers.*.attn.Wo", "blk.*.attn_output"),
    ("model.layers.*.mlp_norm", "blk.*.ffn_norm"),
    ("model.layers.*.mlp.Wi", "blk.*.ffn_up"),
    ("model.layers.*.mlp.Wo", "blk.*.ffn_down"),
];
const T5: [Pair; 25] = [
    ("shared", "token_embd"),
    ("lm_head", "output"),
    ("encoder.final_layer_norm", "enc.output_norm"),
    ("encoder.block.*.layer.0.layer_norm", "enc.blk.*.attn_norm"),
    ("encoder.block.*.layer.0.SelfAttention.q", "enc.blk.*.attn_q"),
    ("encoder.block.*.layer.0.SelfAttention.k", "enc.blk.*.attn_k"),
    ("encoder.block.*.layer.0.SelfAttention.v", "enc.blk.*.attn_v"),
    ("encoder.block.*.layer.0.SelfAttention.o", "enc.blk.*.attn_o"),
    ("encoder.block.*.layer.0.SelfAttention.relative_attention_bias", "enc.blk.*.attn_rel_b"),
    ("encoder.block.*.layer.1.layer_norm", "enc.blk.*.ffn_norm"),
    ("encoder.block.*.layer.1.DenseReluDense.wo", "enc.blk.*.ffn_down"),
    ("decoder.final_layer_norm", "dec.output_norm"),
    ("decoder.block.*.layer.0.layer_norm", "dec.blk.*.attn_norm"),
    ("decoder.block.*.layer.0.SelfAttention.q", "dec.blk.*.attn_q"),
    ("decoder.block.*.layer.0.SelfAttention.k", "dec.blk.*.attn_k"),
    ("decoder.block.*.layer.0.SelfAttention.v", "dec.blk.*.attn_v"),
    ("decoder.block.*.layer.0.SelfAttention.o", "dec.blk.*.attn_o"),
    ("decoder.block.*.layer.0.SelfAttention.relative_attention_bias", "dec.blk.*.attn_rel_b"),
    ("decoder.block.*.layer.1.layer_norm", "dec.blk.*.cross_attn_norm"),
    ("decoder.block.*.layer.1.EncDecAttention.q", "dec.blk.*.cross_attn_q"),
    ("decoder.block.*.layer.1.EncDecAttention.k", "dec.blk.*.cross_attn_k"),
    ("decoder.block.*.layer.1.EncDecAttention.v", "dec.blk.*.cross_attn_v"),
    ("decoder.block.*.layer.1.EncDecAttention.o", "dec.blk.*.cross_attn_o"),
    ("decoder.block.*.layer.2.layer_norm", "dec.blk.*.ffn_norm"),
    ("decoder.block.*.layer.2.DenseReluDense.wo", "dec.blk.*.ffn_down"),
];
const T5_PLAIN: [Pair; 2] = [
    ("encoder.block.*.layer.1.DenseReluDense.wi", "enc.blk.*.ffn_up"),
    ("decoder.block.*.layer.2.DenseReluDense.wi", "dec.blk.*.ffn_up"),
];
const T5_GATED: [Pair; 4] = [
    ("encoder.block.*.layer.1.DenseReluDense.wi_0", "enc.blk.*.ffn_gate"),
    ("encoder.block.*.layer.1.DenseReluDense.wi_1", "enc.blk.*.ffn_up"),
    ("decoder.block.*.layer.2.DenseReluDense.wi_0", "dec.blk.*.ffn_gate"),
    ("decoder.block.*.layer.2.DenseReluDense.wi_1", "dec.blk.*.ffn_up"),
];

impl Architecture {
    pub fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Starcoder2 => "starcoder2",
            Architecture::Starcoder => "starcoder",
            Architecture::Bert => "bert",
            Architecture::ModernBert => "modern-bert",
            Architecture::T5 { .. } => "t5",
            Architecture::T5Encoder { .. } => "t5encoder",
        }
    }

    fn pairs(self) -> impl Iterator<Item = &'static Pair> {
        let (first, second): (&[Pair], &[Pair]) = match self {
            Architecture::Llama | Architecture::Qwen2 => (&ROTARY, &GATED),
            Architecture::Starcoder2 => (&ROTARY, &STARCODER2),
            Architecture::Starcoder => (&STARCODER, &[]),
            Architecture::Bert => (&BERT, &[]),
            Architecture::ModernBert => (&MODERN_BERT, &[]),
            Architecture::T5 { gated: false } | Architecture::T5Encoder { gated: false } => {
                (&T5, &T5_PLAIN)
            }
            Architecture::T5 { gated: true } | Architecture::T5Encoder { gated: true } => {
                (&T5, &T5_GATED)
            }
        };
        first.iter().chain(second)
    }

    /// What keys of a checkpoint without its head lack in front.
    fn root(self) -> &'static str {
        match self {
            Architecture::Llama | Architecture::Qwen2 | Architecture::Starcoder2 => "model.",
            Architecture::Starcoder => "transformer.",
            Architecture::Bert => "bert.",
            Architecture::ModernBert => "model.",
            Architecture::T5 { .. } | Architecture::T5Encoder { .. } => "",
        }
    }

    /// The key of a weight as the tables above write it: with the front that it may lack, and with
    /// RoBERTa's spelt as BERT's.
    pub fn whole(self, key: &str) -> Option<String> {
        let spelt = match (self, key.strip_prefix("roberta.")) {
            (Architecture::Bert, Some(rest)) => format!("bert.{rest}"),
            _ => key.to_owned(),
        };
        let rooted = format!("{}{spelt}", self.root());
        [spelt, rooted].into_iter().find(|key| self.renamed(key, false).is_some())
    }

    /// llama.cpp's name of a weight, by its whole key.
    pub fn name_of(self, whole: &str) -> Option<String> {
        self.renamed(whole, false)
    }

    /// The hub's key of a weight, by llama.cpp's name.
    pub fn key_of(self, name: &str) -> Option<String> {
        self.renamed(name, true)
    }

    fn renamed(self, text: &str, back: bool) -> Option<String> {
        let (path, kind) = text.rsplit_once('.')?;
        if kind != "weight" && kind != "bias" {
            return None;
        }
        let found = self.pairs().find_map(|(hub, gguf)| match back {
            false => replaced(path, hub, gguf),
            true => replaced(path, gguf, hub),
        });
        found.map(|name| format!("{name}.{kind}"))
    }

    /// Whether llama.cpp leaves a weight out of every such model, or keeps it elsewhere.
    pub fn leaves_out(self, key: &str, tied: bool) -> bool {
        let starts = |words: &[&str]| words.iter().any(|word| key.starts_with(word));
        match self {
            Architecture::Bert => {
                starts(&["cls.", "lm_head."])
                    || key.contains("pooler.")
                    || key.ends_with("embeddings.position_ids")
            }
            Architecture::ModernBert => starts(&["head.", "decoder.", "classifier."]),
            Architecture::T5 { .. } | Architecture::T5Encoder { .. } => {
                key.ends_with("coder.embed_tokens.weight")
                    || key.ends_with("EncDecAttention.relative_attention_bias.weight")
                    || (tied && key == "lm_head.weight")
            }
            _ => key.ends_with("rotary_emb.inv_freq") || (tied && key == "lm_head.weight"),
        }
    }

    /// llama.cpp's name of a weight of the checkpoint; `None` for one that it leaves out.
    pub fn place(self, key: &str, tied: bool) -> Result<Option<(String, String)>> {
        if self.leaves_out(key, tied) {
            return Ok(None);
        }
        let whole = self.whole(key);
        match whole.and_then(|whole| Some((self.name_of(&whole)?, whole))) {
            Some((name, whole)) => Ok(Some((name, whole))),
            None => Err(Error::no_form(
                format!("the weight `{key}`"),
                GGUF,
                format!("llama.cpp has no place for it in the architecture {}", self.name()),
            )),
        }
    }
}

/// `path` written as `into`, if it is of the form `from`.
fn replaced(path: &str, from: &str, into: &str) -> Option<String> {
    let (mut layer, mut parts) = (None, from.split('.'));
    for part in path.split('.') {
        match parts.next()? {
            "*" => layer = Some(part.parse::<usize>().ok().filter(|n| n.to_string() == part)?),
            same if same == part => {}
            _ => return None,
        }
    }
    match (parts.next(), layer) {
        (Some(_), _) => None,
        (None, Some(layer)) => Some(into.replace('*', &layer.to_string())),
        (None, None) => Some(into.to_owned()),
    }
}

/// llama.cpp's models of the llama architecture rotate neighbouring columns of a head together, the
/// hub's the first half with the second: rows of the maps that make queries and keys, `[H D x ...]`,
/// change places within each head. `back` undoes it.
pub fn interleaved(numbers: &[f32], rows: usize, heads: usize, back: bool) -> Vec<f32> {
    let width = numbers.len().checked_div(rows).unwrap_or(0);
    let d = rows.checked_div(heads).unwrap_or(0);
    let half = d / 2;
    let mut out = vec![0f32; numbers.len()];
    for head in 0..heads {
        for (part, j) in (0..2).flat_map(|part| (0..half).map(move |j| (part, j))) {
            let (halves, pairs) = (head * d + part * half + j, head * d + 2 * j + part);
            let (from, to) = if back { (pairs, halves) } else { (halves, pairs) };
            out[to * width..(to + 1) * width].copy_from_slice(&numbers[from * width..(from + 1) * width]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        let llama = Architecture::Llama;
        let key = "model.layers.11.self_attn.q_proj.weight";
        assert_eq!(llama.name_of(key).unwrap(), "blk.11.attn_q.weight");
        assert_eq!(llama.key_of("blk.11.attn_q.weight").unwrap(), key);
        let whole = llama.whole("layers.11.self_attn.q_proj.weight").unwrap();
        assert_eq!(whole, key);
        assert_eq!(llama.name_of("model.layers.01.self_attn.q_proj.weight"), None);
        assert_eq!(llama.name_of("model.layers.1.self_attn.q_proj.scale"), None);
        let t5 = Architecture::T5 { gated: true };
        let wi = t5.key_of("enc.blk.3.ffn_up.weight").unwrap();
        assert!(wi.ends_with("wi_1.weight"), "{wi}");
        let roberta = "roberta.encoder.layer.0.output.LayerNorm.bias";
        let (name, _) = Architecture::Bert.place(roberta, true).unwrap().unwrap();
        assert_eq!(name, "blk.0.layer_output_norm.bias");
        assert!(llama.place("model.layers.0.experts.weight", false).is_err());
    }

    #[test]
    fn rows_are_interleaved_within_each_head_and_back() {
        // Two heads of width 4, rows of 1.
        let rows: Vec<f32> = (0..8).map(|n| n as f32).collect();
        let there = interleaved(&rows, 8, 2, false);
        assert_eq!(there, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        assert_eq!(interleaved(&there, 8, 2, true), rows);
        assert_ne!(interleaved(&rows, 8, 1, false), there);
    }
}

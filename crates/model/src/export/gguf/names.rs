//! Names of weights in the hub's checkpoints and in llama.cpp's files, both ways, and the order of
//! rows in which they differ.

mod tables;

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
        [spelt, rooted]
            .into_iter()
            .find(|key| self.renamed(key, false).is_some())
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
        let found = tables::pairs(self).find_map(|(hub, gguf)| match back {
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
                format!(
                    "llama.cpp has no place for it in the architecture {}",
                    self.name()
                ),
            )),
        }
    }
}

/// `path` written as `into`, if it is of the form `from`.
fn replaced(path: &str, from: &str, into: &str) -> Option<String> {
    let (mut layer, mut parts) = (None, from.split('.'));
    for part in path.split('.') {
        match parts.next()? {
            "*" => {
                layer = Some(
                    part.parse::<usize>()
                        .ok()
                        .filter(|n| n.to_string() == part)?,
                )
            }
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
            let (from, to) = if back {
                (pairs, halves)
            } else {
                (halves, pairs)
            };
            out[to * width..(to + 1) * width]
                .copy_from_slice(&numbers[from * width..(from + 1) * width]);
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
        assert_eq!(
            llama.name_of("model.layers.01.self_attn.q_proj.weight"),
            None
        );
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

//! The tables behind the names: paths in the hub's checkpoints beside llama.cpp's.

use super::Architecture;

/// A path in the hub's checkpoint and its name in the file; a star is the number of a layer.
pub type Pair = (&'static str, &'static str);

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
    (
        "bert.encoder.layer.*.attention.output.dense",
        "blk.*.attn_output",
    ),
    (
        "bert.encoder.layer.*.attention.output.LayerNorm",
        "blk.*.attn_output_norm",
    ),
    ("bert.encoder.layer.*.intermediate.dense", "blk.*.ffn_up"),
    ("bert.encoder.layer.*.output.dense", "blk.*.ffn_down"),
    (
        "bert.encoder.layer.*.output.LayerNorm",
        "blk.*.layer_output_norm",
    ),
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
    (
        "encoder.block.*.layer.0.SelfAttention.q",
        "enc.blk.*.attn_q",
    ),
    (
        "encoder.block.*.layer.0.SelfAttention.k",
        "enc.blk.*.attn_k",
    ),
    (
        "encoder.block.*.layer.0.SelfAttention.v",
        "enc.blk.*.attn_v",
    ),
    (
        "encoder.block.*.layer.0.SelfAttention.o",
        "enc.blk.*.attn_o",
    ),
    (
        "encoder.block.*.layer.0.SelfAttention.relative_attention_bias",
        "enc.blk.*.attn_rel_b",
    ),
    ("encoder.block.*.layer.1.layer_norm", "enc.blk.*.ffn_norm"),
    (
        "encoder.block.*.layer.1.DenseReluDense.wo",
        "enc.blk.*.ffn_down",
    ),
    ("decoder.final_layer_norm", "dec.output_norm"),
    ("decoder.block.*.layer.0.layer_norm", "dec.blk.*.attn_norm"),
    (
        "decoder.block.*.layer.0.SelfAttention.q",
        "dec.blk.*.attn_q",
    ),
    (
        "decoder.block.*.layer.0.SelfAttention.k",
        "dec.blk.*.attn_k",
    ),
    (
        "decoder.block.*.layer.0.SelfAttention.v",
        "dec.blk.*.attn_v",
    ),
    (
        "decoder.block.*.layer.0.SelfAttention.o",
        "dec.blk.*.attn_o",
    ),
    (
        "decoder.block.*.layer.0.SelfAttention.relative_attention_bias",
        "dec.blk.*.attn_rel_b",
    ),
    (
        "decoder.block.*.layer.1.layer_norm",
        "dec.blk.*.cross_attn_norm",
    ),
    (
        "decoder.block.*.layer.1.EncDecAttention.q",
        "dec.blk.*.cross_attn_q",
    ),
    (
        "decoder.block.*.layer.1.EncDecAttention.k",
        "dec.blk.*.cross_attn_k",
    ),
    (
        "decoder.block.*.layer.1.EncDecAttention.v",
        "dec.blk.*.cross_attn_v",
    ),
    (
        "decoder.block.*.layer.1.EncDecAttention.o",
        "dec.blk.*.cross_attn_o",
    ),
    ("decoder.block.*.layer.2.layer_norm", "dec.blk.*.ffn_norm"),
    (
        "decoder.block.*.layer.2.DenseReluDense.wo",
        "dec.blk.*.ffn_down",
    ),
];
const T5_PLAIN: [Pair; 2] = [
    (
        "encoder.block.*.layer.1.DenseReluDense.wi",
        "enc.blk.*.ffn_up",
    ),
    (
        "decoder.block.*.layer.2.DenseReluDense.wi",
        "dec.blk.*.ffn_up",
    ),
];
const T5_GATED: [Pair; 4] = [
    (
        "encoder.block.*.layer.1.DenseReluDense.wi_0",
        "enc.blk.*.ffn_gate",
    ),
    (
        "encoder.block.*.layer.1.DenseReluDense.wi_1",
        "enc.blk.*.ffn_up",
    ),
    (
        "decoder.block.*.layer.2.DenseReluDense.wi_0",
        "dec.blk.*.ffn_gate",
    ),
    (
        "decoder.block.*.layer.2.DenseReluDense.wi_1",
        "dec.blk.*.ffn_up",
    ),
];

/// Every pair of an architecture.
pub fn pairs(architecture: Architecture) -> impl Iterator<Item = &'static Pair> {
    let (first, second): (&[Pair], &[Pair]) = match architecture {
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

//! Meaning of weights: checkpoints, tokenizers, one file per family of bases, sites, one file per kind of belt.

pub mod hub;
pub mod tokenizer;

//! Meaning of weights: checkpoints, tokenizers, one file per family of bases, sites, one file per
//! kind of belt.
//!
//! It computes nothing itself: every number comes from an operation of the engine.

pub mod base;
pub mod belt;
pub mod checkpoint;
pub mod error;
pub mod export;
pub mod family;
pub mod generate;
pub mod hub;
pub mod pocket;
pub mod tokenizer;

pub use checkpoint::{Checkpoint, ConfigFile};
pub use error::{Error, Result};
pub use tokenizer::Tokenizer;

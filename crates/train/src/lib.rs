//! Learning: optimisers, and what a training run is made of.

pub mod adamw;

pub use adamw::{AdamW, AdamWSettings};

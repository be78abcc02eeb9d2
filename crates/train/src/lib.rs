//! Learning: recipes, data, tasks, the loop, and what a training run is made of.
//!
//! It knows no family of bases by name.

pub mod adamw;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod metric;
pub mod recipe;
pub mod task;

pub use adamw::{AdamW, AdamWSettings};
pub use error::{Error, Result};

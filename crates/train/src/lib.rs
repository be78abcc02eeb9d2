//! Learning: recipes, data, tasks, the loop, and what a training run is made of.
//!
//! It knows no family of bases by name.

pub mod advise;
pub mod balance;
pub mod baseline;
pub mod checkpoint;
pub mod data;
pub mod disk;
pub mod endpoint;
pub mod error;
pub mod evaluate;
pub mod execute;
pub mod judge;
pub mod metric;
pub mod mix;
pub mod optimise;
pub mod predict;
pub mod pretrain;
pub mod prompt;
pub mod recipe;
pub mod report;
pub mod run;
pub mod score;
pub mod shipped;
pub mod start;
pub mod study;
pub mod task;
pub mod watch;

pub use error::{Error, Result};
pub use optimise::adamw::{AdamW, AdamWSettings};

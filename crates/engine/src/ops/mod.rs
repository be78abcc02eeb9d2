//! The operations of the tape, one file each: forward, the way back, and the proof of both.
//!
//! Each takes packed batches `[T x C]`, refuses shapes that do not fit, and keeps only what its own
//! way back needs. A model is written with these and nothing else.

pub mod attention;
pub mod columns;
pub mod linear;

pub use attention::{Attend, Cached, Reach, RelativeBias, attention, attention_cached};
pub use columns::Columns;
pub use linear::{Linear, LowRank, Map, linear};

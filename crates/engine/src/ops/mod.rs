//! The operations of the tape, one file each: forward, the way back, and the proof of both.
//!
//! Each takes packed batches `[T x C]`, refuses shapes that do not fit, and keeps only what its own
//! way back needs. A model is written with these and nothing else.

pub mod activation;
pub mod add;
mod applied;
pub mod attention;
pub mod bottleneck;
pub mod class_loss;
pub mod columns;
pub mod contrastive_loss;
pub mod dropout;
pub mod embed;
pub mod gated;
pub mod interact;
pub mod linear;
pub mod lm_loss;
pub mod norm;
pub mod pool;
pub mod prefix;
pub mod rope;
mod sums;
pub mod take_columns;
pub mod take_rows;

pub use activation::{Activation, activation};
pub use add::{add, scale};
pub use attention::{Attend, Cached, Reach, RelativeBias, attention, attention_cached};
pub use bottleneck::{Bottleneck, bottleneck};
pub use class_loss::class_loss;
pub use columns::Columns;
pub use contrastive_loss::{contrastive_loss, contrastive_loss_among};
pub use dropout::dropout;
pub use embed::embed;
pub use gated::gated;
pub use interact::interact;
pub use linear::{Linear, LowRank, Map, linear};
pub use lm_loss::{LOGIT_BLOCK, lm_loss, lm_score};
pub use norm::{Norm, NormKind, norm};
pub use pool::{Pool, pool};
pub use prefix::{Laid, Prefix, lay_before};
pub use rope::{Rope, RopeScaling, rope};
pub use take_columns::take_columns;
pub use take_rows::take_rows;

//! Numbers: token-by-width matrices, a tape of coarse operations with their gradients,
//! kernels, and quantised frozen weights.
//!
//! It knows nothing of checkpoints, tokenizers or tasks.
//!
//! Letters of dimensions, here and everywhere: `T` tokens, `C` width, `H` heads, `D` width of a
//! head, `R` rank, `V` vocabulary, `N` outputs and `K` inputs of a linear map.

pub mod crew;
pub mod error;
pub mod keep;
pub mod kernel;
pub mod mat;
pub mod ops;
mod pages;
pub mod panel;
pub mod param;
pub mod product;
pub mod random;
pub mod spans;
pub mod tape;
pub mod weight;

#[cfg(test)]
mod proof;

pub use error::{Error, Result};
pub use keep::Keep;
pub use kernel::Isa;
pub use mat::Mat;
pub use param::{Grads, Param, ParamId};
pub use spans::Spans;
pub use tape::{Pass, Var, backward, backward_from};
pub use weight::{Precision, Weight};

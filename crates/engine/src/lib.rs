//! Numbers: token-by-width matrices, a tape of coarse operations with their gradients,
//! kernels, and quantised frozen weights.
//!
//! It knows nothing of checkpoints, tokenizers or tasks.
//!
//! Letters of dimensions, here and everywhere: `T` tokens, `C` width, `H` heads, `D` width of a
//! head, `R` rank, `V` vocabulary, `N` outputs and `K` inputs of a linear map.

pub mod error;
pub mod kernel;
pub mod mat;
pub mod panel;
pub mod product;
pub mod weight;

pub use error::{Error, Result};
pub use mat::Mat;

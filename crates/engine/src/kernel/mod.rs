//! Kernels: the innermost loops, one file per instruction set, chosen once at run time.
//!
//! They see slices and strides, never matrices, spans or the tape.

pub(crate) mod attend;
pub mod curves;
pub mod elementwise;
pub(crate) mod every_isa;
pub mod exponential;
pub mod isa;
pub mod multiply;
pub mod normalise;
pub(crate) mod scores;
pub mod softmax;
pub(crate) mod transpose;

pub use isa::Isa;

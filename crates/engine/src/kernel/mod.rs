//! Kernels: the innermost loops, one file per instruction set, chosen once at run time.
//!
//! They see slices and strides, never matrices, spans or the tape.

pub mod curves;
pub mod elementwise;
pub(crate) mod every_isa;
pub(crate) mod exponential;
pub mod isa;
pub mod multiply;
pub mod normalise;
pub mod softmax;

pub use isa::Isa;

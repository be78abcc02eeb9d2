//! Kernels: the innermost loops, one file per instruction set, chosen once at run time.
//!
//! They see slices and strides, never matrices, spans or the tape.

pub mod aligned;
#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod attend;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod bfloat16;
pub mod curves;
pub mod decode;
pub mod elementwise;
pub(crate) mod every_isa;
pub mod exponential;
pub(crate) mod int8;
pub mod isa;
mod largest;
pub mod multiply;
#[cfg(target_arch = "aarch64")]
mod neon;
pub mod normalise;
#[cfg(target_arch = "x86_64")]
pub(crate) mod parts;
mod portable;
pub mod quantise;
pub(crate) mod rotate;
pub(crate) mod scores;
pub(crate) mod scratch;
pub mod softmax;
pub(crate) mod tile;
pub mod transpose;

pub use isa::Isa;

/// Columns of a panel: every packed right operand is cut into blocks `[depth x PANEL]`, and every
/// kernel makes tiles that are at most this wide.
pub const PANEL: usize = 32;

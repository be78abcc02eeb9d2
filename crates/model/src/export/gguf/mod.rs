//! GGUF, the files of llama.cpp: a base, a base with its belt merged in, or a LoRA alone.
//!
//! Names and settings are those that llama.cpp's own converter writes. What llama.cpp has no place
//! for is refused by name; what it leaves out of every model of a kind (the head for masked words of
//! an encoder) is told in a note.

mod adapter;
mod model;
mod names;
mod numbers;
mod plan;
mod read;
mod restore;
mod rope;
mod settings;
mod tokens;
mod value;
mod write;

pub(crate) use adapter::write_lora;
pub use model::{GgufBase, open};
pub(crate) use model::{sayable, write_model};
pub use numbers::Kind;
pub use read::File;
pub use value::Value;

/// First bytes of every file.
const MAGIC: [u8; 4] = *b"GGUF";
/// The one version that is written and read; it came in 2023.
const VERSION: u32 = 3;
/// Tensors begin at multiples of this.
const ALIGNMENT: usize = 32;

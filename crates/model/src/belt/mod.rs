//! Belts: what is trained beside a frozen base, read from the formats of the libraries that made
//! them. One file per kind.

pub mod lora;

pub use lora::Lora;

//! Runs one program that nobody trusts, behind every layer that Linux offers an ordinary process.
//!
//! It decides nothing about what the program says: bytes go in, bounded bytes come out, and the
//! parent learns from the kernel how it ended and what it used. It refuses to be a container
//! engine: no images, no network, nothing that stays. On systems other than Linux it refuses to run
//! anything and says so.
//!
//! Read in this order: `layer.rs` (what stands between the program and the machine), `limits.rs`,
//! `program.rs`, `view.rs` (what it may see), `filter/` (what it may ask the kernel for), `linux/`.

mod ending;
mod error;
mod layer;
mod limits;
mod program;
mod python;
mod view;

#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Sandbox, Session};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{Sandbox, Session};

pub use ending::{End, Ending};
pub use error::{Error, Result};
pub use layer::{Layer, Layers};
pub use limits::{Limits, Sockets};
pub use program::Program;
pub use python::Python;
pub use view::View;

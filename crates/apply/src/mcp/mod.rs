//! What agents are offered over their protocol: search, functions like another, what the belt says of a
//! function, findings.
//!
//! It speaks the protocol on the standard streams alone, tells nothing of files outside of the folder that
//! is served, changes no file but its index, and decides nothing that `search` and `scan` do not.

mod assess;
mod desk;
mod fenced;
mod findings;
mod protocol;
mod tools;

use std::path::PathBuf;
use std::sync::Arc;

use skillbelt_engine::Precision;

use crate::reader::Reader;

pub use desk::{Desk, Refusal};
pub use protocol::serve;
pub use tools::{AssessFunction, ListFindings, Search, SimilarCode};

/// A belt on its base, with the folders that it was opened from.
#[derive(Clone)]
pub struct Belted {
    pub reader: Arc<Reader>,
    pub belt: Option<PathBuf>,
    pub base: PathBuf,
    pub precision: Precision,
}

//! Labelled data sets from repositories and their history, without a labeller.
//!
//! Read in this order: `plan.rs`, `harvest.rs`, `walk/`, `sift/`, `stock/`, `rows/`; then `rewrite/`, `mutate/`,
//! `history/`, `flaky/`. It parses programs and never runs one, knows no model, follows no symbolic
//! link, and trusts nothing that a repository says about itself.

mod apart;
pub mod census;
mod draw;
pub mod error;
mod flaky;
mod form;
mod harvest;
pub mod history;
pub mod limits;
mod mutate;
mod names;
pub mod plan;
mod recipe;
pub mod report;
mod rewrite;
mod rows;
pub mod sift;
mod split;
mod stock;
pub mod walk;
mod write;

pub use draw::{Draws, Seed};
pub use error::{Error, Result};
pub use harvest::harvest;
pub use mutate::{Mutated, mutate};
pub use plan::{LANGUAGES, Plan, SplitBy, Task};
pub use report::Report;
pub use rewrite::{Rewritten, rewrite};
pub use skillbelt_code::Language;

//! The adviser: from one run of several tasks it foresees which of them help each other, proposes
//! which should share a belt, and says how sure it is. `docs/adviser.md` defines every number.
//!
//! While a run learns, looks are written into its folder (`look`, `line`); afterwards folders are
//! read (`gather`) and numbers derived from them. Nothing here changes what a run learns.

pub mod answer;
mod check;
mod confident;
mod factors;
mod gather;
mod grouping;
pub mod line;
pub mod look;
mod matrix;
mod page;
mod part;
mod predict;
pub mod rank;
mod survey;

pub use answer::{Advice, advise};
pub use check::{Regret, Verdict, check, regret};
pub use factors::{Factors, Over, Stability};
pub use gather::{Folder, read};
pub use grouping::{EXHAUSTIVE_TASKS, Grouping, best, gain, partitions};
pub use line::FILE;
pub use matrix::Pairwise;
pub use predict::{Prediction, predict};
pub use survey::survey;

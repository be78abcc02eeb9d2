//! What a program text is: languages, parse trees, subtrees, data flow, complexity and quality.
//!
//! It knows no model and no metric of models, runs nothing but linters that are installed, and never
//! walks a tree by recursion: a text is hostile until it is parsed, and may be after.

pub mod complexity;
pub mod dataflow;
mod facts;
pub mod functions;
pub mod language;
pub mod near;
pub mod parse;
pub mod program;
pub mod quality;
pub mod subtrees;

pub use language::Language;
pub use parse::{Limits, Refusal, parse};
pub use program::{At, Node, Program};

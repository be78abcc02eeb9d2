//! The adviser: what a look sees, what is foreseen from looks, and how a prediction is judged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod folders;
mod foreseen;
mod judged;
mod looks;

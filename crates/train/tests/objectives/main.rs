//! Every objective on tiny golden bases: it learns, its gradients are those of its loss, and how a
//! batch is cut into packs does not matter.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bench;
mod classify;
mod draw;
mod generate;
mod gradients;
mod pair;
mod retrieve;
mod truncation;

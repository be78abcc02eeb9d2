//! Studies: what they write down, and how their cells are run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod form;
mod page;
mod plans;

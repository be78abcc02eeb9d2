//! `skillbelt study` with the real program: what it finds, what it keeps, and many processes that
//! share one folder and die in it. `SKILLBELT_KILLS=N` kills N processes instead of a few.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "../../../train/tests/endpoint_server/mod.rs"]
mod endpoint_server;
mod findings;
mod foreseen;
mod mistakes;
mod page;
mod prompted;
mod shared;
mod tiny;

//! The loop on a toy task: what it learns, what it leaves in the run folder, and that stopping it
//! anywhere changes nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod advised;
mod ending;
mod killed;
mod learning;
mod process;
mod refused;
mod toy;

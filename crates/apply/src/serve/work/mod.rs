//! The one thread that computes, and the desk where texts wait for it.
//!
//! Texts of all requests are read in common batches, laid end to end; texts that are written grow by one
//! token between two batches. So a long completion and a thousand texts to embed slow each other down,
//! and neither waits for the end of the other.

pub mod desk;
mod flows;
pub mod order;
mod readings;
pub mod run;

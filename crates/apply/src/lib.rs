//! A belt put to work: findings in a repository, search, a server, tools for agents; and the quick
//! start that makes somebody's first one.
//!
//! It computes no numbers and measures nothing itself; the binary's arguments and exit codes are not
//! its own.

mod beside;
pub mod checkout;
pub mod index;
pub mod mcp;
pub mod quickstart;
pub mod reader;
pub mod scan;
pub mod serve;

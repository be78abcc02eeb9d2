//! A belt put to work: findings in a repository, search, a server, tools for agents.
//!
//! It trains nothing and measures nothing; the binary's arguments and exit codes are not its own.

pub mod reader;
pub mod serve;

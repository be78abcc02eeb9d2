//! What a run tells of itself on disk: the log, event files, the machine and the costs, the report.
//! It decides nothing.

pub mod events;
pub mod log;
pub mod machine;
pub mod summary;

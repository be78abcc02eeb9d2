//! How much a program may use.
//!
//! CPU time is strict, because it means the same on a busy machine; wall time is generous, because
//! it does not.

use std::time::Duration;

/// What becomes of a program that asks for a socket. None leads anywhere in any case: there is no
/// network behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sockets {
    /// It is ended.
    End,
    /// It is refused: some runtimes try one when they start, and go on without.
    Refuse,
    /// Refused too, but for two that are joined to each other: by such a pair a compiler hears
    /// whether its linker was started, and Java marks files as closed.
    Pairs,
}

/// What one program may use before it is ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Address space of each process, in bytes. Nothing where a runtime reserves more than it ever
    /// uses; then [`data`](Limits::data) bounds it.
    pub address_space: Option<u64>,
    /// Private writable memory of each process, in bytes.
    pub data: u64,
    /// CPU seconds of each process, all of its threads together.
    pub cpu_seconds: u64,
    /// Time on the clock, for programs that sleep or wait.
    pub wall: Duration,
    /// Processes and threads together. With [`forks`](Limits::forks) false they are threads only.
    pub processes: u64,
    /// Whether it may start further processes at all.
    pub forks: bool,
    pub sockets: Sockets,
    pub open_files: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes and files of the scratch folder, which lies in memory.
    pub scratch_bytes: u64,
    pub scratch_files: u64,
    /// Whether programs may be started from the scratch folder.
    pub scratch_runs: bool,
    /// Bytes on standard output and on standard error, each.
    pub output_bytes: usize,
}

const MIB: u64 = 1 << 20;

impl Default for Limits {
    /// For one interpreter that answers questions.
    fn default() -> Limits {
        Limits {
            address_space: Some(1024 * MIB),
            data: 512 * MIB,
            cpu_seconds: 10,
            wall: Duration::from_secs(60),
            processes: 32,
            forks: false,
            sockets: Sockets::End,
            open_files: 64,
            file_bytes: 16 * MIB,
            scratch_bytes: 16 * MIB,
            scratch_files: 256,
            scratch_runs: false,
            output_bytes: 4 << 20,
        }
    }
}

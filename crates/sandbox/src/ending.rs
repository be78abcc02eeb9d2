//! How a program ended, as the kernel and not the program tells it.

use std::time::Duration;

/// Why a program is no longer running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    /// By a signal that is none of the cases below.
    Killed(i32),
    /// It asked the kernel for something that only an escape needs.
    Forbidden,
    /// Its CPU seconds were used up.
    CpuTime,
    /// Too long on the clock.
    WallTime,
    /// It wrote more than it may.
    Output,
}

/// What is left of a program.
#[derive(Debug, Clone)]
pub struct Ending {
    pub end: End,
    /// What it wrote and nobody received before, up to the limit.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// CPU time of the program and of the children that it waited for. Zero where it was ended from
    /// outside.
    pub cpu: Duration,
    pub wall: Duration,
    /// The most memory that one of its processes held.
    pub peak_bytes: u64,
    /// The file that the program was to leave behind, if it did; see
    /// [`Program::collect`](crate::Program::collect).
    pub collected: Option<Vec<u8>>,
}

//! Limits and waits of the hub, all in one place.

use std::time::Duration;

/// Bytes of the list of a base's files.
pub const MAX_LIST_BYTES: u64 = 16 << 20;
/// Bytes of an index of shards.
pub const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Files of one base that would be fetched.
pub const MAX_FILES: usize = 2_000;
/// Bytes of one file.
pub const MAX_FILE_BYTES: u64 = 1 << 40;
/// Redirects followed for one request.
pub const MAX_REDIRECTS: usize = 5;
/// Connections that one file may take, each of which brought something.
pub const MAX_CONNECTIONS: u32 = 1_000;
/// Bytes read from the network at a time.
pub const CHUNK_BYTES: usize = 256 << 10;

/// How long to wait, and how often to try. Tests shorten it; nothing else should.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection to stand.
    pub connect: Duration,
    /// For the first byte of an answer.
    pub answer: Duration,
    /// For the next bytes of a body; a connection that falls silent is cut and taken up where it ended.
    pub silence: Duration,
    /// Attempts in a row that bring nothing.
    pub attempts: u32,
    /// First wait between attempts; doubles each time.
    pub back_off: Duration,
    /// Longest wait between attempts, a server's wish included.
    pub longest_wait: Duration,
    /// For another process to finish the same file.
    pub lock: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(15),
            answer: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            attempts: 6,
            back_off: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            lock: Duration::from_secs(3600),
        }
    }
}

//! What the server lets a client, and all clients together, take of the machine. It enforces nothing.

use std::time::Duration;

/// Bounds; every one of them holds whatever clients do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once. Past it the oldest that has no whole request yet gives way.
    pub connections: usize,
    /// From the end of one request, or from the start, to the end of the next head.
    pub head_time: Duration,
    /// For the body of a request.
    pub body_time: Duration,
    /// For an answer that is not written token by token.
    pub answer_time: Duration,
    /// For an answer that is.
    pub writing_time: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub stall_time: Duration,
    /// How long requests that were taken may go on when the server is told to stop.
    pub grace: Duration,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Bytes of the bodies of all requests at once.
    pub bodies_bytes: usize,
    /// Texts of one request.
    pub texts: usize,
    /// Texts that wait to be read, of all requests.
    pub waiting_texts: usize,
    /// Their tokens.
    pub waiting_tokens: usize,
    /// Tokens that are computed at once.
    pub batch_tokens: usize,
    /// Texts that are written at once.
    pub writings: usize,
    /// Texts that wait to be written.
    pub waiting_writings: usize,
    /// Tokens of a text that is written.
    pub new_tokens: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 512,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(60),
            writing_time: Duration::from_secs(600),
            stall_time: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            head_bytes: 32 << 10,
            body_bytes: 2 << 20,
            bodies_bytes: 64 << 20,
            texts: 1024,
            waiting_texts: 8192,
            waiting_tokens: 1 << 20,
            batch_tokens: 1024,
            writings: 32,
            waiting_writings: 256,
            new_tokens: 4096,
        }
    }
}

//! Limits and waits of endpoints, all in one place. What a recipe may set stands in its section;
//! here is what it may not.

use std::time::Duration;

/// Bytes of one answer; a longer one is a counted failure and is not read to its end.
pub const MAX_ANSWER_BYTES: u64 = 8 << 20;
/// Bytes of one line of a cache.
pub const MAX_LINE_BYTES: usize = 64 << 20;
/// Characters of an endpoint's own words that go into a message.
pub const SHOWN_CHARS: usize = 200;
/// Bytes that are taken for one token where nobody has counted: on the safe side for code.
pub const BYTES_OF_A_TOKEN: usize = 3;
/// Requests for an answer that is no JSON; then it is a counted failure.
pub const NONSENSE_ATTEMPTS: u32 = 2;

/// How long to wait, and how often to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// For a connection to stand.
    pub connect: Duration,
    /// For a whole answer.
    pub answer: Duration,
    /// Attempts in a row that bring nothing, before the endpoint is taken for dead.
    pub attempts: u32,
    /// First wait between attempts; doubles each time.
    pub back_off: Duration,
    /// Longest wait between attempts. An endpoint that asks for a longer one ends the work, which
    /// can be taken up later.
    pub longest_wait: Duration,
}

/// How many tokens a text is, where nobody has counted them.
pub fn foreseen_tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_OF_A_TOKEN)
}

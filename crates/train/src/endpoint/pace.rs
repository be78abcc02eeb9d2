//! How fast requests may begin: an even spacing that keeps both limits, requests and tokens a
//! minute, without bursts; and a pause for all when the endpoint asks for one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The spacing of one endpoint's requests.
pub struct Pace {
    /// Of a request, and of a token.
    request: Duration,
    token: Duration,
    /// When the next request may begin.
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub fn new(requests_per_minute: Option<u64>, tokens_per_minute: Option<u64>) -> Pace {
        let each = |per_minute: Option<u64>| match per_minute {
            Some(count) => Duration::from_secs(60).div_f64(count.max(1) as f64),
            None => Duration::ZERO,
        };
        Pace {
            request: each(requests_per_minute),
            token: each(tokens_per_minute),
            next: Mutex::new(None),
        }
    }

    /// Takes the next place for a request of so many tokens; how long it must wait from `now`.
    pub fn reserve(&self, tokens: u64, now: Instant) -> Duration {
        let space = self.request.max(self.token.mul_f64(tokens as f64));
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = next.map_or(now, |next| next.max(now));
        *next = Some(begins + space);
        begins - now
    }

    /// A request took more tokens than were foreseen: those after it wait longer.
    pub fn correct(&self, foreseen: u64, used: u64) {
        let more = self.token.mul_f64(used.saturating_sub(foreseen) as f64);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.map(|next| next + more);
    }

    /// Nobody begins for so long.
    pub fn hold(&self, wait: Duration, now: Instant) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(now + wait, |next| next.max(now + wait)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_over_any_minute() {
        let now = Instant::now();
        let pace = Pace::new(Some(60), Some(600));
        let waits: Vec<f64> = [5, 40, 1, 1]
            .map(|tokens| pace.reserve(tokens, now).as_secs_f64())
            .to_vec();
        // A second for a request, a tenth for a token, whichever is more.
        for (wait, expected) in waits.iter().zip([0.0, 1.0, 5.0, 6.0]) {
            assert!((wait - expected).abs() < 1e-6, "{waits:?}");
        }
        pace.correct(1, 11);
        let wait = pace.reserve(1, now).as_secs_f64();
        assert!((wait - 8.0).abs() < 1e-6, "{wait}");
    }

    #[test]
    fn without_limits_nobody_waits_unless_the_endpoint_asks_for_it() {
        let now = Instant::now();
        let pace = Pace::new(None, None);
        assert_eq!(pace.reserve(1_000_000, now), Duration::ZERO);
        assert_eq!(pace.reserve(1, now), Duration::ZERO);
        pace.hold(Duration::from_secs(3), now);
        assert_eq!(pace.reserve(1, now), Duration::from_secs(3));
    }
}

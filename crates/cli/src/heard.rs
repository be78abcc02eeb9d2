//! How many answers of an endpoint are there, told from time to time.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::exit::say;

/// Tells of answers, at most once in a while.
pub struct Heard {
    quiet: bool,
    last: Mutex<Instant>,
}

const PAUSE: Duration = Duration::from_secs(5);

impl Heard {
    pub fn new(quiet: bool) -> Heard {
        Heard {
            quiet,
            last: Mutex::new(Instant::now()),
        }
    }

    pub fn tell(&self, done: usize, all: usize) {
        let Ok(mut last) = self.last.lock() else {
            return;
        };
        if !self.quiet && last.elapsed() >= PAUSE {
            *last = Instant::now();
            say(format_args!("{done} of {all} answered"));
        }
    }
}

//! Where texts wait to be read and written. It takes no more than its limits, says when to come again,
//! and wakes the thread that computes.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use skillbelt_engine::Mat;
use tokio::sync::oneshot;

use super::order::{Asking, Reading, Way, Writing};
use crate::serve::limits::Limits;
use crate::serve::numbers::Numbers;
use crate::serve::refusal::Refusal;

/// Tokens per second before anything was measured.
const FIRST_GUESS: u64 = 1000;
/// The longest that a client is told to wait, in seconds.
const LONGEST: u64 = 60;

/// The desk.
pub struct Desk {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    most_texts: usize,
    most_tokens: usize,
    most_writings: usize,
    /// Tokens per second, as last seen.
    speed: AtomicU64,
    pub numbers: Arc<Numbers>,
}

#[derive(Default)]
struct Waiting {
    readings: VecDeque<Reading>,
    askings: VecDeque<Asking>,
    writings: VecDeque<Writing>,
    /// Texts and tokens that are handed in and not yet read, also those that the thread has taken.
    texts: usize,
    tokens: usize,
    /// Texts that are handed in and not yet written.
    open_writings: usize,
    closed: bool,
}

/// What the thread takes from the desk.
#[derive(Default)]
pub struct Taken {
    pub readings: Vec<Reading>,
    pub askings: Vec<Asking>,
    pub writings: Vec<Writing>,
    /// Nothing more will come.
    pub closed: bool,
}

impl Taken {
    pub fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.askings.is_empty() && self.writings.is_empty()
    }
}

impl Desk {
    pub fn new(limits: &Limits, numbers: Arc<Numbers>) -> Desk {
        Desk {
            waiting: Mutex::default(),
            bell: Condvar::new(),
            most_texts: limits.waiting_texts,
            most_tokens: limits.waiting_tokens,
            most_writings: limits.waiting_writings + limits.writings,
            speed: AtomicU64::new(FIRST_GUESS),
            numbers,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands texts in. All of them are taken, or none.
    pub fn read(
        &self,
        way: Way,
        texts: Vec<Vec<u32>>,
    ) -> Result<oneshot::Receiver<Result<Mat, Refusal>>, Refusal> {
        let (reply, answer) = oneshot::channel();
        let reading = Reading { way, texts, reply };
        let (texts, tokens) = (reading.texts.len(), reading.tokens());
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Refusal::closing());
        }
        // An empty desk takes what is larger than the desk, or it could never be answered.
        let idle = waiting.texts == 0;
        let fits =
            waiting.texts + texts <= self.most_texts && waiting.tokens + tokens <= self.most_tokens;
        if !fits && !idle {
            return Err(Refusal::busy(self.wait(waiting.tokens)));
        }
        waiting.texts += texts;
        waiting.tokens += tokens;
        waiting.readings.push_back(reading);
        drop(waiting);
        self.bell.notify_one();
        Ok(answer)
    }

    /// Hands inputs in that a task answers by itself, a few at a time.
    pub fn ask(&self, askings: Vec<Asking>) -> Result<(), Refusal> {
        let texts: usize = askings.iter().map(|one| one.inputs.len()).sum();
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Refusal::closing());
        }
        if waiting.texts + texts > self.most_texts && waiting.texts > 0 {
            return Err(Refusal::busy(self.wait(waiting.tokens)));
        }
        waiting.texts += texts;
        waiting.askings.extend(askings);
        drop(waiting);
        self.bell.notify_one();
        Ok(())
    }

    /// Hands in texts that are to be written. All of them are taken, or none.
    pub fn write(&self, writings: Vec<Writing>) -> Result<(), Refusal> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Refusal::closing());
        }
        let idle = waiting.open_writings == 0;
        if waiting.open_writings + writings.len() > self.most_writings && !idle {
            return Err(Refusal::busy(self.wait(waiting.tokens).max(2)));
        }
        waiting.open_writings += writings.len();
        waiting.writings.extend(writings);
        drop(waiting);
        self.bell.notify_one();
        Ok(())
    }

    /// Seconds until what waits has been read, as far as one can say.
    fn wait(&self, tokens: usize) -> u64 {
        (tokens as u64 / self.speed.load(Relaxed).max(1)).clamp(1, LONGEST)
    }

    /// Takes all that was handed in; with nothing else to do, waits until there is something.
    pub fn take(&self, idle: bool) -> Taken {
        let mut waiting = self.lock();
        while idle
            && !waiting.closed
            && waiting.readings.is_empty()
            && waiting.askings.is_empty()
            && waiting.writings.is_empty()
        {
            waiting = self
                .bell
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Taken {
            readings: waiting.readings.drain(..).collect(),
            askings: waiting.askings.drain(..).collect(),
            writings: waiting.writings.drain(..).collect(),
            closed: waiting.closed,
        }
    }

    /// Some texts are read, or nobody wants them any more.
    pub fn done_reading(&self, texts: usize, tokens: usize) {
        let mut waiting = self.lock();
        waiting.texts = waiting.texts.saturating_sub(texts);
        waiting.tokens = waiting.tokens.saturating_sub(tokens);
    }

    pub fn done_writing(&self, count: usize) {
        let mut waiting = self.lock();
        waiting.open_writings = waiting.open_writings.saturating_sub(count);
    }

    /// Takes no more; what was taken is done.
    pub fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// A batch of so many tokens took so many seconds.
    pub fn timed(&self, tokens: usize, seconds: f64) {
        let now = tokens as f64 / seconds.max(1e-6);
        let before = self.speed.load(Relaxed) as f64;
        self.speed.store((0.8 * before + 0.2 * now) as u64, Relaxed);
    }

    /// Texts and tokens that wait to be read, and texts that are being written or wait for it.
    pub fn load(&self) -> (usize, usize, usize) {
        let waiting = self.lock();
        (waiting.texts, waiting.tokens, waiting.open_writings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(texts: usize, tokens: usize) -> Desk {
        let limits = Limits {
            waiting_texts: texts,
            waiting_tokens: tokens,
            ..Limits::default()
        };
        Desk::new(&limits, Arc::default())
    }

    #[test]
    fn a_full_desk_says_when_to_come_again_and_an_empty_one_takes_anything() {
        let desk = desk(3, 10);
        let large = vec![vec![1; 20]; 5];
        assert!(desk.read((0, 0), large).is_ok());
        let refusal = desk.read((0, 0), vec![vec![1]]).unwrap_err();
        assert_eq!(refusal.status.as_u16(), 429);
        assert_eq!(refusal.retry_after, Some(1));
        desk.done_reading(5, 100);
        assert!(desk.read((0, 0), vec![vec![1; 4]; 2]).is_ok());
        assert!(desk.read((0, 0), vec![vec![1; 3]]).is_err());
        assert!(desk.read((0, 0), vec![vec![1; 2]]).is_ok());
        assert!(desk.read((0, 0), vec![vec![]]).is_err());
        assert_eq!(desk.load(), (3, 10, 0));
    }

    #[test]
    fn the_wait_follows_the_speed() {
        let desk = desk(10, 1000);
        let _waits = desk.read((0, 0), vec![vec![1; 990]]).unwrap();
        (0..100).for_each(|_| desk.timed(100, 1.0));
        let refusal = desk.read((0, 0), vec![vec![1; 20]]).unwrap_err();
        assert_eq!(refusal.retry_after, Some(9));
    }

    #[test]
    fn a_closed_desk_takes_nothing_and_gives_what_it_has() {
        let desk = desk(10, 100);
        let _waits = desk.read((0, 0), vec![vec![1]]).unwrap();
        desk.close();
        assert_eq!(
            desk.read((0, 0), vec![vec![1]])
                .unwrap_err()
                .status
                .as_u16(),
            503
        );
        let taken = desk.take(true);
        assert_eq!((taken.readings.len(), taken.closed), (1, true));
        assert!(desk.take(true).readings.is_empty());
    }
}

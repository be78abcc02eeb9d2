//! The heartbeat of a claim: while a cell is worked on, a thread says so, looks whether the claim was
//! lost, and passes on the wish to stop. It touches nothing of the run but its stop flag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::study::claim::Held;

/// Between looks at the wish to stop.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Longest time between two beats.
const BEAT_EVERY: Duration = Duration::from_secs(15);

/// Beats until it is dropped.
pub struct Heart {
    /// Of the run: finish the step, save, and end.
    pub stop: Arc<AtomicBool>,
    /// What the claim says of how far it is.
    pub said: Arc<Mutex<String>>,
    quit: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    pub fn start(held: Held, dead_after: Duration, wish: Arc<AtomicBool>) -> Heart {
        let stop = Arc::new(AtomicBool::new(false));
        let said = Arc::new(Mutex::new(String::new()));
        let (quit, quitting) = mpsc::channel();
        let (stopping, saying) = (Arc::clone(&stop), Arc::clone(&said));
        let every = BEAT_EVERY.min(dead_after / 4);
        let thread = std::thread::spawn(move || {
            let mut last = Instant::now();
            loop {
                match quitting.recv_timeout(LOOK_EVERY.min(every)) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
                if wish.load(Ordering::Relaxed) {
                    stopping.store(true, Ordering::Relaxed);
                }
                if last.elapsed() >= every {
                    let said = saying
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .clone();
                    // That it cannot be written is seen by others, who take over after a while.
                    let _unheard = held.beat(&said);
                    last = Instant::now();
                    if held.is_lost() {
                        stopping.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
        Heart {
            stop,
            said,
            quit: Some(quit),
            thread: Some(thread),
        }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        drop(self.quit.take());
        if let Some(thread) = self.thread.take() {
            // A thread that ended badly has nothing more to say.
            let _ended = thread.join();
        }
    }
}

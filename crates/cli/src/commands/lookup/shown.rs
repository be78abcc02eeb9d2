//! How far an index is with files and vectors, for who waits.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use skillbelt_apply::index::Progress;

use super::super::Everywhere;
use crate::exit::say;

/// Between plain lines of progress.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// How far the work is: a bar on a terminal, a line now and then elsewhere.
pub struct Shown {
    quiet: bool,
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Shown {
    pub fn new(everywhere: &Everywhere) -> Shown {
        Shown {
            quiet: everywhere.quiet,
            bar: None,
            said: Instant::now(),
        }
    }

    pub fn at(&mut self, progress: Progress) {
        let (what, done, of) = match progress {
            Progress::Files { done, of } => ("files", done, of),
            Progress::Vectors { done, of } => ("vectors", done, of),
            Progress::Waiting => return,
        };
        if self.quiet {
            return;
        }
        if stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("{msg:>8} {bar:30} {pos}/{len} {eta}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                ProgressBar::new(of).with_style(style)
            });
            bar.set_message(what);
            bar.set_length(of);
            bar.set_position(done);
        } else if self.said.elapsed() >= PLAIN_EVERY {
            self.said = Instant::now();
            say(format_args!("{what}: {done} of {of}"));
        }
    }

    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

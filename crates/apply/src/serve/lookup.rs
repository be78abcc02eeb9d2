//! The index of code that a server was given: functions like a function, and functions that words
//! describe. How they are found and ranked is the index's own affair.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::index::{Asked, Attended, Error, Filter, Found, Hit, Like, Mode};

/// Lines of a function's text that are given.
const LINES: usize = 12;

/// A function that was found, with its text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coded {
    #[serde(flatten)]
    hit: Hit,
    /// Its first lines.
    code: Option<String>,
}

/// An index, asked one question at a time. A question takes as long as it takes, so that it is asked on a
/// thread that may wait.
pub struct Lookup(Mutex<Attended>);

impl Lookup {
    pub fn new(index: Attended) -> Lookup {
        Lookup(Mutex::new(index))
    }

    /// Functions that words describe, best first.
    pub fn search(&self, words: &str, most: usize) -> Result<Vec<Coded>, Error> {
        self.ask(|index, filter| {
            index.search(&Asked {
                words,
                mode: Mode::Fused,
                most,
                filter,
            })
        })
    }

    /// Functions like this one, most alike first.
    pub fn similar(&self, code: &str, most: usize) -> Result<Vec<Coded>, Error> {
        let like = Like::Text(code.to_owned());
        self.ask(|index, filter| index.similar(&like, most, filter))
    }

    fn ask(
        &self,
        question: impl FnOnce(&mut Attended, &Filter) -> Result<Found, Error>,
    ) -> Result<Vec<Coded>, Error> {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The next question may hear of files that have changed; this one does not wait for them.
        index.nudge();
        let filter = Filter::new(&[], &[], index.below())?;
        let found = question(&mut index, &filter)?;
        let coded = |hit: Hit| Coded {
            code: hit.lines(index.root(), LINES),
            hit,
        };
        Ok(found.hits.into_iter().map(coded).collect())
    }
}

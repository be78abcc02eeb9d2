//! An index that answers at once, while a thread beside it follows the files and makes vectors.
//!
//! For who answers many questions: the server and the agents' tools. What is answered is as fresh as
//! what the thread has done, and never stale: every hit is compared with its file.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use super::Index;
use super::embed::Patience;
use super::encoder::{Encoder, Worn};
use super::error::Result;
use super::filter::Filter;
use super::place::Place;
use super::search::{Asked, Found, Mode};
use super::similar::Like;
use super::store::Coverage;
use crate::checkout::Parsers;
use skillbelt_engine::crew;

/// Between two looks at the files, so that many questions do not keep the machine reading.
const REST: Duration = Duration::from_secs(2);

/// An index with what makes its vectors, if anything does.
pub struct Attended {
    index: Index,
    worn: Option<Worn>,
    /// Tells the thread that files may have changed. It ends with this.
    nudge: Sender<()>,
}

impl Attended {
    /// Opens the index of the repository around a path, and begins to bring it up to date.
    ///
    /// # Errors
    /// As those of [`Index::open`].
    pub fn open(
        place: &Place,
        path: &Path,
        worn: Option<Worn>,
        parsers: fn() -> Parsers,
    ) -> Result<Attended> {
        let beside = Index::open(place, path, parsers())?;
        let attended = Attended {
            index: Index::open(place, path, parsers())?,
            nudge: work_beside(beside, worn.clone()),
            worn,
        };
        attended.nudge();
        Ok(attended)
    }

    /// The folder that all paths of answers lie below.
    pub fn root(&self) -> &Path {
        self.index.root()
    }

    /// What was named when it was opened, below the root.
    pub fn below(&self) -> &str {
        self.index.below()
    }

    /// Says that files may have changed, and waits for nothing.
    pub fn nudge(&self) {
        // A thread that has ended has told why on its own.
        let _heard = self.nudge.send(());
    }

    /// Brings the words up to date before it returns; vectors are made beside.
    pub fn refresh(&mut self) -> Result<()> {
        self.index.refresh(&mut |_| {})?;
        self.nudge();
        Ok(())
    }

    pub fn search(&mut self, asked: &Asked<'_>) -> Result<Found> {
        let encoder = self.worn.as_ref().map(|worn| worn as &dyn Encoder);
        self.index.search(encoder, asked)
    }

    pub fn similar(&mut self, like: &Like, most: usize, filter: &Filter) -> Result<Found> {
        let encoder = self.worn.as_ref().map(|worn| worn as &dyn Encoder);
        self.index.similar(encoder, like, Mode::Fused, most, filter)
    }

    /// How many functions have a vector; nothing where nothing makes vectors.
    pub fn coverage(&mut self) -> Result<Option<Coverage>> {
        let worn = self.worn.as_ref();
        worn.map(|worn| self.index.coverage(worn)).transpose()
    }
}

/// Follows the files whenever it is told to, until nobody can tell it any more.
fn work_beside(mut index: Index, worn: Option<Worn>) -> Sender<()> {
    let (nudge, nudged) = channel();
    std::thread::spawn(move || {
        let _crew = crew::enlist();
        while nudged.recv().is_ok() {
            // Several words are one.
            while nudged.try_recv().is_ok() {}
            let mut made = index.refresh(&mut |_| {}).map(|_| ());
            if let (Ok(()), Some(worn)) = (&made, &worn) {
                let embedded = index.embed(worn, Patience::Endless, &mut |_| {});
                made = embedded.map(|_| ());
            }
            if let Err(error) = made {
                tracing::warn!("the index: {error}");
            }
            std::thread::sleep(REST);
        }
    });
    nudge
}

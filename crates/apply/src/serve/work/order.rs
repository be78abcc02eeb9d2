//! What is handed in at the desk: texts to be read, pairs to be judged, a text to be written.

use skillbelt_engine::Mat;
use skillbelt_model::generate::{Options, Prompt, Written};
use skillbelt_train::data::Content;
use skillbelt_train::predict::Outcome;
use tokio::sync::{mpsc, oneshot};

use crate::serve::refusal::Refusal;

/// How a model reads: its place, and its way of reading.
pub type Way = (usize, usize);

/// Texts of one request that are read in one way; `[texts x C]` comes back, in their order.
pub struct Reading {
    pub way: Way,
    pub texts: Vec<Vec<u32>>,
    pub reply: oneshot::Sender<Result<Mat, Refusal>>,
}

impl Reading {
    pub fn tokens(&self) -> usize {
        self.texts.iter().map(Vec::len).sum()
    }
}

/// A text that is to be written.
pub struct Writing {
    /// The model's place, and the task where its belt has parts for each.
    pub writer: (usize, Option<usize>),
    pub prompt: Prompt,
    pub options: Options,
    pub ear: Ear,
}

/// Who hears of a text: a request, and its number there.
#[derive(Debug, Clone)]
pub struct Ear {
    pub number: usize,
    pub heard: mpsc::UnboundedSender<(usize, Heard)>,
}

impl Ear {
    /// Tells it; that nobody hears any more is seen elsewhere.
    pub fn tell(&self, heard: Heard) {
        let _gone = self.heard.send((self.number, heard));
    }

    pub fn is_closed(&self) -> bool {
        self.heard.is_closed()
    }
}

/// Inputs that no vector of a text answers: pairs that a task joins. As few as a batch holds.
pub struct Asking {
    pub model: usize,
    /// The task's place.
    pub task: usize,
    pub inputs: Vec<Content>,
    pub reply: oneshot::Sender<Result<Vec<Outcome>, Refusal>>,
}

/// What becomes of it. As many pieces as tokens at most, so the channel has a bound after all.
#[derive(Debug)]
pub enum Heard {
    Piece(String),
    End(Written),
    Failed(Refusal),
}

//! Tasks: what a row becomes, what is learnt from it, what is answered, and how answers are measured.
//!
//! One file per objective, each of a few short methods. An objective knows neither files nor the
//! optimiser; the loop knows no objective by name.

mod classes;
mod classify;
mod contest;
mod filling;
pub(crate) mod frame;
mod generate;
mod given;
mod head;
pub(crate) mod lexical;
mod limits;
mod measured;
pub(crate) mod packs;
mod pair;
mod prepare;
mod prompt;
mod ranked;
mod reading;
mod retrieve;
pub(crate) mod sequences;
mod set;
pub(crate) mod vectors;

use skillbelt_engine::{Grads, Keep, Mat, Param, Pass, Var};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::Network;

use crate::data::{Rejection, Row};
use crate::error::Result;

pub use filling::{Preparing, prepare_rows};
pub use given::Given;
pub use prepare::{Rows, Task, class_names};
pub use ranked::units;
pub use reading::{Reading, Side};
pub(crate) use set::hash as set_hash;
pub use set::{Encoded, Item, Set};
pub(crate) use vectors::unreadable;

/// Where an objective computes: the network, and how a pass is to be made.
pub struct Stage<'s> {
    pub network: &'s dyn Network,
    pub tokenizer: &'s Tokenizer,
    /// The place of the task in the recipe, for belts with parts for each task.
    pub task: usize,
    pub seed: u64,
    pub step: u64,
    /// Tokens that are computed at once, at least one text.
    pub pack_tokens: usize,
    pub keep: Keep,
    pub recompute: bool,
}

impl Stage<'_> {
    /// A pass that learns, number `part` of this step and task: each part draws its own dropout.
    pub fn learning(&self, part: u64) -> Pass {
        // Steps, tasks and parts are far fewer than these widths allow.
        let place = (self.step << 24) | ((self.task as u64 & 0xff) << 16) | (part & 0xffff);
        Pass::training(self.seed, place)
            .with_keep(self.keep)
            .with_recompute(self.recompute)
            .with_task(self.task)
    }

    /// A pass that only answers.
    pub fn answering(&self) -> Pass {
        Pass::inference().with_task(self.task)
    }
}

/// What a batch taught.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Learnt {
    /// Mean over the units.
    pub loss: f64,
    /// Labelled tokens, or examples.
    pub units: u64,
    /// Tokens that the network read, for the speed. A text that is read again only to save memory
    /// counts once.
    pub tokens: u64,
}

/// The answer to one item.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number per class, before the softmax; one number where there are two classes and one column.
    Scores(Vec<f32>),
    /// The place of the right answer among the candidates (from one), of how many, and the names of
    /// the best, with their likeness. Where there are several right answers, the places of all,
    /// ascending.
    Ranks {
        ranks: Vec<usize>,
        pool: usize,
        best: Vec<String>,
        cosines: Vec<f32>,
    },
    /// A text, with the loss of the true one in nats over its tokens, where it is known (of a text that
    /// is only weighed, in pretraining, over its bytes).
    Text {
        written: Option<String>,
        expected: Option<String>,
        loss: Option<(f64, u64)>,
    },
}

/// Numbers by name, in the order in which they are shown; the first is the task's own.
pub type Measures = Vec<(&'static str, f64)>;

/// An objective on its data.
pub trait Objective: Send + Sync {
    /// Turns a row into token ids, or says why it cannot be used. Rows are encoded on many threads.
    fn encode(
        &self,
        row: Row,
        tokenizer: &Tokenizer,
    ) -> Result<std::result::Result<Encoded, Rejection>>;

    /// What can be done only when all rows of a set are there. Nothing by default.
    fn complete(&self, _set: &mut Set) -> Result<()> {
        Ok(())
    }

    /// Names of the classes, in the order of their numbers; none where there are no classes.
    fn labels(&self) -> Vec<String> {
        Vec::new()
    }

    /// The task's own parameters: its head.
    fn params(&self) -> Vec<Param>;

    /// Adds the gradients of `factor * mean loss` over the batch to `grads`. The result does not
    /// depend on how the batch is cut into packs (but for the order of sums, and for what dropout
    /// drops).
    fn learn(
        &self,
        stage: &Stage<'_>,
        set: &Set,
        batch: &[usize],
        factor: f32,
        grads: &mut Grads,
    ) -> Result<Learnt>;

    /// Answers to every item of a set, in its order.
    fn answer(&self, stage: &Stage<'_>, set: &Set) -> Result<Vec<Answer>>;

    /// A vector of length one for the first text of each item, `[items x C]`; nothing where the
    /// objective compares no texts.
    fn vectors(&self, _stage: &Stage<'_>, _set: &Set) -> Result<Option<Mat>> {
        Ok(None)
    }

    /// How a text is read alone, whose vector can be answered from; nothing where no text is read alone.
    fn reading(&self, _side: Side) -> Option<Reading> {
        None
    }

    /// Scores `[B x N]` of texts from their vectors `[B x C]`; nothing where texts have no classes.
    fn judge(&self, _pass: &Pass, _vectors: &Var) -> Result<Option<Mat>> {
        Ok(None)
    }

    /// Scores `[P x N]` of pairs of rows of the vectors; nothing where vectors are not compared by a
    /// head.
    fn compare(
        &self,
        _pass: &Pass,
        _vectors: &Var,
        _pairs: (&[usize], &[usize]),
    ) -> Result<Option<Mat>> {
        Ok(None)
    }

    /// The mean loss over a set, without gradients: what balancing by slopes and early signs read.
    fn loss(&self, stage: &Stage<'_>, set: &Set) -> Result<Learnt>;

    /// How good the answers are.
    fn measure(&self, set: &Set, answers: &[Answer]) -> Measures;
}

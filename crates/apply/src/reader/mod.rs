//! A belt on its base, for answering: each text is read once for all tasks that read it alike.
//!
//! A *way* is how a text becomes a vector: a task's reading and, of a belt with parts for each task,
//! the task. Tasks of the same way answer from the same vector. Whoever asks
//!
//! 1. takes the way of a task ([`Reader::way`]), and of each text its ids ([`Reader::ids`]);
//! 2. has them read ([`Reader::vectors`]), as many at once as he has, packed without padding: a vector
//!    does not depend on what is read beside it;
//! 3. has heads answer ([`Reader::judge`], [`Reader::compare`]) or compares vectors itself, which
//!    have length one where a task of type `retrieve` reads them ([`Reader::units`]).
//!
//! What no vector can answer (pairs that are joined, texts to be written) goes through
//! [`Reader::answer`]. It keeps nothing between calls; [`identity`] names what a cache depends on.

mod identity;

use std::path::Path;
use std::sync::Arc;

use skillbelt_engine::ops::pool;
use skillbelt_engine::{Keep, Mat, Pass, Precision};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{self, Base, Batch, Held, Purpose};
use skillbelt_model::belt::TASK_LORA;
use skillbelt_model::belt::folder::BeltFile;
use skillbelt_train::data::read::Sink;
use skillbelt_train::data::{Content, Place, Row};
use skillbelt_train::evaluate::probabilities;
use skillbelt_train::predict::{self, Asking, Outcome};
use skillbelt_train::shipped::{Shipped, no_task};
use skillbelt_train::task::{Reading, Side, Stage, Task, units};
use skillbelt_train::{Error, Result};

pub use identity::identity;

/// Tokens that are computed at once unless someone says otherwise.
pub const PACK_TOKENS: usize = 1024;

/// A way of reading, by its place in [`Reader::ways`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way(usize);

/// What stands behind a way.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    reading: Reading,
    /// The place of the task whose parts of the belt are worn.
    place: usize,
}

/// A base with a belt, or bare.
pub struct Reader {
    base: Base,
    tokenizer: Tokenizer,
    card: Option<BeltFile>,
    tasks: Vec<Task>,
    ways: Vec<Known>,
    pack_tokens: usize,
}

impl Reader {
    /// Opens a belt's folder on the base in another. `precision` is that of training where none is
    /// given.
    pub fn open(belt: &Path, base: &Path, precision: Option<Precision>) -> Result<Reader> {
        Reader::open_held(belt, base, precision, None)
    }

    /// The same, with the frozen weights of other belts on the same base where there are some.
    pub fn open_held(
        belt: &Path,
        base: &Path,
        precision: Option<Precision>,
        held: Option<&Held>,
    ) -> Result<Reader> {
        let Shipped {
            card,
            base,
            tokenizer,
            tasks,
        } = Shipped::open_held(belt, base, precision, &|_, kept| kept, held)?;
        let mut reader = Reader {
            base,
            tokenizer,
            card: Some(card),
            tasks,
            ways: Vec::new(),
            pack_tokens: PACK_TOKENS,
        };
        for at in 0..reader.tasks.len() {
            for side in [Side::Candidate, Side::Query] {
                if let Some(known) = reader.known(at, side)
                    && !reader.ways.contains(&known)
                {
                    reader.ways.push(known);
                }
            }
        }
        Ok(reader)
    }

    /// A base without a belt: it has one way and no tasks.
    pub fn bare(base: &Path, precision: Precision) -> Result<Reader> {
        let tokenizer = Tokenizer::from_folder(base)?;
        let base = base::open(base, Purpose::frozen(precision))?;
        let reading = Reading::untaught(&tokenizer, &*base.network)?;
        Ok(Reader {
            base,
            tokenizer,
            card: None,
            tasks: Vec::new(),
            ways: vec![Known { reading, place: 0 }],
            pack_tokens: PACK_TOKENS,
        })
    }

    /// Computes so many tokens at once: fewer take less memory. No answer depends on it.
    pub fn with_pack_tokens(self, pack_tokens: usize) -> Reader {
        Reader {
            pack_tokens: pack_tokens.max(1),
            ..self
        }
    }

    pub fn base(&self) -> &Base {
        &self.base
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The belt's card, if a belt is worn.
    pub fn card(&self) -> Option<&BeltFile> {
        self.card.as_ref()
    }

    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    pub fn task(&self, name: &str) -> Result<&Task> {
        let found = self.tasks.iter().find(|task| task.name == name);
        found.ok_or_else(|| match &self.card {
            Some(card) => no_task(card, name),
            None => Error::told(format_args!("a base without a belt has no task `{name}`")),
        })
    }

    /// All ways, in an order that is the same for the same belt.
    pub fn ways(&self) -> impl Iterator<Item = Way> + use<> {
        (0..self.ways.len()).map(Way)
    }

    /// How the task reads a text alone; nothing where it does not.
    pub fn way(&self, task: &Task, side: Side) -> Option<Way> {
        let known = self.known(task.place, side)?;
        self.ways.iter().position(|way| *way == known).map(Way)
    }

    fn known(&self, task: usize, side: Side) -> Option<Known> {
        let own_parts = self
            .card
            .as_ref()
            .is_some_and(|card| card.kind == TASK_LORA);
        let task = self.tasks.get(task)?;
        Some(Known {
            reading: task.objective.reading(side)?,
            place: if own_parts { task.place } else { 0 },
        })
    }

    /// The ids of a text as a way reads it, cut to its length; nothing if there is nothing to read.
    pub fn ids(&self, way: Way, text: &str) -> Result<Option<Vec<u32>>> {
        self.ways[way.0].reading.ids(text, &self.tokenizer)
    }

    /// A vector of each text, `[texts x C]`, in their order.
    pub fn vectors(&self, way: Way, texts: &[impl AsRef<[u32]>]) -> Result<Mat> {
        let Known { reading, place } = &self.ways[way.0];
        let network = &*self.base.network;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let length = |at: &usize| texts[*at].as_ref().len();
        order.sort_by_key(|at| (length(at), *at));
        let mut vectors = Mat::zeros(texts.len(), network.sizes().width);
        let mut rest = &order[..];
        while !rest.is_empty() {
            let mut tokens = 0;
            let fitting = rest.iter().take_while(|at| {
                tokens += length(at);
                tokens <= self.pack_tokens
            });
            let (pack, later) = rest.split_at(fitting.count().max(1));
            rest = later;
            let ids: Vec<&[u32]> = pack.iter().map(|at| texts[*at].as_ref()).collect();
            let batch = Batch::pack(&ids)?;
            let pass = Pass::inference().with_task(*place);
            let hidden = network.hidden(&pass, &batch, None)?;
            let pooled = pool(&pass, &hidden, &batch.spans, reading.pooling)?;
            for (row, at) in pack.iter().enumerate() {
                vectors
                    .row_mut(*at)
                    .copy_from_slice(pooled.value().row(row));
            }
        }
        Ok(vectors)
    }

    /// Every vector to length one, so that products are cosines.
    pub fn units(vectors: Mat) -> Mat {
        units(vectors)
    }

    /// Of each vector of the task's way the probability of every class; nothing where the task has
    /// none for single texts.
    pub fn judge(&self, task: &Task, vectors: Mat) -> Result<Option<Vec<Vec<f64>>>> {
        let pass = Pass::inference();
        let scores = task.objective.judge(&pass, &pass.constant(vectors))?;
        Ok(scores.map(|scores| shares(&scores)))
    }

    /// Of pairs of rows of vectors the probability of every class; nothing where the task does not
    /// compare vectors by a head.
    pub fn compare(
        &self,
        task: &Task,
        vectors: Mat,
        pairs: (&[usize], &[usize]),
    ) -> Result<Option<Vec<Vec<f64>>>> {
        let pass = Pass::inference();
        let scores = task
            .objective
            .compare(&pass, &pass.constant(vectors), pairs)?;
        Ok(scores.map(|scores| shares(&scores)))
    }

    /// Answers of any task to any inputs, in their order, as `skillbelt predict` gives them.
    pub fn answer(&self, task: &Task, inputs: Vec<Content>) -> Result<Vec<Outcome>> {
        let labels = task.objective.labels();
        let asking = Asking {
            objective: &*task.objective,
            stage: Stage {
                network: &*self.base.network,
                tokenizer: &self.tokenizer,
                task: task.place,
                seed: 0,
                step: 0,
                pack_tokens: self.pack_tokens,
                keep: Keep::Exact,
                recompute: false,
            },
            classes: &labels,
            together: true,
            vectors: false,
            whole_class: false,
        };
        let file: Arc<Path> = Arc::from(Path::new("input"));
        let mut outcomes = Vec::with_capacity(inputs.len());
        let rows = |sink: &mut Sink<'_>| {
            inputs.into_iter().zip(1..).try_for_each(|(content, line)| {
                let file = file.clone();
                let place = Place { file, line };
                sink(Ok(Row {
                    place,
                    id: None,
                    group: None,
                    content,
                }))
            })
        };
        predict::answer(&asking, rows, &mut |outcome| {
            outcomes.push(outcome);
            Ok(())
        })?;
        Ok(outcomes)
    }
}

/// A softmax of each row. What is not a number is no certainty of anything.
fn shares(scores: &Mat) -> Vec<Vec<f64>> {
    let row = |row| probabilities(scores.row(row)).into_iter();
    (0..scores.rows())
        .map(|at| row(at).map(|share| share.unwrap_or(0.0)).collect())
        .collect()
}

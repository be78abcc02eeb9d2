//! What turns texts into vectors, as an index needs it.
//!
//! A belt with a task of type `retrieve` is what is meant; a base without a belt has vectors too, which
//! nobody taught what a question is.

use std::path::Path;
use std::sync::Arc;

use skillbelt_engine::Precision;
use skillbelt_model::belt::folder::{BeltFile, TaskRecord};
use skillbelt_train::task::Side;

use super::error::{Error, Result};
use crate::reader::{Reader, Way, identity};

/// Texts that are given to the model at once: enough to fill its packs.
pub const TOGETHER: usize = 128;

/// Turns texts into vectors of length one.
pub trait Encoder {
    /// Equal names, equal vectors. An index makes vectors anew under another name.
    fn identity(&self) -> &str;

    /// Vectors of functions; nothing where there is nothing to read.
    fn functions(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>>;

    /// The vector of a question.
    fn question(&self, text: &str) -> Result<Option<Vec<f32>>>;

    /// What words count beside its vectors, from 0 to 1.
    fn words_share(&self) -> f64 {
        super::fuse::WORDS
    }
}

/// A belt on its base, or a bare base.
#[derive(Clone)]
pub struct Worn {
    reader: Arc<Reader>,
    identity: String,
    function: Way,
    question: Way,
    /// What words count beside its vectors.
    words: f64,
    taught: bool,
}

/// A belt that finds what is asked for so well (its own mean reciprocal rank) is listened to in full.
/// One that finds little would only push down what words find.
const GOOD: f64 = 0.5;

/// What a base has beside it that was trained to compare sentences.
const SENTENCES: &str = "modules.json";

/// A base whose vectors were never taught to meet questions: words lead.
const UNTAUGHT_WORDS: f64 = 0.7;

impl Worn {
    /// Of a belt its first task that retrieves, or the one that is named. The folders are those that
    /// the reader was opened from.
    ///
    /// # Errors
    /// A belt without such a task.
    pub fn new(
        reader: Arc<Reader>,
        belt: Option<&Path>,
        base: &Path,
        precision: Precision,
        task: Option<&str>,
    ) -> Result<Worn> {
        let name = identity(belt, base, precision)?;
        let (task, function, question) = match reader.card() {
            Some(card) => taught_ways(&reader, card, task)?,
            None => {
                let only = reader.ways().next();
                let way = only.ok_or_else(|| Error::told("the base cannot read a text"))?;
                ("bare".to_owned(), way, way)
            }
        };
        let taught = reader.card().is_some() || base.join(SENTENCES).is_file();
        let words = match (reader.card().and_then(|card| card.task(&task)), taught) {
            (Some((_, record)), _) => beside(record),
            (None, true) => super::fuse::WORDS,
            (None, false) => UNTAUGHT_WORDS,
        };
        Ok(Worn {
            identity: format!("{task} {name}"),
            function,
            question,
            words,
            taught,
            reader,
        })
    }

    /// Whether it was taught what a question is.
    pub fn is_taught(&self) -> bool {
        self.taught
    }

    fn vectors(&self, way: Way, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let ids: Vec<Option<Vec<u32>>> = texts
            .iter()
            .map(|text| self.reader.ids(way, text))
            .collect::<skillbelt_train::Result<_>>()?;
        let read: Vec<&[u32]> = ids.iter().flatten().map(Vec::as_slice).collect();
        let vectors = Reader::units(self.reader.vectors(way, &read)?);
        let mut row = 0..vectors.rows();
        let vector = |ids: &Option<Vec<u32>>| {
            ids.as_ref()?;
            Some(vectors.row(row.next()?).to_vec())
        };
        Ok(ids.iter().map(vector).collect())
    }
}

/// The task of a belt that searches, and how it reads functions and questions.
fn taught_ways(reader: &Reader, card: &BeltFile, task: Option<&str>) -> Result<(String, Way, Way)> {
    let retrieves = |name: &str| {
        let mut records = card.tasks.iter();
        records.any(|record| record.name == name && record.objective == "retrieve")
    };
    let mut tasks = reader.tasks().iter();
    let found = match task {
        Some(task) => Some(reader.task(task)?),
        None => tasks.find(|task| retrieves(&task.name)),
    };
    let ways = found.filter(|task| retrieves(&task.name)).and_then(|task| {
        let function = reader.way(task, Side::Candidate)?;
        let question = reader.way(task, Side::Query)?;
        Some((task.name.clone(), function, question))
    });
    ways.ok_or_else(|| {
        let named = task.map_or(String::new(), |task| format!(" `{task}`"));
        let told = |task: &TaskRecord| format!("{} ({})", task.name, task.objective);
        let tasks: Vec<String> = card.tasks.iter().map(told).collect();
        Error::told(format_args!(
            "the belt: expected a task{named} of type retrieve, found {}",
            tasks.join(", ")
        ))
        .with_hint("train a belt with a search task, or search without --belt, by words alone")
    })
}

impl Encoder for Worn {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn functions(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.vectors(self.function, &texts)
    }

    fn question(&self, text: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.vectors(self.question, &[text])?.pop().flatten())
    }

    fn words_share(&self) -> f64 {
        self.words
    }
}

/// What words count beside a belt's vectors, by how well it found its own test rows.
fn beside(record: &TaskRecord) -> f64 {
    let measured = |split: &str| record.metrics.get(&format!("{split}.mrr"));
    let found = measured("test").or_else(|| measured("valid"));
    let heard = found.map_or(1.0, |mrr| (mrr / GOOD).clamp(0.0, 1.0));
    1.0 - (1.0 - super::fuse::WORDS) * heard
}

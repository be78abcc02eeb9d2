//! A base with a belt, or bare, as requests see it: a name, tasks, ways of reading, perhaps a writer.
//!
//! Ways of reading have numbers here, so that texts of many requests can be told apart by them. It
//! queues nothing and knows no request.

use std::path::Path;

use serde_json::Value;
use skillbelt_engine::Mat;
use skillbelt_model::base::Shape;
use skillbelt_model::generate::{Beams, Choice, Habits, Options, Writer};
use skillbelt_model::tokenizer::chat::ChatTemplates;
use skillbelt_train::data::{Content, Place, Row, Source};
use skillbelt_train::predict::Outcome;
use skillbelt_train::recipe::TaskType;
use skillbelt_train::task::{Reading, Side, Task};

use super::refusal::Refusal;
use crate::reader::{Reader, Way};

/// What answers.
pub struct Model {
    pub name: String,
    /// The base's own name.
    pub base: String,
    reader: Reader,
    ways: Vec<(Way, Reading)>,
    habits: Habits,
    chat: Option<ChatTemplates>,
}

/// A text as a way reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub ids: Vec<u32>,
    /// Tokens of the whole text, where some were cut.
    pub cut_from: Option<usize>,
}

impl Model {
    /// `folder` is the base's.
    pub fn new(
        name: String,
        base: String,
        folder: &Path,
        reader: Reader,
    ) -> skillbelt_train::Result<Model> {
        let habits = Habits::read(folder, &reader.base().config, reader.tokenizer())?;
        let chat = ChatTemplates::from_folder(folder)?;
        let mut model = Model {
            name,
            base,
            ways: ways(&reader)?,
            habits,
            chat,
            reader,
        };
        // A task's answers end with a token that every answer is taught to end with.
        let end = model.reader.tokenizer().special().eos;
        model
            .habits
            .ends
            .extend(end.filter(|end| !model.habits.ends.contains(end)));
        Ok(model)
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    pub fn tasks(&self) -> &[Task] {
        self.reader.tasks()
    }

    /// The width of its vectors.
    pub fn width(&self) -> usize {
        self.reader.base().network.sizes().width
    }

    /// The longest text of a way, in tokens.
    pub fn length(&self, way: usize) -> usize {
        self.ways[way].1.max_length
    }

    pub fn task(&self, name: &str) -> Result<&Task, Refusal> {
        self.reader.task(name).map_err(|error| {
            let hint = error.hint().map(|hint| format!("; {hint}"));
            let message = format!("{error}{}", hint.unwrap_or_default());
            Refusal::unknown("task_not_found", message).of("task")
        })
    }

    /// The way in which a task reads a text alone.
    pub fn way(&self, task: &Task, side: Side) -> Option<usize> {
        let way = self.reader.way(task, side)?;
        self.ways.iter().position(|(known, _)| *known == way)
    }

    /// The way of texts whose vectors are wanted: of the task that is named, else of the first search,
    /// else the first that there is.
    pub fn embedding_way(&self, task: Option<&str>, side: Side) -> Result<usize, Refusal> {
        let search = |task: &&Task| task.settings.kind == Some(TaskType::Retrieve);
        let task = match task {
            Some(name) => Some(self.task(name)?),
            None => self.tasks().iter().find(search),
        };
        let found = match task {
            Some(task) => self.way(task, side),
            None => (!self.ways.is_empty()).then_some(0),
        };
        let what = task.map_or("this belt", |task| &task.name);
        found.ok_or_else(|| {
            let message = format!("`{what}` makes no vector of a text alone");
            Refusal::wrong(message).of("model")
        })
    }

    /// The tokens of a text in a way; nothing if there is nothing to read.
    pub fn encode(&self, way: usize, text: &str) -> Result<Option<Encoded>, Refusal> {
        let tokenizer = self.reader.tokenizer();
        let body = tokenizer.encode(text, false).map_err(Refusal::wrong)?;
        Ok(self.framed(way, &body))
    }

    /// The same of tokens. Some that the base does not have are refused.
    pub fn encode_ids(&self, way: usize, body: &[u32]) -> Result<Option<Encoded>, Refusal> {
        self.check_ids(body)?;
        Ok(self.framed(way, body))
    }

    /// Refuses tokens that the base does not have.
    pub fn check_ids(&self, ids: &[u32]) -> Result<(), Refusal> {
        let known = self.reader.base().network.sizes().vocabulary;
        match ids.iter().find(|id| **id as usize >= known) {
            None => Ok(()),
            Some(id) => {
                let message = format!("token {id}: the base has {known} tokens");
                Err(Refusal::wrong(message))
            }
        }
    }

    fn framed(&self, way: usize, body: &[u32]) -> Option<Encoded> {
        if body.is_empty() {
            return None;
        }
        let Reading {
            frame, max_length, ..
        } = &self.ways[way].1;
        let ids = frame.text(body, *max_length);
        // The frame takes as many tokens of every text.
        let whole = frame.text(body, usize::MAX).len();
        let cut_from = (whole > ids.len()).then_some(whole);
        Some(Encoded { ids, cut_from })
    }

    /// Vectors `[texts x C]`.
    pub fn vectors(&self, way: usize, texts: &[Vec<u32>]) -> Result<Mat, Refusal> {
        let vectors = self.reader.vectors(self.ways[way].0, texts);
        vectors.map_err(Refusal::failed)
    }

    /// Answers of a task that reads for itself.
    pub fn answer(&self, task: usize, inputs: Vec<Content>) -> Result<Vec<Outcome>, Refusal> {
        let task = &self.tasks()[task];
        self.reader.answer(task, inputs).map_err(Refusal::failed)
    }

    /// Who writes: the base for a task with parts of its own, or for none. Nothing if it does not write.
    pub fn writer(&self, task: Option<usize>) -> Option<Writer<'_>> {
        let base = self.reader.base();
        let habits = self.habits.clone();
        let writer = Writer::new(&*base.network, self.reader.tokenizer(), habits).ok()?;
        Some(match task {
            Some(task) => writer.for_task(task),
            None => writer,
        })
    }

    /// Who may be asked to write: nobody in particular, and each task that does.
    pub fn writing_tasks(&self) -> Vec<Option<usize>> {
        let tasks = self.tasks().iter();
        let writing = tasks.filter(|task| task.settings.kind == Some(TaskType::Generate));
        let places = writing.map(|task| Some(task.place));
        std::iter::once(None).chain(places).collect()
    }

    /// The writer, or why there is none.
    pub fn expect_writer(&self, task: Option<usize>) -> Result<Writer<'_>, Refusal> {
        self.writer(task).ok_or_else(|| {
            let base = &*self.reader.base().network;
            let reason = match base.shape() {
                Shape::Encoder => "its base is an encoder, which reads and does not write",
                _ => "its base has no head that writes",
            };
            let message = format!("`{}` writes no text: {reason}", self.name);
            Refusal {
                code: "model_does_not_write",
                ..Refusal::wrong(message).of("model")
            }
        })
    }

    /// The form of conversations, if the base has one.
    pub fn chat(&self) -> Option<&ChatTemplates> {
        self.chat.as_ref()
    }

    /// The prompt of a task that writes, from its source.
    pub fn prompt(&self, task: &Task, source: &str) -> Result<Vec<u32>, Refusal> {
        let row = Row {
            place: Place {
                file: Path::new("input").into(),
                line: 1,
            },
            id: None,
            group: None,
            content: Content::Writing {
                source: Source::Text(source.to_owned()),
                target: None,
            },
        };
        let encoded = task.objective.encode(row, self.reader.tokenizer());
        let encoded = encoded.map_err(Refusal::failed)?;
        let encoded = encoded.map_err(|rejection| Refusal::field("texts", rejection.reason))?;
        let texts = encoded.texts.into_iter();
        texts
            .take(1)
            .next()
            .ok_or_else(|| Refusal::failed("a prompt without tokens"))
    }

    /// How a task writes: as it was trained to.
    pub fn task_options(&self, task: &Task) -> Options {
        let record = self
            .reader
            .card()
            .and_then(|card| card.tasks.get(task.place));
        let most = record.and_then(|record| record.limits.max_new_tokens);
        let beams = record.and_then(|record| record.settings.get("num_beams"));
        let beams = beams.and_then(Value::as_u64).unwrap_or(1);
        let mut options = Options::default();
        options.max_new_tokens = most.unwrap_or(options.max_new_tokens);
        if beams > 1 {
            options.choice = Choice::Beams(Beams {
                count: beams as usize,
                ..Beams::default()
            });
        }
        options
    }
}

/// Every way of a reader with what it does to a text.
fn ways(reader: &Reader) -> skillbelt_train::Result<Vec<(Way, Reading)>> {
    if reader.card().is_none() {
        let reading = Reading::untaught(reader.tokenizer(), &*reader.base().network)?;
        return Ok(reader.ways().map(|way| (way, reading.clone())).collect());
    }
    let mut ways = Vec::new();
    for task in reader.tasks() {
        for side in [Side::Candidate, Side::Query] {
            if let (Some(way), Some(reading)) =
                (reader.way(task, side), task.objective.reading(side))
                && !ways.iter().any(|(known, _)| *known == way)
            {
                ways.push((way, reading));
            }
        }
    }
    Ok(ways)
}

//! A task of the recipe: its settings, its objective, and where its rows come from.

use std::collections::BTreeSet;

use skillbelt_model::Tokenizer;

use super::classes::Classes;
use super::classify::Classify;
use super::filling::{Preparing, prepare_rows};
use super::frame::Frame;
use super::generate::Generate;
use super::given::Given;
use super::head::Head;
use super::limits::Limits;
use super::pair::Separate;
use super::reading::Reading;
use super::retrieve::Retrieve;
use super::vectors::pooling;
use super::{Objective, Set};
use crate::data::read::{self, Sink};
use crate::data::{Content, Split};
use crate::error::{Error, Result};
use crate::recipe::{TaskSettings, TaskType};

/// Gives every row of a split to a sink, in the order of the files.
pub type Rows = dyn Fn(Split, &mut Sink<'_>) -> Result<()> + Send + Sync;

/// A task of the recipe, ready to prepare its splits.
pub struct Task {
    pub name: String,
    /// Its place in the recipe.
    pub place: usize,
    pub settings: TaskSettings,
    pub objective: Box<dyn Objective>,
    rows: Box<Rows>,
}

impl Task {
    /// Everything about a task but its examples. Classes that the settings do not name are collected
    /// from the training rows.
    pub fn new(
        name: &str,
        settings: &TaskSettings,
        place: usize,
        given: &Given<'_>,
        seed: u64,
        rows: Box<Rows>,
    ) -> Result<Task> {
        let objective = objective(name, settings, given, seed, &*rows)?;
        Ok(Task {
            name: name.to_owned(),
            place,
            settings: settings.clone(),
            objective,
            rows,
        })
    }

    /// As `new`, of the files that the settings name.
    pub fn of_files(
        name: &str,
        settings: &TaskSettings,
        place: usize,
        given: &Given<'_>,
        seed: u64,
    ) -> Result<Task> {
        let (task, of) = (name.to_owned(), settings.clone());
        let rows = move |split: Split, sink: &mut Sink<'_>| read::rows(&task, &of, split, sink);
        Task::new(name, settings, place, given, seed, Box::new(rows))
    }

    /// A split, if the recipe names files for it.
    pub fn load(&self, split: Split, tokenizer: &Tokenizer, seed: u64) -> Result<Option<Set>> {
        let settings = &self.settings;
        let (files, most) = match split {
            Split::Train => (&settings.train, settings.max_train_rows),
            Split::Valid => (&settings.valid, settings.max_eval_rows),
            Split::Test => (&settings.test, settings.max_eval_rows),
        };
        if files.is_none() {
            return Ok(None);
        }
        let how = Preparing {
            seed,
            split,
            most,
            undersample: settings.undersample.filter(|_| split == Split::Train),
            unknown: false,
        };
        let rows = |sink: &mut Sink<'_>| (self.rows)(split, sink);
        prepare_rows(&*self.objective, tokenizer, &how, rows).map(Some)
    }
}

fn objective(
    name: &str,
    settings: &TaskSettings,
    given: &Given<'_>,
    seed: u64,
    rows: &Rows,
) -> Result<Box<dyn Objective>> {
    let network = given.network;
    let kind = settings.kind.ok_or_else(|| Error::Setting {
        origin: format!("tasks.{name}"),
        key: "type".into(),
        message: "expected `classify`, `pair`, `retrieve` or `generate`, found nothing".into(),
        hint: None,
    })?;
    let frame = Frame::of(given.tokenizer)?;
    let limits = Limits::new(name, settings, network, &frame)?;
    Ok(match kind {
        TaskType::Classify | TaskType::Pair => {
            let classes = Classes::new(name, settings, || labels(rows))?;
            let (width, pooling) = (network.sizes().width, pooling(name, settings, network)?);
            let reading = Reading {
                frame,
                max_length: limits.text,
                pooling,
            };
            let metric = settings.metric.clone();
            match is_separate(name, settings)? && kind == TaskType::Pair {
                true => Box::new(Separate {
                    head: Head::new(name, classes.columns(), 4 * width, seed),
                    classes,
                    reading,
                    metric,
                }),
                false => Box::new(Classify {
                    head: Head::new(name, classes.columns(), width, seed),
                    classes,
                    reading,
                    joint: kind == TaskType::Pair,
                    metric,
                }),
            }
        }
        TaskType::Retrieve => Box::new(Retrieve::new(name, settings, network, frame, limits)?),
        TaskType::Generate => Box::new(Generate::new(name, settings, given, limits)?),
    })
}

/// Whether the texts of a pair are read each alone.
fn is_separate(name: &str, settings: &TaskSettings) -> Result<bool> {
    match settings.encoding.as_deref() {
        None | Some("joint") => Ok(false),
        Some("separate") => Ok(true),
        Some(other) => Err(Error::Setting {
            origin: format!("tasks.{name}"),
            key: "encoding".into(),
            message: format!("expected `joint` or `separate`, found `{other}`"),
            hint: None,
        }),
    }
}

/// The classes of a task in their order: those of its settings, else of its training rows.
pub fn class_names(name: &str, settings: &TaskSettings) -> Result<Vec<String>> {
    let rows = |split: Split, sink: &mut Sink<'_>| read::rows(name, settings, split, sink);
    let classes = Classes::new(name, settings, || {
        let mut labels = BTreeSet::new();
        rows(Split::Train, &mut |row| {
            labels.extend(row.ok().and_then(|row| label(row.content)));
            Ok(())
        })?;
        Ok(labels)
    })?;
    Ok(classes.names().to_vec())
}

fn label(content: Content) -> Option<String> {
    match content {
        Content::Text { label, .. } | Content::Pair { label, .. } => label,
        _ => None,
    }
}

/// The labels of the training rows.
fn labels(rows: &Rows) -> Result<BTreeSet<String>> {
    let mut labels = BTreeSet::new();
    rows(Split::Train, &mut |row| {
        let label = row.ok().and_then(|row| label(row.content));
        if let Some(label) = label.filter(|label| !labels.contains(label)) {
            labels.insert(label);
        }
        Ok(())
    })?;
    Ok(labels)
}

//! A belt that is put to work: its folder, opened on its base, with tasks that can answer.
//!
//! It refuses any base but the one that the belt was trained on.

mod asked;
mod questions;

use std::path::Path;

use skillbelt_engine::Precision;
use skillbelt_model::base::{self, Base, Held, Purpose};
use skillbelt_model::belt::folder::{self, BeltFile, TaskRecord};
use skillbelt_model::belt::{Belt, full, heads};
use skillbelt_model::{Checkpoint, Tokenizer};

use crate::error::{Error, Result};
use crate::recipe::TaskSettings;
use crate::task::{Given, Task};

pub use asked::Asked;
pub use questions::{Questions, no_task};

/// A belt on its base.
pub struct Shipped {
    pub card: BeltFile,
    pub base: Base,
    pub tokenizer: Tokenizer,
    pub tasks: Vec<Task>,
}

impl Shipped {
    /// Opens a belt's folder on the base in another. `precision` is that of training where none is
    /// given. `settings` may change what a task reads: its files, fields and limits.
    pub fn open(
        folder: &Path,
        base_folder: &Path,
        precision: Option<Precision>,
        settings: &dyn Fn(&str, TaskSettings) -> TaskSettings,
    ) -> Result<Shipped> {
        Shipped::open_held(folder, base_folder, precision, settings, None)
    }

    /// The same, with the frozen weights of other belts on the same base where there are some.
    pub fn open_held(
        folder: &Path,
        base_folder: &Path,
        precision: Option<Precision>,
        settings: &dyn Fn(&str, TaskSettings) -> TaskSettings,
        held: Option<&Held>,
    ) -> Result<Shipped> {
        let card = card(folder)?;
        let found = Checkpoint::open(base_folder)?.content_hash();
        let name = base_folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        card.check_base(&found, &name)?;
        let precision = match precision {
            Some(precision) => precision,
            None => card.precision.parse().map_err(Error::told)?,
        };
        let purpose = match card.kind == full::KIND {
            true => Purpose::full(),
            false => Purpose::frozen(precision),
        };
        let mut base = match held {
            Some(held) => base::open_shared(base_folder, purpose, held)?,
            None => base::open(base_folder, purpose)?,
        };
        Belt::attach(folder, &mut *base.network, false)?;
        let tokenizer = Tokenizer::from_folder(base_folder)?;
        let tasks = tasks(&card, folder, base_folder, &base, &tokenizer, settings)?;
        Ok(Shipped {
            card,
            base,
            tokenizer,
            tasks,
        })
    }

    /// The task of a name.
    pub fn task(&self, name: &str) -> Result<&Task> {
        let found = self.tasks.iter().find(|task| task.name == name);
        found.ok_or_else(|| no_task(&self.card, name))
    }
}

/// What a belt's folder says of it. A folder of another kind is told what it lacks.
pub fn card(folder: &Path) -> Result<BeltFile> {
    if folder.is_dir() && !folder.join(folder::FILE).is_file() {
        let told = Error::told(format_args!(
            "{}: no {}, so no belt with tasks",
            folder.display(),
            folder::FILE
        ));
        let within = folder.join("belt");
        return Err(told.with_hint(match within.join(folder::FILE).is_file() {
            true => format!(
                "this is the folder of a run; its belt is {}",
                within.display()
            ),
            false => "name the folder `belt` of a run; an adapter of another library says nothing \
                      of tasks and cannot be asked"
                .to_owned(),
        }));
    }
    Ok(BeltFile::read(folder)?)
}

/// The settings of a task as its belt keeps them: without files.
fn kept_settings(record: &TaskRecord) -> Result<TaskSettings> {
    let mut own: TaskSettings =
        serde_json::from_value(record.settings.clone()).map_err(|error| {
            Error::told(format_args!(
                "{}: task `{}`: {error}",
                folder::FILE,
                record.name
            ))
        })?;
    if !record.labels.is_empty() {
        own.labels = Some(record.labels.clone());
    }
    Ok(own)
}

fn tasks(
    card: &BeltFile,
    folder: &Path,
    base_folder: &Path,
    base: &Base,
    tokenizer: &Tokenizer,
    settings: &dyn Fn(&str, TaskSettings) -> TaskSettings,
) -> Result<Vec<Task>> {
    let given = Given::of_folder(base_folder, &base.config, &*base.network, tokenizer)?;
    let heads = heads::read(folder, card, false)?;
    let mut tasks = Vec::with_capacity(card.tasks.len());
    for (place, (record, head)) in card.tasks.iter().zip(heads).enumerate() {
        let own = settings(&record.name, kept_settings(record)?);
        let task = Task::of_files(&record.name, &own, place, &given, 0)?;
        if let Some(head) = head {
            for (to, from) in task.objective.params().iter().zip(heads::params([&head])) {
                expect_shape(&record.name, to.value().shape(), from.value().shape())?;
                to.update(|value| value.clone_from(&from.value()));
            }
        }
        tasks.push(task);
    }
    Ok(tasks)
}

fn expect_shape(task: &str, expected: (usize, usize), found: (usize, usize)) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let ((n, k), (rows, cols)) = (expected, found);
    Err(Error::told(format_args!(
        "the head of task `{task}`: expected [{n} x {k}], found [{rows} x {cols}]"
    )))
}

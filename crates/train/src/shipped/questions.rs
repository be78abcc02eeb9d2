//! What a belt is asked: the settings that its card keeps, the files that a recipe names laid over
//! them, and flags over both. It reads no rows.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use skillbelt_model::belt::folder::{self, BeltFile};

use super::kept_settings;
use crate::data::Split;
use crate::error::{Error, Result};
use crate::recipe::{Override, Recipe, TaskSettings, resolve};

/// The tasks of a belt with the files of their splits.
#[derive(Debug, Clone)]
pub struct Questions {
    pub tasks: IndexMap<String, TaskSettings>,
    /// Draws the rows where a recipe limits them.
    pub seed: u64,
    /// Tokens that are computed at once.
    pub pack_tokens: usize,
}

impl Questions {
    /// Of a recipe: files, their layout and fields, the limit on evaluation rows, and the measure.
    /// All else is as the belt was trained, unless a flag says otherwise.
    pub fn new(
        card: &BeltFile,
        recipe: Option<&Recipe>,
        overrides: &[Override],
    ) -> Result<Questions> {
        let mut tasks = Map::new();
        for record in &card.tasks {
            let kept = kept_settings(record)?;
            let own = match recipe.and_then(|recipe| recipe.tasks.get(&record.name)) {
                Some(named) => with_files(&record.name, kept, named)?,
                None => kept,
            };
            let own = serde_json::to_value(own).map_err(Error::told)?;
            tasks.insert(record.name.clone(), own);
        }
        overrides.iter().try_for_each(|over| known(card, over))?;
        let mut whole = json!({
            "base": {"name": card.base.name},
            "tasks": tasks,
            "output": ".",
        });
        if let Some(recipe) = recipe {
            let (seed, pack_tokens) = (recipe.training.seed, recipe.training.pack_tokens);
            whole["training"] = json!({"seed": seed, "pack_tokens": pack_tokens});
        }
        // JSON is YAML, so flags are laid over a card as they are over a recipe.
        let text = Value::to_string(&whole);
        let resolved = resolve::resolve(Path::new(folder::FILE), &text, overrides)?;
        Ok(Questions {
            tasks: resolved.recipe.tasks,
            seed: resolved.recipe.training.seed,
            pack_tokens: resolved.recipe.training.pack_tokens,
        })
    }

    /// The settings of a task, for [`Shipped::open`](super::Shipped::open).
    pub fn settings(&self, task: &str, kept: TaskSettings) -> TaskSettings {
        self.tasks.get(task).cloned().unwrap_or(kept)
    }

    /// Whether there are files for a split of a task.
    pub fn has(&self, task: &str, split: Split) -> bool {
        self.tasks.get(task).is_some_and(|task| match split {
            Split::Train => task.train.is_some(),
            Split::Valid => task.valid.is_some(),
            Split::Test => task.test.is_some(),
        })
    }
}

fn with_files(name: &str, kept: TaskSettings, named: &TaskSettings) -> Result<TaskSettings> {
    if kept.kind != named.kind {
        let word = |settings: &TaskSettings| match serde_json::to_value(settings.kind) {
            Ok(Value::String(word)) => word,
            _ => String::new(),
        };
        return Err(Error::told(format_args!(
            "task `{name}`: the belt answers `{}`, the recipe asks `{}`",
            word(&kept),
            word(named)
        ))
        .with_hint("this is the recipe of another belt"));
    }
    Ok(TaskSettings {
        train: named.train.clone(),
        valid: named.valid.clone(),
        test: named.test.clone(),
        format: named.format,
        fields: named.fields.clone(),
        max_eval_rows: named.max_eval_rows,
        metric: named.metric.clone(),
        ..kept
    })
}

/// Refuses a flag for a task that the belt has not.
fn known(card: &BeltFile, over: &Override) -> Result<()> {
    let Some((task, _)) = over
        .key
        .strip_prefix("tasks.")
        .and_then(|rest| rest.split_once('.'))
    else {
        return Ok(());
    };
    match card.task(task) {
        Some(_) => Ok(()),
        None => Err(no_task(card, task)),
    }
}

/// A name that is no task of the belt.
pub fn no_task(card: &BeltFile, name: &str) -> Error {
    let names: Vec<&str> = card.tasks.iter().map(|task| task.name.as_str()).collect();
    Error::told(format_args!("the belt has no task `{name}`"))
        .with_hint(format_args!("it has {}", names.join(", ")))
}

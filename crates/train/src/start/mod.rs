//! From a resolved recipe to a run: opens the base, puts the belt on it, makes the tasks ready, and
//! starts the loop. It decides nothing that the recipe does not say.

mod plan;
mod ship;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::json;
use skillbelt_engine::{Param, Precision};
use skillbelt_model::base::{self, Base, Purpose};
use skillbelt_model::belt::Belt;
use skillbelt_model::{Checkpoint, Tokenizer};

use crate::data::{Split, Tally, read};
use crate::error::{Error, Result};
use crate::pretrain::fresh;
use crate::recipe::{BeltKind, Recipe, Resolved, TaskSettings, identity};
use crate::run::{self, Finished, Papers, Prepared, RunOptions, Workshop};
use crate::task::{Given, Task};
use crate::watch::Watch;

pub use plan::plan;
use ship::Shipping;

/// Trains what a recipe says on the base in a folder, until the end or until told to stop.
pub fn train(
    resolved: &Resolved,
    base_folder: &Path,
    options: &RunOptions,
    watch: &mut dyn Watch,
) -> Result<Finished> {
    let recipe = &resolved.recipe;
    let tokenizer = Tokenizer::from_folder(base_folder)?;
    let mut base = open_base(recipe, base_folder)?;
    let plan = plan(recipe, &*base.network)?;
    let belt = Belt::fresh(&mut *base.network, &plan, recipe.training.seed)?;
    let tasks = tasks(recipe, base_folder, &base, &tokenizer)?;
    let base_hash = base_hash(recipe, base_folder)?;
    let shipping = Shipping::new(recipe, &belt, &*base.network, base_hash, &tasks);
    let params = params(&belt, &tasks);
    let papers = papers(resolved, &shipping.base_hash, &tasks)?;
    let mut prepared = Vec::with_capacity(tasks.len());
    for task in tasks {
        prepared.push(prepare(task, recipe, &tokenizer)?);
    }
    let papers = with_rows(papers, &prepared);
    let save = |folder: &Path, note: &run::Note| shipping.save(folder, note);
    let workshop = Workshop {
        network: &*base.network,
        tokenizer: &tokenizer,
        params,
        tasks: prepared,
        product: "belt",
        save_belt: &save,
        papers,
    };
    let (training, evaluation) = (&recipe.training, &recipe.evaluation);
    run::run(
        workshop,
        training,
        evaluation,
        &recipe.output,
        options,
        watch,
    )
}

/// What became of the rows of a split.
pub struct RowsOf {
    task: String,
    split: Split,
    items: usize,
    tally: Tally,
}

impl RowsOf {
    pub fn task(&self) -> &str {
        &self.task
    }

    pub fn split(&self) -> Split {
        self.split
    }

    /// How many were there, and how many of them can be used.
    pub fn counts(&self) -> (u64, u64) {
        (self.tally.total(), self.tally.used)
    }
}

impl fmt::Display for RowsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (task, split, tally) = (&self.task, self.split.name(), &self.tally);
        let (total, used) = (tally.total(), tally.used);
        write!(
            f,
            "{task} {split}: {total} rows, {used} can be used, {} taken",
            self.items
        )?;
        for (reason, rejected) in &tally.rejected {
            write!(f, "\n  {} rejected: {reason}", rejected.count)?;
            for example in &rejected.examples {
                write!(f, "\n    {}: {}", example.place, example.detail)?;
            }
        }
        Ok(())
    }
}

/// Reads and encodes every row of every split as training would, and trains nothing.
pub fn check_rows(recipe: &Recipe, base_folder: &Path) -> Result<Vec<RowsOf>> {
    let tokenizer = Tokenizer::from_folder(base_folder)?;
    let base = open_base(recipe, base_folder)?;
    let mut all = Vec::new();
    for task in tasks(recipe, base_folder, &base, &tokenizer)? {
        for split in Split::ALL {
            if let Some(set) = task.load(split, &tokenizer, recipe.training.seed)? {
                all.push(RowsOf {
                    task: task.name.clone(),
                    split,
                    items: set.items.len(),
                    tally: set.tally,
                });
            }
        }
    }
    Ok(all)
}

/// The base as the recipe wants it held: frozen in a precision, or all of it trained.
pub fn open_base(recipe: &Recipe, folder: &Path) -> Result<Base> {
    let precision: Precision = recipe.base.precision.parse().map_err(Error::told)?;
    let purpose = match (recipe.belt.kind, precision) {
        (BeltKind::Full, Precision::F32) => Purpose::full(),
        (BeltKind::Full, _) => {
            let told = Error::told("full fine-tuning trains weights in f32, not in fewer bits");
            return Err(told.with_hint("leave `base.precision` out, or choose a belt"));
        }
        _ => Purpose::frozen(precision),
    };
    match recipe.base.is_random() {
        true => fresh::of_shape(folder, purpose, recipe.training.seed),
        false => Ok(base::open(folder, purpose)?),
    }
}

/// Hash of the weights that a belt of the recipe is trained on. Random ones have another than the
/// checkpoint whose shape they have, so that a belt on them fits no base that a person could name.
fn base_hash(recipe: &Recipe, folder: &Path) -> Result<String> {
    match recipe.base.is_random() {
        true => fresh::hash(folder, recipe.training.seed),
        false => Ok(Checkpoint::open(folder)?.content_hash()),
    }
}

/// The tasks of a recipe on an opened base, without their examples.
pub fn tasks(
    recipe: &Recipe,
    folder: &Path,
    base: &Base,
    tokenizer: &Tokenizer,
) -> Result<Vec<Task>> {
    let given = Given::of_folder(folder, &base.config, &*base.network, tokenizer)?;
    let numbered = recipe.tasks.iter().enumerate();
    numbered
        .map(|(place, (name, settings))| {
            Task::of_files(name, settings, place, &given, recipe.training.seed)
        })
        .collect()
}

/// All that is trained: the belt's, then the heads'.
fn params(belt: &Belt, tasks: &[Task]) -> Vec<Param> {
    let heads = tasks.iter().flat_map(|task| task.objective.params());
    belt.params().iter().cloned().chain(heads).collect()
}

/// A task with its splits loaded.
fn prepare(task: Task, recipe: &Recipe, tokenizer: &Tokenizer) -> Result<Prepared> {
    let seed = recipe.training.seed;
    let train = task.load(Split::Train, tokenizer, seed)?;
    let train = train.ok_or_else(|| Error::Setting {
        origin: "recipe".into(),
        key: format!("tasks.{}.train", task.name),
        message: "there are no training files".into(),
        hint: None,
    })?;
    let metric = task.settings.metric.clone();
    Ok(Prepared {
        weight: task.settings.weight.unwrap_or(1.0),
        batch_size: task
            .settings
            .batch_size
            .unwrap_or(recipe.training.batch_size),
        rises: !metric.as_deref().is_some_and(crate::metric::falls),
        metric,
        train,
        valid: task.load(Split::Valid, tokenizer, seed)?,
        test: task.load(Split::Test, tokenizer, seed)?,
        name: task.name,
        objective: task.objective,
    })
}

/// What the run folder says of where the run came from.
fn papers(resolved: &Resolved, base_hash: &str, tasks: &[Task]) -> Result<Papers> {
    let mut identity = identity::identity(&resolved.recipe)?;
    identity.insert("base weights".into(), base_hash.to_owned());
    let mut files = BTreeMap::new();
    for task in tasks {
        for split in Split::ALL {
            if files_of(&task.settings, split) {
                for (path, hash, bytes) in read::file_hashes(&task.name, &task.settings, split)? {
                    files.insert(
                        path.display().to_string(),
                        json!({"blake3": hash, "bytes": bytes}),
                    );
                }
            }
        }
    }
    let mut facts = serde_json::Map::new();
    facts.insert("files".into(), json!(files));
    Ok(Papers {
        recipe: resolved.to_yaml_with_origins()?,
        identity,
        facts,
    })
}

fn files_of(settings: &TaskSettings, split: Split) -> bool {
    match split {
        Split::Train => settings.train.is_some(),
        Split::Valid => settings.valid.is_some(),
        Split::Test => settings.test.is_some(),
    }
}

/// The papers with what became of the rows: the same rows make the same run.
fn with_rows(mut papers: Papers, tasks: &[Prepared]) -> Papers {
    let mut rows = serde_json::Map::new();
    for task in tasks {
        let splits = [
            ("train", Some(&task.train)),
            ("valid", task.valid.as_ref()),
            ("test", task.test.as_ref()),
        ];
        for (split, set) in splits {
            let Some(set) = set else { continue };
            papers
                .identity
                .insert(format!("rows of {} {split}", task.name), set.hash.clone());
            let rejected: BTreeMap<_, _> = set
                .tally
                .rejected
                .iter()
                .map(|(reason, rejected)| (*reason, rejected.count))
                .collect();
            let facts =
                json!({"used": set.tally.used, "rejected": rejected, "items": set.items.len()});
            rows.insert(format!("{}.{split}", task.name), facts);
        }
    }
    papers.facts.insert("rows".into(), rows.into());
    papers
}

//! Tasks of a recipe answered without a belt: a model is asked in words, row by row.
//!
//! The rows, their names, the answers' form and the measures are those of `skillbelt eval`, so that
//! prompting stands in one table with belts. An answer that cannot be read is a failure: it is
//! written down as one, counted by reason, and measured as the worst answer. It trains nothing, and
//! no class is a default.

mod asked;
mod fit;
mod labels;
mod local;
mod look;
mod model;
mod remote;
pub(crate) mod rows;
mod search;
mod shown;
mod template;
mod words;
mod writing;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Value, json};
use skillbelt_engine::Precision;
use skillbelt_model::base::{self, Base, Purpose, Shape};
use skillbelt_model::checkpoint::write::file;
use skillbelt_model::tokenizer::chat::ChatTemplates;
use skillbelt_model::{Checkpoint, Tokenizer};

use crate::data::Split;
use crate::endpoint::{Client, Costs, Heard};
use crate::error::{Error, Result};
use crate::evaluate::{self, Draws, Example, Judgement};
use crate::recipe::{Prompting, Recipe, Search, TaskSettings, TaskType};
use crate::task::frame::Frame;
use crate::task::{Given, Task, class_names};
use crate::watch::Watch;

pub use asked::Record;
pub use fit::Losses;
pub use look::{Looked, look};
pub use words::Words;
pub use writing::bare;

use asked::{Asked, Count, showables};
use local::Local;
use model::Model;
use remote::Remote;
use rows::{Draw, Drawn, Gate};
use shown::Showcase;
use template::Template;

/// What the measures of all tasks are called in their folder, and what asking took.
pub const SUMMARY: &str = "summary.json";
pub const RECORD: &str = "prompting.json";
/// Answers of an endpoint, where the settings name no other file.
pub const CACHE: &str = "endpoint-cache.jsonl";

/// What is to be asked, and where answers go.
pub struct Order<'o> {
    pub recipe: &'o Recipe,
    pub split: Split,
    /// Gets `<task>.<split>.jsonl`, `summary.json` and `prompting.json`.
    pub out: &'o Path,
    /// The folder of the recipe's base, which says what rows a belt would be asked. Without it rows
    /// are refused only for having no text.
    pub rows_base: Option<&'o Path>,
    /// The folder of the base that is asked; not needed with an endpoint.
    pub asked_base: Option<&'o Path>,
    pub draws: Draws,
    /// The wish to stop: once it is set nothing more is asked, and prompting ends with an error.
    pub stop: Arc<AtomicBool>,
    /// Hears how many answers of an endpoint are there, and of how many.
    pub heard: &'o Heard<'o>,
}

/// Everything that was asked.
#[derive(Debug)]
pub struct Prompted {
    pub judgements: Vec<Judgement>,
    pub records: Vec<Record>,
    /// What an endpoint took.
    pub costs: Option<Costs>,
}

/// A base with its tokenizer.
pub(crate) struct Opened {
    folder: PathBuf,
    base: Base,
    tokenizer: Tokenizer,
}

impl Opened {
    pub(crate) fn open(folder: &Path, precision: &str) -> Result<Opened> {
        let precision: Precision = precision.parse().map_err(Error::told)?;
        Ok(Opened {
            folder: folder.to_owned(),
            base: base::open(folder, Purpose::frozen(precision))?,
            tokenizer: Tokenizer::from_folder(folder)?,
        })
    }

    fn given(&self) -> Result<Given<'_>> {
        Given::of_folder(
            &self.folder,
            &self.base.config,
            &*self.base.network,
            &self.tokenizer,
        )
    }
}

/// The base that says which rows are asked, and the one that is asked, if it is another.
struct Bases {
    rows: Option<Opened>,
    other: Option<Opened>,
}

impl Bases {
    fn open(order: &Order<'_>, settings: &Prompting) -> Result<Bases> {
        let precision = &order.recipe.base.precision;
        let open = |folder| Opened::open(folder, precision);
        let is_same = order.asked_base.is_some() && order.asked_base == order.rows_base;
        let other = match order.asked_base {
            _ if settings.endpoint.is_some() || is_same => None,
            Some(folder) => Some(open(folder)?),
            None => return Err(Error::told("neither a base nor an endpoint to ask")),
        };
        Ok(Bases {
            rows: order.rows_base.map(open).transpose()?,
            other,
        })
    }

    fn asked(&self) -> Option<&Opened> {
        self.other.as_ref().or(self.rows.as_ref())
    }
}

/// Asks every task of a recipe that has files for the split, and writes answers, summary and record.
///
/// The same recipe, rows and model give the same files. Interrupted, with an endpoint, nothing that
/// was answered is lost: the same order goes on. A folder with a summary is finished and refused.
pub fn prompt(order: &Order<'_>, watch: &mut dyn Watch) -> Result<Prompted> {
    let summary = order.out.join(SUMMARY);
    if summary.exists() {
        let told = Error::told(format_args!("{} is there already", summary.display()));
        return Err(told.with_hint("choose another folder, or move this one away"));
    }
    let settings = order.recipe.prompting.clone().unwrap_or_default();
    let bases = Bases::open(order, &settings)?;
    fs_err::create_dir_all(order.out).map_err(|e| Error::io(order.out, e))?;
    let model = model(order, &settings, bases.asked(), true)?;
    let mut prompted = Prompted {
        judgements: Vec::new(),
        records: Vec::new(),
        costs: None,
    };
    for (place, (name, task)) in order.recipe.tasks.iter().enumerate() {
        if !has(task, order.split) {
            watch.warned(&format!(
                "task `{name}` has no {} files and is not asked",
                order.split.name()
            ));
            continue;
        }
        let gate = gate(
            bases.rows.as_ref(),
            name,
            task,
            place,
            order.recipe.training.seed,
        )?;
        let (judgement, record) = one(order, &settings, &*model, (name, task), &gate, watch)?;
        prompted.judgements.push(judgement);
        prompted.records.push(record);
    }
    prompted.costs = model.costs();
    write_record(order, &settings, &*model, &prompted)?;
    evaluate::write_summary(&summary, &prompted.judgements)?;
    Ok(prompted)
}

pub(crate) fn has(task: &TaskSettings, split: Split) -> bool {
    match split {
        Split::Train => task.train.is_some(),
        Split::Valid => task.valid.is_some(),
        Split::Test => task.test.is_some(),
    }
}

/// What is asked: the endpoint if there is one, else the opened base.
fn model<'m>(
    order: &'m Order<'_>,
    settings: &'m Prompting,
    opened: Option<&'m Opened>,
    asks: bool,
) -> Result<Box<dyn Model + 'm>> {
    if let Some(endpoint) = &settings.endpoint {
        let usual = || order.out.join(CACHE);
        let cache = endpoint.cache.clone().unwrap_or_else(usual);
        let client = match asks {
            true => Some(Client::open(endpoint, &cache)?.stopped_by(Arc::clone(&order.stop))),
            false => None,
        };
        return Ok(Box::new(Remote {
            client,
            settings: endpoint,
            system: settings.system.clone(),
            heard: order.heard,
        }));
    }
    let opened = opened.ok_or_else(|| Error::told("neither a base nor an endpoint to ask"))?;
    let chat = match settings.chat {
        Some(false) => None,
        wanted => ChatTemplates::from_folder(&opened.folder)?.map_or_else(
            || match wanted {
                Some(true) => Err(Error::told(format_args!(
                    "{}: no chat template",
                    opened.folder.display()
                ))
                .with_hint("leave `prompting.chat` out")),
                _ => Ok(None),
            },
            |found| Ok(Some(found)),
        )?,
    };
    if chat.is_none() && settings.system.is_some() {
        let told =
            Error::told("`prompting.system` begins a conversation, and prompts are none here");
        return Err(told.with_hint("put it into `question`, or leave it out"));
    }
    Ok(Box::new(Local {
        name: Checkpoint::open(&opened.folder)?.content_hash(),
        network: &*opened.base.network,
        tokenizer: &opened.tokenizer,
        habits: opened.given()?.habits,
        chat,
        system: settings.system.clone(),
        frame: Frame::of(&opened.tokenizer)?,
        pack_tokens: settings.pack_tokens.max(1),
        stop: Arc::clone(&order.stop),
    }))
}

/// Who says which rows can be used. A base that cannot write has no belts for tasks that do.
pub(crate) fn gate<'g>(
    base: Option<&'g Opened>,
    name: &str,
    task: &TaskSettings,
    place: usize,
    seed: u64,
) -> Result<Gate<'g>> {
    match base {
        Some(opened)
            if task.kind != Some(TaskType::Generate)
                || opened.base.network.shape() != Shape::Encoder =>
        {
            Ok(Gate::Base {
                task: Box::new(Task::of_files(name, task, place, &opened.given()?, seed)?),
                tokenizer: &opened.tokenizer,
            })
        }
        _ => Ok(Gate::Plain),
    }
}

/// Asks one task, and writes its answers.
fn one(
    order: &Order<'_>,
    prompting: &Prompting,
    model: &dyn Model,
    (name, task): (&str, &TaskSettings),
    gate: &Gate<'_>,
    watch: &mut dyn Watch,
) -> Result<(Judgement, Record)> {
    let began = Instant::now();
    let asked = ready(order, prompting, model, (name, task), gate)?;
    let split = order.split.name();
    watch.asking(name, split, asked.drawn.rows.len());
    let examples: Vec<Example> = match asked.kind() {
        TaskType::Classify | TaskType::Pair => labels::answers(&asked)?,
        TaskType::Generate => writing::answers(&asked)?,
        TaskType::Retrieve => search::answers(&asked)?,
    };
    evaluate::write(
        &order.out.join(evaluate::file_name(name, order.split)),
        &examples,
    )?;
    // Prompting foresees no text, so these have no value.
    let measure = task
        .metric
        .as_deref()
        .filter(|m| !matches!(*m, "loss" | "perplexity"));
    let judgement = Judgement::new(
        name,
        split,
        &examples,
        &asked.drawn.tally,
        measure,
        &order.draws,
    )?;
    let record = asked.record(split, began.elapsed().as_secs_f64());
    if record.failure_rate > 0.0 {
        let reasons = record
            .failures
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        watch.warned(&format!(
            "{name}: {} of {} prompts without an answer, counted as wrong: {}",
            record.failures.values().sum::<u64>(),
            record.prompts,
            reasons.collect::<Vec<_>>().join(", ")
        ));
    }
    Ok((judgement, record))
}

/// Rows, words, template and examples of a task.
fn ready<'a>(
    order: &Order<'_>,
    prompting: &'a Prompting,
    model: &'a dyn Model,
    (name, task): (&'a str, &'a TaskSettings),
    gate: &Gate<'_>,
) -> Result<Asked<'a>> {
    let asking = prompting.tasks.get(name).cloned().unwrap_or_default();
    let classes = match (task.kind, gate) {
        (Some(TaskType::Classify | TaskType::Pair), Gate::Base { task, .. }) => {
            task.objective.labels()
        }
        (Some(TaskType::Classify | TaskType::Pair), Gate::Plain) => class_names(name, task)?,
        _ => Vec::new(),
    };
    let words = match task.kind {
        Some(TaskType::Retrieve) => Words::new(name, &asking, &["0".to_owned(), "1".to_owned()])?,
        _ => Words::new(name, &asking, &classes)?,
    };
    let seed = order.recipe.training.seed;
    let of = |split, most| rows::rows(name, task, gate, &Draw { split, seed, most });
    let most = match order.split {
        Split::Train => task.max_train_rows,
        Split::Valid | Split::Test => task.max_eval_rows,
    };
    let drawn = of(order.split, most)?;
    let asks = task.kind != Some(TaskType::Retrieve)
        || !matches!(prompting.search, Search::Embeddings | Search::Bm25);
    let shown: Drawn = match prompting.shots > 0 && asks {
        true if task.train.is_none() => {
            return Err(Error::Setting {
                origin: "recipe".into(),
                key: format!("tasks.{name}.train"),
                message: "there are no training files to show examples from".into(),
                hint: Some("name them, or set `prompting.shots: 0`".into()),
            });
        }
        true => {
            let shown_from = prompting.shown_from;
            of(
                Split::Train,
                Some(
                    task.max_train_rows
                        .map_or(shown_from, |most| most.min(shown_from)),
                ),
            )?
        }
        false => Drawn::default(),
    };
    let showables = showables(&shown, &classes, &words);
    Ok(Asked {
        template: Template::new(name, task, &asking, words.all())?,
        showcase: Showcase::new(showables, prompting.choose, prompting.shots, prompting.seed),
        count: RefCell::new(Count::default()),
        name,
        settings: task,
        prompting,
        asking,
        model,
        classes,
        words,
        drawn,
    })
}

fn write_record(
    order: &Order<'_>,
    settings: &Prompting,
    model: &dyn Model,
    prompted: &Prompted,
) -> Result<()> {
    let mut told: Value = serde_json::to_value(settings).map_err(Error::told)?;
    if let Some(tasks) = told.as_object_mut() {
        tasks.retain(|_, value| !value.is_null());
    }
    let record = json!({
        "asked": model.card(),
        "settings": told,
        "rows_by_base": order.rows_base.is_some(),
        "tasks": prompted.records,
        "endpoint": prompted.costs,
    });
    Ok(file(&order.out.join(RECORD), |out| {
        serde_json::to_writer_pretty(&mut *out, &record).map_err(std::io::Error::from)?;
        out.write_all(b"\n")
    })?)
}

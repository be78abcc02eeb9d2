//! What a recipe's tasks come to without any model: words alone. TF-IDF with logistic regression for
//! classes, BM25 for searches, the nearest training example's answer for texts.
//!
//! Rows, names, forms of answers and measures are those of `skillbelt eval`, so that a belt stands
//! beside what it must beat, compared pair by pair. Texts are whole here, where a base reads no more
//! than its limit. It opens a base only to know which rows its belts are asked, and runs none.

mod logistic;
mod nearest;
mod regression;
mod words;

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use skillbelt_model::checkpoint::write::file;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::evaluate::{self, Draws, Example, Judgement};
use crate::prompt::rows::{Draw, Drawn, Gate, rows};
use crate::prompt::{self, Opened};
use crate::recipe::{Recipe, TaskSettings, TaskType};
use crate::task::class_names;
use crate::watch::Watch;

/// What the measures of all tasks are called in their folder, and what was learnt for them.
pub const SUMMARY: &str = "summary.json";
pub const RECORD: &str = "baseline.json";

/// What is to be answered, and where answers go.
pub struct Order<'o> {
    pub recipe: &'o Recipe,
    pub split: Split,
    /// Gets `<task>.<split>.jsonl`, `summary.json` and `baseline.json`.
    pub out: &'o Path,
    /// The folder of the recipe's base, which says what rows a belt would be asked. Without it rows
    /// are refused only for having no text.
    pub rows_base: Option<&'o Path>,
    pub draws: Draws,
}

/// How a task was answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    pub task: String,
    pub method: &'static str,
    /// Rows that were learnt from, or looked up in.
    pub train_rows: usize,
    /// Numbers that were learnt; none by methods that only look up.
    pub weights: usize,
    /// How little the regression was held back; the best on the validation rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c: Option<f64>,
    pub seconds: f64,
}

/// All tasks that have rows.
#[derive(Debug)]
pub struct Answered {
    pub judgements: Vec<Judgement>,
    pub records: Vec<Record>,
}

/// One task, and which of its rows a belt would be asked.
struct Asked<'a> {
    name: &'a str,
    settings: &'a TaskSettings,
    gate: Gate<'a>,
    seed: u64,
    classes: Vec<String>,
}

/// Answers to rows, and how they came about.
type Made = (Vec<Example>, Drawn, Record);

/// Answers every task of a recipe that has files for the split, and writes answers, summary and
/// record. The same recipe and rows give the same answers on any number of threads. A folder with a
/// summary is finished and refused.
pub fn answer(order: &Order<'_>, watch: &mut dyn Watch) -> Result<Answered> {
    let summary = order.out.join(SUMMARY);
    if summary.exists() {
        let told = Error::told(format_args!("{} is there already", summary.display()));
        return Err(told.with_hint("choose another folder, or move this one away"));
    }
    let precision = &order.recipe.base.precision;
    let open = |folder| Opened::open(folder, precision);
    let base = order.rows_base.map(open).transpose()?;
    fs_err::create_dir_all(order.out).map_err(|error| Error::io(order.out, error))?;
    let mut answered = Answered {
        judgements: Vec::new(),
        records: Vec::new(),
    };
    for (place, (name, settings)) in order.recipe.tasks.iter().enumerate() {
        if !prompt::has(settings, order.split) {
            let split = order.split.name();
            watch.warned(&format!(
                "task `{name}` has no {split} files and is not asked"
            ));
            continue;
        }
        let seed = order.recipe.training.seed;
        let gate = prompt::gate(base.as_ref(), name, settings, place, seed)?;
        let asked = Asked::new(name, settings, gate, seed)?;
        let (judgement, record) = one(order, &asked, watch)?;
        answered.judgements.push(judgement);
        answered.records.push(record);
    }
    let record = json!({
        "rows_by_base": order.rows_base.is_some(),
        "tasks": answered.records,
    });
    file(&order.out.join(RECORD), |out| {
        serde_json::to_writer_pretty(&mut *out, &record).map_err(std::io::Error::from)?;
        out.write_all(b"\n")
    })?;
    evaluate::write_summary(&summary, &answered.judgements)?;
    Ok(answered)
}

/// Answers one task, and writes its answers.
fn one(order: &Order<'_>, asked: &Asked<'_>, watch: &mut dyn Watch) -> Result<(Judgement, Record)> {
    let began = Instant::now();
    let (name, settings) = (asked.name, asked.settings);
    watch.asking(name, order.split.name(), 0);
    let (examples, drawn, mut record) = match settings.kind {
        Some(TaskType::Retrieve) => nearest::ranked(asked, order.split)?,
        Some(TaskType::Generate) => nearest::written(asked, order.split)?,
        _ => regression::classed(asked, order.split)?,
    };
    let path = order.out.join(evaluate::file_name(name, order.split));
    evaluate::write(&path, &examples)?;
    // No text is foreseen, so these have no value.
    let measure = settings.metric.as_deref();
    let measure = measure.filter(|measure| !matches!(*measure, "loss" | "perplexity"));
    let split = order.split.name();
    let judgement = Judgement::new(name, split, &examples, &drawn.tally, measure, &order.draws)?;
    record.seconds = began.elapsed().as_secs_f64();
    Ok((judgement, record))
}

impl<'a> Asked<'a> {
    fn new(
        name: &'a str,
        settings: &'a TaskSettings,
        gate: Gate<'a>,
        seed: u64,
    ) -> Result<Asked<'a>> {
        let classes = match (settings.kind, &gate) {
            (Some(TaskType::Retrieve | TaskType::Generate), _) => Vec::new(),
            (_, Gate::Base { task, .. }) => task.objective.labels(),
            (_, Gate::Plain) => class_names(name, settings)?,
        };
        Ok(Asked {
            name,
            settings,
            gate,
            seed,
            classes,
        })
    }

    /// The rows of a split as a run would draw them.
    fn drawn(&self, split: Split) -> Result<Drawn> {
        let most = match split {
            Split::Train => self.settings.max_train_rows,
            Split::Valid | Split::Test => self.settings.max_eval_rows,
        };
        let seed = self.seed;
        rows(
            self.name,
            self.settings,
            &self.gate,
            &Draw { split, seed, most },
        )
    }

    /// The training rows, without which there is nothing to go by.
    fn shown(&self) -> Result<Drawn> {
        if self.settings.train.is_none() {
            return Err(Error::Setting {
                origin: "recipe".into(),
                key: format!("tasks.{}.train", self.name),
                message: "there are no training files to learn from".into(),
                hint: None,
            });
        }
        self.drawn(Split::Train)
    }

    fn record(&self, method: &'static str, train_rows: usize) -> Record {
        Record {
            task: self.name.to_owned(),
            method,
            train_rows,
            weights: 0,
            c: None,
            seconds: 0.0,
        }
    }
}

//! What a study was told, for its results: tasks, bases, belts and ways to ask. It looks into no cell.

use std::path::Path;

use indexmap::IndexMap;

use crate::baseline;
use crate::error::Result;
use crate::metric::falls;
use crate::recipe::{Recipe, TaskType};
use crate::study::Study;
use crate::study::cell::Cell;
use crate::study::conclude::{INSIDE, SEED};
use crate::study::plan::Prompted;
use crate::study::results::{BaseFacts, BeltFacts, Bootstrap, Facts, TaskFacts};

/// The kind of answers that `skillbelt baseline` made.
pub const WORDS: &str = "words";

impl Study {
    /// A recipe in which a task, or a belt, stands as it was resolved.
    fn recipe_with(&self, wanted: impl Fn(&Cell) -> bool) -> Option<&Recipe> {
        let cell = self
            .cells
            .iter()
            .find(|cell| wanted(cell) && cell.recipe().is_some());
        cell.and_then(Cell::recipe)
    }

    pub(super) fn task_facts(&self) -> Vec<TaskFacts> {
        let facts = |name: &String| {
            let recipe = self.recipe_with(|cell| cell.tasks.contains(name))?;
            let settings = recipe.tasks.get(name)?;
            let measure = settings.metric.clone().unwrap_or_default();
            Some(TaskFacts {
                name: name.clone(),
                kind: kind(settings.kind).to_owned(),
                rises: !falls(&measure),
                measure,
                test_examples: None,
                batch_size: settings.batch_size.unwrap_or(recipe.training.batch_size) as u64,
            })
        };
        self.plan.file.tasks.keys().filter_map(facts).collect()
    }

    /// By task, how `skillbelt baseline` answered it, where answers that were there are its own.
    fn methods(&self, prompted: &Prompted) -> IndexMap<String, serde_json::Value> {
        let beside = self.plan.path.parent().unwrap_or(Path::new(""));
        let answers = prompted.beside.answers.as_ref();
        let record = answers.map(|answers| beside.join(answers).join(baseline::RECORD));
        let text = record.and_then(|path| fs_err::read_to_string(path).ok());
        let record: Option<serde_json::Value> =
            text.and_then(|text| serde_json::from_str(&text).ok());
        let tasks = record
            .as_ref()
            .and_then(|record| record["tasks"].as_array());
        let method = |task: &serde_json::Value| {
            let name = task["task"].as_str()?.to_owned();
            Some((name, task["method"].clone()))
        };
        tasks.into_iter().flatten().filter_map(method).collect()
    }

    pub(super) fn facts(&mut self, tasks: Vec<TaskFacts>) -> Result<Facts> {
        let mut bases = Vec::new();
        for (name, base) in &self.plan.bases() {
            bases.push(BaseFacts {
                name: name.clone(),
                content_hash: self.contents.base(name).ok(),
                precision: base.precision.clone(),
            });
        }
        let belt = |name: &String| {
            let recipe = self.recipe_with(|cell| cell.belt == *name)?;
            let settings = serde_json::to_value(&recipe.belt).ok()?;
            let settings: IndexMap<String, serde_json::Value> =
                serde_json::from_value(settings).ok()?;
            Some(BeltFacts {
                name: name.clone(),
                kind: settings.get("kind")?.as_str()?.to_owned(),
                settings,
                learning_rate: Some(recipe.training.learning_rate),
            })
        };
        let mut belts: Vec<BeltFacts> = self.plan.file.belts.keys().filter_map(belt).collect();
        let prompts = self.plan.file.prompts.iter();
        belts.extend(prompts.map(|(name, prompted)| {
            let methods = self.methods(prompted);
            let (kind, settings) = match methods.is_empty() {
                true => ("prompt", told(prompted)),
                false => (WORDS, methods),
            };
            BeltFacts {
                name: name.clone(),
                kind: kind.to_owned(),
                settings,
                learning_rate: None,
            }
        }));
        let arms = self.plan.arms();
        Ok(Facts {
            name: self.plan.name(),
            plan: self.plan.text.clone(),
            tasks,
            bases,
            belts,
            arms: arms.into_iter().map(|arm| arm.name().to_owned()).collect(),
            seeds: self.plan.file.seeds.clone(),
            steps: self.plan.steps(),
            bootstrap: Bootstrap {
                draws: self.plan.file.draws,
                seed: SEED,
                inside: INSIDE,
            },
        })
    }
}

/// How a task is asked; nothing of answers that were there.
fn told(prompted: &Prompted) -> IndexMap<String, serde_json::Value> {
    let settings = match prompted.beside.answers {
        Some(_) => None,
        None => serde_json::to_value(&prompted.settings).ok(),
    };
    let settings = settings.and_then(|settings| serde_json::from_value(settings).ok());
    settings.unwrap_or_default()
}

fn kind(kind: Option<TaskType>) -> &'static str {
    match kind {
        Some(TaskType::Pair) => "pair",
        Some(TaskType::Retrieve) => "retrieve",
        Some(TaskType::Generate) => "generate",
        Some(TaskType::Classify) | None => "classify",
    }
}

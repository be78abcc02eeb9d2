//! What a study was told, for its results: tasks, bases, belts and ways to ask. It looks into no cell.

use indexmap::IndexMap;

use crate::error::Result;
use crate::metric::falls;
use crate::recipe::{Recipe, TaskType};
use crate::study::Study;
use crate::study::cell::Cell;
use crate::study::conclude::{INSIDE, SEED};
use crate::study::plan::Prompted;
use crate::study::results::{BaseFacts, BeltFacts, Bootstrap, Facts, TaskFacts};

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
        belts.extend(prompts.map(|(name, prompted)| BeltFacts {
            name: name.clone(),
            kind: "prompt".to_owned(),
            settings: told(prompted),
            learning_rate: None,
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

//! What a run ships: the belt in its library's own files, the heads, and the card that says what
//! they are for.

use std::path::Path;

use serde_json::json;
use skillbelt_engine::Param;
use skillbelt_model::base::Network;
use skillbelt_model::belt::folder::{BeltFile, HeadShape, Limits, TaskRecord, plain_name};
use skillbelt_model::belt::{Belt, heads};

use crate::error::Result;
use crate::recipe::{Recipe, TaskSettings, TaskType};
use crate::run::Note;
use crate::task::Task;

/// A belt with all that its folder says of it, but for the moment that it is from.
pub struct Shipping<'b> {
    belt: &'b Belt,
    pub base_hash: String,
    card: BeltFile,
    /// Of each task: its head, if it has one.
    heads: Vec<Option<[Param; 2]>>,
}

impl<'b> Shipping<'b> {
    pub fn new(
        recipe: &Recipe,
        belt: &'b Belt,
        network: &dyn Network,
        base_hash: String,
        tasks: &[Task],
    ) -> Shipping<'b> {
        let precision = &recipe.base.precision;
        let mut card = BeltFile::new(
            belt.kind_name(),
            &called(recipe),
            network.family(),
            &base_hash,
            precision,
        );
        let heads: Vec<_> = tasks.iter().map(head).collect();
        card.tasks = tasks
            .iter()
            .zip(&heads)
            .map(|(task, head)| record(task, head))
            .collect();
        Shipping {
            belt,
            base_hash,
            card,
            heads,
        }
    }

    /// Writes the belt as it is now into an empty folder.
    pub fn save(&self, folder: &Path, note: &Note) -> Result<()> {
        self.belt.save(folder)?;
        let linears: Vec<_> = self
            .card
            .tasks
            .iter()
            .zip(&self.heads)
            .filter_map(|(task, head)| {
                let [weight, bias] = head.as_ref()?;
                let (weight, bias) = (weight.value(), bias.value());
                Some(heads::head(
                    &task.name,
                    (*weight).clone(),
                    Some((*bias).clone()),
                    false,
                ))
            })
            .collect();
        heads::write(folder, &linears)?;
        let mut card = self.card.clone();
        for task in &mut card.tasks {
            let sure = note
                .calibrations
                .iter()
                .find(|(name, _)| *name == task.name);
            task.calibration = sure.map(|(_, tables)| tables.clone()).unwrap_or_default();
            for (split, all) in [("valid", &note.valid), ("test", &note.test)] {
                let measured = all.iter().filter(|(name, _)| *name == task.name);
                for (measure, value) in measured.flat_map(|(_, measures)| measures) {
                    if value.is_finite() {
                        task.metrics.insert(format!("{split}.{measure}"), *value);
                    }
                }
            }
        }
        card.notes.insert("step".into(), json!(note.step));
        card.notes.insert("epoch".into(), json!(note.epoch));
        card.notes.insert("policy".into(), json!(note.policy));
        Ok(card.write(folder)?)
    }
}

/// What the card calls the base: random weights are never called by the base's own name.
fn called(recipe: &Recipe) -> String {
    let name = plain_name(&recipe.base.name);
    match recipe.base.is_random() {
        true => format!(
            "random-weights-{}-shape-of-{}",
            recipe.training.seed,
            name.replace('/', "-")
        ),
        false => name,
    }
}

/// The weight and the bias of a task's head.
fn head(task: &Task) -> Option<[Param; 2]> {
    <[Param; 2]>::try_from(task.objective.params()).ok()
}

fn record(task: &Task, head: &Option<[Param; 2]>) -> TaskRecord {
    let settings = &task.settings;
    TaskRecord {
        name: task.name.clone(),
        objective: objective(settings).to_owned(),
        labels: task.objective.labels(),
        pool: settings.pooling.clone(),
        head: head.as_ref().map(|[weight, _]| {
            let (outputs, width) = weight.value().shape();
            HeadShape {
                outputs,
                width,
                bias: true,
            }
        }),
        limits: Limits {
            max_tokens: settings.max_length.unwrap_or_default(),
            max_new_tokens: settings.max_target_length,
        },
        settings: serde_json::to_value(without_files(settings)).unwrap_or_default(),
        metrics: Default::default(),
        calibration: Vec::new(),
    }
}

fn objective(settings: &TaskSettings) -> &'static str {
    match settings.kind {
        Some(TaskType::Pair) => "pair",
        Some(TaskType::Retrieve) => "retrieve",
        Some(TaskType::Generate) => "generate",
        Some(TaskType::Classify) | None => "classify",
    }
}

/// What answering needs: no paths, which mean nothing elsewhere.
fn without_files(settings: &TaskSettings) -> TaskSettings {
    TaskSettings {
        train: None,
        valid: None,
        test: None,
        ..settings.clone()
    }
}

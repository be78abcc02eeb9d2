//! The classes of a task: their names and numbers, and how much each counts in the loss.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::{Place, Rejection};
use crate::error::{Error, Result};
use crate::recipe::TaskSettings;
use crate::recipe::task::ClassWeights;

use super::Item;

/// At least two classes, numbered from zero in their order.
#[derive(Debug)]
pub struct Classes {
    names: Vec<String>,
    numbers: BTreeMap<String, u32>,
    weights: Weights,
}

#[derive(Debug)]
enum Weights {
    Equal,
    Balanced,
    Given(Vec<f32>),
}

impl Classes {
    /// The classes that the settings name, else those of the training rows, in order: of numbers if
    /// all are whole numbers, else of their letters.
    pub fn new(
        task: &str,
        settings: &TaskSettings,
        training: impl FnOnce() -> Result<BTreeSet<String>>,
    ) -> Result<Classes> {
        let names = match &settings.labels {
            Some(names) => names.clone(),
            None => sorted(training()?),
        };
        let refused = |key: &str, message: String| Error::Setting {
            origin: format!("tasks.{task}"),
            key: key.into(),
            message,
            hint: None,
        };
        if names.len() < 2 {
            let message = format!("expected at least two classes, found {names:?}");
            return Err(refused("labels", message));
        }
        let numbered = names.iter().cloned().zip(0u32..);
        let numbers: BTreeMap<String, u32> = numbered.collect();
        if numbers.len() < names.len() {
            return Err(refused(
                "labels",
                format!("a class stands twice in {names:?}"),
            ));
        }
        let weights = match &settings.class_weights {
            None => Weights::Equal,
            Some(ClassWeights::Word(word)) if word == "balanced" => Weights::Balanced,
            Some(ClassWeights::Word(word)) => {
                let message = format!("expected `balanced` or a list of numbers, found `{word}`");
                return Err(refused("class_weights", message));
            }
            Some(ClassWeights::Numbers(numbers)) => {
                let sound = |weight: &f32| *weight > 0.0 && weight.is_finite();
                if numbers.len() != names.len() || !numbers.iter().all(sound) {
                    let expected = format!("expected {} numbers above 0", names.len());
                    return Err(refused(
                        "class_weights",
                        format!("{expected}, found {numbers:?}"),
                    ));
                }
                Weights::Given(numbers.clone())
            }
        };
        Ok(Classes {
            names,
            numbers,
            weights,
        })
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Columns of the head: one yes-or-no for two classes, else one for each.
    pub fn columns(&self) -> usize {
        match self.names.len() {
            2 => 1,
            many => many,
        }
    }

    /// The number of a label; [`Item::UNKNOWN`] if there is none.
    pub fn number(
        &self,
        label: Option<String>,
        place: &Place,
    ) -> std::result::Result<u32, Rejection> {
        let Some(label) = label else {
            return Ok(Item::UNKNOWN);
        };
        self.numbers.get(&label).copied().ok_or_else(|| Rejection {
            place: place.clone(),
            reason: "unknown label",
            detail: format!("expected one of {}, found `{label}`", self.names.join(", ")),
        })
    }

    /// How labels count in the loss over a set with so many items of each class. `balanced` weighs
    /// a class by the inverse of its share in that set; one that does not occur there weighs 1.
    pub fn weighing(&self, counts: &[u64]) -> Weighing {
        let weights = match &self.weights {
            Weights::Equal => None,
            Weights::Given(weights) => Some(weights.clone()),
            Weights::Balanced => {
                let total: u64 = counts.iter().sum();
                let share = |class: usize| match counts.get(class) {
                    None | Some(0) => 1.0,
                    Some(count) => total as f32 / (self.names.len() as f32 * *count as f32),
                };
                Some((0..self.names.len()).map(share).collect())
            }
        };
        Weighing::new(weights, self.columns() == 1)
    }
}

fn sorted(names: BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    if names.iter().all(|name| name.parse::<i64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

/// How much labels count, in the terms of the engine's class loss: it gives a mean over the rows it
/// sees, and parts of a batch must add up to the weighted mean over the whole.
pub struct Weighing {
    /// Of each class; none where all weigh the same.
    weights: Option<Vec<f32>>,
    /// What the operation is told.
    told: Option<Vec<f32>>,
    yes_or_no: bool,
}

impl Weighing {
    fn new(weights: Option<Vec<f32>>, yes_or_no: bool) -> Weighing {
        let told = match (&weights, yes_or_no) {
            (Some(weights), true) => Some(vec![weights[1] / weights[0]]),
            (weights, _) => weights.clone(),
        };
        Weighing {
            weights,
            told,
            yes_or_no,
        }
    }

    pub fn told(&self) -> Option<&[f32]> {
        self.told.as_deref()
    }

    /// What labels weigh together: the weighted mean divides by it.
    pub fn mass(&self, labels: &[u32]) -> f64 {
        match &self.weights {
            Some(weights) => labels
                .iter()
                .map(|label| f64::from(weights[*label as usize]))
                .sum(),
            None => labels.len() as f64,
        }
    }

    /// By how much the operation's mean over these labels must be multiplied to be their part of the
    /// weighted mean over labels of mass `whole`.
    pub fn part(&self, labels: &[u32], whole: f64) -> f64 {
        match (&self.weights, self.yes_or_no) {
            // The operation counts label 0 once and divides by the rows.
            (Some(weights), true) => f64::from(weights[0]) * labels.len() as f64 / whole,
            _ => self.mass(labels) / whole,
        }
    }
}

//! Predictions set beside the answers of the same name. It knows neither formats nor measures.

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::data::Place;
use crate::data::read::strict::wrong;
use crate::error::Result;

/// Names that are told when predictions are missing.
const TOLD: usize = 5;

/// What was read under names, in the order of the file.
pub struct Named<T>(IndexMap<String, (Place, T)>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(IndexMap::new())
    }
}

impl<T> Named<T> {
    /// A name that was there before is an error at its second place.
    pub fn put(&mut self, name: String, place: Place, value: T) -> Result<()> {
        if let Some((first, _)) = self.0.get(&name) {
            let told = format!(
                "`{}` is told twice, first on line {}",
                shown(&name),
                first.line
            );
            return Err(wrong(&place, told));
        }
        self.0.insert(name, (place, value));
        Ok(())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Place, &T)> {
        let entries = self.0.iter();
        entries.map(|(name, (place, value))| (name.as_str(), place, value))
    }
}

/// Each answer with its prediction, in the order of the answers. Every one must have its other.
pub fn matched<A, P>(
    answers: Named<A>,
    predictions: Named<P>,
) -> Result<Vec<(String, A, Place, P)>> {
    if let Some((name, place, _)) = predictions
        .iter()
        .find(|(name, ..)| !answers.contains(name))
    {
        let told = format!("`{}` is not among the answers", shown(name));
        return Err(wrong(place, told));
    }
    let missing: Vec<(&str, &Place, &A)> = answers
        .iter()
        .filter(|(name, ..)| !predictions.contains(name))
        .collect();
    if let Some((_, place, _)) = missing.first() {
        let names = missing
            .iter()
            .take(TOLD)
            .map(|(name, ..)| format!("`{}`", shown(name)));
        let more = if missing.len() > TOLD { ", .." } else { "" };
        let told = format!(
            "{} of {} answers have no prediction: {}{more}",
            missing.len(),
            answers.len(),
            names.collect::<Vec<_>>().join(", ")
        );
        return Err(wrong(place, told));
    }
    let mut predictions: HashMap<String, (Place, P)> = predictions.0.into_iter().collect();
    let pairs = answers.0.into_iter().filter_map(|(name, (_, answer))| {
        let (place, prediction) = predictions.remove(&name)?;
        Some((name, answer, place, prediction))
    });
    Ok(pairs.collect())
}

/// Names of pairs hold a tab.
fn shown(name: &str) -> String {
    name.replace('\t', " ").chars().take(60).collect()
}

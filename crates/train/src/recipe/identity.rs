//! What numbers depend on in a recipe, key by key: by it a run knows whether it may be gone on with.
//! It knows nothing of data and weights; a run adds their hashes itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Recipe;
use crate::error::{Error, Result};

/// Where the run is put and how often it is saved changes no number.
const FREE: [&str; 2] = ["output", "training.save_steps"];

/// Every key with its value, by path.
pub fn identity(recipe: &Recipe) -> Result<BTreeMap<String, String>> {
    let value = serde_json::to_value(recipe).map_err(Error::told)?;
    let mut flat = flat(&value);
    // Training does not ask in words.
    flat.retain(|key, _| !FREE.contains(&key.as_str()) && !key.starts_with("prompting."));
    // Turns and heads follow the order of the tasks.
    let order: Vec<&str> = recipe.tasks.keys().map(String::as_str).collect();
    flat.insert("order of tasks".into(), order.join(", "));
    Ok(flat)
}

/// Every value of a tree, by its path.
pub fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    flatten(String::new(), value, &mut all);
    all
}

/// The first key with different values in two runs, if there is one: `KEY was OLD, now it is NEW`.
pub fn difference(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Option<String> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = |key: &&String| old.get(*key) != new.get(*key);
    let key = keys.into_iter().find(differs)?;
    let value = |all: &BTreeMap<String, String>| match all.get(key) {
        Some(value) => value.clone(),
        None => "nothing".to_owned(),
    };
    Some(format!(
        "`{key}` was {}, now it is {}",
        value(old),
        value(new)
    ))
}

fn flatten(path: String, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = match path.is_empty() {
                    true => key.clone(),
                    false => format!("{path}.{key}"),
                };
                flatten(path, value, flat);
            }
        }
        other => {
            flat.insert(path, other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_that_differs_is_named_with_both_values() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs.iter().map(owned).collect()
        };
        let old = of(&[("a", "1"), ("b", "2")]);
        assert_eq!(difference(&old, &old), None);
        let told = difference(&old, &of(&[("a", "1"), ("c", "2")]));
        assert_eq!(told.unwrap(), "`b` was 2, now it is nothing");
        let told = difference(&old, &of(&[("a", "1"), ("b", "3")]));
        assert_eq!(told.unwrap(), "`b` was 2, now it is 3");
    }
}

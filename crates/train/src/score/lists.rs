//! Ranked lists of candidates: a search with one or several right answers, and a search for the
//! members of a class.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::Value;

use super::matching::{Named, matched};
use crate::data::Place;
use crate::data::read::strict::{objects, word, wrong};
use crate::data::read::{Fields, word_of};
use crate::error::Result;
use crate::metric::Listed;

/// Candidates by name, the best first.
type Names = Vec<String>;

/// A search: what the lists say of each query, in the order of the answers.
pub fn search(answers: &Path, predictions: &Path, pool: usize) -> Result<Vec<Listed>> {
    let (mut truth, predicted) = (Named::default(), ranked(predictions)?);
    let lists = predicted.iter().flat_map(|(_, _, list)| list);
    let candidates: HashSet<String> = lists.cloned().collect();
    objects(answers, &mut |place, fields| {
        let (name, right) = right_answers(&place, &fields, &predicted, &candidates)?;
        truth.put(name, place, right)
    })?;
    let pairs = matched(truth, predicted)?;
    let lists = pairs.into_iter().map(|(_, right, place, list)| {
        if list.len() > pool {
            let told = format!("{} candidates of a pool of {pool}", list.len());
            return Err(wrong(&place, told));
        }
        Ok(listed(&right.into_iter().collect(), &list))
    });
    lists.collect()
}

/// A search for members of the same class, over all other rows of the answers: the lists, and the
/// number of candidates of each query.
pub fn by_class(answers: &Path, predictions: &Path) -> Result<(Vec<Listed>, usize)> {
    let truth = classes(answers)?;
    let known: HashSet<String> = truth.iter().map(|(name, ..)| name.to_owned()).collect();
    let pairs = matched(truth, ranked(predictions)?)?;
    let lists = pairs.into_iter().map(|(name, right, place, list)| {
        if let Some(other) = list.iter().find(|other| !known.contains(*other)) {
            return Err(wrong(
                &place,
                format_args!("`{other}` is not among the answers"),
            ));
        }
        if list.contains(&name) {
            return Err(wrong(&place, format_args!("`{name}` is ranked for itself")));
        }
        Ok(listed(&right, &list))
    });
    let pool = known.len().saturating_sub(1);
    Ok((lists.collect::<Result<_>>()?, pool))
}

fn listed(right: &HashSet<String>, list: &[String]) -> Listed {
    let places = list
        .iter()
        .zip(1..)
        .filter(|(name, _)| right.contains(*name));
    Listed {
        places: places.map(|(_, place)| place).collect(),
        right: right.len(),
        length: list.len(),
    }
}

/// By index, the other members of its class: as `answers`, or from the `label` of all rows.
fn classes(path: &Path) -> Result<Named<HashSet<String>>> {
    let (mut truth, mut labels) = (Named::default(), Vec::new());
    objects(path, &mut |place, fields| {
        let name = word(&place, &fields, "index")?;
        let right = match fields.get("answers") {
            Some(value) => names(&place, value)?,
            None => {
                labels.push((name.clone(), word(&place, &fields, "label")?, place.clone()));
                Names::new()
            }
        };
        truth.put(name, place, right.into_iter().collect())
    })?;
    if labels.is_empty() {
        return Ok(truth);
    }
    let mut members: HashMap<&str, HashSet<String>> = HashMap::new();
    for (name, label, _) in &labels {
        members.entry(label).or_default().insert(name.clone());
    }
    let mut truth = Named::default();
    for (name, label, place) in &labels {
        let mut others = members.get(label.as_str()).cloned().unwrap_or_default();
        others.remove(name);
        if others.is_empty() {
            return Err(wrong(place, format_args!("`{name}` is alone in its class")));
        }
        truth.put(name.clone(), place.clone(), others)?;
    }
    Ok(truth)
}

/// The query and its right answers: `answers`, `retrieval_idx` or `idx`. The query is named by its
/// `url`; by its `idx` if it has no `url`, or if predictions name it so. Where a row is query and
/// candidate at once (AdvTest), it is found by its `idx`, or by its `url` if lists name it so.
fn right_answers(
    place: &Place,
    fields: &Fields,
    predicted: &Named<Names>,
    candidates: &HashSet<String>,
) -> Result<(String, Names)> {
    let by = |key: &str| fields.get(key).and_then(word_of);
    let by_url = by("url").filter(|url| candidates.contains(url));
    let right = match (fields.get("answers"), fields.contains_key("retrieval_idx")) {
        (Some(answers), _) => names(place, answers)?,
        (None, true) => vec![word(place, fields, "retrieval_idx")?],
        (None, false) => match by_url {
            Some(url) => vec![url],
            None => vec![word(place, fields, "idx")?],
        },
    };
    let name = match (by("url"), by("idx")) {
        (Some(url), Some(idx)) if !predicted.contains(&url) && predicted.contains(&idx) => idx,
        (Some(url), _) => url,
        (None, Some(idx)) => idx,
        (None, None) => word(place, fields, "url")?,
    };
    Ok((name, right))
}

/// Predictions: `url` or `index`, and `answers`.
fn ranked(path: &Path) -> Result<Named<Names>> {
    let mut named = Named::default();
    objects(path, &mut |place, fields| {
        let key = if fields.contains_key("url") {
            "url"
        } else {
            "index"
        };
        let name = word(&place, &fields, key)?;
        let list = match fields.get("answers") {
            Some(value @ Value::Array(_)) => list(&place, value)?,
            _ => return Err(wrong(&place, "there is no list `answers`")),
        };
        named.put(name, place, list)
    })?;
    Ok(named)
}

/// At least one name.
fn names(place: &Place, value: &Value) -> Result<Names> {
    let names = list(place, value)?;
    match names.is_empty() {
        true => Err(wrong(place, "`answers` names no right answer")),
        false => Ok(names),
    }
}

/// A name, or several of which none is told twice.
fn list(place: &Place, value: &Value) -> Result<Names> {
    let values = match value {
        Value::Array(values) => &values[..],
        one => std::slice::from_ref(one),
    };
    let mut seen = HashSet::new();
    let name = |value: &Value| {
        let name = word_of(value)
            .ok_or_else(|| wrong(place, "`answers` holds something that is no name"))?;
        match seen.insert(name.clone()) {
            true => Ok(name),
            false => Err(wrong(place, format_args!("`answers` names `{name}` twice"))),
        }
    };
    values.iter().map(name).collect()
}

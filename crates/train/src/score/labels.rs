//! Names and classes, one a line: `idx TAB label` of defects, `id1 TAB id2 TAB label` of clones.

use std::path::Path;

use super::matching::{Named, matched};
use crate::data::Place;
use crate::data::read::strict::{is_json, lines, objects, word, wrong};
use crate::error::Result;

/// Both tasks ask yes or no.
pub const CLASSES: usize = 2;

/// By example, in the order of the answers.
#[derive(Debug, Default)]
pub struct Labelled {
    pub labels: Vec<u32>,
    pub said: Vec<u32>,
}

/// Reads both files; `names` columns stand in front of the label.
pub fn read(answers: &Path, predictions: &Path, names: usize) -> Result<Labelled> {
    let truth = match is_json(answers)? {
        true => rows(answers, names)?,
        false => columns(answers, names)?,
    };
    let mut labelled = Labelled::default();
    for (_, label, _, said) in matched(truth, columns(predictions, names)?)? {
        labelled.labels.push(label);
        labelled.said.push(said);
    }
    Ok(labelled)
}

/// Columns parted by white space. Empty lines are passed over.
fn columns(path: &Path, names: usize) -> Result<Named<u32>> {
    let mut named = Named::default();
    lines(path, &mut |place, line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        match &columns[..] {
            [] => Ok(()),
            [name @ .., label] if name.len() == names => {
                let class = class(&place, label)?;
                named.put(name.join("\t"), place, class)
            }
            found => {
                let wanted = names + 1;
                let told = format!("expected {wanted} columns, found {}", found.len());
                Err(wrong(&place, told))
            }
        }
    })?;
    Ok(named)
}

/// Objects with `idx` and `target`; of pairs `id1`, `id2` and `label`.
fn rows(path: &Path, names: usize) -> Result<Named<u32>> {
    let keys: (&[&str], &str) = match names {
        1 => (&["idx"], "target"),
        _ => (&["id1", "id2"], "label"),
    };
    let mut named = Named::default();
    objects(path, &mut |place, fields| {
        let parts: Vec<String> = keys
            .0
            .iter()
            .map(|key| word(&place, &fields, key))
            .collect::<Result<_>>()?;
        let class = class(&place, &word(&place, &fields, keys.1)?)?;
        named.put(parts.join("\t"), place, class)
    })?;
    Ok(named)
}

fn class(place: &Place, label: &str) -> Result<u32> {
    match label {
        "0" => Ok(0),
        "1" => Ok(1),
        _ => {
            let shown: String = label.chars().take(40).collect();
            Err(wrong(
                place,
                format_args!("expected the label 0 or 1, found `{shown}`"),
            ))
        }
    }
}

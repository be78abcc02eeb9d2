//! Predictions as they stand in files: what a model wrote for each problem, once or several times.
//!
//! One JSON object a line: the `task_id` and the text under `code`, `completion` or `prediction`, or
//! a list of texts under `samples`. Lines of one problem are its samples in the order of the file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::problem::{Problem, at, for_each_object, task_id};
use crate::error::{Error, Result};

/// One text that a model wrote for a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The place of its problem in the list of problems.
    pub problem: usize,
    /// Its place among the samples of that problem, from zero.
    pub number: usize,
    pub code: String,
}

const KEYS: [&str; 3] = ["code", "completion", "prediction"];

/// All samples of a file, by problem. A problem without one, and a sample without a problem, are
/// errors: the number would otherwise be of another set of problems.
pub fn read_samples(path: &Path, problems: &[Problem]) -> Result<Vec<Sample>> {
    let places: BTreeMap<&str, usize> = problems
        .iter()
        .enumerate()
        .map(|(place, problem)| (problem.id.as_str(), place))
        .collect();
    let mut of_problem: Vec<Vec<String>> = vec![Vec::new(); problems.len()];
    for_each_object(path, |line, object| {
        let id = task_id(object).map_err(|message| at(path, line, message))?;
        let texts = texts(object).map_err(|message| at(path, line, message))?;
        let of_problem = places
            .get(id.as_str())
            .and_then(|place| of_problem.get_mut(*place));
        match of_problem {
            Some(samples) => samples.extend(texts),
            None => {
                let message = format!("there is no problem with the task_id `{id}`");
                return Err(at(path, line, message));
            }
        }
        Ok(())
    })?;
    let without: Vec<&str> = problems
        .iter()
        .zip(&of_problem)
        .filter(|(_, samples)| samples.is_empty())
        .map(|(problem, _)| problem.id.as_str())
        .collect();
    if let Some(first) = without.first() {
        let message = format!(
            "{}: {} of {} problems have no prediction, the first is `{first}`",
            path.display(),
            without.len(),
            problems.len()
        );
        return Err(Error::told(message)
            .with_hint("an empty text is a prediction; it does not pass and is counted"));
    }
    let numbered = of_problem
        .into_iter()
        .enumerate()
        .flat_map(|(problem, samples)| {
            let samples = samples.into_iter().enumerate();
            samples.map(move |(number, code)| Sample {
                problem,
                number,
                code,
            })
        });
    Ok(numbered.collect())
}

fn texts(object: &Value) -> std::result::Result<Vec<String>, String> {
    if let Some(samples) = object.get("samples") {
        let items = samples.as_array().into_iter().flatten();
        let texts: Option<Vec<String>> =
            items.map(|item| item.as_str().map(str::to_owned)).collect();
        return match texts {
            Some(texts) if !texts.is_empty() => Ok(texts),
            _ => Err("`samples`: expected a list of texts".to_owned()),
        };
    }
    let found = KEYS.iter().find_map(|key| object.get(*key));
    match found {
        Some(Value::String(code)) => Ok(vec![code.clone()]),
        _ => Err(
            "expected a text under `code`, `completion` or `prediction`, or a list under `samples`"
                .to_owned(),
        ),
    }
}

//! `/predict`: every task that is asked answers every text or pair. Tasks that read alike answer from the
//! same vector, so that asking five of them costs little more than asking one.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use skillbelt_train::recipe::TaskType;
use skillbelt_train::task::Task;

use super::house::House;
use super::judging::{self, Judged};
use super::model::Model;
use super::openai::asked::{body, check_count};
use super::refusal::Refusal;

/// Texts, or pairs of texts, and who is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predict {
    #[serde(alias = "model")]
    belt: Option<String>,
    /// By default every task that answers such inputs with a class.
    tasks: Option<Vec<String>>,
    #[serde(default)]
    texts: Vec<String>,
    #[serde(default)]
    pairs: Vec<(String, String)>,
}

/// The answers to one input.
#[derive(Debug, Serialize)]
struct One<'t> {
    tasks: IndexMap<&'t str, Judged>,
    /// Some task did not read all of it.
    truncated: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'t> {
    belt: &'t str,
    results: Vec<One<'t>>,
    usage: Usage,
}

#[derive(Debug, Serialize)]
struct Usage {
    /// Tokens that were read: each text once for all tasks that read it alike.
    tokens: usize,
}

/// What the inputs of a request are.
pub enum Inputs {
    Texts(Vec<String>),
    Pairs(Vec<(String, String)>),
}

impl Inputs {
    pub fn len(&self) -> usize {
        match self {
            Inputs::Texts(texts) => texts.len(),
            Inputs::Pairs(pairs) => pairs.len(),
        }
    }

    /// Whether a task answers them.
    fn suits(&self, task: &Task) -> bool {
        use TaskType::{Classify, Generate, Pair};
        let kind = task.settings.kind;
        match self {
            Inputs::Texts(_) => matches!(kind, Some(Classify | Generate)),
            Inputs::Pairs(_) => kind == Some(Pair),
        }
    }
}

/// Answers of tasks to texts or pairs.
pub async fn predict(State(house): State<Arc<House>>, bytes: Bytes) -> Result<Response, Refusal> {
    let asked: Predict = body(&bytes)?;
    let (place, model, of_name) = house.model(asked.belt.as_deref())?;
    let inputs = match (asked.texts.is_empty(), asked.pairs.is_empty()) {
        (false, false) => {
            let message = "a request has either `texts` or `pairs`";
            return Err(Refusal::field("pairs", message));
        }
        (true, false) => Inputs::Pairs(asked.pairs),
        _ => Inputs::Texts(asked.texts),
    };
    check_count("texts", inputs.len(), house.limits.texts)?;
    let named = asked.tasks.as_deref();
    let named = named.map(|names| names.iter().map(String::as_str).collect::<Vec<_>>());
    let named = named.or(of_name.map(|name| vec![name]));
    let tasks = chosen(model, named.as_deref(), &inputs)?;
    let mut results: Vec<One<'_>> = (0..inputs.len())
        .map(|_| One {
            tasks: IndexMap::new(),
            truncated: false,
        })
        .collect();
    let given = judging::judge(&house, place, &tasks, inputs).await?;
    for (task, judged) in tasks.iter().zip(given.judged) {
        for (one, judged) in results.iter_mut().zip(judged) {
            one.tasks.insert(&task.name, judged);
        }
    }
    for (one, cut) in results.iter_mut().zip(given.cut) {
        one.truncated = cut;
    }
    let belt = &model.name;
    let usage = Usage {
        tokens: given.tokens,
    };
    Ok(Json(Answer {
        belt,
        results,
        usage,
    })
    .into_response())
}

/// The tasks that are asked: those named, which must suit the inputs, else all that give a class.
fn chosen<'m>(
    model: &'m Model,
    named: Option<&[&str]>,
    inputs: &Inputs,
) -> Result<Vec<&'m Task>, Refusal> {
    let Some(names) = named else {
        let classes =
            |task: &&Task| task.settings.kind != Some(TaskType::Generate) && inputs.suits(task);
        let tasks: Vec<&Task> = model.tasks().iter().filter(classes).collect();
        return match tasks.is_empty() {
            false => Ok(tasks),
            true => Err(Refusal::field(
                "tasks",
                format_args!("`{}` has no task that judges such inputs", model.name),
            )),
        };
    };
    let mut tasks: BTreeMap<usize, &Task> = BTreeMap::new();
    for name in names {
        let task = model.task(name)?;
        if !inputs.suits(task) {
            let wants = match task.settings.kind {
                Some(TaskType::Pair) => "answers `pairs`",
                Some(TaskType::Retrieve) => "compares texts: ask /rerank or /embed",
                _ => "answers `texts`",
            };
            let message = format!("task `{name}` {wants}");
            return Err(Refusal::field("tasks", message));
        }
        tasks.insert(task.place, task);
    }
    match tasks.is_empty() {
        false => Ok(tasks.into_values().collect()),
        true => Err(Refusal::field("tasks", "`tasks` names no task")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused_and_not_passed_over() {
        let wrong: Result<Predict, _> = serde_json::from_str(r#"{"texts": ["a"], "task": "x"}"#);
        assert!(wrong.is_err());
        let right: Predict = serde_json::from_str(r#"{"pairs": [["a", "b"]]}"#).unwrap();
        assert_eq!(right.pairs, [("a".to_owned(), "b".to_owned())]);
    }
}

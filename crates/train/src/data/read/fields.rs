//! Which field of a row holds what: the field map of the task, or the names that sets of this kind
//! are known to use.

use serde_json::Value;

use super::defect::{Defect, EMPTY_TEXT, MISSING_FIELD, NOT_TEXT, NUL, Sound, shown};
use super::limits::SHOWN_FIELDS;
use super::object::Fields;
use crate::recipe::{TaskSettings, TaskType};

/// Names that are tried in this order where the field map has none: the first that a row has, and
/// that is not null, counts. Where both exist, tokens come before code, because code often still
/// holds the description that is to be found or written. A row of the table is for one type of
/// task, or for all.
///
/// A name that the field map sets to nothing is not looked for.
const NAMES: &[(Option<TaskType>, &str, &str)] = &[
    (
        CLASSIFY,
        "text",
        "text func code function source content snippet body code_tokens",
    ),
    (
        PAIR,
        "text",
        "text text_a func1 code1 function1 func_a code_a sentence1 first query doc docstring",
    ),
    (
        PAIR,
        "text_b",
        "text_b func2 code2 function2 func_b code_b sentence2 second candidate code",
    ),
    (RETRIEVE, "text", "text code func function code_tokens"),
    (RETRIEVE, "class", "class label target"),
    (
        RETRIEVE,
        "query",
        "query doc docstring_tokens docstring nl question title",
    ),
    (
        RETRIEVE,
        "candidate",
        "candidate positive code_tokens code func function answer text",
    ),
    (
        RETRIEVE,
        "candidate_id",
        "candidate_id answer_id retrieval_idx",
    ),
    (RETRIEVE, "negatives", "negatives negative hard_negatives"),
    (
        GENERATE,
        "source",
        "source input prompt instruction nl text buggy code_tokens code func function",
    ),
    (GENERATE, "target", TARGETS),
    (
        None,
        "label",
        "label target flaky is_vulnerable vulnerable vul defective is_clone class",
    ),
    (None, "id", "id idx index task_id qid url test"),
    (
        None,
        "group",
        "group commit_id commit project repo repository",
    ),
];

const TARGETS: &str = "target output completion response answer fixed docstring_tokens docstring \
                       title summary comment code_tokens code";

/// With the preset `generate` a description is the source and code is the target.
const FROM_DESCRIPTION: &[(&str, &str)] = &[
    (
        "source",
        "source input prompt instruction nl text docstring_tokens docstring title",
    ),
    (
        "target",
        "target output completion response answer code code_tokens function",
    ),
];

const CLASSIFY: Option<TaskType> = Some(TaskType::Classify);
const PAIR: Option<TaskType> = Some(TaskType::Pair);
const RETRIEVE: Option<TaskType> = Some(TaskType::Retrieve);
const GENERATE: Option<TaskType> = Some(TaskType::Generate);

/// The names of a task.
pub struct Names<'t> {
    task: &'t TaskSettings,
    kind: TaskType,
}

impl<'t> Names<'t> {
    pub fn of(task: &'t TaskSettings, kind: TaskType) -> Names<'t> {
        Names { task, kind }
    }

    /// What a row may call `name`.
    fn tried(&self, name: &str) -> Vec<&str> {
        if let Some(given) = self.task.fields.get(name) {
            return match given.is_empty() {
                true => Vec::new(),
                false => vec![given],
            };
        }
        if self.task.preset.as_deref() == Some("generate")
            && let Some((_, names)) = FROM_DESCRIPTION.iter().find(|(ours, _)| *ours == name)
        {
            return names.split_whitespace().collect();
        }
        let row = NAMES
            .iter()
            .find(|(kind, ours, _)| *ours == name && kind.is_none_or(|kind| kind == self.kind));
        row.map_or_else(Vec::new, |(_, _, names)| names.split_whitespace().collect())
    }

    /// The value that a row has for `name`, if any, with the name it goes by there.
    pub fn value<'a>(&self, fields: &'a Fields, name: &str) -> Option<(String, &'a Value)> {
        self.value_but(fields, name, None)
    }

    /// The same, passing over a field that is already something else.
    pub fn value_but<'a>(
        &self,
        fields: &'a Fields,
        name: &str,
        but: Option<&str>,
    ) -> Option<(String, &'a Value)> {
        let given = self.task.fields.contains_key(name);
        let tried = self
            .tried(name)
            .into_iter()
            .filter(|path| given || Some(*path) != but);
        let mut present = tried.filter_map(|path| Some((path.to_owned(), at(fields, path)?)));
        // A null counts only where there is nothing better, so that it can be told.
        let first = present.next()?;
        match first.1.is_null() {
            true => Some(present.find(|(_, value)| !value.is_null()).unwrap_or(first)),
            false => Some(first),
        }
    }

    /// The text that a row has for `name`.
    pub fn text(&self, fields: &Fields, name: &str) -> Sound<String> {
        self.text_but(fields, name, None).map(|(_, text)| text)
    }

    /// The same with the field's name.
    pub fn text_but(
        &self,
        fields: &Fields,
        name: &str,
        but: Option<&str>,
    ) -> Sound<(String, String)> {
        let (path, value) = self
            .value_but(fields, name, but)
            .ok_or_else(|| self.missing(fields, name))?;
        let text = text_of(&path, value)?;
        Ok((path, text))
    }

    /// A name or number of the row, such as its id.
    pub fn word(&self, fields: &Fields, name: &str) -> Option<String> {
        self.value(fields, name)
            .and_then(|(_, value)| word_of(value))
    }

    pub fn missing(&self, fields: &Fields, name: &str) -> Defect {
        let tried: Vec<String> = self
            .tried(name)
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let mut had: Vec<String> = fields
            .keys()
            .take(SHOWN_FIELDS)
            .map(|key| format!("`{key}`"))
            .collect();
        if fields.len() > SHOWN_FIELDS {
            had.push("...".to_owned());
        }
        let had = match had.is_empty() {
            true => "no fields".to_owned(),
            false => had.join(", "),
        };
        Defect::new(
            MISSING_FIELD,
            format!(
                "no {name} (looked for {}); the row has {had}",
                tried.join(", ")
            ),
        )
    }
}

/// The value at a name, or at a dotted path of names and places in lists.
pub fn at<'a>(fields: &'a Fields, path: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.')
        .try_fold(fields.get(first)?, |value, step| match value {
            Value::Object(fields) => fields.get(step),
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
}

/// A text, or a list of tokens joined by spaces. Empty ones are refused.
pub fn text_of(path: &str, value: &Value) -> Sound<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(tokens) => {
            let words: Option<Vec<&str>> = tokens.iter().map(Value::as_str).collect();
            words.ok_or_else(|| not_text(path, value))?.join(" ")
        }
        _ => return Err(not_text(path, value)),
    };
    sound_text(path, &text)?;
    Ok(text)
}

/// Refuses a text in which there is nothing to read.
pub fn sound_text(path: &str, text: &str) -> Sound<()> {
    match text.trim().is_empty() {
        true => Err(Defect::new(EMPTY_TEXT, format!("`{path}` has no letters"))),
        false => Ok(()),
    }
}

/// Refuses a raw NUL: a table or a line of text that holds one is no text. In JSON it is an escape,
/// written on purpose, and stays.
pub fn no_nul(text: &str) -> Sound<()> {
    match text.find('\0') {
        Some(at) => Err(Defect::new(NUL, format!("byte {at} of it"))),
        None => Ok(()),
    }
}

fn not_text(path: &str, value: &Value) -> Defect {
    Defect::new(NOT_TEXT, format!("`{path}` is {}", shown(value)))
}

pub fn word_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

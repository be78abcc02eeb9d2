//! From a file and flags to a recipe: defaults, under a task's preset, under the file, under flags.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::{Error, Result};
use crate::recipe::Recipe;
use crate::recipe::conform::Conform;
use crate::recipe::defaults;
use crate::recipe::places::{place, place_base};
use crate::recipe::preset::{PRESETS, Preset};
use crate::recipe::problem::{Problem, as_error};
use crate::recipe::shape::Shaped;
use crate::recipe::suggest::nearest;
use crate::recipe::tree::{Node, Origin, Value};
use crate::recipe::yaml::{self, MAX_BYTES};

/// The name under which a run keeps its resolved recipe in its folder.
pub const RESOLVED_FILE: &str = "recipe.yaml";

/// A value from the command line, to lie over the recipe's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// `training.learning_rate`, `tasks.NAME.weight`.
    pub key: String,
    /// As typed: a scalar, `a,b` for a list, or YAML in brackets.
    pub value: String,
    /// The flag, for messages: `--learning-rate`.
    pub flag: String,
}

/// A recipe with every value's origin.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub recipe: Recipe,
    /// The file that it was read from, as it was named.
    pub source: PathBuf,
    pub(super) given: Node,
}

/// Reads a recipe, lays flags over it, and fills in what neither says.
///
/// Paths in the file are relative to the folder of the file; paths in flags to the current folder.
/// Every key is known and of the right kind afterwards; whether values fit together is the question
/// of [`check`](crate::recipe::check::check).
pub fn read(path: &Path, overrides: &[Override]) -> Result<Resolved> {
    let text = text_of(path)?;
    resolve(path, &text, overrides)
}

/// The same for a text that was read already; `path` is where it is said to stand.
pub fn resolve(path: &Path, text: &str, overrides: &[Override]) -> Result<Resolved> {
    let file: Arc<Path> = path.into();
    let mut given = yaml::parse(&file, text)?;
    if !matches!(given.value, Value::Map(_)) {
        let message = format!("expected the keys of a recipe, found {}", given.found());
        return Err(Error::Setting {
            origin: given.origin.to_string(),
            key: "recipe".into(),
            message,
            hint: Some("docs/recipes.md shows the keys".into()),
        });
    }
    open_short_forms(&mut given);
    for over in overrides {
        lay_over(&mut given, over)?;
    }
    settle(path, given)
}

/// From what was given to a recipe: presets and defaults are laid under it, every key is looked at,
/// and paths are placed in the folder of `path`.
pub(crate) fn settle(path: &Path, mut given: Node) -> Result<Resolved> {
    // A flag too may be a short form.
    open_short_forms(&mut given);
    let mut problems = lay_presets(&mut given);
    defaults::lay_under(&mut given);
    let shape = Recipe::shape();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut conform = Conform::new(&shape);
    // Wrong kinds are told before paths are joined, so that messages show what was written.
    let _as_written = conform.recipe(&given);
    problems.append(&mut conform.problems);
    problems.extend(missing(&given));
    if let Some(error) = as_error(problems) {
        return Err(error);
    }
    place(&mut given, &shape, folder);
    place_base(&mut given, folder);
    let json = Conform::new(&shape).recipe(&given);
    Ok(Resolved {
        recipe: typed(path, json)?,
        source: path.to_owned(),
        given,
    })
}

fn typed(path: &Path, json: Json) -> Result<Recipe> {
    serde_json::from_value(json).map_err(|error| Error::File {
        path: path.to_owned(),
        line: 1,
        message: format!("not a recipe: {error}"),
        hint: None,
    })
}

pub(crate) fn text_of(path: &Path) -> Result<String> {
    let told = |line, message: String| Error::File {
        path: path.to_owned(),
        line,
        message,
        hint: None,
    };
    let length = fs_err::metadata(path).map_err(|e| Error::io(path, e))?;
    if length.is_dir() {
        let refusal = told(1, "a folder; a recipe is a file".into());
        return Err(refusal.with_hint("name the YAML file inside it"));
    }
    if length.len() > MAX_BYTES {
        return Err(told(
            1,
            format!("longer than {MAX_BYTES} bytes; not a recipe"),
        ));
    }
    let bytes = fs_err::read(path).map_err(|e| Error::io(path, e))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        told(line, "not UTF-8".into()).with_hint("save the recipe as UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// `base: NAME` is `base: {name: NAME}`, `belt: dora` is `belt: {kind: dora}`.
fn open_short_forms(tree: &mut Node) {
    for (section, key) in [("base", "name"), ("belt", "kind")] {
        let short = tree.get(section).cloned();
        if let Some(
            node @ Node {
                value: Value::Word(_),
                ..
            },
        ) = short
        {
            let value = Value::Map(vec![(key.to_owned(), node.clone())]);
            let origin = node.origin;
            tree.set(section, Node { origin, value });
        }
    }
}

/// Sets one key of a tree as a flag says.
pub(crate) fn lay_over(tree: &mut Node, over: &Override) -> Result<()> {
    let origin = Origin::Flag(over.flag.clone());
    let refuse = |message: &str| Error::Setting {
        origin: origin.to_string(),
        key: over.key.clone(),
        message: message.into(),
        hint: Some("write it as `--set section.key=value` or `--set tasks.NAME.key=value`".into()),
    };
    let mut keys: Vec<&str> = over.key.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    if last.is_empty() || keys.iter().any(|key| key.is_empty()) || keys.len() >= yaml::MAX_DEPTH {
        return Err(refuse("not a path of keys"));
    }
    let mut section = tree;
    for key in keys {
        section = section
            .section(key, &origin)
            .ok_or_else(|| refuse("not a path of keys"))?;
        if !matches!(section.value, Value::Map(_)) {
            return Err(refuse(&format!(
                "`{key}` holds {}, no keys",
                section.found()
            )));
        }
    }
    let node = match over.value.starts_with(['[', '{']) {
        true => yaml::parse_flag(&over.flag, &over.value)?,
        false => Node::word(origin, over.value.clone()),
    };
    section.set(last, node);
    Ok(())
}

fn lay_presets(tree: &mut Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let tasks = match tree.section("tasks", &Origin::Default) {
        Some(Node {
            value: Value::Map(tasks),
            ..
        }) => tasks,
        _ => return problems,
    };
    for (name, task) in tasks {
        let key = format!("tasks.{name}");
        let Some(Node {
            origin,
            value: Value::Word(word),
        }) = task.get("preset").cloned()
        else {
            continue;
        };
        let Some(preset) = Preset::named(&word) else {
            let names = PRESETS.iter().map(|preset| preset.name);
            let all: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
            let message = format!("no preset `{word}`");
            let hint = match nearest(&word, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", all.join(", ")),
            };
            problems.push(Problem::new(origin, key + ".preset", message).hint(hint));
            continue;
        };
        let own = defaults::word_at(task, &["type"]);
        if let (Some(own), Some(sets)) = (own, preset.sets("type"))
            && own != sets
        {
            let message = format!("preset `{word}` is of type `{sets}`, not `{own}`");
            let problem = Problem::new(origin, key + ".preset", message);
            problems.push(problem.hint("leave out the preset, or the type"));
            continue;
        }
        task.fill(preset.layer());
    }
    problems
}

/// What every recipe must say.
fn missing(tree: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut need = |at: &Node, key: &str, hint: &str| {
        let problem = Problem::new(at.origin.clone(), key, "is missing");
        problems.push(problem.hint(hint));
    };
    if tree.at(&["base", "name"]).is_none() {
        need(
            tree,
            "base",
            "name a folder, or a base on the hub: `base: owner/name`",
        );
    }
    if tree.get("output").is_none() {
        need(
            tree,
            "output",
            "name the folder for the run: `output: runs/first`",
        );
    }
    match tree.get("tasks") {
        Some(Node {
            value: Value::Map(tasks),
            ..
        }) if !tasks.is_empty() => {
            for (name, task) in tasks {
                let unknown_preset = task.get("preset").is_some();
                if task.get("type").is_none() && !unknown_preset {
                    let hint = "say `type: classify`, `pair`, `retrieve` or `generate`, or name a `preset`";
                    need(task, &format!("tasks.{name}.type"), hint);
                }
            }
        }
        _ => need(
            tree,
            "tasks",
            "name at least one, with `preset` or `type`, and `train`",
        ),
    }
    problems
}

impl Resolved {
    /// Where the value of a key came from.
    pub fn origin(&self, path: &[&str]) -> Origin {
        match self.given.at(path) {
            Some(node) => node.origin.clone(),
            None => Origin::Default,
        }
    }

    /// An error about a key, with its place.
    pub fn error(&self, path: &[&str], message: impl std::fmt::Display) -> Error {
        Error::Setting {
            origin: self.origin(path).to_string(),
            key: path.join("."),
            message: message.to_string(),
            hint: None,
        }
    }
}

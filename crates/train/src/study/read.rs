//! From a file to a plan: short forms are opened, every key is looked at, and what would make the arms
//! of a study unequal is refused.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::recipe::conform::Conform;
use crate::recipe::problem::as_error_of;
use crate::recipe::shape::Shaped;
use crate::recipe::tree::{Node, Value};
use crate::recipe::{BeltKind, Mixing, Problem, text_of, yaml};
use crate::study::plan::{Arm, Plan, PlanFile};
use crate::study::prompted;

/// What a plan is called in messages.
const CALLED: &str = "plan";

/// Reads a plan. Paths in it are relative to its folder.
pub fn read(path: &Path) -> Result<Plan> {
    let text = text_of(path)?;
    plan(path, text)
}

/// The same for a text that was read already; `path` is where it is said to stand.
pub fn plan(path: &Path, text: String) -> Result<Plan> {
    let file: Arc<Path> = path.into();
    let mut given = yaml::parse(&file, &text)?;
    if !matches!(given.value, Value::Map(_)) {
        let message = format!("expected the keys of a plan, found {}", given.found());
        return Err(Error::Setting {
            origin: given.origin.to_string(),
            key: CALLED.into(),
            message,
            hint: Some("docs/studies.md shows the keys".into()),
        });
    }
    let mut problems = open_short_forms(&mut given);
    let shape = PlanFile::shape();
    let mut conform = Conform::called(&shape, CALLED);
    let json = conform.recipe(&given);
    problems.append(&mut conform.problems);
    problems.extend(missing(&given));
    if let Some(error) = as_error_of(CALLED, problems) {
        return Err(error);
    }
    let file = serde_json::from_value(json).map_err(|error| Error::File {
        path: path.to_owned(),
        line: 1,
        message: format!("not a plan: {error}"),
        hint: None,
    })?;
    let plan = Plan {
        path: path.to_owned(),
        text,
        file,
        given,
    };
    let mut problems = unequal(&plan);
    problems.extend(prompted::problems(&plan));
    match as_error_of(CALLED, problems) {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

/// `belts: [lora, dora]` and `bases: [a, b]` become maps; so do words where keys are expected.
fn open_short_forms(tree: &mut Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (section, key) in [("belts", "kind"), ("bases", "name")] {
        let Some(node) = tree.get(section).cloned() else {
            continue;
        };
        let entries = match &node.value {
            Value::Word(_) => vec![named(node.clone(), key)],
            Value::List(items) => items.iter().map(|item| named(item.clone(), key)).collect(),
            Value::Map(entries) => entries.clone(),
            Value::Nothing => continue,
        };
        let mut opened: Vec<(String, Node)> = Vec::new();
        for (name, mut entry) in entries {
            if opened.iter().any(|(known, _)| *known == name) {
                let message = format!("two are called `{name}`");
                let problem = Problem::new(entry.origin.clone(), section, message);
                problems.push(problem.hint(format!(
                    "give them names: `{section}: {{first: .., second: ..}}`"
                )));
            }
            let origin = entry.origin.clone();
            match &entry.value {
                Value::Word(word) => {
                    let word = Node::word(origin, word.clone());
                    entry.set(key, word);
                }
                // A belt that is only named is of the kind of its name.
                Value::Nothing | Value::Map(_) if key == "kind" && entry.get(key).is_none() => {
                    entry.set(key, Node::word(origin, name.clone()));
                }
                _ => {}
            }
            opened.push((name, entry));
        }
        let origin = node.origin;
        let value = Value::Map(opened);
        tree.set(section, Node { origin, value });
    }
    problems
}

/// An entry of a list with the name that it goes by: its kind, or the end of its path.
fn named(item: Node, key: &str) -> (String, Node) {
    let word = match (&item.value, item.get(key).map(|node| &node.value)) {
        (Value::Word(word), _) | (_, Some(Value::Word(word))) => word.clone(),
        _ => String::new(),
    };
    let end = Path::new(&word).file_name();
    let name = end.map_or(word.clone(), |name| name.to_string_lossy().into_owned());
    (name, item)
}

/// What every plan must say.
fn missing(tree: &Node) -> Vec<Problem> {
    let empty = |key: &str| match tree.get(key).map(|node| &node.value) {
        None | Some(Value::Nothing) => true,
        Some(Value::Map(entries)) => entries.is_empty(),
        Some(Value::List(items)) => items.is_empty(),
        Some(Value::Word(_)) => false,
    };
    let needed = [
        ("arms", "name at least one: `arms: [single, multi]`"),
        ("seeds", "name at least one: `seeds: [0, 1, 2]`"),
        ("tasks", "name at least one, as in a recipe"),
        ("belts", "name at least one: `belts: [lora]`"),
        ("bases", "name at least one: `bases: [./folder]`"),
    ];
    let missing = needed.into_iter().filter(|(key, _)| empty(key));
    missing
        .map(|(key, hint)| Problem::new(tree.origin.clone(), key, "is missing").hint(hint))
        .collect()
}

/// What would give a task other batches in one arm than in another; and arms without a cell.
fn unequal(plan: &Plan) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut told = |path: &[&str], message: &str, hint: &str| {
        // What is missing is missing in the section that should hold it.
        let mut known = (0..=path.len()).rev();
        let node = known.find_map(|keys| plan.given.at(&path[..keys]));
        let origin = node.unwrap_or(&plan.given).origin.clone();
        problems.push(Problem::new(origin, path.join("."), message).hint(hint));
    };
    let given = |key: &str| plan.given.at(&["training", key]).is_some();
    let training = &plan.file.training;
    if training.max_steps.is_none() {
        let hint = "give `training.max_steps`; each step has a batch of every task of the cell";
        told(
            &["training", "max_steps"],
            "is missing: arms are made equal by steps",
            hint,
        );
    }
    if given("num_epochs") {
        let hint = "arms have different rows; give `max_steps` instead";
        told(
            &["training", "num_epochs"],
            "would give the arms different numbers of steps",
            hint,
        );
    }
    if given("seed") {
        told(
            &["training", "seed"],
            "the seeds of a study stand in `seeds`",
            "leave it out",
        );
    }
    if given("mixing") && training.mixing != Mixing::Turns {
        let hint = "leave it out: every step holds every task of the cell";
        told(
            &["training", "mixing"],
            "would give a task other steps in other arms",
            hint,
        );
    }
    if given("tasks_per_step") && training.tasks_per_step != 0 {
        let hint = "leave it out: every step holds every task of the cell";
        told(
            &["training", "tasks_per_step"],
            "would give a task other steps in other arms",
            hint,
        );
    }
    if training.freeze_after > 0 {
        let hint = "leave it out; `evaluation.policy` still picks the moment that is shipped";
        told(
            &["training", "freeze_after"],
            "a task that leaves the mix has fewer steps",
            hint,
        );
    }
    if !plan.file.evaluation.test_at_end {
        let hint = "leave it out: studies compare answers to the test rows";
        told(
            &["evaluation", "test_at_end"],
            "without test answers there is nothing to compare",
            hint,
        );
    }
    for (name, task) in &plan.file.tasks {
        if task.test.is_none() {
            told(
                &["tasks", name, "test"],
                "is missing",
                "studies compare answers to the test rows",
            );
        }
    }
    if let Some(twice) = twice(&plan.file.seeds) {
        told(
            &["seeds"],
            &format!("{twice} is there twice"),
            "once is enough",
        );
    }
    for (belt, planned) in &plan.file.belts {
        for base in planned.beside.bases.iter().flatten() {
            if !plan.file.bases.contains_key(base) {
                let message = format!("the plan has no base `{base}`");
                let hint = "name those of the section `bases`";
                told(&["belts", belt, "bases"], &message, hint);
            }
        }
    }
    let full = |belt: &super::plan::PlannedBelt| belt.settings.kind == BeltKind::Full;
    if plan.arms().contains(&Arm::Full) && !plan.file.belts.values().any(full) {
        let hint = "add one with a learning rate of its own: `full: {learning_rate: 1.0e-4}`";
        told(
            &["arms"],
            "the arm `full` needs a belt of kind `full`",
            hint,
        );
    }
    if plan.arms().contains(&Arm::Prompted) == plan.file.prompts.is_empty() {
        let hint = "name both or none: `prompts: {zero_shot: {bases: [FOLDER]}}`";
        told(
            &["arms"],
            "the arm `prompted` and the section `prompts` go together",
            hint,
        );
    }
    problems
}

fn twice(seeds: &[u64]) -> Option<u64> {
    let mut sorted = seeds.to_vec();
    sorted.sort_unstable();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    pair.map(|pair| pair[0])
}

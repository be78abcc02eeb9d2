//! Cells: a plan becomes runs, each a base, a belt, a set of tasks and a seed, with one complete recipe
//! and one key. Equal runs that several arms ask for are one cell.

use std::path::PathBuf;

use serde_json::json;

use crate::error::{Error, Result};
use crate::recipe::tree::{Node, Origin, Value};
use crate::recipe::{BeltKind, Recipe, Resolved, settle};
use crate::study::NUMBERS;
use crate::study::content::Contents;
use crate::study::plan::{Arm, Plan, PlannedBelt};
use crate::study::prompted;

/// Keys of a planned belt that its recipe holds elsewhere.
const BESIDE: [&str; 5] = [
    "learning_rate",
    "head_learning_rate",
    "precision",
    "arms",
    "bases",
];
/// Where values come from that a study sets itself.
pub(super) const STUDY: Origin = Origin::Preset("study: equal budgets");
/// What stands for the output until a cell is run: it determines nothing.
pub(super) const NOWHERE: &str = "cells";

/// What a cell does.
#[derive(Debug, Clone)]
pub enum Work {
    /// Trains this recipe.
    Train(Box<Resolved>),
    /// Asks its tasks without training.
    Ask(Box<Asking>),
    /// Takes answers that are there: by task, the file.
    Take(Vec<(String, PathBuf)>),
}

/// What is asked without training.
#[derive(Debug, Clone)]
pub struct Asking {
    /// One task, with the section that says how it is asked.
    pub resolved: Resolved,
    /// The base of the plan that says which rows belts are asked.
    pub rows: String,
    /// Whether there is a cell for each seed of the study.
    pub seeded: bool,
}

/// One run of a study.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Hash of all that determines its numbers.
    pub key: String,
    /// As the plan calls them.
    pub base: String,
    pub belt: String,
    pub arms: Vec<Arm>,
    /// In the order of the plan.
    pub tasks: Vec<String>,
    pub seed: u64,
    pub work: Work,
}

impl Cell {
    /// For people.
    pub fn name(&self) -> String {
        let tasks = self.tasks.join("+");
        match self.arms[..] {
            [Arm::Prompted] => self.asked_name(&tasks),
            [Arm::Untrained] => format!(
                "{} {} untrained {tasks} {}",
                self.base, self.belt, self.seed
            ),
            _ => format!("{} {} {tasks} {}", self.base, self.belt, self.seed),
        }
    }

    /// Answers of an endpoint or from elsewhere are of no base that the study knows.
    fn asked_name(&self, tasks: &str) -> String {
        let base = match self.base.is_empty() {
            true => String::new(),
            false => format!("{} ", self.base),
        };
        match &self.work {
            Work::Ask(asking) if asking.seeded => {
                format!("{base}{} {tasks} {}", self.belt, self.seed)
            }
            _ => format!("{base}{} {tasks}", self.belt),
        }
    }

    fn resolved(&self) -> Option<&Resolved> {
        match &self.work {
            Work::Train(resolved) => Some(resolved),
            Work::Ask(asking) => Some(&asking.resolved),
            Work::Take(_) => None,
        }
    }

    pub fn recipe(&self) -> Option<&Recipe> {
        self.resolved().map(|resolved| &resolved.recipe)
    }

    /// The recipe as text, with paths as the plan has them.
    pub fn recipe_text(&self, plan: &Plan) -> Result<String> {
        let Some(resolved) = self.resolved() else {
            return Ok(String::new());
        };
        let text = resolved.to_yaml_with_origins()?;
        let path = std::path::absolute(&plan.path).map_err(|error| Error::io(&plan.path, error))?;
        let folder = path.parent().unwrap_or(&path);
        let lines = text.lines().filter(|line| !line.starts_with("output:"));
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        Ok(text.replace(&format!("{}/", folder.display()), ""))
    }
}

/// All cells of a plan, in its order: bases, belts, sets of tasks, seeds.
pub fn cells(plan: &Plan, contents: &mut Contents) -> Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = Vec::new();
    for base in plan.file.bases.keys() {
        for (belt, planned) in &plan.file.belts {
            if !planned.is_on(base) {
                continue;
            }
            for (tasks, arms) in sets(plan, planned) {
                for &seed in &plan.file.seeds {
                    let cell = train(plan, contents, (base, belt, planned), &tasks, &arms, seed)?;
                    add(&mut cells, cell)?;
                }
            }
        }
    }
    for (name, prompted) in &plan.file.prompts {
        for cell in prompted::cells(plan, contents, name, prompted)? {
            add(&mut cells, cell)?;
        }
    }
    Ok(cells)
}

fn add(cells: &mut Vec<Cell>, cell: Cell) -> Result<()> {
    if let Some(known) = cells.iter().find(|known| known.key == cell.key) {
        let told = Error::told(format_args!(
            "`{}` and `{}` are the same run under two names",
            known.name(),
            cell.name()
        ));
        return Err(told.with_hint("leave one of the two belts, bases or prompts out"));
    }
    cells.push(cell);
    Ok(())
}

/// The sets of tasks of a belt, each once, with the arms that ask for it. The untrained belt is a set
/// of its own, for it is another run.
fn sets(plan: &Plan, belt: &PlannedBelt) -> Vec<(Vec<String>, Vec<Arm>)> {
    let all: Vec<String> = plan.file.tasks.keys().cloned().collect();
    let mut sets: Vec<(Vec<String>, Vec<Arm>)> = Vec::new();
    let mut arms = plan.arms_of(belt);
    arms.sort();
    arms.dedup();
    for arm in arms {
        for tasks in of_arm(arm, belt, &all) {
            let same = |(known, arms): &&mut (Vec<String>, Vec<Arm>)| {
                *known == tasks && (arm == Arm::Untrained) == arms.contains(&Arm::Untrained)
            };
            match sets.iter_mut().find(same) {
                Some((_, arms)) => arms.push(arm),
                None => sets.push((tasks, vec![arm])),
            }
        }
    }
    sets
}

fn of_arm(arm: Arm, belt: &PlannedBelt, all: &[String]) -> Vec<Vec<String>> {
    let without = |left: &String| all.iter().filter(|task| *task != left).cloned().collect();
    let alone = || all.iter().map(|task| vec![task.clone()]).collect();
    match arm {
        Arm::Single => alone(),
        Arm::Full if belt.settings.kind == BeltKind::Full => alone(),
        Arm::Full | Arm::Prompted => Vec::new(),
        Arm::Multi | Arm::Untrained => vec![all.to_vec()],
        Arm::LeaveOneOut if all.len() > 1 => all.iter().map(without).collect(),
        Arm::LeaveOneOut => Vec::new(),
        Arm::Pairs => {
            let later = |at: usize| all[at + 1..].iter();
            let pairs = all
                .iter()
                .enumerate()
                .flat_map(|(at, one)| later(at).map(move |other| vec![one.clone(), other.clone()]));
            pairs.collect()
        }
    }
}

fn train(
    plan: &Plan,
    contents: &mut Contents,
    (base, belt, planned): (&str, &str, &PlannedBelt),
    tasks: &[String],
    arms: &[Arm],
    seed: u64,
) -> Result<Cell> {
    let untrained = arms == [Arm::Untrained];
    let tree = tree(plan, base, belt, planned, tasks, untrained, seed);
    let resolved = settle(&plan.path, tree)?;
    let determined = json!({
        "numbers": NUMBERS,
        "recipe": resolved.hash()?,
        "base": contents.base(base)?,
        "files": contents.files(&resolved.recipe)?,
    });
    Ok(Cell {
        key: hash(&determined),
        base: base.to_owned(),
        belt: belt.to_owned(),
        arms: arms.to_vec(),
        tasks: tasks.to_vec(),
        seed,
        work: Work::Train(Box::new(resolved)),
    })
}

/// The recipe of a cell, before presets and defaults.
fn tree(
    plan: &Plan,
    base: &str,
    belt: &str,
    planned: &PlannedBelt,
    tasks: &[String],
    untrained: bool,
    seed: u64,
) -> Node {
    let map = |origin: &Origin| Node {
        origin: origin.clone(),
        value: Value::Map(Vec::new()),
    };
    let given = &plan.given;
    let part = |path: &[&str]| {
        given
            .at(path)
            .cloned()
            .unwrap_or_else(|| map(&given.origin))
    };
    let (mut held, own) = (part(&["bases", base]), part(&["belts", belt]));
    match own.get("precision") {
        Some(precision) => held.set("precision", precision.clone()),
        None if planned.settings.kind == BeltKind::Full => {
            held.set("precision", Node::word(STUDY, "f32"));
        }
        None => {}
    }
    let mut training = part(&["training"]);
    for key in ["learning_rate", "head_learning_rate"] {
        if let Some(rate) = own.get(key) {
            training.set(key, rate.clone());
        }
    }
    let seed_origin = part(&["seeds"]).origin;
    training.set("seed", Node::word(seed_origin, seed.to_string()));
    training.set("tasks_per_step", Node::word(STUDY, "0"));
    training.set("mixing", Node::word(STUDY, "turns"));
    if tasks.len() == 1 {
        // There is nothing to balance.
        training.set("balancing", Node::word(STUDY, "fixed"));
        drop_key(&mut training, "balancing_options");
    }
    if untrained {
        // The first step of a warm-up has rate 0.
        for key in ["max_steps", "warmup_steps"] {
            training.set(key, Node::word(STUDY, "1"));
        }
    }
    let mut settings = own;
    BESIDE.iter().for_each(|key| drop_key(&mut settings, key));
    let mut chosen = map(&part(&["tasks"]).origin);
    for task in tasks {
        chosen.set(task, part(&["tasks", task]));
    }
    let mut tree = map(&given.origin);
    tree.set("base", held);
    tree.set("belt", settings);
    tree.set("tasks", chosen);
    tree.set("training", training);
    tree.set("evaluation", part(&["evaluation"]));
    tree.set("output", Node::word(STUDY, NOWHERE));
    tree
}

pub(super) fn drop_key(node: &mut Node, key: &str) {
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|(known, _)| known != key);
    }
}

pub(super) fn hash(value: &serde_json::Value) -> String {
    blake3::hash(value.to_string().as_bytes())
        .to_hex()
        .to_string()
}

//! Entries of `prompts`: what of them cannot stand in a study, and the cells of those that can. A cell
//! asks one task, so that a task that is added asks nothing anew. It asks nothing itself.

use std::path::Path;

use serde_json::json;

use crate::data::Split;
use crate::error::{Error, Result};
use crate::recipe::suggest::nearest;
use crate::recipe::tree::{Node, Origin, Value};
use crate::recipe::{Choosing, Problem, settle};
use crate::study::NUMBERS;
use crate::study::cell::{Asking, Cell, NOWHERE, STUDY, Work, drop_key, hash};
use crate::study::content::Contents;
use crate::study::plan::{Arm, Plan, Prompted};

/// Keys of an entry that its recipe does not hold.
const BESIDE: [&str; 3] = ["answers", "bases", "only"];
/// What says how fast an endpoint is asked, and at what price; no answer depends on it.
const PACE: [&str; 11] = [
    "api_key_env",
    "concurrent",
    "requests_per_minute",
    "tokens_per_minute",
    "connect_seconds",
    "answer_seconds",
    "attempts",
    "back_off_seconds",
    "longest_wait_seconds",
    "price_in",
    "price_out",
];

/// What is wrong with the entries of a plan.
pub fn problems(plan: &Plan) -> Vec<Problem> {
    let mut telling = Telling {
        plan,
        problems: Vec::new(),
    };
    for (name, prompted) in &plan.file.prompts {
        telling.entry(name, prompted);
        telling.bases(name, prompted);
        telling.tasks(name, prompted);
    }
    telling.problems
}

struct Telling<'t> {
    plan: &'t Plan,
    problems: Vec<Problem>,
}

impl Telling<'_> {
    fn told(&mut self, path: &[&str], message: impl Into<String>, hint: &str) {
        let given = &self.plan.given;
        let origin = given.at(path).unwrap_or(given).origin.clone();
        let problem = Problem::new(origin, path.join("."), message);
        self.problems.push(problem.hint(hint));
    }

    fn entry(&mut self, name: &str, prompted: &Prompted) {
        if self.plan.file.belts.contains_key(name) {
            let hint = "tables tell belts and prompts apart by their names";
            self.told(&["prompts", name], "a belt has the same name", hint);
        }
        let node = self.plan.given.at(&["prompts", name]);
        let others = match node.map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.len() > 1,
            _ => false,
        };
        if prompted.beside.answers.is_some() && others {
            let hint = "leave the other keys out, or have the tasks asked";
            self.told(
                &["prompts", name, "answers"],
                "nothing is asked where answers are there",
                hint,
            );
        }
        if prompted.settings.base.is_some() {
            let hint = "write `bases: [NAME]`; a list of names of the plan, folders or hub names";
            self.told(
                &["prompts", name, "base"],
                "the bases of a study stand in `bases`",
                hint,
            );
        }
        let endpoint = prompted.settings.endpoint.as_ref();
        if endpoint.is_some_and(|endpoint| endpoint.cache.is_some()) {
            self.told(
                &["prompts", name, "endpoint", "cache"],
                "every cell keeps its own",
                "leave it out; what an endpoint answered is kept in the study's folder",
            );
        }
    }

    fn bases(&mut self, name: &str, prompted: &Prompted) {
        let Some(bases) = &prompted.beside.bases else {
            return;
        };
        let path = ["prompts", name, "bases"];
        if prompted.settings.endpoint.is_some() {
            let hint = "leave one of the two out";
            self.told(&path, "an endpoint is asked, and no base", hint);
        }
        let known = self.plan.bases();
        for (at, written) in bases.iter().enumerate() {
            let called = self.plan.base_called(written);
            let other = known.get(&called).map(|base| base.name.clone());
            let is_other = called != *written && other.as_ref() != Some(written);
            if is_other || bases[..at].contains(written) {
                let message = format!("two are called `{called}`");
                self.told(&path, message, "give it a name in the section `bases`");
            }
        }
    }

    fn tasks(&mut self, name: &str, prompted: &Prompted) {
        let all: Vec<String> = self.plan.file.tasks.keys().cloned().collect();
        let only = prompted.beside.only.iter().flatten();
        let only = only.map(|task| ("only", task));
        let asked = prompted.settings.tasks.keys().map(|task| ("tasks", task));
        for (key, task) in only.chain(asked) {
            if !all.contains(task) {
                let near = nearest(task, all.iter().map(String::as_str));
                let hint = near.map_or_else(
                    || format!("there are {}", all.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("the plan has no task `{task}`");
                self.told(&["prompts", name, key], message, &hint);
            }
        }
    }
}

/// The cells of an entry: answers that are there as one, else one for each base, seed and task.
pub fn cells(
    plan: &Plan,
    contents: &mut Contents,
    name: &str,
    prompted: &Prompted,
) -> Result<Vec<Cell>> {
    if let Some(answers) = &prompted.beside.answers {
        let folder = plan.path.parent().unwrap_or(Path::new("")).join(answers);
        return Ok(vec![taken(plan, contents, name, &folder)?]);
    }
    let bases: Vec<String> = match (&prompted.settings.endpoint, &prompted.beside.bases) {
        (Some(_), _) => vec![String::new()],
        (None, Some(bases)) => bases.iter().map(|base| plan.base_called(base)).collect(),
        (None, None) => plan.file.bases.keys().cloned().collect(),
    };
    let seeded = is_drawn(plan, name, prompted);
    let seeds = match seeded {
        true => &plan.file.seeds[..],
        false => &[0],
    };
    let only = prompted.beside.only.as_ref();
    let tasks = plan.file.tasks.keys();
    let tasks = tasks.filter(|task| only.is_none_or(|only| only.contains(task)));
    let mut cells = Vec::new();
    for task in tasks {
        for base in &bases {
            for &seed in seeds {
                let entry = Entry {
                    plan,
                    name,
                    base,
                    task,
                };
                cells.push(entry.cell(contents, seed, seeded)?);
            }
        }
    }
    Ok(cells)
}

/// Whether answers depend on a seed that the plan leaves to the study.
fn is_drawn(plan: &Plan, name: &str, prompted: &Prompted) -> bool {
    let settings = &prompted.settings;
    let drawn = settings.shots > 0 && settings.choose == Choosing::Random;
    let given = plan.given.at(&["prompts", name, "seed"]).is_some();
    !given && (drawn || settings.temperature > 0.0)
}

/// One task of one entry on one base; on none with an endpoint.
struct Entry<'e> {
    plan: &'e Plan,
    name: &'e str,
    base: &'e str,
    task: &'e String,
}

impl Entry<'_> {
    fn cell(&self, contents: &mut Contents, seed: u64, seeded: bool) -> Result<Cell> {
        let plan = self.plan;
        let rows = plan.file.bases.keys().next().cloned().unwrap_or_default();
        let drawn = seeded.then_some(seed);
        let resolved = settle(&plan.path, self.tree(&rows, drawn, false))?;
        let paceless = settle(&plan.path, self.tree(&rows, drawn, true))?;
        let asked = match self.base {
            "" => None,
            base => Some(contents.base(base)?),
        };
        let determined = json!({
            "numbers": NUMBERS,
            "prompted": paceless.hash()?,
            "base": asked,
            "rows": contents.base(&rows)?,
            "files": contents.files(&resolved.recipe)?,
        });
        Ok(Cell {
            key: hash(&determined),
            base: self.base.to_owned(),
            belt: self.name.to_owned(),
            arms: vec![Arm::Prompted],
            tasks: vec![self.task.clone()],
            seed,
            work: Work::Ask(Box::new(Asking {
                resolved,
                rows,
                seeded,
            })),
        })
    }

    /// The recipe, before presets and defaults; without what no answer depends on, if so wished.
    fn tree(&self, rows: &str, seed: Option<u64>, paceless: bool) -> Node {
        let given = &self.plan.given;
        let map = |origin: &Origin| Node {
            origin: origin.clone(),
            value: Value::Map(Vec::new()),
        };
        let part = |path: &[&str]| given.at(path).cloned();
        let mut prompting = part(&["prompts", self.name]).unwrap_or_else(|| map(&given.origin));
        BESIDE.iter().for_each(|key| drop_key(&mut prompting, key));
        if let Some(seed) = seed {
            let origin = part(&["seeds"]).map_or(STUDY, |seeds| seeds.origin);
            prompting.set("seed", Node::word(origin, seed.to_string()));
        }
        if let Some(Value::Map(tasks)) = prompting.get("tasks").map(|node| node.value.clone()) {
            drop_key(&mut prompting, "tasks");
            if let Some((task, asking)) = tasks.into_iter().find(|(task, _)| task == self.task) {
                let mut own = map(&asking.origin);
                own.set(&task, asking);
                prompting.set("tasks", own);
            }
        }
        if let (true, Some(mut endpoint)) = (paceless, prompting.get("endpoint").cloned()) {
            PACE.iter().for_each(|key| drop_key(&mut endpoint, key));
            prompting.set("endpoint", endpoint);
        }
        let mut tasks = map(&given.origin);
        if let Some(task) = part(&["tasks", self.task]) {
            tasks.set(self.task, task);
        }
        let mut tree = map(&given.origin);
        tree.set("base", self.held(rows));
        tree.set("tasks", tasks);
        tree.set("prompting", prompting);
        tree.set("training", self.drawing());
        tree.set("output", Node::word(STUDY, NOWHERE));
        tree
    }

    /// The base that is asked; with an endpoint, the one that says which rows are.
    fn held(&self, rows: &str) -> Node {
        let given = &self.plan.given;
        let name = if self.base.is_empty() {
            rows
        } else {
            self.base
        };
        if let Some(base) = given.at(&["bases", name]) {
            return base.clone();
        }
        let bases = given.at(&["prompts", self.name, "bases"]);
        let origin = bases.map_or(STUDY, |bases| bases.origin.clone());
        let known = self.plan.bases();
        let written = known.get(name).map_or(name, |base| &base.name);
        let mut held = Node {
            origin: origin.clone(),
            value: Value::Map(Vec::new()),
        };
        held.set("name", Node::word(origin, written));
        held
    }

    /// Which rows are drawn where there is a limit on them: as belts with the plan's first seed are asked.
    fn drawing(&self) -> Node {
        let mut training = Node {
            origin: STUDY,
            value: Value::Map(Vec::new()),
        };
        let task = self.plan.file.tasks.get(self.task);
        if task.is_some_and(|task| task.max_eval_rows.is_some()) {
            let first = self.plan.file.seeds.first().copied().unwrap_or_default();
            training.set("seed", Node::word(STUDY, first.to_string()));
        }
        training
    }
}

fn taken(plan: &Plan, contents: &Contents, name: &str, folder: &Path) -> Result<Cell> {
    let mut found = Vec::new();
    for task in plan.file.tasks.keys() {
        let path = folder.join(crate::evaluate::file_name(task, Split::Test));
        if path.is_file() {
            found.push((task.clone(), path));
        }
    }
    if found.is_empty() {
        let told = Error::told(format_args!(
            "{} holds no answers to any task of the plan",
            folder.display()
        ));
        return Err(told.with_hint("they are called TASK.test.jsonl"));
    }
    let mut hashes = Vec::new();
    for (task, path) in &found {
        hashes.push((task.clone(), contents.file(path)?));
    }
    Ok(Cell {
        key: hash(&json!({"numbers": NUMBERS, "answers": hashes})),
        base: String::new(),
        belt: name.to_owned(),
        arms: vec![Arm::Prompted],
        tasks: found.iter().map(|(task, _)| task.clone()).collect(),
        seed: 0,
        work: Work::Take(found),
    })
}

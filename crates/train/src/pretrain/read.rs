//! From a file and flags to a plan: every key is looked at, and what cannot be run is refused before
//! a file of the corpus is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::plan::{Aim, PlanFile};
use crate::error::{Error, Result};
use crate::recipe::conform::Conform;
use crate::recipe::places::place;
use crate::recipe::problem::as_error_of;
use crate::recipe::shape::Shaped;
use crate::recipe::tree::{Node, Value};
use crate::recipe::{Override, Problem, TaskType, lay_over, text_of, yaml};

/// What a plan is called in messages.
const CALLED: &str = "plan";

/// A plan with the places of its values.
#[derive(Debug, Clone)]
pub struct Plan {
    pub path: PathBuf,
    pub file: PlanFile,
    given: Node,
}

/// Reads a plan and lays flags over it. Paths in it are relative to its folder.
pub fn read(path: &Path, overrides: &[Override]) -> Result<Plan> {
    let text = text_of(path)?;
    let origin: Arc<Path> = path.into();
    let mut given = yaml::parse(&origin, &text)?;
    if !matches!(given.value, Value::Map(_)) {
        let message = format!("expected the keys of a plan, found {}", given.found());
        return Err(Error::Setting {
            origin: given.origin.to_string(),
            key: CALLED.into(),
            message,
            hint: Some("docs/pretraining.md shows the keys".into()),
        });
    }
    for over in overrides {
        lay_over(&mut given, over)?;
    }
    let shape = PlanFile::shape();
    let mut conform = Conform::called(&shape, CALLED);
    let _as_written = conform.recipe(&given);
    let mut problems = conform.problems;
    problems.extend(missing(&given));
    if let Some(error) = as_error_of(CALLED, problems) {
        return Err(error);
    }
    place(&mut given, &shape, path.parent().unwrap_or(Path::new("")));
    let json = Conform::called(&shape, CALLED).recipe(&given);
    let file = serde_json::from_value(json).map_err(|error| Error::File {
        path: path.to_owned(),
        line: 1,
        message: format!("not a plan: {error}"),
        hint: None,
    })?;
    let plan = Plan {
        path: path.to_owned(),
        file,
        given,
    };
    match as_error_of(CALLED, plan.unfit()) {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

fn missing(tree: &Node) -> Vec<Problem> {
    let named = match tree.get("sources").map(|node| &node.value) {
        Some(Value::Map(sources)) => !sources.is_empty(),
        _ => false,
    };
    let problem = || {
        Problem::new(tree.origin.clone(), "sources", "is missing")
            .hint("name at least one: `sources: {python: {files: ../corpus, extensions: py}}`")
    };
    (!named).then(problem).into_iter().collect()
}

impl Plan {
    /// The whole plan, defaults and flags included, in a form that can be read again.
    pub fn text(&self) -> Result<String> {
        let value = serde_json::to_value(&self.file).map_err(Error::told)?;
        Ok(format!("{value:#}\n"))
    }

    /// What cannot be run, each with its place.
    fn unfit(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut need = |good: bool, path: &[&str], message: String| {
            if !good {
                let at = self.given.at(path).unwrap_or(&self.given);
                problems.push(Problem::new(at.origin.clone(), path.join("."), message));
            }
        };
        let (file, course) = (&self.file, &self.file.training);
        self.sources(&mut need);
        self.network(&mut need);
        let at = |key: &'static str| ["training", key];
        for (key, value) in [
            ("window", course.window),
            ("batch_tokens", course.batch_tokens),
            ("pack_tokens", course.pack_tokens),
            ("max_steps", course.max_steps as usize),
        ] {
            need(
                value > 0,
                &at(key),
                format!("expected at least 1, found {value}"),
            );
        }
        let fits = course.window <= file.network.positions || file.base.is_some();
        let most = file.network.positions;
        need(
            fits,
            &at("window"),
            format!(
                "expected at most the {most} positions of the network, found {}",
                course.window
            ),
        );
        let least = course.window;
        need(
            course.pack_tokens >= least,
            &at("pack_tokens"),
            format!(
                "expected at least a window of {least}, found {}",
                course.pack_tokens
            ),
        );
        need(
            course.batch_tokens >= course.pack_tokens,
            &at("batch_tokens"),
            format!(
                "expected at least `pack_tokens` ({}), found {}",
                course.pack_tokens, course.batch_tokens
            ),
        );
        let rate = course.learning_rate;
        need(
            rate > 0.0 && rate.is_finite(),
            &at("learning_rate"),
            format!("expected a number above 0, found {rate}"),
        );
        for (key, value) in [
            ("adam_beta1", course.adam_beta1),
            ("adam_beta2", course.adam_beta2),
        ] {
            need(
                (0.0..1.0).contains(&value),
                &at(key),
                format!("expected from 0 to below 1, found {value}"),
            );
        }
        let decay = course.decay_steps.unwrap_or(0) + course.warmup_steps;
        need(
            decay <= course.max_steps,
            &at("max_steps"),
            format!(
                "expected at least the {decay} steps of warm-up and decay, found {}",
                course.max_steps
            ),
        );
        let share = course.masked_share;
        need(
            share > 0.0 && share < 1.0,
            &at("masked_share"),
            format!("expected between 0 and 1, found {share}"),
        );
        if let Some(pairs) = file.pairs() {
            let at = |key: &'static str| ["documented", key];
            for (key, value) in [
                ("batch_size", pairs.batch_size),
                ("max_query_length", pairs.max_query_length),
                ("max_length", pairs.max_length),
            ] {
                let least = 2;
                need(
                    value >= least,
                    &at(key),
                    format!("expected at least {least}, found {value}"),
                );
            }
            let share = pairs.share;
            need(
                share > 0.0 && share < 1.0,
                &at("share"),
                format!("expected between 0 and 1, found {share}"),
            );
        }
        let share = file.held_out.share;
        need(
            (0.0..1.0).contains(&share),
            &["held_out", "share"],
            format!("expected from 0 to below 1, found {share}"),
        );
        problems
    }

    fn sources(&self, need: &mut impl FnMut(bool, &[&str], String)) {
        for (name, source) in &self.file.sources {
            let at = |key| ["sources", name, key];
            need(
                !source.files.is_empty(),
                &at("files"),
                "names no file".into(),
            );
            for file in &source.files {
                need(
                    file.exists(),
                    &at("files"),
                    format!("{} is not there", file.display()),
                );
            }
            let weight = source.weight.unwrap_or(1.0);
            need(
                weight > 0.0 && weight.is_finite(),
                &at("weight"),
                format!("expected a number above 0, found {weight}"),
            );
        }
        for (name, task) in &self.file.contrast {
            let at = |key| ["contrast", name, key];
            need(
                task.kind == Some(TaskType::Retrieve),
                &at("type"),
                "expected `retrieve`".into(),
            );
            need(task.train.is_some(), &at("train"), "is missing".into());
            let twice = self.file.sources.contains_key(name);
            need(
                !twice,
                &["contrast", name],
                "a source has the same name".into(),
            );
        }
    }

    fn network(&self, need: &mut impl FnMut(bool, &[&str], String)) {
        let network = &self.file.network;
        let at = |key: &'static str| ["network", key];
        for (key, value) in [
            ("width", network.width),
            ("layers", network.layers),
            ("heads", network.heads),
            ("inner", network.inner),
            ("positions", network.positions),
        ] {
            need(
                value > 0,
                &at(key),
                format!("expected at least 1, found {value}"),
            );
        }
        let (width, heads) = (network.width, network.heads.max(1));
        need(
            width.is_multiple_of(heads),
            &at("heads"),
            format!("expected a divisor of the width {width}, found {heads}"),
        );
        let kv = network.kv_heads.unwrap_or(heads).max(1);
        need(
            heads.is_multiple_of(kv),
            &at("kv_heads"),
            format!("expected a divisor of {heads} heads, found {kv}"),
        );
        let stage = self.file.objective == Aim::Contrastive;
        need(
            !stage || self.file.base.is_some(),
            &["base"],
            "`contrastive` is a stage on a base: name it".into(),
        );
        let masked = self.file.objective == Aim::Masked;
        need(
            !masked || network.kv_heads.is_none(),
            &at("kv_heads"),
            "an encoder has as many as `heads`".into(),
        );
        let (own, base) = (
            self.given.get("network").is_some(),
            self.file.base.is_some(),
        );
        need(
            !(own && base),
            &["network"],
            "the base has its own sizes: leave out the one or the other".into(),
        );
        let own = self.given.get("tokenizer").is_some();
        need(
            !(own && base),
            &["tokenizer"],
            "the base has its own tokenizer: leave out the one or the other".into(),
        );
    }
}

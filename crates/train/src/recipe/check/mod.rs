//! What does not fit together in a recipe whose keys are all known: ranges, keys without meaning for
//! what was chosen, files that are not there, a base that cannot do it.
//!
//! All problems are told at once. Rows of data are not read here; of the base only its headers.

mod base;
mod belt;
mod prompting;
mod task;
mod training;

use std::fmt;

use crate::recipe::problem::Problem;
use crate::recipe::resolve::Resolved;
use crate::recipe::suggest::nearest;

/// Everything that is wrong, in the order of the sections; warnings among it.
pub fn check(resolved: &Resolved) -> Vec<Problem> {
    let mut checking = Checking {
        resolved,
        problems: Vec::new(),
    };
    let base = checking.base();
    checking.belt(base.as_ref());
    checking.tasks(base.as_ref());
    checking.training();
    checking.prompting();
    checking.output();
    checking.problems
}

/// What is wrong with how tasks are asked in words; all else of a recipe is for training.
pub fn check_prompting(resolved: &Resolved) -> Vec<Problem> {
    let mut checking = Checking {
        resolved,
        problems: Vec::new(),
    };
    checking.prompting();
    checking.problems
}

struct Checking<'r> {
    resolved: &'r Resolved,
    problems: Vec<Problem>,
}

impl Checking<'_> {
    fn told(&mut self, path: &[&str], message: impl fmt::Display) -> &mut Problem {
        let origin = self.resolved.origin(path);
        let problem = Problem::new(origin, path.join("."), message.to_string());
        self.problems.push(problem);
        // It was pushed in the line above; the vector is not empty.
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    fn need(&mut self, holds: bool, path: &[&str], value: impl fmt::Display, must: &str) {
        if !holds {
            self.told(path, format_args!("{value}, but it must be {must}"));
        }
    }

    fn positive(&mut self, value: f64, path: &[&str]) {
        self.need(value > 0.0, path, value, "above 0");
    }

    /// From 0 up to, but not, 1.
    fn share(&mut self, value: f64, path: &[&str]) {
        self.need(
            (0.0..1.0).contains(&value),
            path,
            value,
            "at least 0 and below 1",
        );
    }

    fn at_least_one(&mut self, value: Option<usize>, path: &[&str]) {
        if let Some(value) = value {
            self.need(value >= 1, path, value, "at least 1");
        }
    }

    /// A word of a short list.
    fn one_of(&mut self, word: &str, known: &[&str], path: &[&str]) {
        if known.contains(&word) {
            return;
        }
        let listed: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
        let message = format!("`{word}` is not one of {}", listed.join(", "));
        let near = nearest(word, known.iter().copied());
        let problem = self.told(path, message);
        problem.hint = near.map(|near| format!("did you mean `{near}`?"));
    }
}

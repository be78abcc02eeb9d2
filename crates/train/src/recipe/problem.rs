//! What is wrong with a recipe: where, which key, what, and what may be done.

use std::fmt;

use crate::error::Error;
use crate::recipe::tree::Origin;

/// Something that a recipe says and that cannot stand, or should be known.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub origin: Origin,
    /// The path of the key, as `training.learning_rate`.
    pub key: String,
    pub message: String,
    pub hint: Option<String>,
    /// Only to be known; the run may go on.
    pub warning: bool,
}

impl Problem {
    pub fn new(origin: Origin, key: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem {
            origin,
            key: key.into(),
            message: message.into(),
            hint: None,
            warning: false,
        }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    pub fn warning(mut self) -> Problem {
        self.warning = true;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.origin, self.key, self.message)
    }
}

/// All problems as one error; one alone keeps its parts.
pub fn as_error(problems: Vec<Problem>) -> Option<Error> {
    as_error_of("recipe", problems)
}

/// The same of a file that is called something else than a recipe.
pub fn as_error_of(called: &str, mut problems: Vec<Problem>) -> Option<Error> {
    if problems.len() < 2 {
        let Problem {
            origin,
            key,
            message,
            hint,
            ..
        } = problems.pop()?;
        let origin = origin.to_string();
        return Some(Error::Setting {
            origin,
            key,
            message,
            hint,
        });
    }
    let mut text = format!("the {called} has {} defects", problems.len());
    for problem in &problems {
        text += &format!("\n  {problem}");
        if let Some(hint) = &problem.hint {
            text += &format!("\n    hint: {hint}");
        }
    }
    Some(Error::told(text))
}

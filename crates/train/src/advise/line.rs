//! The lines of `advice.jsonl`: first what the tasks are, then one line for each look. Types, and how
//! they are read back; nothing is computed here.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file in a run's folder.
pub const FILE: &str = "advice.jsonl";

/// Bytes of the whole file that are read.
const MOST_BYTES: u64 = 256 << 20;

const CUT: &str = "a run that was stopped cuts it back when it goes on: `skillbelt train --resume`";

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    Tasks(Tasks),
    Look(Look),
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    pub seed: u64,
    /// Steps between looks.
    pub every: u64,
    /// The learning rate that look-ahead steps are made with: the highest of the run.
    pub rate: f64,
    /// In the order of the recipe; all lists below follow it.
    pub tasks: Vec<TaskFacts>,
}

/// What the training rows of a task say of themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFacts {
    pub name: String,
    /// Training rows, and the tokens of their texts.
    pub rows: u64,
    pub tokens: u64,
    /// Rows whose texts stand in another row too; nothing where there are no classes.
    pub repeated: Option<u64>,
    /// Of these, rows whose label is not the most frequent one of their texts.
    pub contradicted: Option<u64>,
    /// Rows whose loss is looked at, and whether they are validation rows.
    pub held: u64,
    pub held_is_valid: bool,
}

/// What a look saw. A number that does not exist (a gradient of length zero) is nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Steps that were done before it.
    pub step: u64,
    /// By task: its loss on the held rows, as the belt is.
    pub losses: Vec<Option<f64>>,
    /// By task: the length of its gradient on the belt.
    pub norms: Vec<Option<f64>>,
    /// By task and task: the cosine of their gradients on the belt.
    pub agreement: Vec<Vec<Option<f64>>>,
    /// By task and partner: the share of the task's loss that a step on the partner alone takes away.
    pub affinity: Vec<Vec<Option<f64>>>,
    pub parts: Vec<Part>,
    /// What the look took.
    pub seconds: f64,
}

/// A layer's site group of the belt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub layer: String,
    /// `attention`, `feed_forward`, `other`.
    pub site: String,
    /// By task: the share of the square of its gradient that lies here.
    pub energy: Vec<Option<f64>>,
    /// Of pairs of tasks, (0,1), (0,2), .., (1,2), ..: the cosine of their gradients here.
    pub cosines: Vec<Option<f64>>,
}

/// Reads what a run wrote. A line that is damaged, or does not fit the first one, is an error.
pub fn read(folder: &Path) -> Result<(Tasks, Vec<Look>)> {
    let path = folder.join(FILE);
    let text = text_of(folder, &path)?;
    let mut lines = (1u64..).zip(text.split_inclusive('\n'));
    let damaged = |line: u64, message: String| Error::File {
        path: path.clone(),
        line,
        message,
        hint: Some(CUT.into()),
    };
    let parsed = |line: u64, text: &str| {
        if !text.ends_with('\n') {
            return Err(damaged(line, "the line is cut".into()));
        }
        serde_json::from_str::<Line>(text).map_err(|error| damaged(line, error.to_string()))
    };
    let first = lines.next().map(|(line, text)| parsed(line, text));
    let Some(Line::Tasks(tasks)) = first.transpose()? else {
        let message = "expected the line of the tasks (\"kind\": \"tasks\") first";
        return Err(damaged(1, message.into()));
    };
    let mut looks: Vec<Look> = Vec::new();
    for (line, text) in lines {
        let Line::Look(look) = parsed(line, text)? else {
            return Err(damaged(line, "the line of the tasks comes twice".into()));
        };
        let before = looks.last().map(|before| before.step);
        if let Some(problem) = look.misfit(tasks.tasks.len(), before) {
            return Err(damaged(line, problem));
        }
        looks.push(look);
    }
    Ok((tasks, looks))
}

fn text_of(folder: &Path, path: &Path) -> Result<String> {
    let told = |error| Error::io(path, error);
    match fs_err::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format_args!("{}: the run was not looked at", folder.display());
            return Err(Error::told(message)
                .with_hint("train with `evaluation: {advise_every: 50}`, or --advise-every 50"));
        }
        Err(error) => return Err(told(error)),
        Ok(facts) if facts.len() > MOST_BYTES => {
            let message = format!("{} bytes, more than {MOST_BYTES}", facts.len());
            return Err(Error::told(format_args!("{}: {message}", path.display())));
        }
        Ok(_) => {}
    }
    fs_err::read_to_string(path).map_err(told)
}

impl Look {
    /// What does not fit so many tasks, or the look before.
    fn misfit(&self, tasks: usize, before: Option<u64>) -> Option<String> {
        let square = |matrix: &[Vec<Option<f64>>]| {
            matrix.len() == tasks && matrix.iter().all(|row| row.len() == tasks)
        };
        let pairs = tasks * tasks.saturating_sub(1) / 2;
        let of_parts = |part: &Part| part.energy.len() == tasks && part.cosines.len() == pairs;
        if before.is_some_and(|before| self.step <= before) {
            return Some(format!(
                "step {} does not come after the look before",
                self.step
            ));
        }
        let fits = self.losses.len() == tasks
            && self.norms.len() == tasks
            && square(&self.agreement)
            && square(&self.affinity)
            && self.parts.iter().all(of_parts);
        (!fits).then(|| format!("the look does not hold numbers for {tasks} tasks"))
    }
}

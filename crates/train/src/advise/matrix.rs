//! A matrix of pairs: what each task gains from being trained with each other one.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Row: the task that gains or loses; column: its partner. Own cells, and cells that nobody knows,
/// are nothing. More is always better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairwise {
    pub tasks: Vec<String>,
    pub cells: Vec<Vec<Option<f64>>>,
}

impl Pairwise {
    /// A matrix of finite numbers, as many rows and columns as tasks; own cells are left out.
    pub fn new(tasks: Vec<String>, mut cells: Vec<Vec<Option<f64>>>) -> Result<Pairwise> {
        let count = tasks.len();
        if cells.len() != count || cells.iter().any(|row| row.len() != count) {
            return Err(Error::told(format_args!(
                "a matrix of {count} tasks has {count} rows of {count} cells"
            )));
        }
        for (task, row) in cells.iter_mut().enumerate() {
            row[task] = None;
            if let Some(partner) = row
                .iter()
                .position(|cell| cell.is_some_and(|x| !x.is_finite()))
            {
                return Err(Error::told(format_args!(
                    "the cell of {} with {} is not a finite number",
                    tasks[task], tasks[partner]
                )));
            }
        }
        Ok(Pairwise { tasks, cells })
    }

    /// Places of the cells, row by row, without those of a task with itself.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.tasks.len();
        (0..count * count)
            .map(move |at| (at / count, at % count))
            .filter(|(task, partner)| task != partner)
    }

    pub fn at(&self, task: usize, partner: usize) -> Option<f64> {
        *self.cells.get(task)?.get(partner)?
    }

    /// Refuses another matrix over other tasks, or in another order.
    pub(super) fn expect_tasks(&self, other: &Pairwise) -> Result<()> {
        if self.tasks == other.tasks {
            return Ok(());
        }
        Err(Error::told(format_args!(
            "the matrices have other tasks: {}, and {}",
            self.tasks.join(", "),
            other.tasks.join(", ")
        )))
    }
}

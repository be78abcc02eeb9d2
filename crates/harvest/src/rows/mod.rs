//! From functions to rows of tasks: one file per kind of task. A row says how it was made and where
//! it comes from.

mod clones;
mod defects;
mod documented;
mod likeness;
mod tests_told;

use serde_json::{Map, Value, json};

use crate::census::Census;
use crate::draw::Seed;
use crate::plan::{Plan, Task};
use crate::split::Split;
use crate::stock::{Item, Stock};

/// A row of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub split: Split,
    pub fields: Map<String, Value>,
}

/// The rows of a task in their order, and what was left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Made {
    pub rows: Vec<Row>,
    pub census: Census,
}

/// Makes the rows of a task.
pub fn make(task: Task, stock: &Stock, plan: &Plan) -> Made {
    let mut made = match task {
        Task::Search | Task::Summarize | Task::Generate => documented::rows(task, stock, plan),
        Task::Clone => clones::rows(stock, plan),
        Task::DefectMutated => defects::mutated(stock, plan),
        Task::DefectHistory => defects::of_history(stock, plan),
        Task::Flaky => tests_told::rows(stock),
    };
    number(&mut made.rows);
    made
}

/// Every id is given once.
fn number(rows: &mut [Row]) {
    let mut seen: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for row in rows {
        if let Some(Value::String(id)) = row.fields.get_mut("id") {
            let times = seen.entry(id.clone()).or_default();
            *times += 1;
            if *times > 1 {
                id.push_str(&format!("~{times}"));
            }
        }
    }
}

impl Stock {
    /// What every row says of the function that it is of.
    fn about(&self, fields: &mut Map<String, Value>, item: &Item) {
        let source = self.source(item);
        fields.insert("language".into(), json!(source.language.name()));
        fields.insert("function".into(), json!(item.piece.full_name()));
        fields.insert("path".into(), json!(source.shown));
        fields.insert("line".into(), json!(item.piece.lines.0));
        fields.insert("end_line".into(), json!(item.piece.lines.1));
        fields.insert("project".into(), json!(source.project));
        fields.insert("commit".into(), json!(source.commit));
        fields.insert("group".into(), json!(source.group));
    }

    /// Places of functions in an order drawn by the seed, each with its number for further draws.
    fn drawn(&self, what: &str, seed: Seed) -> Vec<(u64, usize)> {
        use rayon::prelude::*;
        let mut order: Vec<(u64, usize)> = self
            .items
            .par_iter()
            .enumerate()
            .map(|(at, item)| (seed.of(what, &self.id(item)), at))
            .collect();
        order.sort_unstable();
        order
    }
}

/// Rows back in the order of files and lines.
fn in_order(mut rows: Vec<(usize, Row)>) -> Vec<Row> {
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

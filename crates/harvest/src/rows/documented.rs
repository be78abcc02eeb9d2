//! Rows of documented functions: which function a sentence tells of, the sentence from the function,
//! and the body from sentence and signature. The documentation is never in the code.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Made, Row, in_order};
use crate::plan::{Plan, Task};
use crate::stock::{Item, Stock};

/// Bytes of a body that is to be written, and of a summary. What the recipe allows in tokens is enough
/// for nearly all of them.
const BODY_BYTES: usize = 800;
const SUMMARY_BYTES: usize = 300;

pub fn rows(task: Task, stock: &Stock, plan: &Plan) -> Made {
    let mut made = Made::default();
    let mut told: HashMap<&str, usize> = HashMap::new();
    for item in &stock.items {
        if let Ok(summary) = &item.piece.summary {
            *told.entry(summary).or_default() += 1;
        }
    }
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for (_, at) in stock.drawn(task.name(), plan.seed) {
        let item = &stock.items[at];
        match row(task, stock, item, &told) {
            Err(reason) => made.census.left(reason, || stock.id(item)),
            Ok(_) if plan.max_rows.is_some_and(|most| rows.len() >= most) => {
                made.census.left("beyond --max-rows", || stock.id(item));
            }
            Ok(row) => {
                made.census.used(1);
                rows.push((at, row));
            }
        }
    }
    made.rows = in_order(rows);
    made
}

fn row(
    task: Task,
    stock: &Stock,
    item: &Item,
    told: &HashMap<&str, usize>,
) -> Result<Row, &'static str> {
    let piece = &item.piece;
    let summary = piece.summary.as_deref().map_err(|reason| *reason)?;
    if told.get(summary).is_some_and(|times| *times > 1) {
        return Err("several functions have the same documentation");
    }
    let mut fields = Map::new();
    fields.insert("id".into(), json!(stock.id(item)));
    let mut put = |name: &str, text: &str| {
        fields.insert(name.into(), Value::from(text));
    };
    let how = match task {
        Task::Search => {
            put("query", summary);
            put("candidate", &piece.code);
            "documentation, cut out of the function"
        }
        Task::Summarize if summary.len() > SUMMARY_BYTES => {
            return Err("documentation too long to be written");
        }
        Task::Summarize => {
            put("source", &piece.code);
            put("target", summary);
            "documentation, cut out of the function"
        }
        _ => {
            let (signature, body) = (piece.signature(), piece.written_body());
            if signature.is_empty() || body.is_empty() {
                return Err("without a signature");
            }
            if body.len() > BODY_BYTES {
                return Err("body too long to be written");
            }
            put("source", &format!("{summary}\n{signature}"));
            put("target", body);
            "body of a documented function"
        }
    };
    put("how", how);
    stock.about(&mut fields, item);
    Ok(Row {
        split: item.split,
        fields,
    })
}

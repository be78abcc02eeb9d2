//! Functions with a mistake and without one. Made mistakes and those of history are two tasks in
//! files of their own, and no row of one is ever in the other.

use rayon::prelude::*;
use serde_json::{Map, json};

use super::{Made, Row, in_order};
use crate::draw::Draws;
use crate::mutate::{Mutated, mutate};
use crate::plan::Plan;
use crate::stock::{Item, Stock};

/// Functions that are worked on at once.
const AT_ONCE: usize = 1024;

/// Each function as it is (0) and with one mistake put into it (1).
pub fn mutated(stock: &Stock, plan: &Plan) -> Made {
    let mut made = Made::default();
    let mut rows: Vec<(usize, Row)> = Vec::new();
    let order = stock.drawn("defect", plan.seed);
    let mut done = 0;
    for some in order.chunks(AT_ONCE) {
        if plan.max_rows.is_some_and(|most| rows.len() >= most) {
            break;
        }
        let broken: Vec<Option<Mutated>> = some
            .par_iter()
            .map(|(number, at)| {
                let piece = &stock.items[*at].piece;
                mutate(
                    piece.language,
                    piece.member,
                    &piece.code,
                    Draws::from(*number),
                )
            })
            .collect();
        for ((_, at), broken) in some.iter().zip(broken) {
            let item = &stock.items[*at];
            let full = plan.max_rows.is_some_and(|most| rows.len() >= most);
            match broken {
                None => made
                    .census
                    .left("no place for a mistake", || stock.id(item)),
                Some(_) if full => made.census.left_many("beyond --max-rows", 1),
                Some(broken) => {
                    made.census.used(1);
                    rows.push((*at, as_it_is(stock, item)));
                    rows.push((*at, with_mistake(stock, item, broken)));
                }
            }
        }
        done += some.len();
    }
    made.census
        .left_many("beyond --max-rows", order.len() - done);
    made.rows = in_order(rows);
    made
}

fn as_it_is(stock: &Stock, item: &Item) -> Row {
    row(stock, item, &item.piece.code, "", None)
}

fn with_mistake(stock: &Stock, item: &Item, broken: Mutated) -> Row {
    row(stock, item, &broken.code, " mutated", Some(broken.kind))
}

fn row(stock: &Stock, item: &Item, code: &str, mark: &str, kind: Option<&str>) -> Row {
    let mut fields = Map::new();
    fields.insert("id".into(), json!(format!("{}{mark}", stock.id(item))));
    fields.insert("text".into(), json!(code));
    fields.insert("label".into(), json!(u8::from(kind.is_some())));
    let how = kind.map_or("as it is".to_owned(), |kind| format!("mutated: {kind}"));
    fields.insert("how".into(), json!(how));
    stock.about(&mut fields, item);
    Row {
        split: item.split,
        fields,
    }
}

/// Each function that a bug-fixing commit changed, before it (1) and after it (0).
pub fn of_history(stock: &Stock, plan: &Plan) -> Made {
    let mut made = Made::default();
    for (fixed, split) in &stock.fixed {
        let place = || format!("{} {} in {}", fixed.path, fixed.name, fixed.commit);
        if plan.max_rows.is_some_and(|most| made.rows.len() >= most) {
            made.census.left("beyond --max-rows", place);
            continue;
        }
        made.census.used(1);
        let versions = [
            (
                &fixed.before,
                &fixed.parent,
                1,
                "before a bug-fixing commit",
            ),
            (&fixed.after, &fixed.commit, 0, "after a bug-fixing commit"),
        ];
        for ((piece, lines), commit, label, how) in versions {
            let mut fields = Map::new();
            let id = format!(
                "{}:{} {} {}",
                fixed.path,
                lines.0,
                fixed.name,
                &commit[..commit.len().min(12)]
            );
            fields.insert("id".into(), json!(id));
            fields.insert("text".into(), json!(piece));
            fields.insert("label".into(), json!(label));
            fields.insert("how".into(), json!(how));
            fields.insert("language".into(), json!(fixed.language.name()));
            fields.insert("function".into(), json!(fixed.name));
            fields.insert("path".into(), json!(fixed.path));
            fields.insert("line".into(), json!(lines.0));
            fields.insert("end_line".into(), json!(lines.1));
            fields.insert("project".into(), json!(fixed.project));
            fields.insert("commit".into(), json!(commit));
            fields.insert("fixed_in".into(), json!(fixed.commit));
            fields.insert("message".into(), json!(fixed.message));
            fields.insert("group".into(), json!(fixed.group));
            made.rows.push(Row {
                split: *split,
                fields,
            });
        }
    }
    made
}

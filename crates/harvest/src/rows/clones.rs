//! Pairs of functions that do the same, and pairs that only look like it.
//!
//! In a pair that is made, the second function is always a rewritten one, whether it is a rewrite of
//! the first (1) or of the first one's lexical neighbour (0), and goes by another name: neither what
//! rewriting leaves behind nor the name tells anything about the label. Copies that history shows are pairs of what both are today.

use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::likeness::Likeness;
use super::{Made, Row, in_order};
use crate::plan::Plan;
use crate::rewrite::{Rewritten, disguise};
use crate::stock::{Item, Stock};

/// Functions that are worked on at once.
const AT_ONCE: usize = 1024;

pub fn rows(stock: &Stock, plan: &Plan) -> Made {
    let mut made = Made::default();
    let mut rows: Vec<(usize, Row)> = copies(stock);
    let likeness = Likeness::of(stock);
    let order = stock.drawn("clone", plan.seed);
    let mut done = 0;
    for some in order.chunks(AT_ONCE) {
        if plan.max_rows.is_some_and(|most| rows.len() >= most) {
            break;
        }
        let of_some: Vec<_> = some
            .par_iter()
            .map(|(number, at)| pairs(stock, &likeness, *number, *at))
            .collect();
        for ((_, at), of_one) in some.iter().zip(of_some) {
            let full = plan.max_rows.is_some_and(|most| rows.len() >= most);
            match of_one {
                Err(reason) => made.census.left(reason, || stock.id(&stock.items[*at])),
                Ok(_) if full => made.census.left_many("beyond --max-rows", 1),
                Ok(of_one) => {
                    made.census.used(1);
                    rows.extend(of_one.into_iter().map(|row| (*at, row)));
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

/// The pair that is one and the pair that is none, both or neither.
fn pairs(
    stock: &Stock,
    likeness: &Likeness<'_>,
    number: u64,
    at: usize,
) -> Result<[Row; 2], &'static str> {
    let item = &stock.items[at];
    let own = rewritten(item, number)?;
    let neighbour = likeness
        .neighbour(at)
        .ok_or("no neighbour that uses its words")?;
    let other = &stock.items[neighbour];
    let theirs = rewritten(other, number ^ 1).map_err(|reason| match reason {
        "no rule of rewriting fits" => "no rule of rewriting fits its neighbour",
        _ => "its neighbour's name cannot be another",
    })?;
    Ok([
        pair(stock, item, (&own, item), true),
        pair(stock, item, (&theirs, other), false),
    ])
}

fn rewritten(item: &Item, number: u64) -> Result<Rewritten, &'static str> {
    let piece = &item.piece;
    disguise(
        piece.language,
        (piece.member, piece.within.as_deref()),
        (&piece.name, &piece.code),
        number,
    )
}

fn pair(stock: &Stock, item: &Item, (code, of): (&Rewritten, &Item), same: bool) -> Row {
    let mut fields = Map::new();
    let sign = if same { "=" } else { "/" };
    fields.insert(
        "id".into(),
        json!(format!("{} {sign} {}", stock.id(item), stock.id(of))),
    );
    fields.insert("text".into(), json!(item.piece.code));
    fields.insert("text_b".into(), json!(code.code));
    fields.insert("label".into(), json!(u8::from(same)));
    let how = match same {
        true => "rewritten",
        false => "lexical neighbour, rewritten",
    };
    fields.insert("how".into(), json!(how));
    fields.insert("rules".into(), json!(code.rules));
    stock.about(&mut fields, item);
    of_other(&mut fields, stock, of);
    Row {
        split: item.split,
        fields,
    }
}

fn of_other(fields: &mut Map<String, Value>, stock: &Stock, of: &Item) {
    fields.insert("path_b".into(), json!(stock.source(of).shown));
    fields.insert("line_b".into(), json!(of.piece.lines.0));
    fields.insert("function_b".into(), json!(of.piece.full_name()));
}

/// Functions of which one was once the other's copy, as both are today.
fn copies(stock: &Stock) -> Vec<(usize, Row)> {
    let row = |copied: &crate::history::Copied| {
        let (one, other) = (&stock.items[copied.original], &stock.items[copied.copy]);
        let mut fields = Map::new();
        fields.insert(
            "id".into(),
            json!(format!("{} = {}", stock.id(one), stock.id(other))),
        );
        fields.insert("text".into(), json!(one.piece.code));
        fields.insert("text_b".into(), json!(other.piece.code));
        fields.insert("label".into(), json!(1));
        fields.insert("how".into(), json!("copied in history"));
        fields.insert("copied_in".into(), json!(copied.commit));
        stock.about(&mut fields, one);
        of_other(&mut fields, stock, other);
        let row = Row {
            split: one.split,
            fields,
        };
        (copied.original, row)
    };
    stock.copied.iter().map(row).collect()
}

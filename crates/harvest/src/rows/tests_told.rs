//! Tests with what their runs told: flaky (1) or steady (0).

use serde_json::{Map, json};

use super::{Made, Row};
use crate::stock::Stock;

pub fn rows(stock: &Stock) -> Made {
    let mut made = Made::default();
    for seen in &stock.observed {
        made.census.used(1);
        let item = &stock.tests[seen.test];
        let mut fields = Map::new();
        fields.insert("id".into(), json!(stock.id(item)));
        fields.insert("text".into(), json!(item.piece.code));
        fields.insert("label".into(), json!(u8::from(seen.flaky)));
        fields.insert("how".into(), json!(seen.how));
        fields.insert("runs".into(), json!(seen.runs));
        fields.insert("passed".into(), json!(seen.passed));
        fields.insert("failed".into(), json!(seen.failed));
        stock.about(&mut fields, item);
        made.rows.push(Row {
            split: item.split,
            fields,
        });
    }
    made
}

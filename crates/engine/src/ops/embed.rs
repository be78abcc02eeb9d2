//! Lookups in tables, summed: tokens, places and segments of a text become its first values.
//!
//! It knows of no padding token: a row that must get no gradient must not be looked up.

use rayon::prelude::*;

use super::linear::Map;
use super::sums::scatter_rows;
use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::tape::{Pass, Var};
use crate::weight::Weight;

/// Rows that one thread looks up at a time.
const ROWS: usize = 32;

/// `y [T x C]`, row `t` the sum of row `ids[t]` of each table `[V x C]`, in the order of the tables.
///
/// `what` names the ids in the error for one that lies outside its table.
pub fn embed(pass: &Pass, tables: &[(&Map, &[u32])], what: &'static str) -> Result<Var> {
    let (t, c) = check(tables, what)?;
    let leaves: Vec<Option<Var>> = tables
        .iter()
        .map(|(map, _)| match map {
            Map::Frozen(_) => None,
            Map::Trained(param) => Some(pass.leaf(param)),
        })
        .collect();
    let lookups: Vec<(Table<'_>, &[u32])> = tables
        .iter()
        .zip(&leaves)
        .filter_map(|((map, ids), leaf)| Some((Table::of(map, leaf.as_ref())?, *ids)))
        .collect();
    let y = sum_of_rows(&lookups, t, c);
    let inputs: Vec<Option<&Var>> = leaves.iter().map(Option::as_ref).collect();
    Ok(pass.record(y, &inputs, || {
        let trained: Vec<Option<(usize, Vec<u32>)>> = tables
            .iter()
            .zip(&leaves)
            .map(|((map, ids), leaf)| {
                let trained = leaf.as_ref().is_some_and(Var::needs_gradient);
                trained.then(|| (map.outputs(), ids.to_vec()))
            })
            .collect();
        move |dy, flow| {
            for (place, table) in trained.iter().enumerate() {
                if let Some((rows, ids)) = table {
                    flow.give(place, scatter_rows(&dy, ids, *rows));
                }
            }
            Ok(())
        }
    }))
}

/// The common shape `[T x C]` of all lookups.
fn check(tables: &[(&Map, &[u32])], what: &'static str) -> Result<(usize, usize)> {
    const OP: &str = "embed";
    let Some((map, ids)) = tables.first() else {
        return Err(Error::Empty { op: OP });
    };
    let (t, c) = (ids.len(), map.inputs());
    if t == 0 || c == 0 {
        return Err(Error::Empty { op: OP });
    }
    for (map, ids) in tables {
        if map.inputs() != c || ids.len() != t {
            return Err(Error::shape(
                OP,
                format_args!("{t} ids for a table of width {c}"),
                format_args!("{} ids for a table of width {}", ids.len(), map.inputs()),
            ));
        }
        let bound = map.outputs();
        if let Some(id) = ids.iter().find(|id| **id as usize >= bound) {
            return Err(Error::Index {
                op: OP,
                what,
                index: i64::from(*id),
                bound,
            });
        }
    }
    Ok((t, c))
}

/// Where rows are looked up.
#[derive(Clone, Copy)]
enum Table<'a> {
    Frozen(&'a Weight),
    Trained(&'a Mat),
}

impl<'a> Table<'a> {
    /// The numbers of a map in this pass; a trained one has them on the tape.
    fn of(map: &'a Map, leaf: Option<&'a Var>) -> Option<Table<'a>> {
        match map {
            Map::Frozen(weight) => Some(Table::Frozen(weight)),
            Map::Trained(_) => leaf.map(|leaf| Table::Trained(leaf.value())),
        }
    }

    fn look_up(self, id: u32, out: &mut [f32]) {
        match self {
            Table::Frozen(weight) => weight.row(id as usize, out),
            Table::Trained(mat) => out.copy_from_slice(mat.row(id as usize)),
        }
    }
}

fn sum_of_rows(lookups: &[(Table<'_>, &[u32])], t: usize, c: usize) -> Mat {
    let mut y = Mat::stale(t, c);
    y.data_mut()
        .par_chunks_mut(ROWS * c)
        .enumerate()
        .for_each(|(piece, y)| {
            let mut found = vec![0.0; c];
            for (place, y) in y.chunks_exact_mut(c).enumerate() {
                let token = piece * ROWS + place;
                for (order, (table, ids)) in lookups.iter().enumerate() {
                    if order == 0 {
                        table.look_up(ids[token], y);
                        continue;
                    }
                    table.look_up(ids[token], &mut found);
                    for (y, found) in y.iter_mut().zip(&found) {
                        *y += found;
                    }
                }
            }
        });
    y
}

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::param::{Grads, Param};
    use crate::proof::{Plain, check, random};
    use crate::tape::backward_from;
    use crate::weight::Precision;

    /// Ids that repeat, with rows of the table that nobody asks for.
    fn ids(t: usize, v: usize, step: usize) -> Vec<u32> {
        (0..t).map(|i| ((i * step) % v) as u32).collect()
    }

    fn frozen(mat: &Mat) -> Map {
        let (v, c) = mat.shape();
        Map::Frozen(Arc::new(Weight::pack(Precision::F32, v, c, mat.data())))
    }

    #[test]
    fn sums_of_lookups_agree_with_the_plain_formula() {
        for (t, v, c) in [(1, 1, 1), (9, 4, 33), (40, 150, 3)] {
            let (first, second) = (ids(t, v, 7), ids(t, 2, 1));
            check(
                &[random("words", v, c, 1.0), random("kinds", 2, c, 1.0)],
                |pass, _, params| {
                    let maps = [0, 1].map(|i: usize| Map::Trained(params[i].clone()));
                    let tables = [(&maps[0], &first[..]), (&maps[1], &second[..])];
                    embed(pass, &tables, "token")
                },
                |inputs| {
                    Plain::from_fn(t, c, |t, c| {
                        inputs[0].at(first[t] as usize, c) + inputs[1].at(second[t] as usize, c)
                    })
                },
            )
            .unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_ids_that_are_off_by_one() {
        let wrong = check(
            &[random("words", 5, 3, 1.0)],
            |pass, _, params| {
                embed(
                    pass,
                    &[(&Map::Trained(params[0].clone()), &[0, 2, 3])],
                    "token",
                )
            },
            |inputs| Plain::from_fn(3, 3, |t, c| inputs[0].at([1, 3, 4][t], c)),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn a_frozen_table_gives_the_same_rows_and_gets_no_gradient() {
        let (words, places) = (random("words", 9, 5, 1.0), random("places", 4, 5, 1.0));
        let trained = Param::trained("places", places.clone());
        let map = Map::Trained(trained.clone());
        let (first, second) = (ids(70, 9, 2), ids(70, 4, 1));
        let pass = Pass::recording();
        let tables = [(&frozen(&words), &first[..]), (&map, &second[..])];
        let y = embed(&pass, &tables, "token").unwrap();
        for t in 0..70 {
            let rows = words
                .row(first[t] as usize)
                .iter()
                .zip(places.row(second[t] as usize));
            let expected: Vec<f32> = rows.map(|(a, b)| a + b).collect();
            assert_eq!(y.value().row(t), expected);
        }
        let mut grads = Grads::new();
        backward_from(&y, random("dy", 70, 5, 1.0), &mut grads).unwrap();
        assert_eq!(grads.len(), 1);
        assert!(grads.get(&trained).is_some());
    }

    #[test]
    fn a_row_depends_on_nothing_but_its_own_ids() {
        let (words, all) = (frozen(&random("words", 50, 33, 1.0)), ids(90, 50, 7));
        let pass = Pass::inference();
        let whole = embed(&pass, &[(&words, &all)], "token").unwrap();
        for (t, id) in all.iter().enumerate() {
            let alone = embed(&pass, &[(&words, &[*id])], "token").unwrap();
            assert_eq!(alone.value().data(), whole.value().row(t));
        }
    }

    #[test]
    fn ids_outside_their_table_and_shapes_that_do_not_fit_are_refused() {
        let pass = Pass::inference();
        let (words, wide) = (frozen(&Mat::zeros(5, 3)), frozen(&Mat::zeros(5, 4)));
        let refused = |tables: &[(&Map, &[u32])]| embed(&pass, tables, "token").err().unwrap();
        let outside = Error::Index {
            op: "embed",
            what: "token",
            index: 5,
            bound: 5,
        };
        assert_eq!(refused(&[(&words, &[0, 5])]), outside);
        assert!(matches!(
            refused(&[(&words, &[0]), (&wide, &[0])]),
            Error::Shape { .. }
        ));
        assert!(matches!(
            refused(&[(&words, &[0]), (&words, &[0, 1])]),
            Error::Shape { .. }
        ));
        assert_eq!(refused(&[]), Error::Empty { op: "embed" });
        assert_eq!(refused(&[(&words, &[])]), Error::Empty { op: "embed" });
    }
}

//! Some rows of a value, in any order and as often as asked.

use rayon::prelude::*;

use super::sums::scatter_rows;
use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// `y [M x C]`, row `m` is row `rows[m]` of `x [T x C]`; the way back adds where a row was taken
/// more than once.
pub fn take_rows(pass: &Pass, x: &Var, rows: &[usize]) -> Result<Var> {
    const OP: &str = "take rows";
    let (t, c) = x.shape();
    if rows.is_empty() || c == 0 {
        return Err(Error::Empty { op: OP });
    }
    if let Some(row) = rows.iter().find(|row| **row >= t) {
        return Err(Error::Index {
            op: OP,
            what: "row",
            index: i64::try_from(*row).unwrap_or(i64::MAX),
            bound: t,
        });
    }
    let from = x.value();
    let mut y = Mat::stale(rows.len(), c);
    y.data_mut()
        .par_chunks_mut(c)
        .with_min_len(32)
        .zip(rows)
        .for_each(|(y, row)| y.copy_from_slice(from.row(*row)));
    Ok(pass.record(y, &[x], || {
        let rows = rows.to_vec();
        move |dy, flow| {
            flow.give(0, scatter_rows(&dy, &rows, t));
            Ok(())
        }
    }))
}

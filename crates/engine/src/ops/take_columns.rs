//! Some columns of a value in any order, for maps whose results lie otherwise than attention wants.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// Rows that one thread takes at least.
const ROWS: usize = 32;

/// `y [T x M]`, column `m` is column `order[m]` of `x [T x C]`; the way back adds where a column was
/// taken more than once.
pub fn take_columns(pass: &Pass, x: &Var, order: &Arc<[usize]>) -> Result<Var> {
    const OP: &str = "take columns";
    let (t, c) = x.shape();
    if t == 0 || order.is_empty() {
        return Err(Error::Empty { op: OP });
    }
    if let Some(column) = order.iter().find(|column| **column >= c) {
        return Err(Error::Index {
            op: OP,
            what: "column",
            index: i64::try_from(*column).unwrap_or(i64::MAX),
            bound: c,
        });
    }
    let mut y = Mat::stale(t, order.len());
    y.data_mut()
        .par_chunks_mut(order.len())
        .with_min_len(ROWS)
        .zip(x.value().data().par_chunks(c))
        .for_each(|(y, x)| {
            for (y, column) in y.iter_mut().zip(order.iter()) {
                *y = x[*column];
            }
        });
    Ok(pass.record(y, &[x], || {
        let order = Arc::clone(order);
        move |dy, flow| {
            let mut dx = Mat::zeros(t, c);
            dx.data_mut()
                .par_chunks_mut(c)
                .with_min_len(ROWS)
                .zip(dy.data().par_chunks(order.len()))
                .for_each(|(dx, dy)| {
                    for (dy, column) in dy.iter().zip(order.iter()) {
                        dx[*column] += dy;
                    }
                });
            flow.give(0, dx);
            Ok(())
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn against(order: &[usize], formula: &[usize]) -> std::result::Result<(), String> {
        let taken: Arc<[usize]> = order.into();
        check(
            &[random("x", 37, 5, 1.0)],
            |pass, vars, _| take_columns(pass, &vars[0], &taken),
            |inputs| {
                Plain::from_fn(inputs[0].rows, formula.len(), |t, m| {
                    inputs[0].at(t, formula[m])
                })
            },
        )
    }

    #[test]
    fn taken_columns_agree_with_the_plain_formula() {
        for order in [&[4, 0, 3, 1, 2][..], &[2], &[1, 1, 4]] {
            against(order, order).unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_another_order() {
        assert!(against(&[4, 0, 3, 1, 2], &[4, 0, 3, 2, 1]).is_err());
    }

    #[test]
    fn columns_that_are_not_there_are_refused() {
        let pass = Pass::inference();
        let x = pass.constant(Mat::zeros(2, 3));
        assert!(take_columns(&pass, &x, &[0, 3].into()).is_err());
        assert!(take_columns(&pass, &x, &[].into()).is_err());
        let empty = pass.constant(Mat::zeros(0, 3));
        assert!(take_columns(&pass, &empty, &[0].into()).is_err());
    }
}

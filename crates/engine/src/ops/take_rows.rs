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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn agrees(taken: &[usize], stated: &[usize]) -> std::result::Result<(), String> {
        check(
            &[random("x", 90, 3, 1.0)],
            |pass, vars, _| take_rows(pass, &vars[0], taken),
            |inputs| Plain::from_fn(stated.len(), 3, |t, c| inputs[0].at(stated[t], c)),
        )
    }

    #[test]
    fn rows_in_any_order_and_more_than_once_agree_with_the_plain_formula() {
        for rows in [&[0][..], &[89, 3, 3, 70, 0, 3], &[64, 63, 65]] {
            agrees(rows, rows).unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_swapped_rows() {
        assert!(agrees(&[1, 2], &[2, 1]).is_err());
    }

    #[test]
    fn rows_that_are_not_there_and_no_rows_at_all_are_refused() {
        let pass = Pass::inference();
        let x = pass.constant(Mat::zeros(3, 2));
        let outside = take_rows(&pass, &x, &[0, 3]).err();
        assert!(matches!(
            outside,
            Some(Error::Index {
                index: 3,
                bound: 3,
                ..
            })
        ));
        assert_eq!(
            take_rows(&pass, &x, &[]).err(),
            Some(Error::Empty { op: "take rows" })
        );
    }
}

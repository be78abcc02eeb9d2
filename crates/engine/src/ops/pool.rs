//! One row per sequence: the mean of its tokens, its first or its last one.

use std::ops::Range;

use rayon::prelude::*;

use super::take_rows::take_rows;
use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::spans::Spans;
use crate::tape::{Pass, Var};

/// How the tokens of a sequence become one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    Mean,
    First,
    Last,
}

/// `y [spans x C]` of `x [T x C]`; a sequence's row depends on nothing but its own tokens.
pub fn pool(pass: &Pass, x: &Var, spans: &Spans, how: Pool) -> Result<Var> {
    const OP: &str = "pool";
    spans.expect_rows(OP, x.rows())?;
    if x.cols() == 0 {
        return Err(Error::Empty { op: OP });
    }
    let rows = |choose: fn(Range<usize>) -> usize| spans.ranges().map(choose).collect::<Vec<_>>();
    match how {
        Pool::Mean => Ok(mean(pass, x, spans)),
        Pool::First => take_rows(pass, x, &rows(|range| range.start)),
        Pool::Last => take_rows(pass, x, &rows(|range| range.end - 1)),
    }
}

fn mean(pass: &Pass, x: &Var, spans: &Spans) -> Var {
    let c = x.cols();
    let tokens = x.value().data();
    let mut y = Mat::stale(spans.count(), c);
    y.data_mut()
        .par_chunks_mut(c)
        .enumerate()
        .for_each(|(span, y)| {
            let range = spans.range(span);
            let share = 1.0 / range.len() as f32;
            sum_rows(&tokens[range.start * c..range.end * c], y);
            for y in y {
                *y *= share;
            }
        });
    pass.record(y, &[x], || {
        let spans = spans.clone();
        move |dy, flow| {
            flow.give(0, spread(&dy, &spans));
            Ok(())
        }
    })
}

/// Sums down the columns: stretches of rows first, so that long texts lose no digits.
fn sum_rows(rows: &[f32], sums: &mut [f32]) {
    const STRETCH: usize = 32;
    let c = sums.len();
    sums.fill(0.0);
    let mut part = vec![0.0f32; c];
    for stretch in rows.chunks(STRETCH * c) {
        part.fill(0.0);
        for row in stretch.chunks_exact(c) {
            for (part, number) in part.iter_mut().zip(row) {
                *part += number;
            }
        }
        for (sum, part) in sums.iter_mut().zip(&part) {
            *sum += part;
        }
    }
}

/// `dx [T x C]`: every token of a sequence gets an equal share of its gradient.
fn spread(dy: &Mat, spans: &Spans) -> Mat {
    let c = dy.cols();
    let mut dx = Mat::stale(spans.tokens(), c);
    for (span, range) in spans.ranges().enumerate() {
        let share = 1.0 / range.len() as f32;
        dx.data_mut()[range.start * c..range.end * c]
            .par_chunks_mut(c)
            .with_min_len(32)
            .for_each(|dx| {
                for (dx, dy) in dx.iter_mut().zip(dy.row(span)) {
                    *dx = dy * share;
                }
            });
    }
    dx
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    const HOWS: [Pool; 3] = [Pool::Mean, Pool::First, Pool::Last];

    fn formula(how: Pool, spans: &Spans) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let x = &inputs[0];
            Plain::from_fn(spans.count(), x.cols, |span, c| {
                let range = spans.range(span);
                match how {
                    Pool::Mean => {
                        let count = range.len() as f64;
                        range.map(|t| x.at(t, c)).sum::<f64>() / count
                    }
                    Pool::First => x.at(range.start, c),
                    Pool::Last => x.at(range.end - 1, c),
                }
            })
        }
    }

    #[test]
    fn every_way_agrees_with_the_plain_formula() {
        for lengths in [&[1][..], &[1, 5, 2], &[40, 1, 33]] {
            let spans = Spans::from_lengths(lengths).unwrap();
            for how in HOWS {
                check(
                    &[random("x", spans.tokens(), 7, 1.0)],
                    |pass, vars, _| pool(pass, &vars[0], &spans, how),
                    formula(how, &spans),
                )
                .unwrap_or_else(|off| panic!("{how:?} {lengths:?}: {off}"));
            }
        }
    }

    #[test]
    fn the_oracle_tells_first_from_last() {
        let spans = Spans::from_lengths(&[2, 3]).unwrap();
        let wrong = check(
            &[random("x", 5, 7, 1.0)],
            |pass, vars, _| pool(pass, &vars[0], &spans, Pool::First),
            formula(Pool::Last, &spans),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn a_sequence_pools_alone_as_in_a_batch() {
        let lengths = [3, 77, 1, 130];
        let spans = Spans::from_lengths(&lengths).unwrap();
        let x = random("x", spans.tokens(), 33, 1.0);
        let pass = Pass::inference();
        for how in HOWS {
            let whole = pool(&pass, &pass.constant(x.clone()), &spans, how).unwrap();
            for (span, range) in spans.ranges().enumerate() {
                let rows = x.data()[range.start * 33..range.end * 33].to_vec();
                let alone = pass.constant(Mat::from_vec(range.len(), 33, rows));
                let single = Spans::single(range.len()).unwrap();
                let alone = pool(&pass, &alone, &single, how).unwrap();
                assert_eq!(alone.value().data(), whole.value().row(span));
            }
        }
    }

    #[test]
    fn rows_that_the_spans_do_not_cover_are_refused() {
        let pass = Pass::inference();
        let spans = Spans::from_lengths(&[2, 3]).unwrap();
        for (t, c) in [(0, 3), (4, 3), (6, 3), (5, 0)] {
            assert!(pool(&pass, &pass.constant(Mat::zeros(t, c)), &spans, Pool::Mean).is_err());
        }
    }
}

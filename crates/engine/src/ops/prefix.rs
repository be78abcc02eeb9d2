//! Keys and values that stand before those of every sequence of a packed batch.
//!
//! It only lays rows; who sees them is for attention to say.

use rayon::prelude::*;

use super::columns::Columns;
use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::param::Param;
use crate::spans::Spans;
use crate::tape::{Pass, Var};

const OP: &str = "prefix";

/// Rows that one thread lays at least.
const ROWS: usize = 32;

/// The keys and values of `P` places, as some columns of a matrix that many layers share.
#[derive(Debug, Clone)]
pub struct Prefix {
    /// `[P x M]`
    pub rows: Param,
    /// Where the keys begin; the values follow them at once.
    pub first: usize,
}

/// Keys and values with the prefix before those of each span.
pub struct Laid {
    /// `[(T + spans * P) x 2 width]`: keys, then values.
    pub both: Var,
    /// Each span longer by `P`.
    pub spans: Spans,
    width: usize,
}

impl Laid {
    pub fn keys(&self) -> Columns<'_> {
        Columns::all(&self.both)
    }

    pub fn values(&self) -> Columns<'_> {
        Columns {
            var: &self.both,
            first: self.width,
        }
    }
}

impl Prefix {
    /// How many places it has, `P`.
    pub fn length(&self) -> usize {
        self.rows.value().rows()
    }

    /// Refuses a matrix that does not hold keys and values of `width` columns at this place.
    pub fn check(&self, width: usize) -> Result<()> {
        let rows = self.rows.value();
        let end = width
            .checked_mul(2)
            .and_then(|both| both.checked_add(self.first));
        if rows.rows() > 0 && width > 0 && end.is_some_and(|end| end <= rows.cols()) {
            return Ok(());
        }
        let (name, first) = (self.rows.name(), self.first);
        Err(Error::shape(
            OP,
            format_args!("{name}: keys and values of {width} columns from column {first} on"),
            rows.shape_text(),
        ))
    }
}

/// Lays the prefix before the keys and values (`width` columns each) of every span.
///
/// The gradient of the prefix is the sum over the spans, in their order.
pub fn lay_before(
    pass: &Pass,
    prefix: &Prefix,
    k: Columns<'_>,
    v: Columns<'_>,
    width: usize,
    spans: &Spans,
) -> Result<Laid> {
    prefix.check(width)?;
    for columns in [k, v] {
        spans.expect_rows(OP, columns.var.rows())?;
        columns.expect_width(OP, width)?;
    }
    let length = prefix.length();
    let longer: Vec<usize> = spans.ranges().map(|range| range.len() + length).collect();
    let longer = Spans::from_lengths(&longer)?;
    let rows = pass.leaf(&prefix.rows);
    let plan = Plan {
        sources: sources(spans, length),
        starts: longer.ranges().map(|range| range.start).collect(),
        firsts: [k.first, v.first],
        prefix: (prefix.first, length),
        width,
    };
    let both = plan.lay([k.var.value(), v.var.value()], rows.value());
    let shapes = [k.var.shape(), v.var.shape(), rows.shape()];
    let both = pass.record(both, &[k.var, v.var, &rows], || {
        move |dy, flow| {
            for part in 0..2 {
                if flow.needs(part) {
                    flow.give(part, plan.row_gradient(part, shapes[part], &dy));
                }
            }
            if flow.needs(2) {
                flow.give(2, plan.prefix_gradient(shapes[2], &dy));
            }
            Ok(())
        }
    });
    Ok(Laid {
        both,
        spans: longer,
        width,
    })
}

/// Where a row of the result comes from.
#[derive(Clone, Copy)]
enum Source {
    Prefix(usize),
    Row(usize),
}

fn sources(spans: &Spans, length: usize) -> Vec<Source> {
    spans
        .ranges()
        .flat_map(|range| {
            (0..length)
                .map(Source::Prefix)
                .chain(range.map(Source::Row))
        })
        .collect()
}

struct Plan {
    /// Of each row of the result.
    sources: Vec<Source>,
    /// The first row of each span of the result.
    starts: Vec<usize>,
    /// First columns of keys and of values.
    firsts: [usize; 2],
    /// First column of the prefix, and its length.
    prefix: (usize, usize),
    width: usize,
}

impl Plan {
    fn lay(&self, parts: [&Mat; 2], prefix: &Mat) -> Mat {
        let width = self.width;
        let mut both = Mat::stale(self.sources.len(), 2 * width);
        both.data_mut()
            .par_chunks_mut(2 * width)
            .with_min_len(ROWS)
            .zip(&self.sources)
            .for_each(|(out, source)| match *source {
                Source::Prefix(row) => {
                    out.copy_from_slice(&prefix.row(row)[self.prefix.0..][..2 * width]);
                }
                Source::Row(row) => {
                    for (part, out) in out.chunks_exact_mut(width).enumerate() {
                        out.copy_from_slice(&parts[part].row(row)[self.firsts[part]..][..width]);
                    }
                }
            });
        both
    }

    /// Of keys (0) or values (1): zero in the columns that are neither.
    fn row_gradient(&self, part: usize, (rows, cols): (usize, usize), dy: &Mat) -> Mat {
        let (first, width) = (self.firsts[part], self.width);
        let mut gradient = Mat::zeros(rows, cols);
        for (source, dy) in self.sources.iter().zip(dy.data().chunks_exact(2 * width)) {
            if let Source::Row(row) = *source {
                gradient.row_mut(row)[first..first + width]
                    .copy_from_slice(&dy[part * width..][..width]);
            }
        }
        gradient
    }

    /// `[P x M]`, zero outside the columns of this place.
    fn prefix_gradient(&self, (rows, cols): (usize, usize), dy: &Mat) -> Mat {
        let (first, length) = self.prefix;
        let mut gradient = Mat::zeros(rows, cols);
        for start in &self.starts {
            for row in 0..length {
                let sums = &mut gradient.row_mut(row)[first..first + 2 * self.width];
                for (sum, dy) in sums.iter_mut().zip(dy.row(start + row)) {
                    *sum += dy;
                }
            }
        }
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    const WIDTH: usize = 3;
    const P: usize = 2;

    fn spans() -> Spans {
        Spans::from_lengths(&[2, 1, 4]).unwrap()
    }

    /// Keys from column 1 of the first input, values from column 2 of the second, prefix from
    /// column 4 of the third; `stated` is how many places the formula believes the prefix to have.
    fn agrees(stated: usize) -> std::result::Result<(), String> {
        let inputs = [
            random("k", 7, 5, 1.0),
            random("v", 7, 6, 1.0),
            random("prefix", P, 11, 1.0),
        ];
        check(
            &inputs,
            |pass, vars, params| {
                let [k, v] = [(0, 1), (1, 2)].map(|(var, first)| Columns {
                    var: &vars[var],
                    first,
                });
                let prefix = Prefix {
                    rows: params[2].clone(),
                    first: 4,
                };
                Ok(lay_before(pass, &prefix, k, v, WIDTH, &spans())?.both)
            },
            |inputs| {
                let laid: Vec<(bool, usize)> = spans()
                    .ranges()
                    .flat_map(|range| {
                        let before = (0..stated).map(|row| (true, row));
                        before.chain(range.map(|row| (false, row)))
                    })
                    .collect();
                Plain::from_fn(laid.len(), 2 * WIDTH, |row, col| match laid[row] {
                    (true, row) => inputs[2].at(row, 4 + col),
                    (false, row) if col < WIDTH => inputs[0].at(row, 1 + col),
                    (false, row) => inputs[1].at(row, 2 + col - WIDTH),
                })
            },
        )
    }

    #[test]
    fn a_prefix_before_every_span_agrees_with_the_plain_formula() {
        agrees(P).unwrap();
    }

    #[test]
    fn the_oracle_notices_a_prefix_that_is_too_short() {
        assert!(agrees(P - 1).is_err());
    }

    #[test]
    fn keys_and_values_may_be_columns_of_one_value() {
        let inputs = [random("kv", 7, 8, 1.0), random("prefix", P, 6, 1.0)];
        check(
            &inputs,
            |pass, vars, params| {
                let part = |first| Columns {
                    var: &vars[0],
                    first,
                };
                let prefix = Prefix {
                    rows: params[1].clone(),
                    first: 0,
                };
                Ok(lay_before(pass, &prefix, part(1), part(4), WIDTH, &spans())?.both)
            },
            |inputs| {
                let laid = sources(&spans(), P);
                Plain::from_fn(laid.len(), 2 * WIDTH, |row, col| match laid[row] {
                    Source::Prefix(row) => inputs[1].at(row, col),
                    Source::Row(row) => inputs[0].at(row, 1 + col),
                })
            },
        )
        .unwrap();
    }

    #[test]
    fn a_prefix_that_is_too_narrow_and_other_spans_are_refused() {
        let pass = Pass::inference();
        let x = pass.constant(Mat::zeros(7, WIDTH));
        let of = |cols, first| Prefix {
            rows: Param::frozen("rows", Mat::zeros(P, cols)),
            first,
        };
        let all = Columns::all(&x);
        let lay = |prefix: &Prefix, width, spans: &Spans| {
            lay_before(&pass, prefix, all, all, width, spans).map(|laid| laid.both)
        };
        assert!(lay(&of(6, 0), WIDTH, &spans()).is_ok());
        assert!(lay(&of(6, 1), WIDTH, &spans()).is_err());
        assert!(lay(&of(6, usize::MAX), WIDTH, &spans()).is_err());
        assert!(lay(&of(60, 0), WIDTH + 1, &spans()).is_err());
        assert!(lay(&of(6, 0), WIDTH, &Spans::single(6).unwrap()).is_err());
    }
}

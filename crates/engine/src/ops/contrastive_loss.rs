//! The loss of retrieval: each query must find its own among all candidates of the step.
//!
//! It compares directions (cosines) only; lengths get no gradient.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::multiply::Write;
use crate::mat::Mat;
use crate::product::{self, Epilogue};
use crate::tape::{Pass, Var};

/// Mean InfoNCE, `[1 x 1]`, of `queries [Q x C]` against `candidates [K x C]`.
///
/// `s(q, k) = cosine / temperature`. A query's loss is the cross entropy of its row of `s` at its
/// positive; with `symmetric`, half of that and half of the cross entropy of its positive's column
/// of `s` at the query. Candidates that are nobody's positive are negatives for all.
pub fn contrastive_loss(
    pass: &Pass,
    queries: &Var,
    candidates: &Var,
    positives: &[usize],
    temperature: f32,
    symmetric: bool,
) -> Result<Var> {
    among(
        pass,
        queries,
        candidates,
        positives,
        None,
        temperature,
        symmetric,
    )
}

/// As [`contrastive_loss`], where some candidates, though no query's own positive, are right answers
/// too: pairs of a query and a candidate that `excluded` (`[Q x K]`, row after row) marks are left
/// out of every sum. So are, in the columns of a symmetric loss, other queries of the same positive.
pub fn contrastive_loss_among(
    pass: &Pass,
    queries: &Var,
    candidates: &Var,
    positives: &[usize],
    excluded: &[bool],
    temperature: f32,
    symmetric: bool,
) -> Result<Var> {
    let k = candidates.rows();
    if excluded.len() != queries.rows() * k {
        return Err(Error::shape(
            OP,
            format_args!("{} marks of pairs", queries.rows() * k),
            excluded.len(),
        ));
    }
    let lost = |(query, positive): (usize, &usize)| *positive < k && excluded[query * k + positive];
    if let Some(query) = positives.iter().enumerate().position(lost) {
        return Err(Error::Setting {
            op: OP,
            reason: format!("query {query} has its own positive left out"),
        });
    }
    among(
        pass,
        queries,
        candidates,
        positives,
        Some(excluded),
        temperature,
        symmetric,
    )
}

fn among(
    pass: &Pass,
    queries: &Var,
    candidates: &Var,
    positives: &[usize],
    excluded: Option<&[bool]>,
    temperature: f32,
    symmetric: bool,
) -> Result<Var> {
    check(queries, candidates, positives, temperature)?;
    let isa = pass.isa();
    let q = Directions::of(queries.value());
    let k = Directions::of(candidates.value());
    let shape = (queries.rows(), candidates.rows(), queries.cols());
    let mut scores = Mat::stale(shape.0, shape.1);
    let (units, out) = (k.units.data(), scores.data_mut());
    product::trained_forward(isa, shape, q.units.data(), units, out, Epilogue::SET);
    let (loss, gradient) = entropy(&scores, positives, excluded, temperature, symmetric);
    Ok(
        pass.record(Mat::scalar(loss as f32), &[queries, candidates], || {
            move |dy, flow| {
                let mut gradient = gradient;
                gradient.scale(dy.data()[0]);
                if flow.needs(0) {
                    let grad = by_candidates(isa, shape, &gradient, &k.units);
                    flow.give(0, q.backward(grad));
                }
                if flow.needs(1) {
                    let grad = by_queries(isa, shape, &gradient, &q.units);
                    flow.give(1, k.backward(grad));
                }
                Ok(())
            }
        }),
    )
}

const OP: &str = "contrastive loss";

fn check(queries: &Var, candidates: &Var, positives: &[usize], temperature: f32) -> Result<()> {
    if queries.rows() == 0 || candidates.rows() == 0 || queries.cols() == 0 {
        return Err(Error::Empty { op: OP });
    }
    if queries.cols() != candidates.cols() {
        return Err(Error::shape(
            OP,
            format_args!("candidates of width {}", queries.cols()),
            candidates.value().shape_text(),
        ));
    }
    if positives.len() != queries.rows() {
        return Err(Error::shape(
            OP,
            format_args!("{} positives", queries.rows()),
            positives.len(),
        ));
    }
    let bound = candidates.rows();
    if let Some(positive) = positives.iter().find(|positive| **positive >= bound) {
        return Err(Error::Index {
            op: OP,
            what: "positive",
            index: i64::try_from(*positive).unwrap_or(i64::MAX),
            bound,
        });
    }
    if temperature > 0.0 && temperature.is_finite() {
        Ok(())
    } else {
        Err(Error::Setting {
            op: OP,
            reason: format!("a temperature of {temperature} is not positive"),
        })
    }
}

/// `[Q x C] = gradient [Q x K] candidates [K x C]`.
fn by_candidates(isa: Isa, shape: (usize, usize, usize), gradient: &Mat, units: &Mat) -> Mat {
    let mut grad = Mat::stale(shape.0, shape.2);
    let out = grad.data_mut();
    product::trained_backward(isa, shape, gradient.data(), units.data(), out, Write::Set);
    grad
}

/// `[K x C] = gradient^T [K x Q] queries [Q x C]`.
fn by_queries(isa: Isa, shape: (usize, usize, usize), gradient: &Mat, units: &Mat) -> Mat {
    let mut grad = Mat::stale(shape.1, shape.2);
    let out = grad.data_mut();
    product::weight_gradient(isa, shape, gradient.data(), units.data(), out, Write::Set);
    grad
}

/// Rows brought to length one.
struct Directions {
    /// `[T x C]`
    units: Mat,
    lengths: Vec<f32>,
}

impl Directions {
    /// A row shorter than this is divided by this instead, as the reference library does.
    const SHORTEST: f64 = 1e-12;

    fn of(x: &Mat) -> Directions {
        let c = x.cols();
        let mut units = Mat::stale(x.rows(), c);
        let lengths = units
            .data_mut()
            .par_chunks_mut(c)
            .zip(x.data().par_chunks(c))
            .map(|(unit, x)| {
                let squares: f64 = x.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
                let length = squares.sqrt().max(Self::SHORTEST);
                for (unit, x) in unit.iter_mut().zip(x) {
                    *unit = (f64::from(*x) / length) as f32;
                }
                length as f32
            })
            .collect();
        Directions { units, lengths }
    }

    /// `dx` of the gradient of the units: what lies along a row's own direction is taken out.
    fn backward(&self, mut grad: Mat) -> Mat {
        let c = grad.cols();
        grad.data_mut()
            .par_chunks_mut(c)
            .zip(self.units.data().par_chunks(c))
            .zip(&self.lengths)
            .for_each(|((grad, unit), length)| {
                let pairs = grad.iter().zip(unit);
                let along: f64 = pairs.map(|(g, u)| f64::from(*g) * f64::from(*u)).sum();
                for (g, u) in grad.iter_mut().zip(unit) {
                    *g = ((f64::from(*g) - along * f64::from(*u)) / f64::from(*length)) as f32;
                }
            });
        grad
    }
}

/// The loss and its gradient with respect to the cosines `[Q x K]`.
fn entropy(
    cosines: &Mat,
    positives: &[usize],
    excluded: Option<&[bool]>,
    temperature: f32,
    symmetric: bool,
) -> (f64, Mat) {
    let (q, k) = cosines.shape();
    let temperature = f64::from(temperature);
    // A pair that is left out has a share of nothing, and so no gradient.
    let score = |query: usize, candidate: usize| {
        if excluded.is_some_and(|excluded| excluded[query * k + candidate]) {
            return f64::NEG_INFINITY;
        }
        f64::from(cosines.row(query)[candidate]) / temperature
    };
    let rival = |query: usize, other: usize| {
        excluded.is_some() && other != query && positives[other] == positives[query]
    };
    let share = if symmetric { 0.5 } else { 1.0 } / q as f64;
    let mut gradient = vec![0.0f64; q * k];
    let mut loss = 0.0;
    for (query, positive) in positives.iter().enumerate() {
        let row: Vec<f64> = (0..k).map(|candidate| score(query, candidate)).collect();
        let (part, shares) = softmax_loss(&row, *positive);
        loss += share * part;
        for (candidate, part) in shares.into_iter().enumerate() {
            gradient[query * k + candidate] += share * part / temperature;
        }
        if symmetric {
            let column = (0..q).map(|other| match rival(query, other) {
                true => f64::NEG_INFINITY,
                false => score(other, *positive),
            });
            let (part, shares) = softmax_loss(&column.collect::<Vec<f64>>(), query);
            loss += share * part;
            for (query, part) in shares.into_iter().enumerate() {
                gradient[query * k + positive] += share * part / temperature;
            }
        }
    }
    let gradient = gradient.into_iter().map(|number| number as f32).collect();
    (loss, Mat::from_vec(q, k, gradient))
}

/// `-ln softmax(scores)[hit]` and its gradient.
fn softmax_loss(scores: &[f64], hit: usize) -> (f64, Vec<f64>) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    for share in &mut shares {
        *share /= sum;
    }
    shares[hit] -= 1.0;
    (sum.ln() + largest - scores[hit], shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn formula(
        positives: &[usize],
        temperature: f64,
        symmetric: bool,
    ) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let (q, k) = (&inputs[0], &inputs[1]);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let length = |a: &[f64]| dot(a, a).sqrt();
            let score = |i: usize, j: usize| {
                let (a, b) = (q.row(i), k.row(j));
                dot(a, b) / (length(a) * length(b)) / temperature
            };
            let losses = positives.iter().enumerate().map(|(i, j)| {
                let row: f64 = (0..k.rows).map(|j| score(i, j).exp()).sum();
                let column: f64 = (0..q.rows).map(|i| score(i, *j).exp()).sum();
                if symmetric {
                    0.5 * (row.ln() + column.ln()) - score(i, *j)
                } else {
                    row.ln() - score(i, *j)
                }
            });
            let mean = losses.sum::<f64>() / positives.len() as f64;
            Plain::from_fn(1, 1, |_, _| mean)
        }
    }

    fn agrees(
        (candidates, width): (usize, usize),
        positives: &[usize],
        (taken, stated): (f32, f32),
        symmetric: bool,
    ) -> std::result::Result<(), String> {
        let inputs = [
            random("q", positives.len(), width, 2.0),
            random("k", candidates, width, 0.5),
        ];
        check(
            &inputs,
            |pass, v, _| contrastive_loss(pass, &v[0], &v[1], positives, taken, symmetric),
            formula(positives, f64::from(stated), symmetric),
        )
    }

    #[test]
    fn both_forms_agree_with_the_plain_formula() {
        for symmetric in [false, true] {
            for temperature in [1.0, 0.05] {
                let both = (temperature, temperature);
                agrees((2, 1), &[1], (1.0, 1.0), symmetric).unwrap();
                agrees((3, 7), &[0, 1, 2], both, symmetric).unwrap();
                agrees((9, 33), &[4, 0, 8, 4], both, symmetric).unwrap();
            }
        }
    }

    #[test]
    fn the_oracle_notices_another_temperature_and_a_missing_half() {
        assert!(agrees((9, 33), &[4, 0, 8], (0.05, 0.051), false).is_err());
        let inputs = [random("q", 3, 7, 1.0), random("k", 3, 7, 1.0)];
        let wrong = check(
            &inputs,
            |pass, v, _| contrastive_loss(pass, &v[0], &v[1], &[0, 1, 2], 0.1, false),
            formula(&[0, 1, 2], f64::from(0.1f32), true),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn a_row_of_zeros_is_no_reason_for_a_nan() {
        let pass = Pass::inference();
        let (q, k) = (
            pass.constant(Mat::zeros(1, 3)),
            pass.constant(random("k", 2, 3, 1.0)),
        );
        let loss = contrastive_loss(&pass, &q, &k, &[0], 0.1, false)
            .unwrap()
            .scalar();
        assert!((loss - std::f32::consts::LN_2).abs() < 1e-6, "{loss}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let pass = Pass::inference();
        let mat = |t, c| pass.constant(Mat::zeros(t, c));
        let tried = |q: &Var, k: &Var, positives: &[usize], temperature| {
            contrastive_loss(&pass, q, k, positives, temperature, false)
                .err()
                .unwrap()
        };
        let q = mat(2, 3);
        assert_eq!(tried(&mat(0, 3), &q, &[], 1.0), Error::Empty { op: OP });
        assert_eq!(tried(&q, &mat(0, 3), &[0, 0], 1.0), Error::Empty { op: OP });
        assert!(matches!(
            tried(&q, &mat(2, 4), &[0, 1], 1.0),
            Error::Shape { .. }
        ));
        assert!(matches!(tried(&q, &q, &[0], 1.0), Error::Shape { .. }));
        assert!(matches!(
            tried(&q, &q, &[0, 2], 1.0),
            Error::Index { index: 2, .. }
        ));
        for temperature in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(matches!(
                tried(&q, &q, &[0, 1], temperature),
                Error::Setting { .. }
            ));
        }
    }

    /// As `formula` for a symmetric loss, by the words of `contrastive_loss_among`: sums over every
    /// pair that `counts`.
    fn among_formula(
        positives: &[usize],
        counts: impl Fn(usize, usize) -> bool,
    ) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let (q, k) = (&inputs[0], &inputs[1]);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let score = |i: usize, j: usize| {
                let (a, b) = (q.row(i), k.row(j));
                dot(a, b) / (dot(a, a) * dot(b, b)).sqrt() / 0.5
            };
            let losses = positives.iter().enumerate().map(|(i, positive)| {
                let row = (0..k.rows).filter(|j| counts(i, *j));
                let row: f64 = row.map(|j| score(i, j).exp()).sum();
                let rival = |other: usize| other != i && positives[other] == *positive;
                let column =
                    (0..q.rows).filter(|other| counts(*other, *positive) && !rival(*other));
                let column: f64 = column.map(|other| score(other, *positive).exp()).sum();
                0.5 * (row.ln() + column.ln()) - score(i, *positive)
            });
            let mean = losses.sum::<f64>() / positives.len() as f64;
            Plain::from_fn(1, 1, |_, _| mean)
        }
    }

    /// Queries 0 and 3 have one positive; three pairs are left out.
    fn among_agrees(counts: impl Fn(usize, usize) -> bool) -> std::result::Result<(), String> {
        let positives = [1, 0, 4, 1];
        let mut excluded = vec![false; 4 * 5];
        for (query, candidate) in [(0, 0), (1, 3), (2, 1)] {
            excluded[query * 5 + candidate] = true;
        }
        check(
            &[random("q", 4, 6, 1.0), random("k", 5, 6, 1.0)],
            |pass, vars, _| {
                contrastive_loss_among(pass, &vars[0], &vars[1], &positives, &excluded, 0.5, true)
            },
            among_formula(&positives, counts),
        )
    }

    #[test]
    fn pairs_that_are_left_out_are_in_no_sum() {
        among_agrees(|q, k| ![(0, 0), (1, 3), (2, 1)].contains(&(q, k))).unwrap();
    }

    #[test]
    fn the_oracle_notices_a_pair_that_should_have_been_left_out() {
        assert!(among_agrees(|q, k| ![(0, 0), (1, 3)].contains(&(q, k))).is_err());
    }

    #[test]
    fn a_positive_that_is_left_out_is_refused() {
        let pass = Pass::inference();
        let x = pass.constant(Mat::from_vec(2, 2, vec![1.0, 0.0, 0.0, 1.0]));
        let tried = |excluded: &[bool]| {
            contrastive_loss_among(&pass, &x, &x, &[0, 1], excluded, 1.0, false)
        };
        assert!(tried(&[false, true, false, false]).is_ok());
        assert!(tried(&[true, false, false, false]).is_err());
        assert!(tried(&[false; 3]).is_err());
    }
}

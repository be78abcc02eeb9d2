//! Layer norm and rms norm, as the reference libraries compute them in f32.
//!
//! Keeps its input and two numbers per row; a row's result depends on nothing but the row.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::keep::{Kept, Opened};
use crate::kernel::Isa;
use crate::kernel::normalise::{self, Scale, Shape};
use crate::mat::Mat;
use crate::param::Param;
use crate::tape::{Flow, Pass, Var};

/// Which norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NormKind {
    /// The mean is taken off first.
    Layer,
    /// Only the mean of the squares matters.
    Rms,
}

/// A named norm of a base.
#[derive(Clone)]
pub struct Norm {
    pub name: String,
    /// `[1 x C]`
    pub weight: Param,
    /// `[1 x C]`
    pub bias: Option<Param>,
    pub kind: NormKind,
    /// Added under the root.
    pub eps: f32,
}

/// Rows that one thread takes at a time, and over which it sums the weight's gradient.
const ROWS: usize = 8;

/// Places of the inputs on the tape.
const X: usize = 0;
const WEIGHT: usize = 1;
const BIAS: usize = 2;

/// `y [T x C] = (x - mean) / sqrt(spread + eps) * weight + bias`.
pub fn norm(pass: &Pass, x: &Var, norm: &Norm) -> Result<Var> {
    let applied = Applied {
        isa: pass.isa(),
        weight: pass.leaf(&norm.weight),
        bias: norm.bias.as_ref().map(|bias| pass.leaf(bias)),
        centred: norm.kind == NormKind::Layer,
        eps: norm.eps,
    };
    applied.check(x, &norm.name)?;
    let (y, scales) = applied.forward(x.value());
    let inputs = [Some(x), Some(&applied.weight), applied.bias.as_ref()];
    Ok(pass.record(y, &inputs, || {
        let kept = x.kept(pass);
        let applied = applied.clone();
        move |dy, flow| {
            applied.backward(&kept, &scales, dy, flow);
            Ok(())
        }
    }))
}

/// The norm as it stands in one pass.
#[derive(Clone)]
struct Applied {
    isa: Isa,
    weight: Var,
    bias: Option<Var>,
    centred: bool,
    eps: f32,
}

impl Applied {
    fn check(&self, x: &Var, name: &str) -> Result<()> {
        if x.rows() == 0 || x.cols() == 0 {
            return Err(Error::Empty { op: "norm" });
        }
        let own = [Some(&self.weight), self.bias.as_ref()];
        for part in own.into_iter().flatten() {
            if part.shape() != (1, x.cols()) {
                return Err(Error::shape(
                    "norm",
                    format_args!("{name}: weight and bias [1 x {}]", x.cols()),
                    part.value().shape_text(),
                ));
            }
        }
        Ok(())
    }

    fn shape(&self) -> Shape<'_> {
        Shape {
            centred: self.centred,
            weight: self.weight.value().data(),
            bias: self.bias.as_ref().map(|bias| bias.value().data()),
            eps: self.eps,
        }
    }

    fn forward(&self, x: &Mat) -> (Mat, Vec<Scale>) {
        let (t, c) = x.shape();
        let (isa, shape) = (self.isa, self.shape());
        let mut y = Mat::stale(t, c);
        let mut scales = vec![Scale::default(); t];
        y.data_mut()
            .par_chunks_mut(ROWS * c)
            .zip(x.data().par_chunks(ROWS * c))
            .zip(scales.par_chunks_mut(ROWS))
            .for_each(|((y, x), scales)| normalise::forward(isa, shape, x, y, scales));
        (y, scales)
    }

    fn backward(&self, kept: &Kept, scales: &[Scale], mut dy: Mat, flow: &mut Flow<'_>) {
        let x = kept.open();
        if flow.needs(WEIGHT) {
            flow.give(WEIGHT, self.weight_gradient(&x, scales, &dy));
        }
        if flow.needs(BIAS) {
            flow.give(BIAS, super::sums::column_sums(&dy));
        }
        if !flow.needs(X) {
            return;
        }
        let (isa, shape, c) = (self.isa, self.shape(), dy.cols());
        let pieces = dy.data_mut().par_chunks_mut(ROWS * c);
        pieces
            .zip(scales.par_chunks(ROWS))
            .enumerate()
            .for_each(|(piece, (dy, scales))| {
                x.rows(piece * ROWS, ROWS, |x| {
                    normalise::backward(isa, shape, x, scales, dy)
                });
            });
        flow.give(X, dy);
    }

    /// `[1 x C]`: pieces of rows first, then the pieces in their order.
    fn weight_gradient(&self, x: &Opened, scales: &[Scale], dy: &Mat) -> Mat {
        let (isa, c) = (self.isa, dy.cols());
        let pieces: Vec<Vec<f32>> = dy
            .data()
            .par_chunks(ROWS * c)
            .zip(scales.par_chunks(ROWS))
            .enumerate()
            .map(|(piece, (dy, scales))| {
                let mut sums = vec![0.0; c];
                x.rows(piece * ROWS, ROWS, |x| {
                    normalise::weight_gradient(isa, x, scales, dy, &mut sums);
                });
                sums
            })
            .collect();
        super::sums::piece_sums(c, pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Grads;
    use crate::proof::{Plain, check, random};
    use crate::tape::backward_from;

    /// Of x, weight and, if there is a third input, bias.
    fn formula(kind: NormKind, eps: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let (x, weight) = (&inputs[0], &inputs[1]);
            let count = x.cols as f64;
            let rows: Vec<(f64, f64)> = (0..x.rows)
                .map(|t| {
                    let mean = match kind {
                        NormKind::Layer => x.row(t).iter().sum::<f64>() / count,
                        NormKind::Rms => 0.0,
                    };
                    let squares: f64 = x.row(t).iter().map(|x| (x - mean).powi(2)).sum();
                    (mean, (squares / count + eps).sqrt())
                })
                .collect();
            Plain::from_fn(x.rows, x.cols, |t, c| {
                let bias = inputs.get(2).map_or(0.0, |bias| bias.at(0, c));
                (x.at(t, c) - rows[t].0) / rows[t].1 * weight.at(0, c) + bias
            })
        }
    }

    fn of(kind: NormKind, params: &[Param]) -> Norm {
        Norm {
            name: "norm".into(),
            weight: params[1].clone(),
            bias: params.get(2).cloned(),
            kind,
            eps: 1e-3,
        }
    }

    fn inputs(t: usize, c: usize, biased: bool) -> Vec<Mat> {
        let mut inputs = vec![random("x", t, c, 2.0), random("w", 1, c, 1.0)];
        inputs.extend(biased.then(|| random("b", 1, c, 1.0)));
        inputs
    }

    #[test]
    fn both_norms_agree_with_the_plain_formula() {
        for (kind, biased) in [
            (NormKind::Layer, true),
            (NormKind::Layer, false),
            (NormKind::Rms, false),
        ] {
            for (t, c) in [(1, 1), (1, 2), (3, 33), (70, 5), (2, 64), (4, 97)] {
                check(
                    &inputs(t, c, biased),
                    |pass, vars, params| norm(pass, &vars[0], &of(kind, params)),
                    formula(kind, f64::from(1e-3f32)),
                )
                .unwrap_or_else(|off| panic!("{kind:?} {t} x {c}: {off}"));
            }
        }
    }

    #[test]
    fn the_oracle_tells_the_two_norms_and_another_eps_apart() {
        let swapped = check(
            &inputs(3, 33, false),
            |pass, vars, params| norm(pass, &vars[0], &of(NormKind::Rms, params)),
            formula(NormKind::Layer, f64::from(1e-3f32)),
        );
        assert!(swapped.is_err());
        let other = check(
            &inputs(3, 33, false),
            |pass, vars, params| norm(pass, &vars[0], &of(NormKind::Rms, params)),
            formula(NormKind::Rms, 1.1e-3),
        );
        assert!(other.is_err());
    }

    #[test]
    fn wide_rows_far_from_zero_keep_their_digits() {
        let (t, c) = (2, 4099);
        let mut inputs = inputs(t, c, true);
        for number in inputs[0].data_mut() {
            *number += 10.0;
        }
        let params: Vec<Param> = inputs
            .iter()
            .map(|mat| Param::frozen("p", mat.clone()))
            .collect();
        let pass = Pass::inference();
        let y = norm(&pass, &pass.leaf(&params[0]), &of(NormKind::Layer, &params)).unwrap();
        let plain: Vec<Plain> = inputs
            .iter()
            .map(|mat| Plain::from_fn(mat.rows(), mat.cols(), |t, c| f64::from(mat.row(t)[c])))
            .collect();
        let expected = formula(NormKind::Layer, f64::from(1e-3f32))(&plain);
        crate::proof::compare("wide", y.value(), &expected, 1e-6).unwrap();
    }

    #[test]
    fn a_row_depends_on_nothing_but_itself_on_every_instruction_set() {
        let (t, c) = (67, 131);
        let inputs = inputs(t, c, true);
        let params: Vec<Param> = inputs
            .iter()
            .map(|mat| Param::frozen("p", mat.clone()))
            .collect();
        let layer = of(NormKind::Layer, &params);
        let pass = Pass::inference().with_isa(Isa::Portable);
        let whole = norm(&pass, &pass.leaf(&params[0]), &layer).unwrap();
        for isa in Isa::available() {
            let pass = Pass::inference().with_isa(isa);
            for t in 0..t {
                let alone = pass.constant(Mat::row_vector(inputs[0].row(t).to_vec()));
                let alone = norm(&pass, &alone, &layer).unwrap();
                assert_eq!(alone.value().data(), whole.value().row(t), "{isa:?}");
            }
        }
    }

    #[test]
    fn frozen_parts_get_no_gradient() {
        let x = Param::trained("x", random("x", 3, 5, 1.0));
        let params = [x.clone(), Param::frozen("w", random("w", 1, 5, 1.0))];
        let pass = Pass::recording();
        let y = norm(&pass, &pass.leaf(&x), &of(NormKind::Rms, &params)).unwrap();
        let mut grads = Grads::new();
        backward_from(&y, random("dy", 3, 5, 1.0), &mut grads).unwrap();
        assert_eq!(grads.len(), 1);
    }

    #[test]
    fn other_widths_and_empty_batches_are_refused() {
        let pass = Pass::inference();
        let params: Vec<Param> = inputs(3, 5, true)
            .into_iter()
            .map(|mat| Param::frozen("p", mat))
            .collect();
        let layer = of(NormKind::Layer, &params);
        let narrow = norm(&pass, &pass.constant(Mat::zeros(3, 4)), &layer);
        assert!(matches!(narrow.err(), Some(Error::Shape { .. })));
        let empty = norm(&pass, &pass.constant(Mat::zeros(0, 5)), &layer);
        assert_eq!(empty.err(), Some(Error::Empty { op: "norm" }));
    }
}

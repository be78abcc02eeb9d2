//! Layer norm and rms norm, as the reference libraries compute them in f32.
//!
//! Keeps its input and two numbers per row; a row's result depends on nothing but the row.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::keep::Kept;
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
const ROWS: usize = 32;

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
        let x = kept.mat();
        if flow.needs(WEIGHT) {
            flow.give(WEIGHT, self.weight_gradient(&x, scales, &dy));
        }
        if flow.needs(BIAS) {
            flow.give(BIAS, super::sums::column_sums(&dy));
        }
        if !flow.needs(X) {
            return;
        }
        let c = x.cols();
        let (isa, shape) = (self.isa, self.shape());
        dy.data_mut()
            .par_chunks_mut(ROWS * c)
            .zip(x.data().par_chunks(ROWS * c))
            .zip(scales.par_chunks(ROWS))
            .for_each(|((dy, x), scales)| normalise::backward(isa, shape, x, scales, dy));
        flow.give(X, dy);
    }

    /// `[1 x C]`: pieces of rows first, then the pieces in their order.
    fn weight_gradient(&self, x: &Mat, scales: &[Scale], dy: &Mat) -> Mat {
        let (isa, c) = (self.isa, x.cols());
        let pieces: Vec<Vec<f32>> = x
            .data()
            .par_chunks(ROWS * c)
            .zip(dy.data().par_chunks(ROWS * c))
            .zip(scales.par_chunks(ROWS))
            .map(|((x, dy), scales)| {
                let mut sums = vec![0.0; c];
                normalise::weight_gradient(isa, x, scales, dy, &mut sums);
                sums
            })
            .collect();
        super::sums::piece_sums(c, pieces)
    }
}

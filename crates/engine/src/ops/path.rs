//! The low-rank path of a map as it stands in one pass, forth and back, with what a magnitude or a
//! task adds to it.
//!
//! It refuses to know the map's own weight: that product is `applied`'s.

use std::sync::Arc;

use rayon::prelude::*;

use super::applied::{PathGradients, add, add_product, wanted};
use super::dropout::Dropout;
use super::linear::Linear;
use super::low_rank::LowRank;
use super::sums::column_sums;
use crate::error::Result;
use crate::keep::{Keep, Kept};
use crate::kernel::Isa;
use crate::kernel::multiply::Write;
use crate::mat::Mat;
use crate::product::{self, Epilogue};
use crate::tape::{Pass, Var};

/// The low-rank path as values of one pass.
#[derive(Clone)]
pub(super) struct Path {
    down: Var,
    up: Var,
    scale: f32,
    dropout: Option<Dropout>,
    pub(super) gauge: Option<Gauge>,
    mixed: Option<Mixed>,
}

/// What lies between the way forth and the way back.
pub(super) struct Between {
    /// What B reads: `scale * dropout(x) A^T [T x R]`, or its mixture `[T x I R]` for the task.
    hidden: Mat,
    /// `scale * dropout(x) A^T [T x R]`, where the task turns it.
    narrow: Option<Mat>,
    /// What the magnitude multiplies, `[T x N]`, if it is trained.
    pub(super) inner: Option<Kept>,
}

/// Where the path's part of the input's gradient goes: straight to `dx`, or first to that of the
/// dropped input, which has row `first` of the whole as its row 0.
pub(super) struct Seen<'a> {
    pub(super) first: usize,
    pub(super) dx: Option<&'a mut Mat>,
    pub(super) dseen: Option<&'a mut Mat>,
}

impl Path {
    pub(super) fn new(pass: &Pass, low_rank: &LowRank, map: &Linear) -> Result<Path> {
        let (down, up) = (pass.leaf(&low_rank.down), pass.leaf(&low_rank.up));
        let gauge = low_rank.magnitude.as_ref().map(|magnitude| {
            let pair = (&down.share(), &up.share());
            let lengths = magnitude.lengths(&map.map, pair, low_rank.scale);
            Gauge::new(pass, pass.leaf(magnitude.param()), &lengths)
        });
        let mixed = match &low_rank.tasks {
            None => None,
            Some(tasks) => {
                let (turn, weights) = tasks.of(pass, &map.name)?;
                Some(Mixed::new(
                    pass.leaf(turn),
                    pass.leaf(weights),
                    tasks.temperature,
                ))
            }
        };
        Ok(Path {
            down,
            up,
            scale: low_rank.scale,
            dropout: Dropout::of(pass, low_rank.dropout, &map.name),
            gauge,
            mixed,
        })
    }

    /// A, B, magnitude, turn and mixture.
    pub(super) fn leaves(&self) -> [Option<&Var>; 5] {
        let mixed = self.mixed.as_ref();
        [
            Some(&self.down),
            Some(&self.up),
            self.gauge.as_ref().map(|gauge| &gauge.magnitude),
            mixed.map(|mixed| &mixed.turn),
            mixed.map(|mixed| &mixed.weights),
        ]
    }

    /// Whether anything is dropped in this pass.
    pub(super) fn drops(&self) -> bool {
        self.dropout.is_some()
    }

    /// The input as the path sees it, where that is not the input itself.
    pub(super) fn dropped(&self, isa: Isa, x: &Mat, first: usize) -> Option<Mat> {
        self.dropout.map(|dropout| dropout.apply(isa, x, first))
    }

    /// Adds the path on the dropped input `x` to `y`.
    pub(super) fn forward(&self, isa: Isa, x: &Mat, y: &mut Mat) -> Between {
        let (t, k) = x.shape();
        let (down, up) = (self.down.value(), self.up.value());
        let rank = down.rows();
        let mut narrow = Mat::stale(t, rank);
        let (shape, out) = ((t, rank, k), narrow.data_mut());
        product::trained_forward(isa, shape, x.data(), down.data(), out, Epilogue::SET);
        narrow.scale(self.scale);
        let (hidden, narrow) = match &self.mixed {
            None => (narrow, None),
            Some(mixed) => (mixed.forward(isa, &narrow), Some(narrow)),
        };
        let (n, width) = up.shape();
        let (h, out) = (hidden.data(), y.data_mut());
        product::trained_forward(isa, (t, n, width), h, up.data(), out, Epilogue::ADD);
        Between {
            hidden,
            narrow,
            inner: None,
        }
    }

    /// Gradients of the path's parts, and its part of the input's; `x` is the input as the path
    /// sees it.
    pub(super) fn backward(
        &self,
        isa: Isa,
        (dy, x, between): (&Mat, Option<&Mat>, &Between),
        to: Seen<'_>,
        sums: &mut PathGradients,
    ) {
        let (t, n) = dy.shape();
        if self.up.needs_gradient() {
            add_product(isa, dy, &between.hidden, &mut sums.up);
        }
        let mixes = self.mixed.as_ref().is_some_and(Mixed::is_trained);
        if to.dx.is_none() && !self.down.needs_gradient() && !mixes {
            return;
        }
        let up = self.up.value();
        let mut dh = Mat::stale(t, up.cols());
        let (shape, out) = ((t, n, up.cols()), dh.data_mut());
        product::trained_backward(isa, shape, dy.data(), up.data(), out, Write::Set);
        if let (Some(mixed), Some(narrow)) = (&self.mixed, &between.narrow) {
            dh = mixed.backward(isa, &dh, narrow, sums);
        }
        dh.scale(self.scale);
        if let Some(x) = x.filter(|_| self.down.needs_gradient()) {
            add_product(isa, &dh, x, &mut sums.down);
        }
        self.input_gradient(isa, &dh, to);
    }

    /// Adds `dh A`, through the dropout, to the gradient of the input.
    fn input_gradient(&self, isa: Isa, dh: &Mat, to: Seen<'_>) {
        let Some(dx) = to.dx else { return };
        let (rank, k) = self.down.shape();
        let (down, shape) = (self.down.value().data(), (dh.rows(), rank, k));
        let into = |out: &mut Mat, write| {
            product::trained_backward(isa, shape, dh.data(), down, out.data_mut(), write);
        };
        let Some(dropout) = self.dropout else {
            return into(dx, Write::Add);
        };
        let part = match to.dseen {
            Some(dseen) => {
                into(dseen, Write::Add);
                dropout.apply(isa, dseen, to.first)
            }
            None => {
                let mut part = Mat::stale(dh.rows(), k);
                into(&mut part, Write::Set);
                dropout.apply(isa, &part, to.first)
            }
        };
        dx.add_assign(&part);
    }
}

/// A magnitude in one pass: the factor of every output.
#[derive(Clone)]
pub(super) struct Gauge {
    magnitude: Var,
    keep: Keep,
    /// `g = m / length`, `[N]`. A row without length has no direction and stays zero.
    factors: Arc<[f32]>,
    /// `1 / length`, `[N]`.
    inverses: Arc<[f32]>,
}

impl Gauge {
    fn new(pass: &Pass, magnitude: Var, lengths: &[f64]) -> Gauge {
        let inverse = |length: f64| if length > 0.0 { 1.0 / length } else { 0.0 };
        let m = magnitude.value().data();
        let factor = |(m, length): (&f32, &f64)| (f64::from(*m) * inverse(*length)) as f32;
        Gauge {
            factors: m.iter().zip(lengths).map(factor).collect(),
            inverses: lengths
                .iter()
                .map(|length| inverse(*length) as f32)
                .collect(),
            keep: pass.keep(),
            magnitude,
        }
    }

    /// `y += g * inner`.
    pub(super) fn add_to(&self, y: &mut Mat, inner: &Mat) {
        let (n, factors) = (y.cols(), &*self.factors);
        let rows = y
            .data_mut()
            .par_chunks_mut(n)
            .zip(inner.data().par_chunks(n));
        rows.for_each(|(y, inner)| {
            for ((y, u), g) in y.iter_mut().zip(inner).zip(factors) {
                *y += g * u;
            }
        });
    }

    /// `y = g * inner + bias + residual`.
    pub(super) fn finish(&self, inner: &Mat, bias: Option<&[f32]>, residual: Option<&Mat>) -> Mat {
        let mut y = self.times(inner);
        if let Some(bias) = bias {
            let rows = y.data_mut().par_chunks_mut(bias.len());
            rows.for_each(|row| row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias));
        }
        if let Some(residual) = residual {
            y.add_assign(residual);
        }
        y
    }

    /// `g * dy`, column by column.
    pub(super) fn times(&self, dy: &Mat) -> Mat {
        let ((t, n), factors) = (dy.shape(), &*self.factors);
        let mut out = Mat::stale(t, n);
        let rows = out
            .data_mut()
            .par_chunks_mut(n)
            .zip(dy.data().par_chunks(n));
        rows.for_each(|(out, dy)| {
            for ((out, dy), g) in out.iter_mut().zip(dy).zip(factors) {
                *out = g * dy;
            }
        });
        out
    }

    /// Puts aside what `gradient` needs.
    pub(super) fn keep(&self, inner: Mat) -> Option<Kept> {
        self.magnitude.needs_gradient().then(|| match self.keep {
            Keep::Exact => Kept::Exact(Arc::new(inner)),
            Keep::Half => Kept::half(&inner),
        })
    }

    /// `dm = sum_t dy * inner / length`, `[1 x N]`.
    pub(super) fn gradient(&self, dy: &Mat, between: &Between) -> Option<Mat> {
        let inner = between.inner.as_ref()?.mat();
        let mut both = dy.clone();
        let numbers = both.data_mut().par_iter_mut().zip(inner.data());
        numbers.for_each(|(dy, u)| *dy *= u);
        let mut sums = column_sums(&both);
        let numbers = sums.data_mut().iter_mut().zip(&*self.inverses);
        numbers.for_each(|(sum, inverse)| *sum *= inverse);
        Some(sums)
    }
}

/// What stands between A and B in a pass for one task.
#[derive(Clone)]
struct Mixed {
    /// `L [R x R]`.
    turn: Var,
    /// `w [1 x I]`.
    weights: Var,
    temperature: f32,
    /// `softmax(w / temperature)`, `[I]`.
    shares: Arc<[f32]>,
}

impl Mixed {
    fn new(turn: Var, weights: Var, temperature: f32) -> Mixed {
        let logits = weights.value().data().iter();
        let logits: Vec<f64> = logits.map(|w| f64::from(w / temperature)).collect();
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        Mixed {
            shares: powers.iter().map(|power| (power / sum) as f32).collect(),
            turn,
            weights,
            temperature,
        }
    }

    fn is_trained(&self) -> bool {
        [&self.turn, &self.weights]
            .into_iter()
            .any(|leaf| wanted(Some(leaf)))
    }

    /// `narrow L^T [T x R]`.
    fn turned(&self, isa: Isa, narrow: &Mat) -> Mat {
        let (t, rank) = narrow.shape();
        let mut out = Mat::stale(t, rank);
        let (turn, to) = (self.turn.value().data(), out.data_mut());
        let shape = (t, rank, rank);
        product::trained_forward(isa, shape, narrow.data(), turn, to, Epilogue::SET);
        out
    }

    /// `[T x I R]`: the turned rows once per projection, each times its share.
    fn forward(&self, isa: Isa, narrow: &Mat) -> Mat {
        let turned = self.turned(isa, narrow);
        let (t, rank) = narrow.shape();
        let mut out = Mat::stale(t, rank * self.shares.len());
        for row in 0..t {
            let parts = out.row_mut(row).chunks_exact_mut(rank);
            for (part, share) in parts.zip(&*self.shares) {
                for (out, number) in part.iter_mut().zip(turned.row(row)) {
                    *out = share * number;
                }
            }
        }
        out
    }

    /// From the gradient `[T x I R]` to that of `narrow [T x R]`.
    fn backward(&self, isa: Isa, dh: &Mat, narrow: &Mat, sums: &mut PathGradients) -> Mat {
        let (t, rank) = narrow.shape();
        let turned = self.turned(isa, narrow);
        let mut dturned = Mat::zeros(t, rank);
        let mut dshares = vec![0.0f64; self.shares.len()];
        for row in 0..t {
            let parts = dh.row(row).chunks_exact(rank);
            for ((part, share), dshare) in parts.zip(&*self.shares).zip(&mut dshares) {
                let numbers = dturned.row_mut(row).iter_mut().zip(part);
                numbers.for_each(|(sum, number)| *sum += share * number);
                let dot = part.iter().zip(turned.row(row));
                *dshare += dot.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            }
        }
        if self.weights.needs_gradient() {
            add(&mut sums.mixture, self.softmax_back(&dshares));
        }
        if self.turn.needs_gradient() {
            add_product(isa, &dturned, narrow, &mut sums.turn);
        }
        let mut dnarrow = Mat::stale(t, rank);
        let (turn, out) = (self.turn.value().data(), dnarrow.data_mut());
        let shape = (t, rank, rank);
        product::trained_backward(isa, shape, dturned.data(), turn, out, Write::Set);
        dnarrow
    }

    /// `dw [1 x I]` of the weights under the softmax.
    fn softmax_back(&self, dshares: &[f64]) -> Mat {
        let mean: f64 = self
            .shares
            .iter()
            .zip(dshares)
            .map(|(p, d)| f64::from(*p) * d)
            .sum();
        let gradient = |(share, d): (&f32, &f64)| {
            (f64::from(*share) * (d - mean) / f64::from(self.temperature)) as f32
        };
        Mat::row_vector(self.shares.iter().zip(dshares).map(gradient).collect())
    }
}

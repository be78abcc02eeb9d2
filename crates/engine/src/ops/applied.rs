//! A linear map as it stands in one pass: its products forth and back, with the bias and the
//! low-rank path. `linear` and the language-model loss are both written with it.
//!
//! It refuses to know the tape's order: it hands gradients over and lets the operation place them.

use std::sync::Arc;

use rayon::prelude::*;

use super::linear::{Linear, Map};
use super::path::{Between, Path, Seen};
use super::sums::column_sums;
use crate::error::Result;
use crate::kernel::Isa;
use crate::kernel::multiply::Write;
use crate::mat::Mat;
use crate::product::{self, Epilogue};
use crate::tape::{Flow, Pass, Var};
use crate::weight::Weight;

/// The map's numbers as they are in this pass, whatever an optimiser does before the way back.
#[derive(Clone)]
pub(super) struct Applied {
    isa: Isa,
    product: Product,
    weight: Option<Var>,
    bias: Option<Var>,
    path: Option<Path>,
}

/// Gradients of a map's own parts, summed over the rows that were walked.
#[derive(Default)]
pub(super) struct Gradients {
    weight: Option<Mat>,
    bias: Option<Mat>,
    pub(super) path: PathGradients,
}

/// Those of its low-rank path: A, B, the magnitude, and the parts of the pass's task.
#[derive(Default)]
pub(super) struct PathGradients {
    pub(super) down: Option<Mat>,
    pub(super) up: Option<Mat>,
    pub(super) magnitude: Option<Mat>,
    pub(super) turn: Option<Mat>,
    pub(super) mixture: Option<Mat>,
}

impl Gradients {
    /// In the order of `Applied::leaves`.
    fn all(&mut self) -> [&mut Option<Mat>; LEAVES] {
        let path = &mut self.path;
        [
            &mut self.weight,
            &mut self.bias,
            &mut path.down,
            &mut path.up,
            &mut path.magnitude,
            &mut path.turn,
            &mut path.mixture,
        ]
    }

    /// Multiplies all of them.
    pub(super) fn scale(&mut self, factor: f32) {
        for grad in self.all().into_iter().flatten() {
            grad.scale(factor);
        }
    }

    /// Delivers them to the inputs from place `first` on, in the order of `Applied::leaves`.
    pub(super) fn give(mut self, flow: &mut Flow<'_>, first: usize) {
        for (place, grad) in self.all().into_iter().enumerate() {
            if let Some(grad) = grad.take() {
                flow.give(first + place, grad);
            }
        }
    }
}

/// How many values of its own a map may have on the tape.
const LEAVES: usize = 7;

impl Applied {
    /// Refused where the path has parts for each task and the pass is for none of them.
    pub(super) fn new(pass: &Pass, map: &Linear) -> Result<Applied> {
        let path = map.low_rank.as_ref();
        Ok(Applied {
            isa: pass.isa(),
            product: Product::of(&map.map),
            weight: match &map.map {
                Map::Frozen(_) => None,
                Map::Trained(param) => Some(pass.leaf(param)),
            },
            bias: map.bias.as_ref().map(|bias| pass.leaf(bias)),
            path: path
                .map(|low_rank| Path::new(pass, low_rank, map))
                .transpose()?,
        })
    }

    /// Outputs `N`.
    pub(super) fn outputs(&self) -> usize {
        self.product.outputs()
    }

    /// The map's own values on the tape: weight, bias, A, B, magnitude, turn and mixture of the task.
    pub(super) fn leaves(&self) -> [Option<&Var>; LEAVES] {
        let path = self.path.as_ref().map(Path::leaves).unwrap_or_default();
        let [down, up, magnitude, turn, mixture] = path;
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        [weight, bias, down, up, magnitude, turn, mixture]
    }

    /// Whether the way back needs the map's input: for a trained weight or a trained `A`.
    pub(super) fn needs_input(&self) -> bool {
        let [weight, _, down, ..] = self.leaves();
        [weight, down].into_iter().any(wanted)
    }

    /// `y [T x N]`, and what the low-rank path keeps for the way back, where there is one.
    ///
    /// Row 0 of `x` is row `first` of the whole input: dropout is drawn by the place in the whole.
    pub(super) fn forward(
        &self,
        x: &Mat,
        residual: Option<&Mat>,
        first: usize,
    ) -> (Mat, Option<Between>) {
        let bias = self.bias.as_ref().map(|bias| bias.value().data());
        let Some(path) = &self.path else {
            return (self.base(x, bias, residual), None);
        };
        let dropped = path.dropped(self.isa, x, first);
        let seen = dropped.as_ref().unwrap_or(x);
        let Some(gauge) = &path.gauge else {
            let mut y = self.base(x, bias, residual);
            let between = path.forward(self.isa, seen, &mut y);
            return (y, Some(between));
        };
        let mut y = dropped.is_some().then(|| self.base(x, bias, residual));
        let mut inner = self.base(seen, None, None);
        if let Some(y) = &mut y {
            // What `g` does not change: the base on the whole input less the base on the dropped.
            y.data_mut()
                .par_iter_mut()
                .zip(inner.data())
                .for_each(|(y, z)| *y -= z);
        }
        let mut between = path.forward(self.isa, seen, &mut inner);
        let y = match y {
            Some(mut y) => {
                gauge.add_to(&mut y, &inner);
                y
            }
            None => gauge.finish(&inner, bias, residual),
        };
        between.inner = gauge.keep(inner);
        (y, Some(between))
    }

    /// `x W^T`, with what is given on top.
    fn base(&self, x: &Mat, bias: Option<&[f32]>, residual: Option<&Mat>) -> Mat {
        let mut y = Mat::stale(x.rows(), self.product.outputs());
        let epilogue = Epilogue {
            bias,
            residual: residual.map(Mat::data),
            into: Write::Set,
        };
        self.product.forward(self.isa, x, &mut y, epilogue);
        y
    }

    /// Adds the gradients of the map's own parts to `sums` and returns `dx [T x K]` if it is needed.
    ///
    /// `x` must be there if `needs_input` says so; `between` is what `forward` returned.
    pub(super) fn backward(
        &self,
        dy: &Mat,
        x: Option<&Mat>,
        between: Option<&Between>,
        first: usize,
        needs_dx: bool,
        sums: &mut Gradients,
    ) -> Option<Mat> {
        if wanted(self.bias.as_ref()) {
            add(&mut sums.bias, column_sums(dy));
        }
        let (Some(path), Some(between)) = (&self.path, between) else {
            return self.base_backward(dy, x, needs_dx, sums);
        };
        let gauged = path.gauge.as_ref().map(|gauge| {
            if let Some(grad) = gauge.gradient(dy, between) {
                add(&mut sums.path.magnitude, grad);
            }
            gauge.times(dy)
        });
        // What arrives at the product with the input, and what at the path.
        let inner = gauged.as_ref().unwrap_or(dy);
        let outer = if path.drops() { dy } else { inner };
        let mut dx = self.base_backward(outer, x, needs_dx, sums);
        let dropped = x.and_then(|x| path.dropped(self.isa, x, first));
        let seen = dropped.as_ref().or(x);
        let mut dseen = match &gauged {
            Some(gauged) if path.drops() => {
                let mut beyond = gauged.clone();
                beyond
                    .data_mut()
                    .par_iter_mut()
                    .zip(dy.data())
                    .for_each(|(du, dy)| *du -= dy);
                self.base_backward(&beyond, seen, needs_dx, sums)
            }
            _ => None,
        };
        let to = Seen {
            first,
            dx: dx.as_mut(),
            dseen: dseen.as_mut(),
        };
        path.backward(self.isa, (inner, seen, between), to, &mut sums.path);
        dx
    }

    /// Gradients of the product alone: that of a trained weight, and `dy W` if it is needed.
    fn base_backward(
        &self,
        dy: &Mat,
        x: Option<&Mat>,
        needs_dx: bool,
        sums: &mut Gradients,
    ) -> Option<Mat> {
        if let Some(x) = x.filter(|_| wanted(self.weight.as_ref())) {
            add_product(self.isa, dy, x, &mut sums.weight);
        }
        needs_dx.then(|| self.product.backward(self.isa, dy))
    }
}

pub(super) fn wanted(leaf: Option<&Var>) -> bool {
    leaf.is_some_and(Var::needs_gradient)
}

/// `sum += part`, from nothing at first.
pub(super) fn add(sum: &mut Option<Mat>, part: Mat) {
    match sum {
        Some(sum) => sum.add_assign(&part),
        None => *sum = Some(part),
    }
}

/// `sum [N x K] += dy^T x`, from nothing at first.
pub(super) fn add_product(isa: Isa, dy: &Mat, x: &Mat, sum: &mut Option<Mat>) {
    let shape = (dy.rows(), dy.cols(), x.cols());
    match sum {
        Some(sum) => {
            product::weight_gradient(isa, shape, dy.data(), x.data(), sum.data_mut(), Write::Add);
        }
        None => {
            let mut fresh = Mat::stale(dy.cols(), x.cols());
            let out = fresh.data_mut();
            product::weight_gradient(isa, shape, dy.data(), x.data(), out, Write::Set);
            *sum = Some(fresh);
        }
    }
}

/// The map without its bias and its path.
#[derive(Clone)]
enum Product {
    Frozen(Arc<Weight>),
    Trained(Arc<Mat>),
}

impl Product {
    fn of(map: &Map) -> Product {
        match map {
            Map::Frozen(weight) => Product::Frozen(Arc::clone(weight)),
            Map::Trained(param) => Product::Trained(param.value()),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Product::Frozen(weight) => weight.outputs(),
            Product::Trained(w) => w.rows(),
        }
    }

    fn forward(&self, isa: Isa, x: &Mat, y: &mut Mat, epilogue: Epilogue<'_>) {
        let t = x.rows();
        match self {
            Product::Frozen(weight) => weight.forward(isa, x.data(), t, y.data_mut(), epilogue),
            Product::Trained(w) => {
                let shape = (t, w.rows(), w.cols());
                product::trained_forward(isa, shape, x.data(), w.data(), y.data_mut(), epilogue);
            }
        }
    }

    /// `dx [T x K] = dy [T x N] W`.
    fn backward(&self, isa: Isa, dy: &Mat) -> Mat {
        let t = dy.rows();
        match self {
            Product::Frozen(weight) => {
                let mut dx = Mat::stale(t, weight.inputs());
                weight.backward(isa, dy.data(), t, dx.data_mut(), Write::Set);
                dx
            }
            Product::Trained(w) => {
                let mut dx = Mat::stale(t, w.cols());
                let shape = (t, w.rows(), w.cols());
                let out = dx.data_mut();
                product::trained_backward(isa, shape, dy.data(), w.data(), out, Write::Set);
                dx
            }
        }
    }
}

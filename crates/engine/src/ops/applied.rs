//! A linear map as it stands in one pass: its products forth and back, with the bias and the
//! low-rank path. `linear` and the language-model loss are both written with it.
//!
//! It refuses to know the tape's order: it hands gradients over and lets the operation place them.

use std::sync::Arc;

use super::dropout::Dropout;
use super::linear::{Linear, LowRank, Map};
use super::sums::column_sums;
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
    down: Option<Mat>,
    up: Option<Mat>,
}

impl Gradients {
    /// Multiplies all of them.
    pub(super) fn scale(&mut self, factor: f32) {
        let all = [
            &mut self.weight,
            &mut self.bias,
            &mut self.down,
            &mut self.up,
        ];
        for grad in all.into_iter().flatten() {
            grad.scale(factor);
        }
    }

    /// Delivers them to the inputs from place `first` on, in the order of `Applied::leaves`.
    pub(super) fn give(self, flow: &mut Flow<'_>, first: usize) {
        let all = [self.weight, self.bias, self.down, self.up];
        for (place, grad) in all.into_iter().enumerate() {
            if let Some(grad) = grad {
                flow.give(first + place, grad);
            }
        }
    }
}

impl Applied {
    pub(super) fn new(pass: &Pass, map: &Linear) -> Applied {
        Applied {
            isa: pass.isa(),
            product: Product::of(&map.map),
            weight: match &map.map {
                Map::Frozen(_) => None,
                Map::Trained(param) => Some(pass.leaf(param)),
            },
            bias: map.bias.as_ref().map(|bias| pass.leaf(bias)),
            path: map
                .low_rank
                .as_ref()
                .map(|low_rank| Path::new(pass, low_rank, &map.name)),
        }
    }

    /// Outputs `N`.
    pub(super) fn outputs(&self) -> usize {
        self.product.outputs()
    }

    /// The map's own values on the tape: weight, bias, A, B.
    pub(super) fn leaves(&self) -> [Option<&Var>; 4] {
        let path = self.path.as_ref();
        [
            self.weight.as_ref(),
            self.bias.as_ref(),
            path.map(|path| &path.down),
            path.map(|path| &path.up),
        ]
    }

    /// Whether the way back needs the map's input: for a trained weight or a trained `A`.
    pub(super) fn needs_input(&self) -> bool {
        let [weight, _, down, _] = self.leaves();
        [weight, down].into_iter().any(wanted)
    }

    /// `y [T x N]`, and `scale * dropout(x) A^T [T x R]` where there is a low-rank path.
    ///
    /// Row 0 of `x` is row `first` of the whole input: dropout is drawn by the place in the whole.
    pub(super) fn forward(
        &self,
        x: &Mat,
        residual: Option<&Mat>,
        first: usize,
    ) -> (Mat, Option<Mat>) {
        let mut y = Mat::stale(x.rows(), self.product.outputs());
        let epilogue = Epilogue {
            bias: self.bias.as_ref().map(|bias| bias.value().data()),
            residual: residual.map(Mat::data),
            into: Write::Set,
        };
        self.product.forward(self.isa, x, &mut y, epilogue);
        let path = self.path.as_ref();
        let hidden = path.map(|path| path.forward(self.isa, x, first, &mut y));
        (y, hidden)
    }

    /// Adds the gradients of the map's own parts to `sums` and returns `dx [T x K]` if it is needed.
    ///
    /// `x` must be there if `needs_input` says so; `hidden` is what `forward` returned.
    pub(super) fn backward(
        &self,
        dy: &Mat,
        x: Option<&Mat>,
        hidden: Option<&Mat>,
        first: usize,
        needs_dx: bool,
        sums: &mut Gradients,
    ) -> Option<Mat> {
        let [weight, bias, ..] = self.leaves();
        if let Some(x) = x.filter(|_| wanted(weight)) {
            add_product(self.isa, dy, x, &mut sums.weight);
        }
        if wanted(bias) {
            let part = column_sums(dy);
            match &mut sums.bias {
                Some(sum) => sum.add_assign(&part),
                None => sums.bias = Some(part),
            }
        }
        let mut dx = needs_dx.then(|| self.product.backward(self.isa, dy));
        if let (Some(path), Some(hidden)) = (&self.path, hidden) {
            path.backward(self.isa, (dy, x, hidden), first, dx.as_mut(), sums);
        }
        dx
    }
}

fn wanted(leaf: Option<&Var>) -> bool {
    leaf.is_some_and(Var::needs_gradient)
}

/// `sum [N x K] += dy^T x`, from nothing at first.
fn add_product(isa: Isa, dy: &Mat, x: &Mat, sum: &mut Option<Mat>) {
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

/// The low-rank path as values of one pass.
#[derive(Clone)]
struct Path {
    down: Var,
    up: Var,
    scale: f32,
    dropout: Option<Dropout>,
}

impl Path {
    fn new(pass: &Pass, low_rank: &LowRank, place: &str) -> Path {
        Path {
            down: pass.leaf(&low_rank.down),
            up: pass.leaf(&low_rank.up),
            scale: low_rank.scale,
            dropout: Dropout::of(pass, low_rank.dropout, place),
        }
    }

    /// Adds the path to `y` and returns `scale * dropout(x) A^T`, `[T x R]`.
    fn forward(&self, isa: Isa, x: &Mat, first: usize, y: &mut Mat) -> Mat {
        let (t, k) = x.shape();
        let (down, up) = (self.down.value(), self.up.value());
        let rank = down.rows();
        let dropped = self.dropout.map(|dropout| dropout.apply(isa, x, first));
        let x = dropped.as_ref().unwrap_or(x);
        let mut hidden = Mat::stale(t, rank);
        let shape = (t, rank, k);
        let (set, add) = (Epilogue::SET, Epilogue::ADD);
        product::trained_forward(isa, shape, x.data(), down.data(), hidden.data_mut(), set);
        hidden.scale(self.scale);
        let shape = (t, up.rows(), rank);
        product::trained_forward(isa, shape, hidden.data(), up.data(), y.data_mut(), add);
        hidden
    }

    /// Gradients of A and B, and the path's part of `dx`.
    fn backward(
        &self,
        isa: Isa,
        (dy, x, hidden): (&Mat, Option<&Mat>, &Mat),
        first: usize,
        dx: Option<&mut Mat>,
        sums: &mut Gradients,
    ) {
        let (t, n) = dy.shape();
        let (rank, k) = self.down.shape();
        if self.up.needs_gradient() {
            add_product(isa, dy, hidden, &mut sums.up);
        }
        if dx.is_none() && !self.down.needs_gradient() {
            return;
        }
        let mut dh = Mat::stale(t, rank);
        let (up, out) = (self.up.value().data(), dh.data_mut());
        product::trained_backward(isa, (t, n, rank), dy.data(), up, out, Write::Set);
        dh.scale(self.scale);
        if let Some(x) = x.filter(|_| self.down.needs_gradient()) {
            let dropped = self.dropout.map(|dropout| dropout.apply(isa, x, first));
            add_product(isa, &dh, dropped.as_ref().unwrap_or(x), &mut sums.down);
        }
        let Some(dx) = dx else { return };
        let (down, shape) = (self.down.value().data(), (t, rank, k));
        match self.dropout {
            None => {
                product::trained_backward(isa, shape, dh.data(), down, dx.data_mut(), Write::Add);
            }
            Some(dropout) => {
                let mut part = Mat::stale(t, k);
                let out = part.data_mut();
                product::trained_backward(isa, shape, dh.data(), down, out, Write::Set);
                dx.add_assign(&dropout.apply(isa, &part, first));
            }
        }
    }
}

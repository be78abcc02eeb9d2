//! A linear map, frozen or trained, with a belt's low-rank path, the bias and the residual fused in.
//!
//! It knows nothing of quantisation (that is the weight's own affair) and nothing of where in a
//! model it stands, except its name.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::elementwise::PIECE;
use crate::kernel::multiply::Into;
use crate::mat::Mat;
use crate::param::Param;
use crate::product::{self, Epilogue};
use crate::random::Stream;
use crate::tape::{Flow, Pass, Var};
use crate::weight::Weight;

/// The numbers of a linear map or of an embedding table: `[N x K]`.
#[derive(Clone)]
pub enum Map {
    /// Packed in the precision of the base; gets no gradient.
    Frozen(Arc<Weight>),
    /// Plain f32 that an optimiser changes.
    Trained(Param),
}

impl Map {
    /// Outputs `N` of a linear map, rows of a table.
    pub fn outputs(&self) -> usize {
        match self {
            Map::Frozen(weight) => weight.outputs(),
            Map::Trained(param) => param.value().rows(),
        }
    }

    /// Inputs `K` of a linear map, width of a table.
    pub fn inputs(&self) -> usize {
        match self {
            Map::Frozen(weight) => weight.inputs(),
            Map::Trained(param) => param.value().cols(),
        }
    }
}

/// The low-rank path of a belt beside a linear map: `scale * dropout(x) A^T B^T`.
#[derive(Clone)]
pub struct LowRank {
    /// `A [R x K]`.
    pub down: Param,
    /// `B [N x R]`.
    pub up: Param,
    /// `alpha / r`, or `alpha / sqrt(r)` where the rank is stabilised.
    pub scale: f32,
    /// Share of the inputs that are dropped before `A`, in passes that have randomness.
    pub dropout: f32,
}

/// A named linear map of a base: `y = x W^T + bias`, and what a belt adds to it.
#[derive(Clone)]
pub struct Linear {
    pub name: String,
    pub map: Map,
    pub bias: Option<Param>,
    pub low_rank: Option<LowRank>,
}

impl Linear {
    pub fn outputs(&self) -> usize {
        self.map.outputs()
    }

    pub fn inputs(&self) -> usize {
        self.map.inputs()
    }

    /// Puts a low-rank path beside the map, if its shapes fit.
    pub fn attach(&mut self, low_rank: LowRank) -> Result<()> {
        let (down, up) = (low_rank.down.value(), low_rank.up.value());
        let rank = down.rows();
        if rank == 0 || down.cols() != self.inputs() || up.shape() != (self.outputs(), rank) {
            return Err(Error::shape(
                "low-rank path",
                format_args!(
                    "{}: A [r x {}], B [{} x r]",
                    self.name,
                    self.inputs(),
                    self.outputs()
                ),
                format_args!("A {}, B {}", down.shape_text(), up.shape_text()),
            ));
        }
        self.low_rank = Some(low_rank);
        Ok(())
    }
}

/// `y [T x N] = x [T x K] W^T + bias + scale * dropout(x) A^T B^T + residual [T x N]`.
pub fn linear(pass: &Pass, x: &Var, map: &Linear, residual: Option<&Var>) -> Result<Var> {
    check(x, map, residual)?;
    let bias = map.bias.as_ref().map(|bias| pass.leaf(bias));
    let weight = match &map.map {
        Map::Frozen(_) => None,
        Map::Trained(param) => Some(pass.leaf(param)),
    };
    let mut y = Mat::stale(x.rows(), map.outputs());
    let epilogue = Epilogue {
        bias: bias.as_ref().map(|bias| bias.value().data()),
        residual: residual.map(|residual| residual.value().data()),
        into: Into::Set,
    };
    let product = Product::of(&map.map);
    product.forward(pass.isa(), x.value(), &mut y, epilogue);
    let path = map.low_rank.as_ref().map(|low_rank| {
        let path = Path::new(pass, low_rank, &map.name);
        let hidden = path.forward(pass.isa(), x.value(), &mut y);
        (path, hidden)
    });

    let down = path.as_ref().map(|(path, _)| &path.down);
    let up = path.as_ref().map(|(path, _)| &path.up);
    let inputs = [Some(x), residual, bias.as_ref(), weight.as_ref(), down, up];
    Ok(pass.record(y, &inputs, || {
        let wanted = [&weight, &down.cloned()]
            .into_iter()
            .flatten()
            .any(Var::needs_gradient);
        let x = wanted.then(|| x.kept(pass));
        let isa = pass.isa();
        let path = path.as_ref().map(|(path, hidden)| path.kept(hidden));
        move |dy, flow| {
            let x = x.map(|x| x.mat());
            if let Some(x) = x.as_deref().filter(|_| flow.needs(WEIGHT)) {
                flow.give(WEIGHT, product.weight_gradient(isa, &dy, x));
            }
            if flow.needs(BIAS) {
                flow.give(BIAS, column_sums(&dy));
            }
            let mut dx = flow.needs(X).then(|| product.backward(isa, &dy));
            if let Some(path) = path {
                path.backward(isa, &dy, x.as_deref(), dx.as_mut(), flow);
            }
            if let Some(dx) = dx {
                flow.give(X, dx);
            }
            flow.give(RESIDUAL, dy);
            Ok(())
        }
    }))
}

/// Places of the inputs on the tape.
const X: usize = 0;
const RESIDUAL: usize = 1;
const BIAS: usize = 2;
const WEIGHT: usize = 3;
const DOWN: usize = 4;
const UP: usize = 5;

fn check(x: &Var, map: &Linear, residual: Option<&Var>) -> Result<()> {
    let (t, n, k) = (x.rows(), map.outputs(), map.inputs());
    if t == 0 {
        return Err(Error::Empty { op: "linear" });
    }
    if x.cols() != k {
        return Err(Error::shape(
            "linear",
            format_args!("{}: an input of width {k}", map.name),
            x.value().shape_text(),
        ));
    }
    match residual.filter(|residual| residual.shape() != (t, n)) {
        Some(residual) => Err(Error::shape(
            "linear",
            format_args!("{}: a residual [{t} x {n}]", map.name),
            residual.value().shape_text(),
        )),
        None => Ok(()),
    }
}

/// The numbers of the map as they are in this pass, whatever an optimiser does before the way back.
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
                weight.backward(isa, dy.data(), t, dx.data_mut(), Into::Set);
                dx
            }
            Product::Trained(w) => {
                let mut dx = Mat::stale(t, w.cols());
                let shape = (t, w.rows(), w.cols());
                let out = dx.data_mut();
                product::trained_backward(isa, shape, dy.data(), w.data(), out, Into::Set);
                dx
            }
        }
    }

    /// `dW [N x K] = dy^T x`.
    fn weight_gradient(&self, isa: Isa, dy: &Mat, x: &Mat) -> Mat {
        let mut dw = Mat::stale(dy.cols(), x.cols());
        let shape = (dy.rows(), dy.cols(), x.cols());
        product::weight_gradient(isa, shape, dy.data(), x.data(), dw.data_mut(), Into::Set);
        dw
    }
}

/// The low-rank path as values of one pass.
struct Path {
    down: Var,
    up: Var,
    scale: f32,
    dropout: Option<Dropout>,
}

/// Which inputs of the low-rank path are dropped: a pure function of the element's place.
#[derive(Clone, Copy)]
struct Dropout {
    stream: Stream,
    share: f32,
}

/// What the low-rank path keeps for its way back.
struct KeptPath {
    down: Arc<Mat>,
    up: Arc<Mat>,
    hidden: Mat,
    scale: f32,
    dropout: Option<Dropout>,
}

impl Path {
    fn new(pass: &Pass, low_rank: &LowRank, place: &str) -> Path {
        let stream = pass.stream(place).filter(|_| low_rank.dropout > 0.0);
        Path {
            down: pass.leaf(&low_rank.down),
            up: pass.leaf(&low_rank.up),
            scale: low_rank.scale,
            dropout: stream.map(|stream| Dropout {
                stream,
                share: low_rank.dropout,
            }),
        }
    }

    /// Adds the path to `y` and returns `scale * dropout(x) A^T`, `[T x R]`.
    fn forward(&self, isa: Isa, x: &Mat, y: &mut Mat) -> Mat {
        let (t, k) = x.shape();
        let (down, up) = (self.down.value(), self.up.value());
        let rank = down.rows();
        let dropped = self.dropout.map(|dropout| dropout.apply(x));
        let x = dropped.as_ref().unwrap_or(x);
        let mut hidden = Mat::stale(t, rank);
        let shape = (t, rank, k);
        let (down, set) = (down.data(), Epilogue::SET);
        product::trained_forward(isa, shape, x.data(), down, hidden.data_mut(), set);
        hidden.scale(self.scale);
        let out = y.data_mut();
        product::low_rank_up(isa, (t, up.rows(), rank), hidden.data(), up.data(), out);
        hidden
    }

    fn kept(&self, hidden: &Mat) -> KeptPath {
        KeptPath {
            down: self.down.share(),
            up: self.up.share(),
            hidden: hidden.clone(),
            scale: self.scale,
            dropout: self.dropout,
        }
    }
}

impl KeptPath {
    /// Gradients of A and B, and the path's part of `dx`.
    fn backward(
        self,
        isa: Isa,
        dy: &Mat,
        x: Option<&Mat>,
        dx: Option<&mut Mat>,
        flow: &mut Flow<'_>,
    ) {
        let (t, n) = dy.shape();
        let (rank, k) = self.down.shape();
        if flow.needs(UP) {
            let mut up = Mat::stale(n, rank);
            let (hidden, out) = (self.hidden.data(), up.data_mut());
            product::weight_gradient(isa, (t, n, rank), dy.data(), hidden, out, Into::Set);
            flow.give(UP, up);
        }
        let mut dh = Mat::stale(t, rank);
        let (up, out) = (self.up.data(), dh.data_mut());
        product::trained_backward(isa, (t, n, rank), dy.data(), up, out, Into::Set);
        dh.scale(self.scale);
        if let Some(x) = x.filter(|_| flow.needs(DOWN)) {
            let dropped = self.dropout.map(|dropout| dropout.apply(x));
            let x = dropped.as_ref().unwrap_or(x);
            let mut down = Mat::stale(rank, k);
            let out = down.data_mut();
            product::weight_gradient(isa, (t, rank, k), dh.data(), x.data(), out, Into::Set);
            flow.give(DOWN, down);
        }
        let Some(dx) = dx else { return };
        let (down, shape) = (self.down.data(), (t, rank, k));
        match self.dropout {
            None => {
                product::trained_backward(isa, shape, dh.data(), down, dx.data_mut(), Into::Add);
            }
            Some(dropout) => {
                let mut part = Mat::stale(t, k);
                let out = part.data_mut();
                product::trained_backward(isa, shape, dh.data(), down, out, Into::Set);
                dx.add_assign(&dropout.apply(&part));
            }
        }
    }
}

impl Dropout {
    /// Zeroes the dropped elements and scales the others so that the expectation stays.
    fn apply(self, x: &Mat) -> Mat {
        let mut out = Mat::stale(x.rows(), x.cols());
        let factor = 1.0 / (1.0 - self.share);
        out.data_mut()
            .par_chunks_mut(PIECE)
            .zip(x.data().par_chunks(PIECE))
            .enumerate()
            .for_each(|(piece, (out, x))| {
                for (place, (out, x)) in out.iter_mut().zip(x).enumerate() {
                    let kept = self.stream.uniform((piece * PIECE + place) as u64) >= self.share;
                    *out = if kept { x * factor } else { 0.0 };
                }
            });
        out
    }
}

/// Sums down each column, `[1 x N]`: in pieces of a fixed number of rows, then over the pieces.
pub(crate) fn column_sums(mat: &Mat) -> Mat {
    const ROWS: usize = 64;
    let cols = mat.cols();
    let pieces: Vec<Vec<f32>> = mat
        .data()
        .par_chunks(ROWS * cols)
        .map(|piece| {
            let mut sums = vec![0.0f32; cols];
            for row in piece.chunks_exact(cols) {
                for (sum, number) in sums.iter_mut().zip(row) {
                    *sum += number;
                }
            }
            sums
        })
        .collect();
    let mut sums = Mat::zeros(1, cols);
    for piece in pieces {
        for (sum, number) in sums.data_mut().iter_mut().zip(piece) {
            *sum += number;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Grads;
    use crate::proof::{Plain, check, compare, random};
    use crate::tape::backward_from;
    use crate::weight::Precision;

    /// `x W^T + b + scale x A^T B^T + r`, from x, W, b, A, B, r.
    fn formula(scale: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let [x, w, bias, down, up, residual] = inputs else {
                unreachable!()
            };
            Plain::from_fn(x.rows, w.rows, |t, n| {
                let dot = |row: &[f64]| x.row(t).iter().zip(row).map(|(x, w)| x * w).sum::<f64>();
                let low: f64 = (0..down.rows).map(|r| up.at(n, r) * dot(down.row(r))).sum();
                dot(w.row(n)) + bias.at(0, n) + scale * low + residual.at(t, n)
            })
        }
    }

    fn inputs(t: usize, n: usize, k: usize, r: usize) -> [Mat; 6] {
        [
            random("x", t, k, 1.0),
            random("w", n, k, 0.5),
            random("b", 1, n, 0.5),
            random("A", r, k, 0.5),
            random("B", n, r, 0.5),
            random("r", t, n, 1.0),
        ]
    }

    fn trained(params: &[Param], scale: f32) -> Linear {
        Linear {
            name: "map".into(),
            map: Map::Trained(params[1].clone()),
            bias: Some(params[2].clone()),
            low_rank: Some(LowRank {
                down: params[3].clone(),
                up: params[4].clone(),
                scale,
                dropout: 0.0,
            }),
        }
    }

    const SHAPES: [(usize, usize, usize, usize); 5] = [
        (1, 1, 1, 1),
        (1, 33, 7, 2),
        (5, 8, 64, 3),
        (17, 3, 5, 8),
        (6, 40, 35, 4),
    ];

    #[test]
    fn a_trained_map_with_a_low_rank_path_agrees_with_the_plain_formula() {
        for (t, n, k, r) in SHAPES {
            check(
                &inputs(t, n, k, r),
                |pass, vars, params| linear(pass, &vars[0], &trained(params, 0.7), Some(&vars[5])),
                formula(f64::from(0.7f32)),
            )
            .unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_an_unscaled_low_rank_path() {
        let wrong = check(
            &inputs(5, 8, 64, 3),
            |pass, vars, params| linear(pass, &vars[0], &trained(params, 1.0), Some(&vars[5])),
            formula(f64::from(0.7f32)),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn a_frozen_map_gives_the_same_input_gradient_and_no_weight_gradient() {
        let (t, n, k) = (5, 33, 40);
        let [x, w, ..] = inputs(t, n, k, 1);
        let dy = random("dy", t, n, 1.0);
        let frozen = Linear {
            name: "map".into(),
            map: Map::Frozen(Arc::new(Weight::pack(Precision::F32, n, k, w.data()))),
            bias: None,
            low_rank: None,
        };
        let input = Param::trained("x", x);
        let pass = Pass::recording();
        let y = linear(&pass, &pass.leaf(&input), &frozen, None).unwrap();
        let mut grads = Grads::new();
        backward_from(&y, dy.clone(), &mut grads).unwrap();
        assert_eq!(grads.len(), 1);
        let expected = Plain::from_fn(t, k, |t, k| {
            (0..n)
                .map(|n| f64::from(dy.row(t)[n]) * f64::from(w.row(n)[k]))
                .sum()
        });
        compare("dx", grads.get(&input).unwrap(), &expected, 1e-6).unwrap();
    }

    #[test]
    fn dropout_keeps_the_expectation_and_repeats_itself() {
        let (t, k) = (50, 400);
        let dropout = Dropout {
            stream: Stream::new(3, 9, "map"),
            share: 0.25,
        };
        let ones = Mat::from_vec(t, k, vec![1.0; t * k]);
        let once = dropout.apply(&ones);
        let mean = once.data().iter().sum::<f32>() / (t * k) as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert_eq!(once, dropout.apply(&ones));
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let [x, w, ..] = inputs(5, 8, 64, 3);
        let map = Linear {
            name: "map".into(),
            map: Map::Trained(Param::trained("w", w)),
            bias: None,
            low_rank: None,
        };
        let pass = Pass::inference();
        let narrow = pass.constant(Mat::zeros(5, 63));
        assert!(linear(&pass, &narrow, &map, None).is_err());
        let empty = pass.constant(Mat::zeros(0, 64));
        assert!(linear(&pass, &empty, &map, None).is_err());
        let x = pass.constant(x);
        assert!(linear(&pass, &x, &map, Some(&narrow)).is_err());
    }
}

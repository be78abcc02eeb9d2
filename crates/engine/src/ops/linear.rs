//! A linear map, frozen or trained, with a belt's low-rank path, the bias and the residual fused in.
//!
//! It knows nothing of quantisation (that is the weight's own affair) and nothing of where in a
//! model it stands, except its name.

use std::sync::Arc;

use super::applied::{Applied, Gradients};
use super::low_rank::LowRank;
use crate::error::{Error, Result};
use crate::param::Param;
use crate::tape::{Pass, Var};
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
        low_rank.check(&self.name, &self.map)?;
        self.low_rank = Some(low_rank);
        Ok(())
    }
}

/// `y [T x N] = x [T x K] W^T + bias + scale * dropout(x) A^T B^T + residual [T x N]`, or with a
/// magnitude `m`, and `g = m / |W + scale B A|` of every output,
/// `y = g (x W^T + scale x A^T B^T) + bias + residual`. There dropout acts on what `g` changes only:
/// `y = x W^T + (g - 1) dropout(x) W^T + g scale dropout(x) A^T B^T + bias + residual`.
pub fn linear(pass: &Pass, x: &Var, map: &Linear, residual: Option<&Var>) -> Result<Var> {
    check("linear", x, map)?;
    check_residual(x, map, residual)?;
    let map = Applied::new(pass, map)?;
    let (y, between) = map.forward(x.value(), residual.map(Var::value), 0);
    let [weight, bias, down, up, magnitude, turn, mixture] = map.leaves();
    let inputs = [
        Some(x),
        residual,
        weight,
        bias,
        down,
        up,
        magnitude,
        turn,
        mixture,
    ];
    Ok(pass.record(y, &inputs, || {
        let x = map.needs_input().then(|| x.kept(pass));
        let map = map.clone();
        move |dy, flow| {
            let x = x.map(|x| x.mat());
            let mut sums = Gradients::default();
            let (x, between) = (x.as_deref(), between.as_ref());
            let dx = map.backward(&dy, x, between, 0, flow.needs(X), &mut sums);
            sums.give(flow, MAP);
            if let Some(dx) = dx {
                flow.give(X, dx);
            }
            flow.give(RESIDUAL, dy);
            Ok(())
        }
    }))
}

/// Places of the inputs on the tape; the map's own begin at `MAP`.
const X: usize = 0;
const RESIDUAL: usize = 1;
const MAP: usize = 2;

/// Refuses an input that the map cannot take.
pub(super) fn check(op: &'static str, x: &Var, map: &Linear) -> Result<()> {
    if x.rows() == 0 {
        return Err(Error::Empty { op });
    }
    if x.cols() != map.inputs() {
        return Err(Error::shape(
            op,
            format_args!("{}: an input of width {}", map.name, map.inputs()),
            x.value().shape_text(),
        ));
    }
    Ok(())
}

fn check_residual(x: &Var, map: &Linear, residual: Option<&Var>) -> Result<()> {
    let (t, n) = (x.rows(), map.outputs());
    match residual.filter(|residual| residual.shape() != (t, n)) {
        Some(residual) => Err(Error::shape(
            "linear",
            format_args!("{}: a residual [{t} x {n}]", map.name),
            residual.value().shape_text(),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mat::Mat;
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
            low_rank: Some(LowRank::plain(
                params[3].clone(),
                params[4].clone(),
                scale,
                0.0,
            )),
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

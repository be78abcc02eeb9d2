//! Activations, element by element.
//!
//! An activation keeps its input only; its result is made again from it, so that a trained map that
//! follows keeps no second copy.

use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::keep::Opened;
use crate::kernel::Isa;
use crate::kernel::curves::{self, Curve, Gelu, GeluTanh, QuickGelu, Relu, Silu, Tanh};
use crate::kernel::elementwise::PIECE;
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// The activations of the model families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    Relu,
    /// With the normal distribution itself.
    Gelu,
    /// With its approximation by a hyperbolic tangent.
    GeluTanh,
    /// `x sigmoid(1.702 x)`.
    QuickGelu,
    Silu,
    Tanh,
    Identity,
}

impl Activation {
    /// The activation that a model's configuration names; nothing for names that are not known.
    pub fn parse(name: &str) -> Option<Activation> {
        Some(match name {
            "relu" => Activation::Relu,
            "gelu" | "gelu_python" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_accurate" => {
                Activation::GeluTanh
            }
            "quick_gelu" => Activation::QuickGelu,
            "silu" | "swish" => Activation::Silu,
            "tanh" => Activation::Tanh,
            "linear" | "identity" => Activation::Identity,
            _ => return None,
        })
    }
}

/// `y = kind(x)`, `[T x C]`.
pub fn activation(pass: &Pass, x: &Var, kind: Activation) -> Result<Var> {
    if x.rows() == 0 {
        return Err(Error::Empty { op: "activation" });
    }
    let Some(curve) = Loops::of(kind) else {
        return Ok(x.clone());
    };
    let isa = pass.isa();
    let y = pass.record(curve.forward(isa, &Opened::Exact(x.share())), &[x], || {
        let x = x.kept(pass);
        move |mut dy, flow| {
            curve.backward(isa, &x.open(), &mut dy);
            flow.give(0, dy);
            Ok(())
        }
    });
    if !y.needs_gradient() {
        return Ok(y);
    }
    let x = x.kept(pass);
    Ok(y.with_rebuild(Rc::new(move || Arc::new(curve.forward(isa, &x.open())))))
}

type OneToOne = fn(Isa, &[f32], &mut [f32]);
type TwoToOne = fn(Isa, &[f32], &[f32], &mut [f32]);
type ThreeToTwo = fn(Isa, &[f32], &[f32], &[f32], &mut [f32], &mut [f32]);

/// The loops of one curve, compiled for it.
#[derive(Clone, Copy)]
pub(super) struct Loops {
    apply: OneToOne,
    apply_back: OneToOne,
    pub(super) gate: TwoToOne,
    pub(super) gate_back: ThreeToTwo,
}

impl Loops {
    /// None where there is nothing to compute.
    pub(super) fn of(kind: Activation) -> Option<Loops> {
        match kind {
            Activation::Relu => Some(Loops::compiled::<Relu>()),
            Activation::Gelu => Some(Loops::compiled::<Gelu>()),
            Activation::GeluTanh => Some(Loops::compiled::<GeluTanh>()),
            Activation::QuickGelu => Some(Loops::compiled::<QuickGelu>()),
            Activation::Silu => Some(Loops::compiled::<Silu>()),
            Activation::Tanh => Some(Loops::compiled::<Tanh>()),
            Activation::Identity => None,
        }
    }

    pub(super) fn compiled<C: Curve>() -> Loops {
        Loops {
            apply: curves::apply::<C>,
            apply_back: curves::apply_back::<C>,
            gate: curves::gate::<C>,
            gate_back: curves::gate_back::<C>,
        }
    }

    fn forward(self, isa: Isa, x: &Opened) -> Mat {
        let (rows, cols) = x.shape();
        let mut y = Mat::stale(rows, cols);
        each_piece(x, &mut y, |x, y| (self.apply)(isa, x, y));
        y
    }

    /// Turns `dy` into `dx` in place.
    fn backward(self, isa: Isa, x: &Opened, dy: &mut Mat) {
        each_piece(x, dy, |x, dy| (self.apply_back)(isa, x, dy));
    }
}

/// Works through two matrices of one shape on all cores.
fn each_piece(x: &Opened, y: &mut Mat, work: impl Fn(&[f32], &mut [f32]) + Sync) {
    let pieces = y.data_mut().par_chunks_mut(PIECE).enumerate();
    pieces.for_each(|(piece, y)| {
        let first = piece * PIECE;
        x.numbers(first..first + y.len(), |x| work(x, y));
    });
}

/// The activations as plain formulas, for this operation's proof and for those that fuse it.
#[cfg(test)]
pub(crate) mod plain {
    use super::Activation;

    pub fn value(kind: Activation, x: f64) -> f64 {
        match kind {
            Activation::Relu => x.max(0.0),
            Activation::Gelu => x * normal_below(x),
            Activation::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + inner.tanh())
            }
            Activation::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Tanh => x.tanh(),
            Activation::Identity => x,
        }
    }

    /// The normal distribution below `x`: its series near zero, its continued fraction beyond.
    pub fn normal_below(x: f64) -> f64 {
        let bell = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        if x.abs() < 3.0 {
            let (mut term, mut sum, mut odd) = (x, x, 1.0);
            while term.abs() > 1e-18 {
                odd += 2.0;
                term *= x * x / odd;
                sum += term;
            }
            return 0.5 + bell * sum;
        }
        let mut fraction = 0.0;
        for step in (1..400).rev() {
            fraction = f64::from(step) / (x.abs() + fraction);
        }
        let tail = bell / (x.abs() + fraction);
        if x < 0.0 { tail } else { 1.0 - tail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::Kept;
    use crate::param::Param;
    use crate::proof::{Plain, check, random};

    const ALL: [Activation; 7] = [
        Activation::Relu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Silu,
        Activation::Tanh,
        Activation::Identity,
    ];

    fn formula(kind: Activation) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let x = &inputs[0];
            Plain::from_fn(x.rows, x.cols, |t, c| plain::value(kind, x.at(t, c)))
        }
    }

    #[test]
    fn every_activation_agrees_with_its_plain_formula() {
        for kind in ALL {
            for (t, c) in [(1, 1), (3, 33), (17, 40)] {
                let x = [random("x", t, c, 2.0)];
                check(
                    &x,
                    |pass, vars, _| activation(pass, &vars[0], kind),
                    formula(kind),
                )
                .unwrap_or_else(|off| panic!("{kind:?} {t} x {c}: {off}"));
            }
        }
    }

    #[test]
    fn the_oracle_tells_the_two_gelus_apart() {
        let x = [random("x", 17, 40, 2.0)];
        let wrong = check(
            &x,
            |pass, vars, _| activation(pass, &vars[0], Activation::GeluTanh),
            formula(Activation::Gelu),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn an_element_depends_on_nothing_but_itself() {
        let x = random("x", 21, 37, 2.0);
        let pass = Pass::inference();
        for kind in ALL {
            let whole = activation(&pass, &pass.constant(x.clone()), kind).unwrap();
            for t in 0..x.rows() {
                let alone = pass.constant(Mat::row_vector(x.row(t).to_vec()));
                let alone = activation(&pass, &alone, kind).unwrap();
                assert_eq!(alone.value().data(), whole.value().row(t), "{kind:?}");
            }
        }
    }

    #[test]
    fn the_result_is_made_again_to_the_bit_and_only_where_a_gradient_flows() {
        let param = Param::trained("x", random("x", 3, 33, 2.0));
        let pass = Pass::recording();
        let y = activation(&pass, &pass.leaf(&param), Activation::Gelu).unwrap();
        let Kept::Rebuilt(again) = y.kept(&pass) else {
            panic!("a second copy is kept");
        };
        assert_eq!(again().as_ref(), y.value());
        let constant = pass.constant(random("x", 3, 33, 2.0));
        let y = activation(&pass, &constant, Activation::Gelu).unwrap();
        assert!(matches!(y.kept(&pass), Kept::Exact(_)));
    }

    #[test]
    fn an_empty_batch_is_refused_and_names_of_the_hub_are_known() {
        let pass = Pass::inference();
        let empty = activation(&pass, &pass.constant(Mat::zeros(0, 3)), Activation::Relu);
        assert_eq!(empty.err(), Some(Error::Empty { op: "activation" }));
        assert_eq!(Activation::parse("gelu_new"), Some(Activation::GeluTanh));
        assert_eq!(Activation::parse("silu"), Some(Activation::Silu));
        assert_eq!(Activation::parse("Silu"), None);
    }
}

//! The bottleneck of an adapter: down, a curve, up, and back onto the stream it came from.
//!
//! Where it stands and what it is fed is for the model to say.

use super::activation::{Activation, activation};
use super::add::{add_scaled, scale};
use super::dropout::dropout;
use super::linear::{Linear, linear};
use crate::error::{Error, Result};
use crate::tape::{Pass, Var};

/// An adapter's two maps and what is between them.
#[derive(Clone)]
pub struct Bottleneck {
    /// `[R x C]`
    pub down: Linear,
    /// `[N x R]`
    pub up: Linear,
    pub activation: Activation,
    pub scale: f32,
    /// Share of what comes out that is dropped, in passes that have randomness.
    pub dropout: f32,
}

/// `y [T x N] = residual + scale * dropout(up(activation(down x)))`.
///
/// Between the two maps only `down x [T x R]` is kept.
pub fn bottleneck(pass: &Pass, x: &Var, b: &Bottleneck, residual: Option<&Var>) -> Result<Var> {
    if b.down.outputs() != b.up.inputs() {
        return Err(Error::shape(
            "bottleneck",
            format_args!("{}: {} inputs", b.up.name, b.down.outputs()),
            b.up.inputs(),
        ));
    }
    let narrow = linear(pass, x, &b.down, None)?;
    let narrow = activation(pass, &narrow, b.activation)?;
    let drops = b.dropout > 0.0 && pass.stream(&b.up.name).is_some();
    if b.scale == 1.0 && !drops {
        return linear(pass, &narrow, &b.up, residual);
    }
    let mut wide = linear(pass, &narrow, &b.up, None)?;
    if drops {
        wide = dropout(pass, &wide, b.dropout, &b.up.name)?;
    }
    match residual {
        Some(residual) => add_scaled(pass, residual, &wide, b.scale),
        None => scale(pass, &wide, b.scale),
    }
}

#[cfg(test)]
mod tests {
    use super::super::activation::plain;
    use super::super::linear::Map;
    use super::*;
    use crate::mat::Mat;
    use crate::param::Param;
    use crate::proof::{Plain, check, random};

    const T: usize = 5;
    const C: usize = 13;
    const R: usize = 4;

    /// x, residual, down, its bias, up, its bias.
    fn inputs() -> [Mat; 6] {
        [
            random("x", T, C, 1.0),
            random("r", T, C, 1.0),
            random("down", R, C, 0.5),
            random("down bias", 1, R, 0.5),
            random("up", C, R, 0.5),
            random("up bias", 1, C, 0.5),
        ]
    }

    fn of(params: &[Param], scale: f32) -> Bottleneck {
        let linear = |name: &str, place: usize| Linear {
            name: name.into(),
            map: Map::Trained(params[place].clone()),
            bias: Some(params[place + 1].clone()),
            low_rank: None,
        };
        Bottleneck {
            down: linear("down", 2),
            up: linear("up", 4),
            activation: Activation::Relu,
            scale,
            dropout: 0.0,
        }
    }

    fn formula(scale: f64, residual: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let [x, r, down, down_bias, up, up_bias] = inputs else {
                unreachable!()
            };
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            Plain::from_fn(T, C, |t, c| {
                let narrow: Vec<f64> = (0..R)
                    .map(|i| dot(x.row(t), down.row(i)) + down_bias.at(0, i))
                    .map(|h| plain::value(Activation::Relu, h))
                    .collect();
                residual * r.at(t, c) + scale * (dot(&narrow, up.row(c)) + up_bias.at(0, c))
            })
        }
    }

    #[test]
    fn with_and_without_scale_and_residual_it_agrees_with_the_plain_formula() {
        for (scale, with) in [(1.0, true), (1.0, false), (0.5, true), (0.5, false)] {
            check(
                &inputs(),
                |pass, vars, params| {
                    let residual = with.then_some(&vars[1]);
                    bottleneck(pass, &vars[0], &of(params, scale), residual)
                },
                formula(f64::from(scale), f64::from(u8::from(with))),
            )
            .unwrap_or_else(|off| panic!("scale {scale}, residual {with}: {off}"));
        }
    }

    #[test]
    fn dropout_is_drawn_by_the_step_and_only_in_passes_that_have_randomness() {
        let params = inputs().map(|mat| Param::frozen("p", mat));
        let run = |pass: Pass, dropout: f32| {
            let dropping = Bottleneck {
                dropout,
                ..of(&params, 1.0)
            };
            let x = pass.leaf(&params[0]);
            bottleneck(&pass, &x, &dropping, Some(&x))
                .unwrap()
                .into_mat()
        };
        let whole = run(Pass::inference(), 0.0);
        assert_eq!(run(Pass::inference(), 0.5), whole);
        let dropped = run(Pass::training(1, 1), 0.5);
        assert_eq!(dropped, run(Pass::training(1, 1), 0.5));
        assert_ne!(dropped, run(Pass::training(1, 2), 0.5));
        let x = params[0].value();
        let untouched = dropped.data().iter().zip(x.data());
        let untouched = untouched.filter(|(y, x)| **y == **x).count();
        assert!((T * C / 4..T * C * 3 / 4).contains(&untouched));
    }

    #[test]
    fn the_oracle_notices_a_forgotten_scale() {
        let wrong = check(
            &inputs(),
            |pass, vars, params| bottleneck(pass, &vars[0], &of(params, 1.0), Some(&vars[1])),
            formula(0.5, 1.0),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn maps_that_do_not_meet_are_refused() {
        let params = inputs().map(|mat| Param::frozen("p", mat));
        let pass = Pass::inference();
        let x = pass.leaf(&params[0]);
        let mut odd = of(&params, 1.0);
        odd.down = odd.up.clone();
        let tried = bottleneck(&pass, &x, &odd, None).err();
        assert!(matches!(tried, Some(Error::Shape { .. })));
        let empty = pass.constant(Mat::zeros(0, C));
        let tried = bottleneck(&pass, &empty, &of(&params, 1.0), None).err();
        assert!(matches!(tried, Some(Error::Empty { .. })));
        let narrow = pass.constant(Mat::zeros(T, 1));
        assert!(bottleneck(&pass, &x, &of(&params, 0.5), Some(&narrow)).is_err());
    }
}

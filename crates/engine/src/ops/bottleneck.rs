//! The bottleneck of an adapter: down, a curve, up, and back onto the stream it came from.
//!
//! Where it stands and what it is fed is for the model to say.

use super::activation::{Activation, activation};
use super::add::{add_scaled, scale};
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
}

/// `y [T x N] = residual + scale * up(activation(down x))`.
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
    if b.scale == 1.0 {
        return linear(pass, &narrow, &b.up, residual);
    }
    let wide = linear(pass, &narrow, &b.up, None)?;
    match residual {
        Some(residual) => add_scaled(pass, residual, &wide, b.scale),
        None => scale(pass, &wide, b.scale),
    }
}

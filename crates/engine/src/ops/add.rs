//! Sums and multiples of whole values.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::elementwise::PIECE;
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// `a + b`, both `[T x C]`.
pub fn add(pass: &Pass, a: &Var, b: &Var) -> Result<Var> {
    add_scaled(pass, a, b, 1.0)
}

/// `a + factor * b`, both `[T x C]`.
pub(super) fn add_scaled(pass: &Pass, a: &Var, b: &Var, factor: f32) -> Result<Var> {
    if a.rows() == 0 {
        return Err(Error::Empty { op: "add" });
    }
    if a.shape() != b.shape() {
        return Err(Error::shape(
            "add",
            a.value().shape_text(),
            b.value().shape_text(),
        ));
    }
    let mut y = Mat::stale(a.rows(), a.cols());
    y.data_mut()
        .par_chunks_mut(PIECE)
        .zip(a.value().data().par_chunks(PIECE))
        .zip(b.value().data().par_chunks(PIECE))
        .for_each(|((y, a), b)| {
            for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                *y = a + factor * b;
            }
        });
    Ok(pass.record(y, &[a, b], || {
        move |dy, flow| {
            if flow.needs(1) {
                if flow.needs(0) {
                    flow.give(0, dy.clone());
                }
                flow.give(1, scaled(dy, factor));
            } else {
                flow.give(0, dy);
            }
            Ok(())
        }
    }))
}

/// `factor * x`.
pub fn scale(pass: &Pass, x: &Var, factor: f32) -> Result<Var> {
    if x.rows() == 0 {
        return Err(Error::Empty { op: "scale" });
    }
    let mut y = Mat::stale(x.rows(), x.cols());
    y.data_mut()
        .par_chunks_mut(PIECE)
        .zip(x.value().data().par_chunks(PIECE))
        .for_each(|(y, x)| {
            for (y, x) in y.iter_mut().zip(x) {
                *y = factor * x;
            }
        });
    Ok(pass.record(y, &[x], || {
        move |dy, flow| {
            flow.give(0, scaled(dy, factor));
            Ok(())
        }
    }))
}

fn scaled(mut mat: Mat, factor: f32) -> Mat {
    if factor != 1.0 {
        mat.scale(factor);
    }
    mat
}

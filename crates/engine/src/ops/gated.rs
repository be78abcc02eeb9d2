//! Gated activations: `kind(gate) * up`, the two lying in one matrix or in two.
//!
//! Only its inputs are kept; its result is made again from them, so that a trained map that follows
//! keeps no second copy.

use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use super::activation::{Activation, Loops};
use super::columns::Columns;
use crate::error::{Error, Result};
use crate::keep::Kept;
use crate::kernel::Isa;
use crate::kernel::curves::Straight;
use crate::kernel::elementwise::PIECE;
use crate::mat::Mat;
use crate::tape::{Flow, Pass, Var};

/// `y [T x width] = kind(gate) * up`. Gate and up may be columns of one value, side by side; they
/// must not overlap.
pub fn gated(
    pass: &Pass,
    gate: Columns<'_>,
    up: Columns<'_>,
    width: usize,
    kind: Activation,
) -> Result<Var> {
    let fused = gate.var.is_same(up.var);
    check(&gate, &up, width, fused)?;
    let how = Gating {
        isa: pass.isa(),
        loops: Loops::of(kind).unwrap_or_else(Loops::compiled::<Straight>),
        gate: gate.first,
        up: up.first,
        width,
        fused,
    };
    let y = how.forward(gate.var.value(), up.var.value());
    let second = (!fused).then_some(up.var);
    let y = pass.record(y, &[Some(gate.var), second], || {
        let kept = KeptPair::of(pass, gate.var, up.var);
        move |dy, flow| {
            how.backward(&kept, &dy, flow);
            Ok(())
        }
    });
    if !y.needs_gradient() {
        return Ok(y);
    }
    let kept = KeptPair::of(pass, gate.var, up.var);
    Ok(y.with_rebuild(Rc::new(move || {
        Arc::new(how.forward(&kept.gate.mat(), &kept.up.mat()))
    })))
}

fn check(gate: &Columns<'_>, up: &Columns<'_>, width: usize, fused: bool) -> Result<()> {
    const OP: &str = "gated";
    if gate.var.rows() == 0 || width == 0 {
        return Err(Error::Empty { op: OP });
    }
    gate.expect_width(OP, width)?;
    up.expect_width(OP, width)?;
    if gate.var.rows() != up.var.rows() {
        return Err(Error::shape(
            OP,
            format_args!("{} rows of both gate and up", gate.var.rows()),
            up.var.value().shape_text(),
        ));
    }
    if fused && gate.first.abs_diff(up.first) < width {
        return Err(Error::Setting {
            op: OP,
            reason: format!(
                "{width} columns from {} and from {} overlap",
                gate.first, up.first
            ),
        });
    }
    Ok(())
}

struct KeptPair {
    gate: Kept,
    up: Kept,
}

impl KeptPair {
    fn of(pass: &Pass, gate: &Var, up: &Var) -> KeptPair {
        KeptPair {
            gate: gate.kept(pass),
            up: up.kept(pass),
        }
    }
}

/// Where gate and up lie and what is done with them.
#[derive(Clone, Copy)]
struct Gating {
    isa: Isa,
    loops: Loops,
    gate: usize,
    up: usize,
    width: usize,
    /// Both lie in one matrix.
    fused: bool,
}

impl Gating {
    fn rows_per_piece(&self) -> usize {
        (PIECE / self.width).max(1)
    }

    fn forward(&self, gate: &Mat, up: &Mat) -> Mat {
        let mut y = Mat::stale(gate.rows(), self.width);
        let rows = self.rows_per_piece();
        y.data_mut()
            .par_chunks_mut(rows * self.width)
            .enumerate()
            .for_each(|(piece, y)| {
                for (place, y) in y.chunks_exact_mut(self.width).enumerate() {
                    let row = piece * rows + place;
                    let (gate, up) = self.inputs(gate.row(row), up.row(row));
                    (self.loops.gate)(self.isa, gate, up, y);
                }
            });
        y
    }

    /// The columns of a row that hold gate and up.
    fn inputs<'a>(&self, gate: &'a [f32], up: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        (
            &gate[self.gate..self.gate + self.width],
            &up[self.up..self.up + self.width],
        )
    }

    fn backward(&self, kept: &KeptPair, dy: &Mat, flow: &mut Flow<'_>) {
        let gate = kept.gate.mat();
        if self.fused {
            let mut grad = blank(&gate, 2 * self.width);
            let rows = self.rows_per_piece();
            let cols = grad.cols();
            grad.data_mut()
                .par_chunks_mut(rows * cols)
                .enumerate()
                .for_each(|(piece, grad)| {
                    for (place, grad) in grad.chunks_exact_mut(cols).enumerate() {
                        let row = piece * rows + place;
                        let (dgate, dup) = self.halves(grad);
                        let (gate, up) = self.inputs(gate.row(row), gate.row(row));
                        (self.loops.gate_back)(self.isa, gate, up, dy.row(row), dgate, dup);
                    }
                });
            flow.give(0, grad);
            return;
        }
        let up = kept.up.mat();
        let mut dgate = blank(&gate, self.width);
        let mut dup = blank(&up, self.width);
        let rows = self.rows_per_piece();
        let (gate_cols, up_cols) = (gate.cols(), up.cols());
        dgate
            .data_mut()
            .par_chunks_mut(rows * gate_cols)
            .zip(dup.data_mut().par_chunks_mut(rows * up_cols))
            .enumerate()
            .for_each(|(piece, (dgate, dup))| {
                let pairs = dgate
                    .chunks_exact_mut(gate_cols)
                    .zip(dup.chunks_exact_mut(up_cols));
                for (place, (dgate, dup)) in pairs.enumerate() {
                    let row = piece * rows + place;
                    let dgate = &mut dgate[self.gate..self.gate + self.width];
                    let dup = &mut dup[self.up..self.up + self.width];
                    let (gate, up) = self.inputs(gate.row(row), up.row(row));
                    (self.loops.gate_back)(self.isa, gate, up, dy.row(row), dgate, dup);
                }
            });
        flow.give(0, dgate);
        flow.give(1, dup);
    }

    /// The columns of one row that belong to gate and to up.
    fn halves<'a>(&self, row: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32]) {
        let (early, late) = (self.gate.min(self.up), self.gate.max(self.up));
        let (low, high) = row.split_at_mut(late);
        let low = &mut low[early..early + self.width];
        let high = &mut high[..self.width];
        if self.gate < self.up {
            (low, high)
        } else {
            (high, low)
        }
    }
}

/// Room for the gradient of a matrix of which `used` columns will be written.
fn blank(like: &Mat, used: usize) -> Mat {
    if used == like.cols() {
        Mat::stale(like.rows(), like.cols())
    } else {
        Mat::zeros(like.rows(), like.cols())
    }
}

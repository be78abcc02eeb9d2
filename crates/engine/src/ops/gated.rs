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
use crate::keep::{Kept, Opened};
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
    let [g, u] = [gate.var, up.var].map(|var| Opened::Exact(var.share()));
    let y = how.forward(&g, &u);
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
        Arc::new(how.forward(&kept.gate.open(), &kept.up.open()))
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

    fn forward(&self, gate: &Opened, up: &Opened) -> Mat {
        let (t, _) = gate.shape();
        let mut y = Mat::stale(t, self.width);
        let rows = self.rows_per_piece();
        y.data_mut()
            .par_chunks_mut(rows * self.width)
            .enumerate()
            .for_each(|(piece, y)| {
                self.each_row(gate, up, piece, |row, gate, up| {
                    let y = &mut y[row * self.width..][..self.width];
                    (self.loops.gate)(self.isa, gate, up, y);
                });
            });
        y
    }

    /// Calls `work` with the number in the piece, the gate and the up of each row of a piece.
    fn each_row(
        &self,
        gate: &Opened,
        up: &Opened,
        piece: usize,
        mut work: impl FnMut(usize, &[f32], &[f32]),
    ) {
        let rows = self.rows_per_piece();
        let (gate_cols, up_cols) = (gate.shape().1, up.shape().1);
        gate.rows(piece * rows, rows, |gate| {
            let mut with = |up: &[f32]| {
                let pairs = gate.chunks_exact(gate_cols).zip(up.chunks_exact(up_cols));
                for (row, (gate, up)) in pairs.enumerate() {
                    let gate = &gate[self.gate..self.gate + self.width];
                    work(row, gate, &up[self.up..self.up + self.width]);
                }
            };
            match self.fused {
                true => with(gate),
                false => up.rows(piece * rows, rows, with),
            }
        });
    }

    fn backward(&self, kept: &KeptPair, dy: &Mat, flow: &mut Flow<'_>) {
        let gate = kept.gate.open();
        let rows = self.rows_per_piece();
        let (t, gate_cols) = gate.shape();
        if self.fused {
            let mut grad = blank(t, gate_cols, 2 * self.width);
            grad.data_mut()
                .par_chunks_mut(rows * gate_cols)
                .enumerate()
                .for_each(|(piece, grad)| {
                    self.each_row(&gate, &gate, piece, |row, gate, up| {
                        let dy = dy.row(piece * rows + row);
                        let (dgate, dup) = self.halves(&mut grad[row * gate_cols..][..gate_cols]);
                        (self.loops.gate_back)(self.isa, gate, up, dy, dgate, dup);
                    });
                });
            flow.give(0, grad);
            return;
        }
        let up = kept.up.open();
        let (_, up_cols) = up.shape();
        let mut dgate = blank(t, gate_cols, self.width);
        let mut dup = blank(t, up_cols, self.width);
        dgate
            .data_mut()
            .par_chunks_mut(rows * gate_cols)
            .zip(dup.data_mut().par_chunks_mut(rows * up_cols))
            .enumerate()
            .for_each(|(piece, (dgate, dup))| {
                self.each_row(&gate, &up, piece, |row, gate, up| {
                    let dy = dy.row(piece * rows + row);
                    let dgate = &mut dgate[row * gate_cols + self.gate..][..self.width];
                    let dup = &mut dup[row * up_cols + self.up..][..self.width];
                    (self.loops.gate_back)(self.isa, gate, up, dy, dgate, dup);
                });
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
fn blank(rows: usize, cols: usize, used: usize) -> Mat {
    if used == cols {
        Mat::stale(rows, cols)
    } else {
        Mat::zeros(rows, cols)
    }
}

#[cfg(test)]
mod tests {
    use super::super::activation::plain;
    use super::*;
    use crate::param::Param;
    use crate::proof::{Plain, check, random};

    const KINDS: [Activation; 5] = [
        Activation::Relu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Identity,
    ];

    #[test]
    fn gate_and_up_in_two_values_agree_with_the_plain_formula() {
        for kind in KINDS {
            for (t, width, spare) in [(1, 1, 0), (3, 33, 0), (5, 17, 3)] {
                let inputs = [
                    random("gate", t, width + spare, 1.5),
                    random("up", t, width + 2 * spare, 1.0),
                ];
                check(
                    &inputs,
                    |pass, vars, _| {
                        let gate = Columns {
                            var: &vars[0],
                            first: spare,
                        };
                        let up = Columns {
                            var: &vars[1],
                            first: spare,
                        };
                        gated(pass, gate, up, width, kind)
                    },
                    |inputs| {
                        Plain::from_fn(t, width, |t, c| {
                            plain::value(kind, inputs[0].at(t, c + spare))
                                * inputs[1].at(t, c + spare)
                        })
                    },
                )
                .unwrap_or_else(|off| panic!("{kind:?} {t} x {width}: {off}"));
            }
        }
    }

    /// Gate and up side by side, either first, with a column that belongs to neither.
    fn fused(
        (gate_first, up_first): (usize, usize),
        taken: Activation,
        stated: Activation,
    ) -> std::result::Result<(), String> {
        let (t, width) = (6, 19);
        check(
            &[random("both", t, 2 * width + 1, 1.5)],
            |pass, vars, _| {
                let var = &vars[0];
                let gate = Columns {
                    var,
                    first: gate_first,
                };
                gated(
                    pass,
                    gate,
                    Columns {
                        var,
                        first: up_first,
                    },
                    width,
                    taken,
                )
            },
            |inputs| {
                let both = &inputs[0];
                Plain::from_fn(t, width, |t, c| {
                    plain::value(stated, both.at(t, c + gate_first)) * both.at(t, c + up_first)
                })
            },
        )
    }

    #[test]
    fn gate_and_up_in_one_value_agree_with_the_plain_formula() {
        fused((0, 19), Activation::Silu, Activation::Silu).unwrap();
        fused((0, 20), Activation::Silu, Activation::Silu).unwrap();
        fused((20, 1), Activation::Gelu, Activation::Gelu).unwrap();
    }

    #[test]
    fn the_oracle_notices_another_curve() {
        assert!(fused((0, 19), Activation::Gelu, Activation::Silu).is_err());
    }

    #[test]
    fn a_row_depends_on_nothing_but_itself() {
        let (t, width) = (40, 700);
        let (gate, up) = (random("gate", t, width, 1.0), random("up", t, width, 1.0));
        let pass = Pass::inference();
        let run = |gate: Mat, up: Mat| {
            let (gate, up) = (pass.constant(gate), pass.constant(up));
            let (gate, up) = (Columns::all(&gate), Columns::all(&up));
            gated(&pass, gate, up, width, Activation::Silu)
                .unwrap()
                .into_mat()
        };
        let whole = run(gate.clone(), up.clone());
        for t in 0..t {
            let row = |mat: &Mat| Mat::row_vector(mat.row(t).to_vec());
            assert_eq!(run(row(&gate), row(&up)).data(), whole.row(t));
        }
    }

    #[test]
    fn the_result_is_made_again_to_the_bit() {
        let both = Param::trained("both", random("both", 3, 10, 1.0));
        let pass = Pass::recording();
        let var = &pass.leaf(&both);
        let up = Columns { var, first: 5 };
        let y = gated(&pass, Columns::all(var), up, 5, Activation::Silu).unwrap();
        let Kept::Rebuilt(again) = y.kept(&pass) else {
            panic!("a second copy is kept");
        };
        assert_eq!(again().as_ref(), y.value());
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let pass = Pass::inference();
        let (a, b) = (
            pass.constant(Mat::zeros(3, 8)),
            pass.constant(Mat::zeros(2, 8)),
        );
        let empty = pass.constant(Mat::zeros(0, 8));
        let try_with = |gate, up, width| {
            let tried = gated(&pass, gate, up, width, Activation::Silu);
            tried.err().unwrap()
        };
        let late = Columns { var: &a, first: 4 };
        assert!(matches!(
            try_with(Columns::all(&a), Columns::all(&b), 8),
            Error::Shape { .. }
        ));
        assert!(matches!(
            try_with(Columns::all(&a), late, 5),
            Error::Shape { .. }
        ));
        assert!(matches!(
            try_with(Columns::all(&a), Columns { var: &a, first: 3 }, 4),
            Error::Setting { .. }
        ));
        let none = Columns::all(&empty);
        assert_eq!(try_with(none, none, 8), Error::Empty { op: "gated" });
    }
}

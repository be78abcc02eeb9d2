//! From gradients of outputs to gradients of inputs through a weight in 8 bits, whose stored panels
//! are turned as they are needed.
//!
//! The weight itself gets no gradient.

use std::ops::Range;

use super::{PackedInt8, SLAB, slab_panels};
use crate::kernel::Isa;
use crate::kernel::int8::finish::{Finish, Target};
use crate::kernel::int8::plan::{Plan, Scratch, each_task, kernel_for};
use crate::kernel::int8::sweep::{Stage, sweep};
use crate::kernel::int8::turn::{turn, turned_len};
use crate::kernel::int8::{Line, PANEL, Panel, SPAN};
use crate::kernel::multiply::Write;
use crate::kernel::quantise::Quantised;

/// Rows of a backward task: enough to be worth turning the panels for them, and not more than sums
/// can be kept of from slab to slab.
const KEPT_ROWS: usize = 1024;

impl PackedInt8 {
    /// `dx (+)= dy W` for `dy: [T x N]`, `dx: [T x K]`: the scales of the outputs are multiplied into
    /// `dy`, which is then quantised per row.
    pub fn backward(&self, isa: Isa, dy: &[f32], t: usize, dx: &mut [f32], into: Write) {
        let inputs = self.inputs;
        assert_eq!(dx.len(), t * inputs, "[{t} x {inputs}] gradients");
        Quantised::lend(|quantised| {
            quantised.refill(isa, dy, (t, self.outputs), Some(&self.scales));
            self.backward_quantised(isa, quantised, dx, into == Write::Add);
        });
    }

    fn backward_quantised(&self, isa: Isa, dy: &Quantised, dx: &mut [f32], add: bool) {
        let isa = kernel_for(isa, dy.rows());
        let finish = Finish {
            out: Target::new(dx, self.inputs),
            rows: dy.scales(),
            cols: None,
            bias: None,
            residual: None,
            add,
        };
        let blocks = self.inputs.div_ceil(PANEL);
        let slab_depth = turned_len(self.panels().min(SLAB / PANEL)) / PANEL;
        let plan = Plan::new(isa, (dy.rows(), blocks, slab_depth), KEPT_ROWS);
        each_task(&plan, |scratch, (rows, blocks)| {
            let slabs = self.outputs.div_ceil(SLAB);
            let most = if slabs > 1 { KEPT_ROWS } else { rows.len() };
            for row in rows.clone().step_by(most) {
                for slab in 0..slabs {
                    let part = (row..rows.end.min(row + most), blocks.clone());
                    // SAFETY: tasks have no rows and blocks in common.
                    unsafe { self.backward_slab(isa, dy, part, slab, scratch, &finish) };
                }
            }
        });
    }

    /// # Safety
    /// No one else reads or writes these rows and blocks of inputs of the result at the same time.
    unsafe fn backward_slab(
        &self,
        isa: Isa,
        dy: &Quantised,
        (rows, blocks): (Range<usize>, Range<usize>),
        slab: usize,
        Scratch { turned, sums }: &mut Scratch,
        finish: &Finish<'_>,
    ) {
        let panel_len = self.depth() * PANEL;
        let panels = slab_panels(slab, self.panels());
        let len = turned_len(panels.len());
        if turned.len() < blocks.len() * len / 64 {
            turned.resize(blocks.len() * len / 64, Line([0; 64]));
        }
        let turned = &mut Line::signed_mut(turned)[..blocks.len() * len];
        let stored = &Line::signed(&self.lines)[panels.start * panel_len..panels.end * panel_len];
        for (block, out) in blocks.clone().zip(turned.chunks_exact_mut(len)) {
            turn(isa, stored, panel_len, block, out);
        }
        let all = self.inputs.div_ceil(PANEL);
        let panel = |block: usize| Panel {
            bytes: &turned[(block - blocks.start) * len..][..len],
            offset: &self.backward_offsets[slab * all + block],
        };
        let (from, depth) = (slab * SLAB, panels.len() * PANEL);
        let begins = from.is_multiple_of(SPAN);
        let ends = (from + SLAB).is_multiple_of(SPAN) || from + depth >= self.outputs;
        let stage = match (begins, ends) {
            (true, true) => Stage::Whole { first: from == 0 },
            (begins, false) => Stage::Kept { begins },
            (false, true) => Stage::Last { first: from < SPAN },
        };
        // SAFETY: the caller's promise.
        unsafe {
            sweep(
                isa,
                (dy, from),
                (rows, blocks.clone()),
                panel,
                (sums, stage),
                finish,
            )
        };
    }
}

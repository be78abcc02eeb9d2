//! From activations to outputs through a weight in 8 bits.

use super::PackedInt8;
use crate::kernel::Isa;
use crate::kernel::int8::finish::{Finish, Target};
use crate::kernel::int8::plan::{Plan, each_task, kernel_for};
use crate::kernel::int8::sweep::{Stage, sweep};
use crate::kernel::int8::{PANEL, Panel, SPAN};
use crate::kernel::multiply::Write;
use crate::kernel::quantise::Quantised;
use crate::product::Epilogue;

impl PackedInt8 {
    /// `y (+)= x W^T + bias + residual` for `x: [T x K]`, `y` and `residual: [T x N]`, `bias: [N]`.
    pub fn forward(&self, isa: Isa, x: &[f32], t: usize, y: &mut [f32], epilogue: Epilogue<'_>) {
        Quantised::lend(|quantised| {
            quantised.refill(isa, x, (t, self.inputs), None);
            self.forward_quantised(isa, quantised, y, epilogue);
        });
    }

    /// The same from activations that are quantised already, so that several maps of one input
    /// quantise it once.
    pub fn forward_quantised(
        &self,
        isa: Isa,
        x: &Quantised,
        y: &mut [f32],
        epilogue: Epilogue<'_>,
    ) {
        let Epilogue {
            bias,
            residual,
            into,
        } = epilogue;
        let (rows, outputs) = (x.rows(), self.outputs);
        assert_eq!(x.cols(), self.inputs, "inputs of a map");
        assert_eq!(y.len(), rows * outputs, "[{rows} x {outputs}] results");
        assert!(
            bias.is_none_or(|bias| bias.len() == outputs),
            "a bias per output"
        );
        assert!(
            residual.is_none_or(|r| r.len() == y.len()),
            "a residual per result"
        );
        let isa = kernel_for(isa, rows);
        let finish = Finish {
            out: Target::new(y, outputs),
            rows: x.scales(),
            cols: Some(&self.scales),
            bias,
            residual,
            add: into == Write::Add,
        };
        let plan = Plan::new(isa, (rows, self.panels(), self.depth()), 1);
        each_task(&plan, |scratch, (rows, panels)| {
            for (span, depth) in (0..self.depth()).step_by(SPAN).enumerate() {
                let panel = |p: usize| Panel {
                    bytes: &self.panel(p)[depth * PANEL..self.depth().min(depth + SPAN) * PANEL],
                    offset: &self.forward_offsets[p * self.depth().div_ceil(SPAN) + span],
                };
                let stage = Stage::Whole { first: span == 0 };
                let sums = (&mut scratch.sums, stage);
                let part = (rows.clone(), panels.clone());
                // SAFETY: tasks have no rows and panels in common.
                unsafe { sweep(isa, (x, depth), part, panel, sums, &finish) };
            }
        });
    }
}

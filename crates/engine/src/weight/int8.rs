//! A frozen weight in 8 bits: a scale per output, products in integer, one stored copy for both
//! directions.
//!
//! It has no gradient of its own and cannot be changed once packed.

mod backward;
mod forward;

use std::ops::Range;

use rayon::prelude::*;

use crate::kernel::Isa;
use crate::kernel::int8::{DEPTH_STEP, Line, PANEL, SPAN, Sums};
use crate::kernel::quantise::row;

/// Outputs that the backward product sums over at a time: a turned panel of so many is 256 KiB.
const SLAB: usize = 8192;

/// `W: [N x K]` as bytes, `W[n][k] = integer * scale[n]` with `scale[n]` = largest of row `n` / 127,
/// rounded to nearest, ties to even.
///
/// Activations are quantised per row, all but the few largest numbers of a row to a byte, those to
/// 15 bits; gradients all to a byte.
///
/// All instruction sets and all numbers of threads give the same bits, and a row of a result is the
/// same whatever other rows are computed with it. A row of `x` or `dy` that holds a NaN or an
/// infinity gives a row of NaN and touches no other; a row of `W` that does gives a column of NaN
/// forward and all NaN backward.
#[derive(Debug)]
pub struct PackedInt8 {
    outputs: usize,
    inputs: usize,
    /// Panels of 32 outputs, each `[K' / 4][32][4]` with `K'` = `K` filled up to `DEPTH_STEP`.
    lines: Vec<Line>,
    /// `[N]`.
    scales: Vec<f32>,
    /// `[N / 32][spans of K][32]`: the offsets of the stored panels.
    forward_offsets: Vec<Sums>,
    /// `[slabs of N][K' / 32][32]`: the offsets of the turned panels.
    backward_offsets: Vec<Sums>,
}

impl PackedInt8 {
    /// Packs `w: [N x K]`, on all cores.
    ///
    /// # Panics
    /// If `w` has not `n * k` numbers, or there are none; all functions here panic when a slice has
    /// a length that contradicts the shapes.
    pub fn pack(n: usize, k: usize, w: &[f32]) -> PackedInt8 {
        assert_eq!(w.len(), n * k, "[{n} x {k}] weights");
        PackedInt8::pack_rows(n, k, |row, out| {
            out.copy_from_slice(&w[row * k..][..k]);
        })
    }

    /// Packs the rows that `fill` writes when asked for each by its number, so that the whole weight
    /// need not exist in f32.
    pub fn pack_rows(n: usize, k: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> PackedInt8 {
        assert!(n > 0 && k > 0, "[{n} x {k}] weights");
        let panel_lines = k.next_multiple_of(DEPTH_STEP) * PANEL / 64;
        let mut packed = PackedInt8 {
            outputs: n,
            inputs: k,
            lines: vec![Line([0; 64]); n.div_ceil(PANEL) * panel_lines],
            scales: vec![0.0; n],
            forward_offsets: Vec::new(),
            backward_offsets: Vec::new(),
        };
        let isa = Isa::chosen();
        let panels = packed.lines.par_chunks_mut(panel_lines);
        panels
            .zip(packed.scales.par_chunks_mut(PANEL))
            .enumerate()
            .for_each_init(
                || (vec![0.0; k], vec![0; k]),
                |(numbers, shifted), (p, (lines, scales))| {
                    let bytes = Line::signed_mut(lines);
                    for (j, scale) in scales.iter_mut().enumerate() {
                        fill(p * PANEL + j, numbers);
                        *scale = row(isa, numbers, None, shifted);
                        for (k, byte) in shifted.iter().enumerate() {
                            bytes[place(j, k)] = byte.wrapping_sub(128) as i8;
                        }
                    }
                },
            );
        packed.forward_offsets = packed.sum_inputs();
        packed.backward_offsets = packed.sum_outputs();
        packed
    }

    /// -128 times the sums over the inputs of each span, for each output.
    fn sum_inputs(&self) -> Vec<Sums> {
        let spans = self.depth().div_ceil(SPAN);
        let mut offsets = vec![Sums::ZERO; self.panels() * spans];
        let each = offsets.par_chunks_mut(spans).enumerate();
        each.for_each(|(p, offsets)| {
            let spans = self.panel(p).chunks(SPAN * PANEL);
            for (offset, span) in offsets.iter_mut().zip(spans) {
                for group in span.chunks_exact(4 * PANEL) {
                    for (offset, four) in offset.0.iter_mut().zip(group.chunks_exact(4)) {
                        *offset -= four.iter().map(|w| 128 * i32::from(*w)).sum::<i32>();
                    }
                }
            }
        });
        offsets
    }

    /// -128 times the sums over the outputs of each slab, for each input.
    fn sum_outputs(&self) -> Vec<Sums> {
        let blocks = self.inputs.div_ceil(PANEL);
        let mut offsets = vec![Sums::ZERO; self.outputs.div_ceil(SLAB) * blocks];
        offsets.par_iter_mut().enumerate().for_each(|(at, offset)| {
            for p in slab_panels(at / blocks, self.panels()) {
                let square = &self.panel(p)[at % blocks * PANEL * PANEL..][..PANEL * PANEL];
                for (g, group) in square.chunks_exact(4 * PANEL).enumerate() {
                    for (i, w) in group.iter().enumerate() {
                        offset.0[g * 4 + i % 4] -= 128 * i32::from(*w);
                    }
                }
            }
        });
        offsets
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        let offsets = self.forward_offsets.len() + self.backward_offsets.len();
        self.lines.len() * 64 + self.scales.len() * 4 + offsets * PANEL * 4
    }

    /// What a unit of each output's integers stands for: `[N]`.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The integer that stands for `W[n][k]`, between -127 and 127.
    pub fn integer(&self, n: usize, k: usize) -> i32 {
        i32::from(self.panel(n / PANEL)[place(n % PANEL, k)])
    }

    /// Row `n` as the products see it: `[K]`.
    pub fn row(&self, n: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.inputs, "a row of weights");
        let (panel, scale) = (self.panel(n / PANEL), self.scales[n]);
        for (k, out) in out.iter_mut().enumerate() {
            *out = f32::from(panel[place(n % PANEL, k)]) * scale;
        }
    }

    /// All of it as the products see it: `[N x K]`.
    pub fn dequantised(&self) -> Vec<f32> {
        let mut all = vec![0.0; self.outputs * self.inputs];
        let rows = all.par_chunks_mut(self.inputs).enumerate();
        rows.for_each(|(n, out)| self.row(n, out));
        all
    }

    fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL)
    }

    /// `K` filled up.
    fn depth(&self) -> usize {
        self.inputs.next_multiple_of(DEPTH_STEP)
    }

    fn panel(&self, p: usize) -> &[i8] {
        let len = self.depth() * PANEL;
        &Line::signed(&self.lines)[p * len..][..len]
    }
}

/// Where the byte of output `j` and input `k` stands in a panel.
fn place(j: usize, k: usize) -> usize {
    k / 4 * (4 * PANEL) + j * 4 + k % 4
}

fn slab_panels(slab: usize, panels: usize) -> Range<usize> {
    slab * (SLAB / PANEL)..panels.min((slab + 1) * (SLAB / PANEL))
}

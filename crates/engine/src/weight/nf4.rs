//! A frozen weight in four-bit NormalFloat, as QLoRA: blocks of 64 inputs of one output share a
//! scale, the largest magnitude in the block; the scales themselves are kept in eight bits.
//!
//! Blocks never cross from one output to the next: where `K` is no multiple of 64 the last block of
//! each row is shorter. Where it is one, the blocks are those of the flattened matrix.

use std::ops::Range;

use rayon::prelude::*;

use super::panels_of;
use crate::kernel::aligned::fetch;
use crate::kernel::decode::{self, NF4_LEVELS, NF4_ROW};
use crate::kernel::{Isa, PANEL};
use crate::panel::Packed;

/// Inputs that share a scale.
pub const BLOCK: usize = 64;
/// Scales that share a scale of their own: eight blocks of a panel's 32 outputs.
const GROUP: usize = 256;

/// `[N x K]` as panels of codes and of scales.
pub struct PackedNf4 {
    outputs: usize,
    inputs: usize,
    /// `[panel][K][NF4_ROW]`, two codes to a byte.
    codes: Vec<u8>,
    /// Scales less their mean, in units of their group: `[panel][block][PANEL]`.
    scales: Vec<i8>,
    /// The unit of each group of `GROUP` consecutive entries of `scales`.
    units: Vec<f32>,
    /// The mean of all scales.
    mean: f32,
}

impl PackedNf4 {
    /// Quantises and packs rows `[N x K]`. Numbers must be finite.
    pub fn pack(n: usize, k: usize, weight: &[f32]) -> PackedNf4 {
        let panels = panels_of(n, k, weight);
        let blocks = k.div_ceil(BLOCK);
        let mut codes = vec![0; panels * k * NF4_ROW];
        let mut largest = vec![0.0; panels * blocks * PANEL];
        if k > 0 {
            codes
                .par_chunks_mut(k * NF4_ROW)
                .zip(largest.par_chunks_mut(blocks * PANEL))
                .zip(weight.par_chunks(k * PANEL))
                .for_each(|((codes, largest), rows)| {
                    for (lane, row) in rows.chunks_exact(k).enumerate() {
                        encode_row(row, lane, codes, largest);
                    }
                });
        }
        let (scales, units, mean) = encode_scales(&largest, n, blocks);
        PackedNf4 {
            outputs: n,
            inputs: k,
            codes,
            scales,
            units,
            mean,
        }
    }

    /// Bytes that it occupies.
    pub fn bytes(&self) -> usize {
        self.codes.len() + self.scales.len() + size_of_val(&*self.units) + size_of_val(&self.mean)
    }

    /// The scales of one block of inputs for the outputs of a panel. The one place where a scale is
    /// computed, so that it has the same bits everywhere.
    fn scales(&self, panel: usize, block: usize) -> [f32; PANEL] {
        let from = (panel * self.inputs.div_ceil(BLOCK) + block) * PANEL;
        let unit = self.units[from / GROUP];
        let codes = &self.scales[from..from + PANEL];
        // A scale below zero would come of rounding only and would turn signs around.
        std::array::from_fn(|j| (f32::from(codes[j]) * unit + self.mean).max(0.0))
    }
}

/// Codes and scales of one output, into its lane of the panel.
fn encode_row(row: &[f32], lane: usize, codes: &mut [u8], largest: &mut [f32]) {
    let (byte, shift) = (lane % NF4_ROW, lane / NF4_ROW * 4);
    for (block, numbers) in row.chunks(BLOCK).enumerate() {
        let scale = numbers.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        largest[block * PANEL + lane] = scale;
        for (i, x) in numbers.iter().enumerate() {
            let code = if scale > 0.0 {
                nearest(x / scale)
            } else {
                ZERO
            };
            codes[(block * BLOCK + i) * NF4_ROW + byte] |= code << shift;
        }
    }
}

/// The code of the level 0.
const ZERO: u8 = 7;

/// The code of the level nearest to `x`, a number in `-1..=1`.
fn nearest(x: f32) -> u8 {
    let above = |pair: &&[f32]| x > 0.5 * (pair[0] + pair[1]);
    NF4_LEVELS.windows(2).filter(above).count() as u8
}

/// Scales in eight bits: less their mean, in units of the largest of each group. Lanes beyond the
/// last output count for nothing.
fn encode_scales(largest: &[f32], n: usize, blocks: usize) -> (Vec<i8>, Vec<f32>, f32) {
    let real = |at: usize| at / (blocks * PANEL) * PANEL + at % PANEL < n;
    let sum: f64 = largest.iter().map(|x| f64::from(*x)).sum();
    let mean = (sum / (n * blocks).max(1) as f64) as f32;
    let mut codes = vec![0; largest.len()];
    let mut units = Vec::with_capacity(largest.len().div_ceil(GROUP));
    for (group, (codes, largest)) in codes
        .chunks_mut(GROUP)
        .zip(largest.chunks(GROUP))
        .enumerate()
    {
        let offset = |i: usize| {
            let real = real(group * GROUP + i);
            if real { largest[i] - mean } else { 0.0 }
        };
        let most = (0..largest.len()).fold(0.0f32, |most, i| most.max(offset(i).abs()));
        let unit = most / 127.0;
        for (i, code) in codes.iter_mut().enumerate() {
            *code = if unit > 0.0 {
                (offset(i) / unit).round().clamp(-127.0, 127.0) as i8
            } else {
                0
            };
        }
        units.push(unit);
    }
    (codes, units, mean)
}

impl Packed for PackedNf4 {
    fn outputs(&self) -> usize {
        self.outputs
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn decoded<'s>(
        &'s self,
        isa: Isa,
        panel: usize,
        inputs: Range<usize>,
        scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let to = &mut scratch[..inputs.len() * PANEL];
        let mut at = inputs.start;
        while at < inputs.end {
            let end = (at / BLOCK * BLOCK + BLOCK).min(inputs.end);
            let scales = self.scales(panel, at / BLOCK);
            let from = panel * self.inputs + at;
            let codes = &self.codes[from * NF4_ROW..(from + end - at) * NF4_ROW];
            let part = (at - inputs.start) * PANEL..(end - inputs.start) * PANEL;
            decode::nf4(isa, codes, &scales, &mut to[part]);
            at = end;
        }
        to
    }

    fn fetch(&self, panel: usize, inputs: Range<usize>) {
        let from = panel * self.inputs + inputs.start;
        let range = from * NF4_ROW..(from + inputs.len()) * NF4_ROW;
        fetch(self.codes.get(range).unwrap_or_default());
    }
}

//! A frozen weight in f32, rearranged and otherwise untouched.

use std::ops::Range;

use rayon::prelude::*;

use super::panels_of;
use crate::kernel::aligned::{Aligned, fetch};
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL};
use crate::panel::Packed;

/// `[N x K]` as panels `[K x PANEL]`; outputs beyond `N` are zeros.
pub struct PackedF32 {
    outputs: usize,
    inputs: usize,
    panels: Aligned,
}

impl PackedF32 {
    /// Packs rows `[N x K]`.
    pub fn pack(n: usize, k: usize, weight: &[f32]) -> PackedF32 {
        let mut panels = Aligned::zeros(panels_of(n, k, weight) * k * PANEL);
        if k > 0 {
            panels
                .par_chunks_mut(k * PANEL)
                .zip(weight.par_chunks(k * PANEL))
                .for_each(|(panel, rows)| {
                    let shape = (rows.len() / k, k);
                    transpose(Isa::chosen(), shape, (rows, k), (panel, PANEL));
                });
        }
        PackedF32 {
            outputs: n,
            inputs: k,
            panels,
        }
    }

    /// Bytes that it occupies.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.panels)
    }
}

impl Packed for PackedF32 {
    fn outputs(&self) -> usize {
        self.outputs
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn decoded<'s>(
        &'s self,
        _isa: Isa,
        panel: usize,
        inputs: Range<usize>,
        _scratch: &'s mut [f32],
    ) -> &'s [f32] {
        let from = panel * self.inputs + inputs.start;
        &self.panels[from * PANEL..(from + inputs.len()) * PANEL]
    }

    fn stored(&self) -> bool {
        true
    }

    fn fetch(&self, panel: usize, inputs: Range<usize>) {
        let from = panel * self.inputs + inputs.start;
        let range = from * PANEL..(from + inputs.len()) * PANEL;
        fetch(self.panels.get(range).unwrap_or_default());
    }
}

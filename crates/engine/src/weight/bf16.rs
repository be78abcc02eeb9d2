//! A frozen weight in bf16, rounded to nearest with ties to even, widened panel by panel where it
//! is used. Products are in f32.

use std::ops::Range;

use rayon::prelude::*;

use super::panels_of;
use crate::kernel::aligned::fetch;
use crate::kernel::transpose::transpose;
use crate::kernel::{Isa, PANEL, decode};
use crate::panel::Packed;

/// `[N x K]` as panels `[K x PANEL]` of 16-bit numbers; outputs beyond `N` are zeros.
pub struct PackedBf16 {
    outputs: usize,
    inputs: usize,
    panels: Vec<u16>,
}

impl PackedBf16 {
    /// Rounds and packs rows `[N x K]`. A checkpoint in bf16 that was widened loses nothing.
    pub fn pack(n: usize, k: usize, weight: &[f32]) -> PackedBf16 {
        let mut panels = vec![0; panels_of(n, k, weight) * k * PANEL];
        if k > 0 {
            panels
                .par_chunks_mut(k * PANEL)
                .zip(weight.par_chunks(k * PANEL))
                .for_each_init(
                    || vec![0.0; k * PANEL],
                    |wide, (panel, rows)| {
                        wide.fill(0.0);
                        let shape = (rows.len() / k, k);
                        transpose(Isa::chosen(), shape, (rows, k), (wide, PANEL));
                        for (to, from) in panel.iter_mut().zip(wide.iter()) {
                            *to = rounded(*from);
                        }
                    },
                );
        }
        PackedBf16 {
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

/// The nearest bf16; of two equally near the one with an even last bit. A NaN stays one.
pub(super) fn rounded(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    let even = (bits >> 16) & 1;
    ((bits + 0x7fff + even) >> 16) as u16
}

impl Packed for PackedBf16 {
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
        let from = (panel * self.inputs + inputs.start) * PANEL;
        let to = &mut scratch[..inputs.len() * PANEL];
        decode::bf16(isa, &self.panels[from..from + to.len()], to);
        to
    }

    fn is_bf16(&self) -> bool {
        true
    }

    fn fetch(&self, panel: usize, inputs: Range<usize>) {
        let from = panel * self.inputs + inputs.start;
        let range = from * PANEL..(from + inputs.len()) * PANEL;
        fetch(self.panels.get(range).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn rounding_goes_to_the_nearest_and_to_even_between_two() {
        let cases: [(u32, u16); 8] = [
            (0x3f80_0000, 0x3f80),
            (0x3f80_7fff, 0x3f80),
            (0x3f80_8000, 0x3f80),
            (0x3f80_8001, 0x3f81),
            (0x3f81_8000, 0x3f82),
            (0xbf81_8000, 0xbf82),
            (0x7f7f_ffff, 0x7f80),
            (0x7f80_0000, 0x7f80),
        ];
        for (from, to) in cases {
            assert_eq!(rounded(f32::from_bits(from)), to, "{from:#x}");
        }
        assert!(f32::from_bits(u32::from(rounded(f32::NAN)) << 16).is_nan());
        assert_eq!(rounded(f32::from_bits(0x7f80_0001)), 0x7fc0);
    }
}

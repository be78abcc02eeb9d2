//! Turns stored panels of a weight (32 outputs by depth of inputs) into panels of its transpose
//! (32 inputs by depth of outputs), so that one stored copy serves both directions.
//!
//! It moves bytes and nothing else.

use super::super::Isa;
use super::{DEPTH_STEP, PANEL};

/// Bytes of a square of 32 outputs by 32 inputs: what one panel holds of 32 inputs, in one stretch.
const SQUARE: usize = PANEL * PANEL;

/// Bytes that a turned panel takes which covers so many stored panels.
pub(crate) fn turned_len(panels: usize) -> usize {
    (panels * PANEL).next_multiple_of(DEPTH_STEP) * PANEL
}

/// Writes into `out` the panel of inputs `32 * block..` and of the outputs in `stored`, which is a
/// number of whole panels that each take `panel_len` bytes.
pub(crate) fn turn(isa: Isa, stored: &[i8], panel_len: usize, block: usize, out: &mut [i8]) {
    let panels = stored.len() / panel_len;
    assert_eq!(out.len(), turned_len(panels), "a turned panel");
    let (turned, fill) = out.split_at_mut(panels * SQUARE);
    fill.fill(0);
    let from = stored.chunks_exact(panel_len);
    for (from, to) in from.zip(turned.chunks_exact_mut(SQUARE)) {
        let from = &from[block * SQUARE..][..SQUARE];
        match isa.or_portable() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: this machine has it; both slices are a square.
            Isa::Avx2 | Isa::Avx512 | Isa::Amx => unsafe { square_x86(from, to) },
            _ => square(from, to),
        }
    }
}

/// `[8 inputs / 4][32 outputs][4]` to `[8 outputs / 4][32 inputs][4]`.
fn square(from: &[i8], to: &mut [i8]) {
    for input in 0..PANEL {
        for output in 0..PANEL {
            to[output / 4 * 128 + input * 4 + output % 4] =
                from[input / 4 * 128 + output * 4 + input % 4];
        }
    }
}

/// The same, by sixteen bytes: four outputs of four inputs become four inputs of four outputs within
/// one vector.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
unsafe fn square_x86(from: &[i8], to: &mut [i8]) {
    use std::arch::x86_64::*;
    let swap = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for g in 0..8 {
        for h in 0..8 {
            // SAFETY: both slices are 8 * 128 bytes.
            unsafe {
                let four = _mm_loadu_si128(from.as_ptr().add(g * 128 + h * 16).cast());
                let four = _mm_shuffle_epi8(four, swap);
                _mm_storeu_si128(to.as_mut_ptr().add(h * 128 + g * 16).cast(), four);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_turns_every_byte_to_its_place() {
        // 3 panels (96 outputs) by 64 inputs.
        let (panels, depth) = (3, 64);
        let stored: Vec<i8> = (0..panels * depth * PANEL)
            .map(|i| ((i * 7919) >> 3) as i8)
            .collect();
        let weight =
            |n: usize, k: usize| stored[n / 32 * depth * 32 + k / 4 * 128 + n % 32 * 4 + k % 4];
        for isa in Isa::available() {
            for block in 0..2 {
                let mut out = vec![1; turned_len(panels)];
                turn(isa, &stored, depth * PANEL, block, &mut out);
                for n in 0..128 {
                    for k in 0..32 {
                        let expected = if n < 96 { weight(n, block * 32 + k) } else { 0 };
                        assert_eq!(
                            out[n / 4 * 128 + k * 4 + n % 4],
                            expected,
                            "{isa:?} {n} {k}"
                        );
                    }
                }
            }
        }
    }
}

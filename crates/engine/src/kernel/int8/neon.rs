//! The integer product with the 128-bit vectors of aarch64: two rows by 32 outputs in registers.
//!
//! It uses the widening multiplication that every such machine has, not the dot product that only
//! newer ones have.

use std::arch::aarch64::*;

use super::{Left, Panel, Sums};

/// # Safety
/// NEON; lengths as `super::multiply` checks them.
#[target_feature(enable = "neon")]
pub(super) unsafe fn multiply(
    left: Left<'_>,
    rows: usize,
    panel: Panel<'_>,
    sums: &mut [Sums],
    more: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            1 => block::<1>(left, panel, sums, more),
            _ => block::<2>(left, panel, sums, more),
        }
    }
}

#[target_feature(enable = "neon")]
unsafe fn block<const R: usize>(left: Left<'_>, panel: Panel<'_>, sums: &mut [Sums], more: bool) {
    // SAFETY: R rows of at least the panel's depth lie on the left; a group of depth is 128 bytes;
    // there are at least R sums of 32 numbers.
    unsafe {
        let mut block = [[vdupq_n_s32(0); 8]; R];
        if more {
            for (block, sums) in block.iter_mut().zip(sums.iter()) {
                for (v, block) in block.iter_mut().enumerate() {
                    *block = vld1q_s32(sums.0.as_ptr().add(4 * v));
                }
            }
        }
        let mut x = left.bytes.as_ptr();
        let mut w = panel.bytes.as_ptr();
        for _ in 0..panel.bytes.len() / 128 {
            let mut four = [vdupq_n_s8(0); R];
            for (r, four) in four.iter_mut().enumerate() {
                let x = x.add(r * left.stride).cast::<u32>().read_unaligned();
                *four = vreinterpretq_s8_u32(vdupq_n_u32(x ^ 0x8080_8080));
            }
            for v in 0..8 {
                let w = vld1q_s8(w.add(16 * v));
                for (x, block) in four.iter().zip(&mut block) {
                    let low = vmull_s8(vget_low_s8(*x), vget_low_s8(w));
                    let high = vmull_high_s8(*x, w);
                    // A pair is at most 2 * 127 * 127, which 16 bits hold.
                    block[v] = vpadalq_s16(block[v], vpaddq_s16(low, high));
                }
            }
            x = x.add(4);
            w = w.add(128);
        }
        for (block, sums) in block.iter().zip(sums) {
            for (v, block) in block.iter().enumerate() {
                vst1q_s32(sums.0.as_mut_ptr().add(4 * v), *block);
            }
        }
    }
}

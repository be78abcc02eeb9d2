//! The integer product with 256-bit vectors: two rows by 32 outputs in registers.
//!
//! The product of unsigned and signed bytes saturates at 16 bits when pairs are summed, so it is fed
//! |x| and w * sign(x): both are at most 127 in size, and 2 * 127 * 127 fits.

use std::arch::x86_64::*;

use super::{Left, Panel, Sums};

/// # Safety
/// AVX2; lengths as `super::multiply` checks them.
#[target_feature(enable = "avx2")]
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

#[target_feature(enable = "avx2")]
unsafe fn block<const R: usize>(left: Left<'_>, panel: Panel<'_>, sums: &mut [Sums], more: bool) {
    // SAFETY: R rows of at least the panel's depth lie on the left; a group of depth is 128 bytes;
    // there are at least R sums of 32 numbers, aligned to 64 bytes.
    unsafe {
        let mut block = [[_mm256_setzero_si256(); 4]; R];
        if more {
            for (block, sums) in block.iter_mut().zip(sums.iter()) {
                for (v, block) in block.iter_mut().enumerate() {
                    *block = _mm256_load_si256(sums.0.as_ptr().add(8 * v).cast());
                }
            }
        }
        let shift = _mm256_set1_epi8(-128);
        let ones = _mm256_set1_epi16(1);
        let mut x = left.bytes.as_ptr();
        let mut w = panel.bytes.as_ptr();
        for _ in 0..panel.bytes.len() / 128 {
            for (r, block) in block.iter_mut().enumerate() {
                let x = x.add(r * left.stride).cast::<i32>().read_unaligned();
                let x = _mm256_xor_si256(_mm256_set1_epi32(x), shift);
                let size = _mm256_abs_epi8(x);
                for (v, block) in block.iter_mut().enumerate() {
                    let w = _mm256_loadu_si256(w.add(32 * v).cast());
                    let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(w, x));
                    *block = _mm256_add_epi32(*block, _mm256_madd_epi16(pairs, ones));
                }
            }
            x = x.add(4);
            w = w.add(128);
        }
        for (block, sums) in block.iter().zip(sums) {
            for (v, block) in block.iter().enumerate() {
                _mm256_store_si256(sums.0.as_mut_ptr().add(8 * v).cast(), *block);
            }
        }
    }
}

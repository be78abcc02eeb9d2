//! The integer product with the 512-bit VNNI instruction: 14 rows by 32 outputs in registers.
//!
//! `vpdpbusd` multiplies unsigned by signed bytes, so the activations go in shifted by 128 and the
//! panel's offset takes the shift back. It wraps and never saturates, so the end is exact whatever
//! lies between.

use std::arch::x86_64::*;

use super::{Left, Panel, Sums};

/// # Safety
/// AVX-512 with VNNI; lengths as `super::multiply` checks them.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn multiply(
    left: Left<'_>,
    rows: usize,
    panel: Panel<'_>,
    sums: &mut [Sums],
    more: bool,
) {
    let run = match rows {
        1 => few::<1>,
        2 => few::<2>,
        3 => few::<3>,
        4 => many::<4>,
        5 => many::<5>,
        6 => many::<6>,
        7 => many::<7>,
        8 => many::<8>,
        9 => many::<9>,
        10 => many::<10>,
        11 => many::<11>,
        12 => many::<12>,
        13 => many::<13>,
        _ => many::<14>,
    };
    // SAFETY: the caller's promise.
    unsafe { run(left, panel, sums, more) }
}

/// Sums of `R` rows: two vectors of sixteen each.
type Block<const R: usize> = [[__m512i; 2]; R];

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn start<const R: usize>(panel: Panel<'_>, sums: &[Sums], more: bool) -> Block<R> {
    // SAFETY: an offset is 32 numbers, and so is each of at least R sums.
    unsafe {
        let offset = panel.offset.0.as_ptr();
        let offset = [
            _mm512_loadu_si512(offset.cast()),
            _mm512_loadu_si512(offset.add(16).cast()),
        ];
        let mut block = [offset; R];
        if more {
            for (block, sums) in block.iter_mut().zip(sums) {
                let sums = sums.0.as_ptr();
                block[0] = _mm512_add_epi32(block[0], _mm512_load_si512(sums.cast()));
                block[1] = _mm512_add_epi32(block[1], _mm512_load_si512(sums.add(16).cast()));
            }
        }
        block
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store<const R: usize>(block: Block<R>, sums: &mut [Sums]) {
    for (block, sums) in block.iter().zip(sums) {
        let sums = sums.0.as_mut_ptr();
        // SAFETY: sums are 32 numbers, aligned to 64 bytes.
        unsafe {
            _mm512_store_si512(sums.cast(), block[0]);
            _mm512_store_si512(sums.add(16).cast(), block[1]);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn many<const R: usize>(left: Left<'_>, panel: Panel<'_>, sums: &mut [Sums], more: bool) {
    // SAFETY: R rows of at least the panel's depth lie on the left; a group of depth is 128 bytes.
    unsafe {
        let mut block = start::<R>(panel, sums, more);
        let mut x = left.bytes.as_ptr();
        let mut w = panel.bytes.as_ptr();
        for _ in 0..panel.bytes.len() / 128 {
            let w0 = _mm512_loadu_si512(w.cast());
            let w1 = _mm512_loadu_si512(w.add(64).cast());
            for (r, block) in block.iter_mut().enumerate() {
                let x = _mm512_set1_epi32(x.add(r * left.stride).cast::<i32>().read_unaligned());
                block[0] = _mm512_dpbusd_epi32(block[0], x, w0);
                block[1] = _mm512_dpbusd_epi32(block[1], x, w1);
            }
            x = x.add(4);
            w = w.add(128);
        }
        store(block, sums);
    }
}

/// With few rows there would be too few sums in flight to hide the latency of a product: so the
/// depth is walked four groups at a time, each with sums of its own. It runs at the speed of memory,
/// and asks for what it will need shortly.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn few<const R: usize>(left: Left<'_>, panel: Panel<'_>, sums: &mut [Sums], more: bool) {
    const AHEAD: usize = 2048;
    // SAFETY: as in `many`; the depth is a multiple of 64, so groups come in fours. A prefetch
    // reads nothing, wherever it points.
    unsafe {
        let zero = [[_mm512_setzero_si512(); 2]; R];
        let mut blocks: [Block<R>; 4] = [start::<R>(panel, sums, more), zero, zero, zero];
        let mut x = left.bytes.as_ptr();
        let mut w = panel.bytes.as_ptr();
        for _ in 0..panel.bytes.len() / 512 {
            for (g, block) in blocks.iter_mut().enumerate() {
                let w = w.add(g * 128);
                _mm_prefetch::<_MM_HINT_T0>(w.wrapping_add(AHEAD));
                _mm_prefetch::<_MM_HINT_T0>(w.wrapping_add(AHEAD + 64));
                let w0 = _mm512_loadu_si512(w.cast());
                let w1 = _mm512_loadu_si512(w.add(64).cast());
                for (r, block) in block.iter_mut().enumerate() {
                    let x = x.add(r * left.stride + g * 4).cast::<i32>();
                    let x = _mm512_set1_epi32(x.read_unaligned());
                    block[0] = _mm512_dpbusd_epi32(block[0], x, w0);
                    block[1] = _mm512_dpbusd_epi32(block[1], x, w1);
                }
            }
            x = x.add(16);
            w = w.add(512);
        }
        let [mut block, rest @ ..] = blocks;
        for other in rest {
            for (block, other) in block.iter_mut().flatten().zip(other.into_iter().flatten()) {
                *block = _mm512_add_epi32(*block, other);
            }
        }
        store(block, sums);
    }
}

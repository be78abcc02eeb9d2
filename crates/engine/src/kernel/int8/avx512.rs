//! The integer product with the 512-bit VNNI instruction: 14 rows by 32 outputs in registers.
//!
//! `vpdpbusd` multiplies unsigned by signed bytes, so the activations go in shifted by 128 and the
//! panel's offset takes the shift back. It wraps and never saturates, so the end is exact whatever
//! lies between.

use std::arch::asm;
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
        _ => full,
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

/// One group of depth of one row: `$at` is where its four bytes are, `$low` and `$high` its sums.
macro_rules! row {
    ($at:literal, $group:literal, $low:literal, $high:literal) => {
        concat!(
            "vpbroadcastd zmm30, dword ptr [{x} + ",
            $at,
            $group,
            "]\nvpdpbusd zmm",
            $low,
            ", zmm30, zmm28\nvpdpbusd zmm",
            $high,
            ", zmm30, zmm29\n"
        )
    };
}

/// One group of depth of fourteen rows. Every row is reached from one moving address by a multiple of
/// the stride that stands in a register: additions would take the ports that multiply.
macro_rules! group {
    ($group:literal, $low:literal, $high:literal) => {
        concat!(
            "vmovdqa64 zmm28, [{w} + ",
            $low,
            "]\nvmovdqa64 zmm29, [{w} + ",
            $high,
            "]\n",
            row!("", $group, 0, 1),
            row!("{s1} + ", $group, 2, 3),
            row!("{s1} * 2 + ", $group, 4, 5),
            row!("{s3} + ", $group, 6, 7),
            row!("{s1} * 4 + ", $group, 8, 9),
            row!("{s5} + ", $group, 10, 11),
            row!("{s3} * 2 + ", $group, 12, 13),
            row!("{s7} + ", $group, 14, 15),
            row!("{s1} * 8 + ", $group, 16, 17),
            row!("{s9} + ", $group, 18, 19),
            row!("{s5} * 2 + ", $group, 20, 21),
            row!("{s11} + ", $group, 22, 23),
            row!("{s3} * 4 + ", $group, 24, 25),
            row!("{s13} + ", $group, 26, 27),
        )
    };
}

/// Fourteen rows, the case that nearly all time goes into, written out by hand.
#[rustfmt::skip] // A row of sums a line.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn full(left: Left<'_>, panel: Panel<'_>, sums: &mut [Sums], more: bool) {
    let stride = left.stride;
    let span = panel.bytes.as_ptr_range();
    // SAFETY: as in `many`; a panel is aligned to 64 bytes, and its depth is a multiple of 8.
    unsafe {
        let mut b = start::<14>(panel, sums, more);
        asm!(
            "2:",
            group!("0", "0", "64"),
            group!("4", "128", "192"),
            "add {x}, 8",
            "add {w}, 256",
            "cmp {w}, {end}",
            "jne 2b",
            x = inout(reg) left.bytes.as_ptr() => _,
            w = inout(reg) span.start => _,
            end = in(reg) span.end,
            s1 = in(reg) stride,
            s3 = in(reg) 3 * stride,
            s5 = in(reg) 5 * stride,
            s7 = in(reg) 7 * stride,
            s9 = in(reg) 9 * stride,
            s11 = in(reg) 11 * stride,
            s13 = in(reg) 13 * stride,
            inout("zmm0") b[0][0], inout("zmm1") b[0][1],
            inout("zmm2") b[1][0], inout("zmm3") b[1][1],
            inout("zmm4") b[2][0], inout("zmm5") b[2][1],
            inout("zmm6") b[3][0], inout("zmm7") b[3][1],
            inout("zmm8") b[4][0], inout("zmm9") b[4][1],
            inout("zmm10") b[5][0], inout("zmm11") b[5][1],
            inout("zmm12") b[6][0], inout("zmm13") b[6][1],
            inout("zmm14") b[7][0], inout("zmm15") b[7][1],
            inout("zmm16") b[8][0], inout("zmm17") b[8][1],
            inout("zmm18") b[9][0], inout("zmm19") b[9][1],
            inout("zmm20") b[10][0], inout("zmm21") b[10][1],
            inout("zmm22") b[11][0], inout("zmm23") b[11][1],
            inout("zmm24") b[12][0], inout("zmm25") b[12][1],
            inout("zmm26") b[13][0], inout("zmm27") b[13][1],
            out("zmm28") _, out("zmm29") _, out("zmm30") _,
            options(nostack, readonly),
        );
        store(b, sums);
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

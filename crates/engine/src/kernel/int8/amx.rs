//! The integer product with matrix tiles (AMX): 32 rows by 32 outputs in four tiles of sums.
//!
//! Whoever runs it must hold `Tiles` (see `kernel::amx`).

use std::arch::asm;

use super::{Left, Panel, ROW_STEP, Sums};

/// # Safety
/// `Tiles` are held on this thread; lengths as `super::multiply` checks them.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn multiply(
    left: Left<'_>,
    rows: usize,
    panel: Panel<'_>,
    sums: &mut [Sums],
    more: bool,
) {
    let mut start = Start {
        low: panel.offset,
        high: panel.offset,
        // One row, sixteen times.
        stride: 0,
    };
    if more {
        for sums in &mut sums[..ROW_STEP] {
            sums.add(panel.offset);
        }
        start = Start {
            low: &sums[0],
            high: &sums[16],
            stride: LINE,
        };
    }
    let (x, w, s) = (left.bytes.as_ptr(), panel.bytes.as_ptr(), sums.as_mut_ptr());
    let steps = panel.bytes.len() / 2048;
    // SAFETY: 32 rows on the left and 32 sums exist; a step of depth is 2048 bytes of the panel.
    unsafe {
        if rows > 16 {
            two((x, left.stride), w, steps, start, s);
        } else {
            one((x, left.stride), w, steps, start, s);
        }
    }
}

/// From one group of depth, or from one row of sums, to the next.
const LINE: usize = 128;

/// What the sums start from: sixteen rows each.
struct Start {
    low: *const Sums,
    high: *const Sums,
    stride: usize,
}

/// Up to 32 rows.
unsafe fn two(
    (x, stride): (*const u8, usize),
    w: *const i8,
    steps: usize,
    start: Start,
    sums: *mut Sums,
) {
    // SAFETY: the caller's promise; tile registers are no one else's. `tdpbusd` wraps as `vpdpbusd`
    // does.
    unsafe {
        asm!(
            "tileloadd tmm0, [{low} + {from}]",
            "tileloadd tmm1, [{low} + {from} + 64]",
            "tileloadd tmm2, [{high} + {from}]",
            "tileloadd tmm3, [{high} + {from} + 64]",
            "2:",
            "tileloadd tmm6, [{w} + {line}]",
            "tileloadd tmm4, [{x} + {stride}]",
            "tileloadd tmm7, [{w} + {line} + 64]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{y} + {stride}]",
            "tdpbusd tmm1, tmm4, tmm7",
            "tdpbusd tmm2, tmm5, tmm6",
            "tdpbusd tmm3, tmm5, tmm7",
            "add {x}, 64",
            "add {y}, 64",
            "add {w}, 2048",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{s} + {line}], tmm0",
            "tilestored [{s} + {line} + 64], tmm1",
            "tilestored [{s} + {line} + 2048], tmm2",
            "tilestored [{s} + {line} + 2112], tmm3",
            x = inout(reg) x => _,
            y = inout(reg) x.add(16 * stride) => _,
            w = inout(reg) w => _,
            steps = inout(reg) steps => _,
            s = in(reg) sums,
            low = in(reg) start.low,
            high = in(reg) start.high,
            from = in(reg) start.stride,
            stride = in(reg) stride,
            line = in(reg) LINE,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Up to 16 rows.
unsafe fn one(
    (x, stride): (*const u8, usize),
    w: *const i8,
    steps: usize,
    start: Start,
    sums: *mut Sums,
) {
    // SAFETY: as in `two`.
    unsafe {
        asm!(
            "tileloadd tmm0, [{low} + {from}]",
            "tileloadd tmm1, [{low} + {from} + 64]",
            "2:",
            "tileloadd tmm4, [{x} + {stride}]",
            "tileloadd tmm6, [{w} + {line}]",
            "tileloadd tmm7, [{w} + {line} + 64]",
            "tdpbusd tmm0, tmm4, tmm6",
            "tdpbusd tmm1, tmm4, tmm7",
            "add {x}, 64",
            "add {w}, 2048",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{s} + {line}], tmm0",
            "tilestored [{s} + {line} + 64], tmm1",
            x = inout(reg) x => _,
            w = inout(reg) w => _,
            steps = inout(reg) steps => _,
            s = in(reg) sums,
            low = in(reg) start.low,
            from = in(reg) start.stride,
            stride = in(reg) stride,
            line = in(reg) LINE,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

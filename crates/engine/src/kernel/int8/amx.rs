//! The integer product with matrix tiles (AMX): 32 rows by 32 outputs in four tiles of sums.
//!
//! Compilers do not know these registers yet, so the loop is written in assembly, and whoever runs it
//! must hold `Tiles`, which sets the shape of the tiles on this thread and gives them back.

use std::arch::asm;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::super::Isa;
use super::{Left, Panel, ROW_STEP, Sums};

/// Whether the processor has 8-bit tiles and the system lets this process use them.
///
/// Linux gives the state of tiles only to a process that asks; the answer then holds for all of its
/// threads. A system that refuses, or knows nothing of tiles, simply has none.
pub(crate) fn is_available() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| has_tiles() && is_permitted())
}

fn has_tiles() -> bool {
    const TILE_AND_INT8: u32 = 1 << 24 | 1 << 25;
    std::arch::x86_64::__cpuid(0).eax >= 7
        && std::arch::x86_64::__cpuid_count(7, 0).edx & TILE_AND_INT8 == TILE_AND_INT8
}

#[cfg(target_os = "linux")]
fn is_permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn is_permitted() -> bool {
    false
}

/// Tiles of 16 rows of 64 bytes, set up on this thread for as long as this is held.
pub(super) struct Tiles {
    /// The registers belong to a thread.
    not_send: PhantomData<*const ()>,
}

#[repr(C, align(64))]
struct Shape {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Tiles {
    /// Nothing where `isa` needs no tiles.
    pub(super) fn hold(isa: Isa) -> Option<Tiles> {
        static SHAPE: Shape = {
            let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
            let mut tile = 0;
            while tile < 8 {
                (row_bytes[tile], rows[tile]) = (64, 16);
                tile += 1;
            }
            Shape {
                palette: 1,
                start_row: 0,
                reserved: [0; 14],
                row_bytes,
                rows,
            }
        };
        (isa == Isa::Amx && is_available()).then(|| {
            // SAFETY: the machine has tiles and the system has granted them; the shape is valid.
            unsafe { asm!("ldtilecfg [{}]", in(reg) &SHAPE, options(nostack, readonly)) };
            Tiles {
                not_send: PhantomData,
            }
        })
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles are in use on this thread, and no one else on it holds them.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

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

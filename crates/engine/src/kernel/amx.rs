//! Matrix tiles (AMX): whether this process may use them, and their shape on a thread.
//!
//! It multiplies nothing: what is done with tiles stands with the products that use them. Compilers
//! do not know these registers yet, so their loops are written in assembly, and whoever runs one
//! must hold `Tiles`, which sets the shape of the tiles on this thread and gives them back.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// Rows of a tile, and the height in depth of a tile of a right operand.
pub(crate) const ROWS: usize = 16;

/// Whether the processor has tiles for bytes and the system lets this process use them.
///
/// Linux gives the state of tiles only to a process that asks; the answer then holds for all of its
/// threads. A system that refuses, or knows nothing of tiles, simply has none.
pub(crate) fn is_available() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| has(TILE | INT8) && is_permitted())
}

/// Whether there are tiles for bf16 as well.
pub(crate) fn has_bf16() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| is_available() && has(BF16))
}

const BF16: u32 = 1 << 22;
const TILE: u32 = 1 << 24;
const INT8: u32 = 1 << 25;

fn has(features: u32) -> bool {
    __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & features == features
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

/// Tiles with rows of 64 bytes, set up on this thread for as long as this is held.
pub(crate) struct Tiles {
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

impl Shape {
    /// The first `low` of eight tiles have `height` rows, the others sixteen.
    const fn new(low: usize, height: u8) -> Shape {
        let (mut row_bytes, mut rows) = ([0; 16], [0; 16]);
        let mut tile = 0;
        while tile < 8 {
            row_bytes[tile] = 64;
            rows[tile] = if tile < low { height } else { ROWS as u8 };
            tile += 1;
        }
        Shape {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes,
            rows,
        }
    }
}

impl Tiles {
    /// Eight tiles of sixteen rows; nothing where there are no tiles.
    pub(crate) fn hold() -> Option<Tiles> {
        static SHAPE: Shape = Shape::new(0, 0);
        Tiles::shaped(&SHAPE)
    }

    /// For fewer rows: tiles 0 to 6 have `rows` rows (at least one, at most sixteen), tile 7 has
    /// sixteen.
    pub(crate) fn hold_low(rows: usize) -> Option<Tiles> {
        assert!((1..=ROWS).contains(&rows), "a tile of {rows} rows");
        Tiles::shaped(&Shape::new(7, rows as u8))
    }

    fn shaped(shape: &Shape) -> Option<Tiles> {
        is_available().then(|| {
            // SAFETY: the machine has tiles and the system has granted them; the shape is valid.
            unsafe { asm!("ldtilecfg [{}]", in(reg) shape, options(nostack, readonly)) };
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

//! One tile of a product: up to `tile_rows` rows by up to `PANEL` columns, given by raw pointers,
//! and the choice among the files that know how to make it.
//!
//! It checks nothing: `multiply` and the product driver have checked before they come here.

use std::ops::Range;

use super::multiply::Write;
use super::{Isa, portable};

/// `c[i * c_row + j] (+)= sum over k of a[i * a_row + k * a_col] * b[k * b_row + j]`.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// At most `tile_rows(isa)`.
    pub rows: usize,
    /// At most `PANEL`.
    pub cols: usize,
    pub depth: usize,
    pub a: *const f32,
    pub a_row: usize,
    pub a_col: usize,
    pub b: *const f32,
    pub b_row: usize,
    pub c: *mut f32,
    pub c_row: usize,
    pub into: Write,
}

/// The most rows that a tile of this instruction set has: as many as leave its accumulators, one
/// row of the right operand and one number of the left in registers.
pub(crate) fn tile_rows(isa: Isa) -> usize {
    match isa {
        Isa::Avx512 | Isa::Amx => 14,
        Isa::Avx2 | Isa::Neon => 6,
        Isa::Portable => 4,
    }
}

/// Cuts rows into tiles of nearly equal height: sixteen rows are faster as twice eight than as
/// fourteen and two.
pub(crate) fn tiles(isa: Isa, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = rows.len().div_ceil(tile_rows(isa));
    let cut = move |i: usize| rows.start + rows.len() * i / count;
    (0..count).map(move |i| cut(i)..cut(i + 1))
}

impl Tile {
    /// Makes the tile.
    ///
    /// # Safety
    /// The machine has `isa`; `rows <= tile_rows(isa)` and `cols <= PANEL`; every element named by
    /// the formula above may be read (`a`, `b`) or written (`c`), and nothing else reads or writes
    /// those of `c` meanwhile.
    pub(crate) unsafe fn run(self, isa: Isa) {
        let shape = (self.rows, self.cols, self.depth);
        let a = (self.a, self.a_row, self.a_col);
        let b = (self.b, self.b_row);
        let c = (self.c, self.c_row);
        let add = self.into == Write::Add;
        // SAFETY: the caller's promise is what each of these functions asks for.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 | Isa::Amx => super::avx512::tile(shape, a, b, c, add),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => super::avx2::tile(shape, a, b, c, add),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon => super::neon::tile(shape, a, b, c, add),
                _ => portable::tile(shape, a, b, c, add),
            }
        }
    }
}

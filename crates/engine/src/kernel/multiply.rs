//! The small f32 product that everything dense is made of: one thread, any strides on the left,
//! contiguous rows on the right.
//!
//! Every element is a sum over `k` in ascending order with one accumulator, so a row of the result
//! depends on nothing but its own row of the left operand: neither on how many rows there are nor
//! on where it stands among them. (Libraries for dense products give no such promise: they cut the
//! depth and choose their tiles by the shape, and they pack the right operand anew in every call.)

use super::tile::{Tile, tiles};
use super::{Isa, PANEL};

/// The left operand: element `(i, k)` is `data[i * row + k * col]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub col: usize,
}

impl<'a> Left<'a> {
    /// Rows one after the other, `width` numbers each.
    pub fn rows(data: &'a [f32], width: usize) -> Left<'a> {
        Left {
            data,
            row: width,
            col: 1,
        }
    }

    /// The transpose of a matrix that has rows of `width` numbers.
    pub fn transposed(data: &'a [f32], width: usize) -> Left<'a> {
        Left {
            data,
            row: 1,
            col: width,
        }
    }
}

/// What happens to numbers that are already in the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    /// They are overwritten.
    Set,
    /// They are added to: each sum begins with the number that is there.
    Add,
}

/// `c[i * c_row + j] (+)= sum over k of a(i, k) * b[k * b_row + j]` for `i < m`, `j < n`, `k < depth`.
///
/// Operands that are too short for their strides, and an instruction set that the machine does not
/// have, are mistakes of the caller's code and stop the program.
pub fn multiply(
    isa: Isa,
    (m, n, depth): (usize, usize, usize),
    a: Left<'_>,
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
    into: Write,
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(isa.is_available(), "this machine has no {}", isa.name());
    assert!(m == 1 || c_row >= n, "rows of the result overlap");
    assert_reach(c.len(), (m, c_row), (n, 1));
    assert_reach(a.data.len(), (m, a.row), (depth, a.col));
    assert_reach(b.len(), (depth, b_row), (n, 1));
    for from in (0..n).step_by(PANEL) {
        for rows in tiles(isa, 0..m) {
            let tile = Tile {
                rows: rows.len(),
                cols: PANEL.min(n - from),
                depth,
                a: a.data.as_ptr().wrapping_add(rows.start * a.row),
                a_row: a.row,
                a_col: a.col,
                b: b.as_ptr().wrapping_add(from),
                b_row,
                c: c.as_mut_ptr().wrapping_add(rows.start * c_row + from),
                c_row,
                into,
            };
            // SAFETY: the reach of all three operands was asserted above, `c` is borrowed
            // exclusively, the tile is within its limits and the machine has `isa`.
            unsafe { tile.run(isa) };
        }
    }
}

/// Asserts that the last element of a strided matrix lies inside its slice.
pub(crate) fn assert_reach(len: usize, (rows, row): (usize, usize), (cols, col): (usize, usize)) {
    if rows == 0 || cols == 0 {
        return;
    }
    let last = (rows - 1)
        .checked_mul(row)
        .zip((cols - 1).checked_mul(col))
        .and_then(|(down, right)| down.checked_add(right));
    assert!(
        last.is_some_and(|last| last < len),
        "an operand of {len} numbers for {rows} x {cols} with strides {row} and {col}"
    );
}

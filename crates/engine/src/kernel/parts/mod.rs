//! Products of f32 from tiles of bf16: every number is cut into three parts, and six of the nine
//! products of parts are summed in f32.
//!
//! A part is a bf16, eight bits: `x = high + middle + low` holds exactly, for each part is rounded
//! to nearest from what the ones before leave over of 24 bits. The three products that are left out
//! (middle with low, low with middle, low with low) are below 2^-25 of the whole, half a unit of an
//! f32's last place. A number that is itself a bf16 is its own high part, and the others are zero:
//! an operand known to have only such numbers is kept as one part, and the result has the same bits.
//!
//! Sums are made sixteen pairs of numbers at a time, from depth 0 on, `STEP` by `STEP`, and no
//! element sees another's: a row of the result depends on its own row of the left operand alone.
//!
//! Tiles take numbers below 2^-126 for zero, so operands below about 2^-110 lose bits that plain f32
//! arithmetic would keep. From 2^128 - 2^119 on, at infinity and at NaN the parts hold an infinity
//! or a NaN, and with them every sum does that the number enters: it never becomes finite.

mod multiply;
mod split;

pub(crate) use multiply::{Sums, high, low};
pub(crate) use split::{left, right};

use super::{Isa, PANEL, amx};

/// Depth of a tile of either operand. Operands end with zeros where their depth is no multiple.
pub(crate) const STEP: usize = 32;
/// Rows of the left operand, and of the result, in the product `high`.
pub(crate) const HIGH: usize = 32;
/// The most rows in the product `low`.
pub(crate) const LOW: usize = amx::ROWS;
/// Numbers of f32 in the place of a row of a tile: 32 numbers of bf16.
const LINE: usize = 16;
/// Products with fewer steps or columns than this leave most of a tile empty.
const LEAST: usize = 32;

/// Whether products with so many steps and columns are made of parts. It must not depend on how many
/// rows there are.
pub(crate) fn suit(isa: Isa, depth: usize, columns: usize) -> bool {
    isa == Isa::Amx && depth.min(columns) >= LEAST && isa.is_available() && amx::has_bf16()
}

/// Parts of which a product is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// The high part of either operand: a product of numbers rounded to bf16.
    High,
    /// Every number on the right is a bf16; on the left all parts.
    One,
    /// All parts of both.
    Three,
}

impl Parts {
    fn left(self) -> usize {
        match self {
            Parts::High => 1,
            Parts::One | Parts::Three => 3,
        }
    }

    fn right(self) -> usize {
        match self {
            Parts::High | Parts::One => 1,
            Parts::Three => 3,
        }
    }
}

/// Numbers of f32 in whose place `rows` rows of a left operand are kept.
pub(crate) fn left_len(parts: Parts, rows: usize, depth: usize) -> usize {
    depth.div_ceil(STEP) * parts.left() * rows * LINE
}

/// Numbers of f32 in whose place a panel of a right operand is kept.
pub(crate) fn right_len(parts: Parts, depth: usize) -> usize {
    depth.div_ceil(STEP) * parts.right() * PANEL * LINE
}

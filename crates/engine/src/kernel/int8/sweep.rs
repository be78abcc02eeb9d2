//! The walk over a task's tiles: in which order they are multiplied and finished.
//!
//! It decides nothing that a result could depend on.

use std::ops::Range;

use super::super::{Isa, quantise::Quantised};
use super::finish::Finish;
use super::{Left, PANEL, Panel, ROW_STEP, Sums, beyond, multiply, tile_rows};

/// What a sweep does with the sums.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    /// They start here and end here: nothing is kept.
    Whole { first: bool },
    /// They are kept for the next stretch of depth.
    Kept { begins: bool },
    /// They are added to those that are kept, and end here.
    Last { first: bool },
}

/// Multiplies `rows` of `left`, from column `depth` on, with `panels`, tile after tile of rows, all
/// panels for each.
///
/// # Safety
/// The machine has `isa`. No one else reads or writes these rows and panels of the result at the same time.
pub(crate) unsafe fn sweep<'a>(
    isa: Isa,
    (left, depth): (&Quantised, usize),
    (rows, panels): (Range<usize>, Range<usize>),
    panel: impl Fn(usize) -> Panel<'a>,
    (sums, stage): (&mut Vec<Sums>, Stage),
    finish: &Finish<'_>,
) {
    #[cfg(target_arch = "x86_64")]
    let _tiles = (isa == Isa::Amx).then(super::super::amx::Tiles::hold);
    let step = tile_rows(isa);
    let pace = if isa == Isa::Amx { ROW_STEP } else { step };
    let kept = !matches!(stage, Stage::Whole { .. });
    let needed = if kept {
        rows.len().div_ceil(step) * panels.len()
    } else {
        1
    };
    if sums.len() < needed * pace {
        sums.resize(needed * pace, Sums::ZERO);
    }
    for (tile, row) in rows.clone().step_by(step).enumerate() {
        let count = step.min(rows.end - row);
        let beyond = left.beyond(row..row + count);
        let left = Left {
            bytes: &left.bytes()[row * left.stride() + depth..],
            stride: left.stride(),
        };
        for p in panels.clone() {
            let at = if kept {
                tile * panels.len() + p - panels.start
            } else {
                0
            };
            let sums = &mut sums[at * pace..][..pace];
            let more = matches!(stage, Stage::Kept { begins: false } | Stage::Last { .. });
            if !matches!(stage, Stage::Kept { .. }) {
                finish.announce(count, (row, p * PANEL));
            }
            let panel = panel(p);
            // SAFETY: the machine has `isa`, and tiles are held.
            unsafe {
                multiply(isa, (left, count), panel, sums, more);
                beyond::add(isa, sums, beyond, (panel.bytes, depth));
            }
            if let Stage::Whole { first } | Stage::Last { first } = stage {
                // SAFETY: the caller's promise.
                unsafe { finish.tile(isa, &sums[..count], (row, p * PANEL), first) };
            }
        }
    }
}

//! The loops over the depth, in assembly: 32 rows by one panel, and up to 16 rows by two.
//!
//! They sum the products of parts in the same order: the left operand's low, middle and high part
//! with the right one's high part, then high with low, high with middle, middle with middle. With one
//! part on the right only the first three are made: the others would add zero. With one part on both
//! sides there is one product.

use std::arch::asm;

use super::Parts;

/// A stretch of the result, and whether what is there is added to.
#[derive(Clone, Copy)]
pub(crate) struct Sums {
    pub at: *mut f32,
    /// Numbers from one row to the next.
    pub row: usize,
    pub add: bool,
}

/// `sums [32 x 32] (+)= left right` over `steps` steps of depth.
///
/// # Safety
/// This thread holds `Tiles`. `left` has 32 rows and `right` is a panel, both of so many steps; the
/// sums may be read and written and are no one else's.
pub(crate) unsafe fn high(
    left: *const f32,
    (right, parts): (*const f32, Parts),
    steps: usize,
    sums: Sums,
) {
    macro_rules! run {
        ([$($step:literal),*], $left:literal, $next:literal) => {
            asm!(
                "test {add}, {add}",
                "jz 2f",
                "tileloadd tmm0, [{c} + {row}]",
                "tileloadd tmm1, [{c} + {row} + 64]",
                "tileloadd tmm2, [{d} + {row}]",
                "tileloadd tmm3, [{d} + {row} + 64]",
                "jmp 3f",
                "2:",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "3:",
                $($step,)*
                $left,
                $next,
                "dec {steps}",
                "jnz 3b",
                "tilestored [{c} + {row}], tmm0",
                "tilestored [{c} + {row} + 64], tmm1",
                "tilestored [{d} + {row}], tmm2",
                "tilestored [{d} + {row} + 64], tmm3",
                a = inout(reg) left => _,
                b = inout(reg) right => _,
                steps = inout(reg) steps => _,
                c = in(reg) sums.at,
                d = in(reg) sums.at.wrapping_add(16 * sums.row),
                row = in(reg) sums.row * 4,
                add = in(reg) usize::from(sums.add),
                line = in(reg) 64usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            )
        };
    }
    // All three parts on the left with the high one on the right, and what else there is.
    macro_rules! three {
        ($next:literal, $($more:literal),*) => {
            run!(
                [
                    // Low with high.
                    "tileloadd tmm4, [{a} + {line}]",
                    "tileloadd tmm6, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b} + {line} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {line} + 1024]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    // Middle with high.
                    "tileloadd tmm4, [{a} + {line} + 2048]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {line} + 3072]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    // High with high.
                    "tileloadd tmm4, [{a} + {line} + 4096]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {line} + 5120]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7"
                    $(, $more)*
                ],
                "add {a}, 6144",
                $next
            )
        };
    }
    // SAFETY: the caller's promise; a step is 2 KB for each part on either side.
    unsafe {
        match parts {
            Parts::High => run!(
                [
                    "tileloadd tmm4, [{a} + {line}]",
                    "tileloadd tmm6, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{b} + {line} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{a} + {line} + 1024]",
                    "tdpbf16ps tmm2, tmm5, tmm6",
                    "tdpbf16ps tmm3, tmm5, tmm7"
                ],
                "add {a}, 2048",
                "add {b}, 2048"
            ),
            Parts::One => three!("add {b}, 2048",),
            Parts::Three => three!(
                "add {b}, 6144",
                // High with low.
                "tileloadd tmm6, [{b} + {line} + 2048]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{b} + {line} + 3072]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm3, tmm5, tmm7",
                // High with middle.
                "tileloadd tmm6, [{b} + {line} + 4096]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{b} + {line} + 5120]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tdpbf16ps tmm3, tmm5, tmm7",
                // Middle with middle.
                "tileloadd tmm4, [{a} + {line} + 2048]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a} + {line} + 3072]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7"
            ),
        }
    }
}

/// `sums [rows x 64] (+)= left right` over `steps` steps of depth, for the two panels on the right.
///
/// # Safety
/// This thread holds `Tiles` with `rows` low rows. `left` has `rows` rows and on the right are two
/// panels, all of so many steps; the sums may be read and written and are no one else's.
pub(crate) unsafe fn low(
    (left, rows): (*const f32, usize),
    (right, parts): ([*const f32; 2], Parts),
    steps: usize,
    sums: Sums,
) {
    macro_rules! run {
        ([$($step:literal),*], $next:literal) => {
            asm!(
                "test {add}, {add}",
                "jz 2f",
                "tileloadd tmm0, [{c} + {row}]",
                "tileloadd tmm1, [{c} + {row} + 64]",
                "tileloadd tmm2, [{c} + {row} + 128]",
                "tileloadd tmm3, [{c} + {row} + 192]",
                "jmp 3f",
                "2:",
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "3:",
                $($step,)*
                $next,
                "dec {steps}",
                "jnz 3b",
                "tilestored [{c} + {row}], tmm0",
                "tilestored [{c} + {row} + 64], tmm1",
                "tilestored [{c} + {row} + 128], tmm2",
                "tilestored [{c} + {row} + 192], tmm3",
                a = inout(reg) left => _,
                b = inout(reg) right[0] => _,
                d = inout(reg) right[1] => _,
                steps = inout(reg) steps => _,
                c = in(reg) sums.at,
                row = in(reg) sums.row * 4,
                add = in(reg) usize::from(sums.add),
                part = in(reg) rows * 64,
                line = in(reg) 64usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            )
        };
    }
    macro_rules! three {
        ($next:literal, $($more:literal),*) => {
            run!(
                [
                    "tileloadd tmm4, [{a} + {line}]",
                    "add {a}, {part}",
                    "tileloadd tmm5, [{a} + {line}]",
                    "add {a}, {part}",
                    "tileloadd tmm6, [{a} + {line}]",
                    "add {a}, {part}",
                    // Low, middle and high with high.
                    "tileloadd tmm7, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm7",
                    "tdpbf16ps tmm0, tmm5, tmm7",
                    "tdpbf16ps tmm0, tmm6, tmm7",
                    "tileloadd tmm7, [{b} + {line} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tdpbf16ps tmm1, tmm5, tmm7",
                    "tdpbf16ps tmm1, tmm6, tmm7",
                    "tileloadd tmm7, [{d} + {line}]",
                    "tdpbf16ps tmm2, tmm4, tmm7",
                    "tdpbf16ps tmm2, tmm5, tmm7",
                    "tdpbf16ps tmm2, tmm6, tmm7",
                    "tileloadd tmm7, [{d} + {line} + 1024]",
                    "tdpbf16ps tmm3, tmm4, tmm7",
                    "tdpbf16ps tmm3, tmm5, tmm7",
                    "tdpbf16ps tmm3, tmm6, tmm7"
                    $(, $more)*
                ],
                $next
            )
        };
    }
    // SAFETY: the caller's promise; a step is the parts of `rows` lines on the left, and 2 KB for
    // each part on the right.
    unsafe {
        match parts {
            Parts::High => run!(
                [
                    "tileloadd tmm4, [{a} + {line}]",
                    "add {a}, {part}",
                    "tileloadd tmm7, [{b} + {line}]",
                    "tdpbf16ps tmm0, tmm4, tmm7",
                    "tileloadd tmm7, [{b} + {line} + 1024]",
                    "tdpbf16ps tmm1, tmm4, tmm7",
                    "tileloadd tmm7, [{d} + {line}]",
                    "tdpbf16ps tmm2, tmm4, tmm7",
                    "tileloadd tmm7, [{d} + {line} + 1024]",
                    "tdpbf16ps tmm3, tmm4, tmm7"
                ],
                "add {b}, 2048\n add {d}, 2048"
            ),
            Parts::One => three!("add {b}, 2048\n add {d}, 2048",),
            Parts::Three => three!(
                "add {b}, 6144\n add {d}, 6144",
                // High with low.
                "tileloadd tmm7, [{b} + {line} + 2048]",
                "tdpbf16ps tmm0, tmm6, tmm7",
                "tileloadd tmm7, [{b} + {line} + 3072]",
                "tdpbf16ps tmm1, tmm6, tmm7",
                "tileloadd tmm7, [{d} + {line} + 2048]",
                "tdpbf16ps tmm2, tmm6, tmm7",
                "tileloadd tmm7, [{d} + {line} + 3072]",
                "tdpbf16ps tmm3, tmm6, tmm7",
                // High and middle with middle.
                "tileloadd tmm7, [{b} + {line} + 4096]",
                "tdpbf16ps tmm0, tmm6, tmm7",
                "tdpbf16ps tmm0, tmm5, tmm7",
                "tileloadd tmm7, [{b} + {line} + 5120]",
                "tdpbf16ps tmm1, tmm6, tmm7",
                "tdpbf16ps tmm1, tmm5, tmm7",
                "tileloadd tmm7, [{d} + {line} + 4096]",
                "tdpbf16ps tmm2, tmm6, tmm7",
                "tdpbf16ps tmm2, tmm5, tmm7",
                "tileloadd tmm7, [{d} + {line} + 5120]",
                "tdpbf16ps tmm3, tmm6, tmm7",
                "tdpbf16ps tmm3, tmm5, tmm7"
            ),
        }
    }
}

//! Integer products: bytes of activations times bytes of weights, summed exactly in i32.
//!
//! Nothing here knows of scales or f32 but `finish`. Sums of integers are exact, so they depend on
//! no order, no thread and no instruction set.
//!
//! A *panel* is `PANEL` outputs by some depth of weights, laid out `[depth / 4][32 outputs][4]`, so
//! that one 32-bit lane of a vector holds four neighbours in depth of one output. A panel's depth is
//! a multiple of `DEPTH_STEP`, filled up with zeros.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod beyond;
pub(crate) mod finish;
#[cfg(target_arch = "aarch64")]
mod neon;
pub(crate) mod plan;
mod portable;
pub(crate) mod sweep;
pub(crate) mod turn;

use super::Isa;

/// Outputs in a panel.
pub(crate) const PANEL: usize = 32;
/// Depth is filled up to a multiple of this.
pub(crate) const DEPTH_STEP: usize = 64;
/// Rows of activations are filled up to a multiple of this.
pub(crate) const ROW_STEP: usize = 32;
/// No sum of this many products can leave the range of i32: 127 * 127 * 2^17 < 2^31.
pub(crate) const SPAN: usize = 1 << 17;

/// A line of the cache, the unit in which bytes are kept aligned.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u8; 64]);

impl Line {
    pub(crate) fn bytes(lines: &[Line]) -> &[u8] {
        // SAFETY: a line is 64 initialised bytes without padding.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 64) }
    }

    pub(crate) fn bytes_mut(lines: &mut [Line]) -> &mut [u8] {
        // SAFETY: a line is 64 initialised bytes without padding, and any byte is valid in it.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 64) }
    }

    pub(crate) fn signed(lines: &[Line]) -> &[i8] {
        // SAFETY: as in `bytes`; i8 has the size of u8 and no invalid values.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 64) }
    }

    pub(crate) fn signed_mut(lines: &mut [Line]) -> &mut [i8] {
        // SAFETY: as in `bytes_mut`.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 64) }
    }
}

/// The sums of one row with the outputs of one panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Sums(pub [i32; PANEL]);

impl Sums {
    pub(crate) const ZERO: Sums = Sums([0; PANEL]);

    /// `self += other`, wrapping.
    pub(crate) fn add(&mut self, other: &Sums) {
        for (sum, other) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.wrapping_add(*other);
        }
    }
}

/// Rows of activations as unsigned bytes, each 128 too large.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// From the first byte of the first row on.
    pub bytes: &'a [u8],
    /// Bytes from a row to the next.
    pub stride: usize,
}

/// Weights of a panel, or of a stretch of its depth.
#[derive(Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub bytes: &'a [i8],
    /// For each output, -128 times the sum of its weights: what the shift of the activations adds
    /// to the sums, taken back.
    pub offset: &'a Sums,
}

/// How many rows the kernel of an instruction set takes at once.
pub(crate) fn tile_rows(isa: Isa) -> usize {
    match isa {
        Isa::Portable => 4,
        Isa::Neon | Isa::Avx2 => 2,
        Isa::Avx512 => 14,
        Isa::Amx => 32,
    }
}

/// `sums[t][n] (+)= sum over k of (left[t][k] - 128) * panel[k][n]`, one `Sums` per row; added to what
/// is there if `more`, and in its place otherwise.
///
/// At most `tile_rows(isa)` rows. With `Isa::Amx`, the sums and the rows on the left are filled up to
/// `ROW_STEP`; of the sums beyond `rows` nothing is promised.
///
/// # Safety
/// The machine has `isa`, and for `Isa::Amx` this thread holds `Tiles`.
pub(crate) unsafe fn multiply(
    isa: Isa,
    (left, rows): (Left<'_>, usize),
    panel: Panel<'_>,
    sums: &mut [Sums],
    more: bool,
) {
    let depth = panel.bytes.len() / PANEL;
    let read = if isa == Isa::Amx { ROW_STEP } else { rows };
    assert!(
        rows >= 1
            && rows <= tile_rows(isa)
            && depth > 0
            && depth.is_multiple_of(DEPTH_STEP)
            && panel.bytes.len() == depth * PANEL
            && sums.len() >= read
            && left.bytes.len() >= (read - 1) * left.stride + depth,
        "{rows} rows, depth {depth}"
    );
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise; lengths are checked above.
        Isa::Amx => unsafe { amx::multiply(left, rows, panel, sums, more) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512 => unsafe { avx512::multiply(left, rows, panel, sums, more) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { avx2::multiply(left, rows, panel, sums, more) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: as above.
        Isa::Neon => unsafe { neon::multiply(left, rows, panel, sums, more) },
        _ => portable::multiply(left, rows, panel, sums, more),
    }
}

//! From f32 rows to bytes with one scale per row, the left operand of the integer products.
//!
//! It keeps no zero point and no history of earlier batches: a row is quantised by itself alone, so
//! it gives the same bytes wherever and beside whatever it stands.

use std::cell::Cell;

use rayon::prelude::*;

use super::Isa;
use super::int8::{DEPTH_STEP, Line, ROW_STEP};

/// Numbers of a row whose largest is below this are all taken for zero: the inverse of their scale
/// would overflow. It is 2^-119, some 1.5e-36.
const SMALLEST: f32 = f32::from_bits((127 - 119) << 23);

/// Adding this to a number in [-127, 127] rounds it to the nearest integer, ties to even, and leaves
/// that integer plus 128 in the lowest byte: 1.5 * 2^23 + 128.
const ROUND_AND_SHIFT: f32 = 12_582_912.0 + 128.0;

/// `[T x K]` activations (or gradients) as bytes: number = (byte - 128) * scale of its row.
///
/// The rounding is to the nearest, ties to even, and the same on every instruction set, to the bit.
/// A row of zeros has scale 0. A row that holds a NaN or an infinity has scale NaN, so that every
/// result made from it is NaN and no other row is touched.
///
/// Rows stand an odd number of 64-byte lines apart (rows that all fell into one set of the cache
/// would drive each other out), and their number is rounded up so that a kernel may read whole tiles.
#[derive(Debug, Default)]
pub struct Quantised {
    rows: usize,
    cols: usize,
    lines: usize,
    bytes: Vec<Line>,
    scales: Vec<f32>,
}

impl Quantised {
    /// Quantises `x: [T x K]`.
    pub fn from_rows(isa: Isa, x: &[f32], t: usize, k: usize) -> Quantised {
        let mut quantised = Quantised::default();
        quantised.refill(isa, x, (t, k), None);
        quantised
    }

    /// The same in memory that is already at hand. With `factors: [K]`, column `k` of `x` is first
    /// multiplied by `factors[k]`.
    ///
    /// # Panics
    /// If a slice has not the length that `(t, k)` says.
    pub fn refill(&mut self, isa: Isa, x: &[f32], (t, k): (usize, usize), factors: Option<&[f32]>) {
        assert_eq!(x.len(), t * k, "[{t} x {k}] numbers to quantise");
        assert_eq!(factors.map_or(k, <[f32]>::len), k, "a factor per column");
        let lines = k.div_ceil(DEPTH_STEP) | 1;
        (self.rows, self.cols, self.lines) = (t, k, lines);
        let needed = t.next_multiple_of(ROW_STEP) * lines;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, Line([128; 64]));
        }
        self.scales.resize(t, 0.0);
        if k == 0 {
            return self.scales.fill(0.0);
        }
        let one = |(bytes, scale, x): (&mut [Line], &mut f32, &[f32])| {
            *scale = row(isa, x, factors, &mut Line::bytes_mut(bytes)[..k]);
        };
        let bytes = &mut self.bytes[..t * lines];
        if t * k < 1 << 15 {
            let rows = bytes.chunks_mut(lines).zip(&mut self.scales);
            rows.zip(x.chunks(k)).for_each(|((b, s), x)| one((b, s, x)));
        } else {
            let rows = bytes.par_chunks_mut(lines).zip(&mut self.scales);
            rows.zip(x.par_chunks(k))
                .with_min_len((1 << 14) / k.min(1 << 14))
                .for_each(|((b, s), x)| one((b, s, x)));
        }
    }

    /// Lends the bytes that this thread quantised into last time. While they are lent, whoever asks
    /// on the same thread gets new ones.
    pub(crate) fn lend(work: impl FnOnce(&mut Quantised)) {
        thread_local! {
            static SPARE: Cell<Quantised> = Cell::default();
        }
        let mut quantised = SPARE.take();
        work(&mut quantised);
        SPARE.set(quantised);
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    /// What a unit of each row's bytes stands for: `[T]`.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The number that stands at `(row, col)`, between -127 and 127, before scaling.
    pub fn integer(&self, row: usize, col: usize) -> i32 {
        i32::from(self.bytes()[row * self.stride() + col]) - 128
    }

    /// All rows, `stride` bytes apart, in whole tiles of `ROW_STEP` rows and `DEPTH_STEP` columns.
    /// What lies beyond the last row and column is unspecified; there the weights are zero and the
    /// sums unread.
    pub(crate) fn bytes(&self) -> &[u8] {
        Line::bytes(&self.bytes)
    }

    pub(crate) fn stride(&self) -> usize {
        self.lines * 64
    }
}

/// Quantises one row, shifted by 128, and says its scale.
pub(crate) fn row(isa: Isa, x: &[f32], factors: Option<&[f32]>, out: &mut [u8]) -> f32 {
    match isa.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this machine has it.
        Isa::Avx512 | Isa::Amx => unsafe { row_avx512(x, factors, out) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { row_avx2(x, factors, out) },
        _ => row_plain(x, factors, out),
    }
}

/// The formula, compiled once for each instruction set. It holds no fused multiply-add and no sum,
/// hence all of them give the same bits.
#[inline(always)]
fn row_plain(x: &[f32], factors: Option<&[f32]>, out: &mut [u8]) -> f32 {
    match factors {
        None => row_of(x.len(), |k| x[k], out),
        Some(factors) => {
            let (x, factors) = (&x[..out.len()], &factors[..out.len()]);
            row_of(x.len(), |k| x[k] * factors[k], out)
        }
    }
}

#[inline(always)]
fn row_of(len: usize, number: impl Fn(usize) -> f32, out: &mut [u8]) -> f32 {
    // Without their sign, floats are ordered as their bits are, and NaN is above infinity.
    let mut largest = 0;
    for k in 0..len {
        largest = largest.max(number(k).to_bits() & 0x7fff_ffff);
    }
    let largest = f32::from_bits(largest);
    if !largest.is_finite() || largest < SMALLEST {
        out.fill(128);
        return if largest.is_finite() { 0.0 } else { f32::NAN };
    }
    let inverse = 127.0 / largest;
    for (k, out) in out[..len].iter_mut().enumerate() {
        *out = (number(k) * inverse + ROUND_AND_SHIFT).to_bits() as u8;
    }
    largest / 127.0
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn row_avx512(x: &[f32], factors: Option<&[f32]>, out: &mut [u8]) -> f32 {
    row_plain(x, factors, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn row_avx2(x: &[f32], factors: Option<&[f32]>, out: &mut [u8]) -> f32 {
    row_plain(x, factors, out)
}

//! From f32 rows to integers with one scale per row, the left operand of the integer products:
//! bytes, and of activations what a few numbers have beyond a byte.
//!
//! It keeps no zero point and no history of earlier batches: a row is quantised by itself alone, so
//! it gives the same bytes wherever and beside whatever it stands.

use std::cell::Cell;
use std::ops::Range;

use rayon::prelude::*;

use super::Isa;
use super::int8::beyond::{Beyond, MOST, REACH};
use super::int8::{DEPTH_STEP, Line, ROW_STEP};
use super::largest::{Largest, size};

/// Numbers of a row whose largest is below this are all taken for zero: the inverse of their scale
/// would overflow. It is 2^-119, some 1.5e-36.
const SMALLEST: f32 = f32::from_bits((127 - 119) << 23);

/// Adding this to a number in [-127, 127] rounds it to the nearest integer, ties to even, and leaves
/// that integer plus 128 in the lowest byte: 1.5 * 2^23 + 128.
const ROUND_AND_SHIFT: f32 = 12_582_912.0 + 128.0;

/// What the rows are, which decides how their scale is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// The largest numbers of a row, `MOST` at most, reach beyond a byte: in transformers a few
    /// numbers of a row are many times larger than all others, which would be left with few steps.
    #[default]
    Activations,
    /// Every number fits a byte.
    Gradients,
}

/// `[T x K]` activations or gradients as integers: number = integer * scale of its row.
///
/// The integers of gradients are within 127, which stands for the largest number of the row. Those
/// of activations are too, but for the `MOST` largest of a row: there 127 stands for the largest of
/// the others, and what these few are beyond 127 is kept beside the bytes. They may be up to 128
/// times as large; if one is larger yet, it is the one that sets the scale.
///
/// The rounding is to the nearest, ties to even, and the same on every instruction set, to the bit.
/// A row of zeros has scale 0. A row that holds a NaN or an infinity has scale NaN, so that every
/// result made from it is NaN and no other row is touched.
///
/// Rows stand an odd number of 64-byte lines apart (rows that all fell into one set of the cache
/// would drive each other out), and their number is rounded up so that a kernel may read whole tiles.
#[derive(Debug, Default)]
pub struct Quantised {
    kind: Kind,
    rows: usize,
    cols: usize,
    lines: usize,
    bytes: Vec<Line>,
    scales: Vec<f32>,
    /// Of each row of activations; of gradients there is nothing.
    beyond: Vec<Beyond>,
}

impl Quantised {
    /// Quantises activations `x: [T x K]`.
    pub fn from_rows(isa: Isa, x: &[f32], t: usize, k: usize) -> Quantised {
        let mut quantised = Quantised::default();
        quantised.refill(isa, x, (t, k), None);
        quantised
    }

    /// The same in memory that is already at hand. With `factors: [K]`, `x` are gradients, and column
    /// `k` is first multiplied by `factors[k]`.
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
        self.beyond.resize(t, Beyond::default());
        self.kind = match factors {
            None => Kind::Activations,
            Some(_) => Kind::Gradients,
        };
        if k == 0 {
            self.beyond.fill(Beyond::default());
            return self.scales.fill(0.0);
        }
        let one = |(((bytes, scale), beyond), x): OneRow<'_>| {
            let bytes = &mut Line::bytes_mut(bytes)[..k];
            *scale = match factors {
                None => reaching_row(isa, x, bytes, beyond),
                Some(_) => row(isa, x, factors, bytes),
            };
        };
        let bytes = &mut self.bytes[..t * lines];
        if t * k < 1 << 13 {
            let rows = bytes.chunks_mut(lines).zip(&mut self.scales);
            rows.zip(&mut self.beyond).zip(x.chunks(k)).for_each(one);
        } else {
            let rows = bytes.par_chunks_mut(lines).zip(&mut self.scales);
            rows.zip(&mut self.beyond)
                .zip(x.par_chunks(k))
                .with_min_len((1 << 12) / k.min(1 << 12))
                .for_each(one);
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

    pub fn kind(&self) -> Kind {
        self.kind
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

    /// The integer that stands at `(row, col)`.
    pub fn integer(&self, row: usize, col: usize) -> i32 {
        let beyond = self.beyond(row..row + 1).first();
        let missing: i32 = beyond.map_or(0, |beyond| {
            let found = beyond.cols.iter().zip(beyond.missing);
            found
                .filter(|(at, _)| **at as usize == col)
                .map(|(_, missing)| missing)
                .sum()
        });
        self.byte(row, col) + missing
    }

    /// The part of it that a byte holds, between -127 and 127.
    pub fn byte(&self, row: usize, col: usize) -> i32 {
        i32::from(self.bytes()[row * self.stride() + col]) - 128
    }

    /// What these rows have beyond their bytes: one for each, or nothing at all.
    pub(crate) fn beyond(&self, rows: Range<usize>) -> &[Beyond] {
        match self.kind {
            Kind::Activations => &self.beyond[rows],
            Kind::Gradients => &[],
        }
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

/// Bytes, scale, what is beyond, and numbers of one row.
type OneRow<'a> = (((&'a mut [Line], &'a mut f32), &'a mut Beyond), &'a [f32]);

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
    let mut largest = 0;
    for k in 0..len {
        largest = largest.max(size(number(k)));
    }
    let largest = f32::from_bits(largest);
    if !largest.is_finite() || largest < SMALLEST {
        out.fill(128);
        return if largest.is_finite() { 0.0 } else { f32::NAN };
    }
    round(127.0 / largest, number, &mut out[..len]);
    largest / 127.0
}

#[inline(always)]
fn round(inverse: f32, number: impl Fn(usize) -> f32, out: &mut [u8]) {
    for (k, out) in out.iter_mut().enumerate() {
        *out = (number(k) * inverse + ROUND_AND_SHIFT).to_bits() as u8;
    }
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

/// The same for a row whose largest numbers reach beyond a byte.
fn reaching_row(isa: Isa, x: &[f32], out: &mut [u8], beyond: &mut Beyond) -> f32 {
    match isa.or_portable() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: this machine has it.
        Isa::Avx512 | Isa::Amx => unsafe { reaching_row_avx512(x, out, beyond) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { reaching_row_avx2(x, out, beyond) },
        _ => reaching_row_of(x, &Largest::of(x), out, beyond),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn reaching_row_avx512(x: &[f32], out: &mut [u8], beyond: &mut Beyond) -> f32 {
    reaching_row_of(x, &Largest::of_avx512(x), out, beyond)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn reaching_row_avx2(x: &[f32], out: &mut [u8], beyond: &mut Beyond) -> f32 {
    reaching_row_of(x, &Largest::of(x), out, beyond)
}

#[inline(always)]
fn reaching_row_of(x: &[f32], top: &Largest, out: &mut [u8], beyond: &mut Beyond) -> f32 {
    *beyond = Beyond::default();
    let largest = f32::from_bits(top.sizes[0]);
    if !largest.is_finite() || largest < SMALLEST {
        out.fill(128);
        return if largest.is_finite() { 0.0 } else { f32::NAN };
    }
    let byte = f32::from_bits(top.sizes[MOST])
        .max(largest / REACH)
        .max(SMALLEST);
    let inverse = 127.0 / byte;
    let out = &mut out[..x.len()];
    round(inverse, |k| x[k], out);
    for j in 0..MOST {
        if top.sizes[j] > byte.to_bits() {
            let col = top.cols[j];
            let whole = (x[col as usize] * inverse).round_ties_even() as i32;
            let kept = whole.clamp(-127, 127);
            out[col as usize] = (kept + 128) as u8;
            (beyond.cols[j], beyond.missing[j]) = (col, whole - kept);
        }
    }
    byte / 127.0
}

//! From exact sums to f32 results: scales, bias, residual, and adding to what is there.
//!
//! The order of the operations on an element is fixed and none is fused, so every instruction set
//! gives the same bits.

use std::marker::PhantomData;

use super::super::Isa;
use super::{PANEL, Sums};

/// A result that several threads write at once, each its own part.
pub(crate) struct Target<'a> {
    start: *mut f32,
    len: usize,
    cols: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: `part` promises that no two threads hold the same numbers.
unsafe impl Sync for Target<'_> {}

impl<'a> Target<'a> {
    pub(crate) fn new(numbers: &'a mut [f32], cols: usize) -> Target<'a> {
        Target {
            start: numbers.as_mut_ptr(),
            len: numbers.len(),
            cols,
            lifetime: PhantomData,
        }
    }

    /// `width` numbers of a row.
    ///
    /// # Safety
    /// No one else holds any of them at the same time.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // That is what the promise is for.
    unsafe fn part(&self, row: usize, col: usize, width: usize) -> &mut [f32] {
        let at = row * self.cols + col;
        assert!(at + width <= self.len);
        // SAFETY: it lies within the slice, and is no one else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), width) }
    }
}

/// What becomes of sums: `out (+)= sum * rows[t] * cols[n] + bias[n] + residual[t][n]`.
pub(crate) struct Finish<'a> {
    pub out: Target<'a>,
    /// A scale for each row.
    pub rows: &'a [f32],
    /// A scale for each column.
    pub cols: Option<&'a [f32]>,
    pub bias: Option<&'a [f32]>,
    pub residual: Option<&'a [f32]>,
    pub add: bool,
}

impl Finish<'_> {
    /// Asks the memory for a tile of results that will be finished soon: fetched only when they are
    /// written, they would stall the products.
    #[inline(always)]
    pub(crate) fn announce(&self, rows: usize, (row, col): (usize, usize)) {
        #[cfg(target_arch = "x86_64")]
        for r in row..row + rows {
            use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            let start = self.out.start.wrapping_add(r * self.out.cols + col);
            // SAFETY: a prefetch neither reads nor writes, wherever it points.
            unsafe {
                _mm_prefetch::<_MM_HINT_ET0>(start.cast());
                _mm_prefetch::<_MM_HINT_ET0>(start.wrapping_add(PANEL / 2).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (rows, row, col);
    }

    /// Finishes a tile: the sums of the rows from `row` on with the 32 columns from `col` on, or as
    /// many as there are. `first` says that these are the first sums of their elements: later ones
    /// are added, and see neither bias nor residual.
    ///
    /// # Safety
    /// The machine has `isa`. No one else reads or writes the results of this tile at the same time.
    pub(crate) unsafe fn tile(&self, isa: Isa, sums: &[Sums], at: (usize, usize), first: bool) {
        // SAFETY: the caller's promise.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 | Isa::Amx => self.tile_avx512(sums, at, first),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => self.tile_avx2(sums, at, first),
                _ => self.tile_plain(sums, at, first),
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn tile_avx512(&self, sums: &[Sums], at: (usize, usize), first: bool) {
        // SAFETY: the caller's promise.
        unsafe { self.tile_plain(sums, at, first) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn tile_avx2(&self, sums: &[Sums], at: (usize, usize), first: bool) {
        // SAFETY: the caller's promise.
        unsafe { self.tile_plain(sums, at, first) }
    }

    #[inline(always)]
    unsafe fn tile_plain(&self, sums: &[Sums], (row, col): (usize, usize), first: bool) {
        let width = PANEL.min(self.out.cols - col);
        for (r, sums) in sums.iter().enumerate() {
            // SAFETY: the caller's promise. The two calls differ in that one width is a constant.
            unsafe {
                if width == PANEL {
                    self.line(sums, (row + r, col), PANEL, first);
                } else {
                    self.line(sums, (row + r, col), width, first);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn line(&self, sums: &Sums, (row, col): (usize, usize), width: usize, first: bool) {
        let mut line = [0.0; PANEL];
        let line = &mut line[..width];
        let scale = self.rows[row];
        for (number, sum) in line.iter_mut().zip(&sums.0) {
            *number = *sum as f32 * scale;
        }
        if let Some(scales) = self.cols {
            for (number, scale) in line.iter_mut().zip(&scales[col..col + width]) {
                *number *= scale;
            }
        }
        if let Some(bias) = self.bias.filter(|_| first) {
            add(line, &bias[col..col + width]);
        }
        if let Some(residual) = self.residual.filter(|_| first) {
            add(line, &residual[row * self.out.cols + col..][..width]);
        }
        // SAFETY: the caller's promise.
        let out = unsafe { self.out.part(row, col, width) };
        if self.add || !first {
            add(line, out);
        }
        out.copy_from_slice(line);
    }
}

#[inline(always)]
fn add(line: &mut [f32], more: &[f32]) {
    for (number, more) in line.iter_mut().zip(more) {
        *number += more;
    }
}

//! What the few numbers of a row that reach beyond a byte add to its sums.
//!
//! The product of bytes has taken each of them for 127 or -127; what is missing is a small integer
//! times a column of the panel. Like all sums here it is exact, so it depends on no order.

use super::super::Isa;
use super::{PANEL, SPAN, Sums};

/// How many numbers of a row may reach beyond a byte.
///
/// Hidden states of an encoder of 22 million weights in 8 bits have, measured, a cosine with f32 of
/// 0.99768 with none, 0.99912 with two and 0.99922 with four; with weights alone rounded it would be
/// 0.9995. Four cost the product of 2048 x 768 x 768 about a sixth more time with tiles than two.
pub(crate) const MOST: usize = 4;

/// How far they reach, in multiples of what a byte can hold: so far that `MOST` of them times 127
/// times 256 still fit in 32 bits.
pub(crate) const REACH: f32 = 128.0;

/// The numbers of one row that reach beyond a byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Beyond {
    /// Where in the row they stand.
    pub cols: [u32; MOST],
    /// What is missing from the byte, 127 * 127 at most in size; 0 where there is no such number.
    pub missing: [i32; MOST],
}

impl Beyond {
    pub(crate) fn is_empty(&self) -> bool {
        self.missing == [0; MOST]
    }

    /// The numbers in a stretch of depth, counted from its start.
    #[inline(always)]
    fn within(&self, from: usize, depth: usize) -> Beyond {
        let mut within = *self;
        for (col, missing) in within.cols.iter_mut().zip(&mut within.missing) {
            let inside = (from..from + depth).contains(&(*col as usize));
            (*col, *missing) = if inside {
                (*col - from as u32, *missing)
            } else {
                (0, 0)
            };
        }
        within
    }
}

/// `sums[t][n] += sum over j of missing[t][j] * panel[cols[t][j]][n]`, of the columns in
/// `from..from + depth` that the panel covers.
///
/// # Safety
/// The machine has `isa`.
pub(crate) unsafe fn add(
    isa: Isa,
    sums: &mut [Sums],
    rows: &[Beyond],
    (panel, from): (&[i8], usize),
) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        Isa::Avx512 | Isa::Amx => unsafe { add_avx512(sums, rows, (panel, from)) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { add_avx2(sums, rows, (panel, from)) },
        _ => each_row(sums, rows, (panel, from), |sums, row| {
            add_plain(sums, row, panel)
        }),
    }
}

/// Does `work` for every row that has something in the panel, its columns counted from the panel's
/// start.
#[inline(always)]
fn each_row(
    sums: &mut [Sums],
    rows: &[Beyond],
    (panel, from): (&[i8], usize),
    mut work: impl FnMut(&mut Sums, &Beyond),
) {
    let depth = panel.len() / PANEL;
    // A span begins and does not fill up: there is no other.
    let is_whole = from == 0 && depth < SPAN;
    for (sums, row) in sums.iter_mut().zip(rows) {
        if row.is_empty() {
            continue;
        }
        if is_whole {
            assert!(row.cols.iter().all(|col| (*col as usize) < depth));
            work(sums, row);
        } else {
            work(sums, &row.within(from, depth));
        }
    }
}

fn add_plain(sums: &mut Sums, row: &Beyond, panel: &[i8]) {
    for (col, missing) in row.cols.iter().zip(row.missing) {
        let group = &panel[*col as usize / 4 * 4 * PANEL..][..4 * PANEL];
        for (sum, four) in sums.0.iter_mut().zip(group.as_chunks::<4>().0) {
            *sum += missing * i32::from(four[*col as usize % 4]);
        }
    }
}

/// For each place in a group of four bytes, the shuffle that brings that byte into the second of
/// the lowest two and clears all others: read as two 16-bit numbers, 256 times the byte and zero.
#[cfg(target_arch = "x86_64")]
static PICK: [Picks; 4] = {
    let mut picks = [Picks([-1; 64]); 4];
    let mut at = 0;
    while at < 4 * 16 {
        picks[at / 16].0[at % 16 * 4 + 1] = (at % 4 * 4 + at / 16) as i8;
        at += 1;
    }
    picks
};

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Picks([i8; 64]);

/// # Safety
/// AVX-512 with VNNI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn add_avx512(sums: &mut [Sums], rows: &[Beyond], (panel, from): (&[i8], usize)) {
    each_row(sums, rows, (panel, from), |sums, row| {
        // SAFETY: columns of a row lie within the panel.
        unsafe { add_row_avx512(sums, row, panel) }
    });
}

/// # Safety
/// As above, and the columns lie within the panel.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn add_row_avx512(sums: &mut Sums, row: &Beyond, panel: &[i8]) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise: a group of four columns is 128 bytes. Sums are 32 numbers.
    unsafe {
        let mut more = [_mm512_setzero_si512(); 2];
        for (col, missing) in row.cols.iter().zip(row.missing) {
            let group = panel.as_ptr().add(*col as usize / 4 * (4 * PANEL));
            let pick = _mm512_load_si512(PICK[*col as usize % 4].0.as_ptr().cast());
            let missing = _mm512_set1_epi32(missing);
            for (v, more) in more.iter_mut().enumerate() {
                let weights = _mm512_loadu_si512(group.add(64 * v).cast());
                let weights = _mm512_shuffle_epi8(weights, pick);
                *more = _mm512_dpwssd_epi32(*more, weights, missing);
            }
        }
        for (v, more) in more.into_iter().enumerate() {
            let sums = sums.0.as_mut_ptr().add(16 * v);
            let more = _mm512_srai_epi32::<8>(more);
            let sum = _mm512_add_epi32(_mm512_load_si512(sums.cast()), more);
            _mm512_store_si512(sums.cast(), sum);
        }
    }
}

/// # Safety
/// AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn add_avx2(sums: &mut [Sums], rows: &[Beyond], (panel, from): (&[i8], usize)) {
    each_row(sums, rows, (panel, from), |sums, row| {
        // SAFETY: columns of a row lie within the panel.
        unsafe { add_row_avx2(sums, row, panel) }
    });
}

/// # Safety
/// As above, and the columns lie within the panel.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn add_row_avx2(sums: &mut Sums, row: &Beyond, panel: &[i8]) {
    use std::arch::x86_64::*;
    // SAFETY: as with AVX-512.
    unsafe {
        let mut more = [_mm256_setzero_si256(); 4];
        for (col, missing) in row.cols.iter().zip(row.missing) {
            let group = panel.as_ptr().add(*col as usize / 4 * (4 * PANEL));
            let pick = _mm256_load_si256(PICK[*col as usize % 4].0.as_ptr().cast());
            let missing = _mm256_set1_epi32(missing);
            for (v, more) in more.iter_mut().enumerate() {
                let weights = _mm256_loadu_si256(group.add(32 * v).cast());
                let weights = _mm256_shuffle_epi8(weights, pick);
                *more = _mm256_add_epi32(*more, _mm256_madd_epi16(weights, missing));
            }
        }
        for (v, more) in more.into_iter().enumerate() {
            let sums = sums.0.as_mut_ptr().add(8 * v).cast();
            let more = _mm256_srai_epi32::<8>(more);
            _mm256_store_si256(sums, _mm256_add_epi32(_mm256_load_si256(sums), more));
        }
    }
}

//! Finds the few largest numbers of a row, at about the speed that the row is read.
//!
//! It does not sort the row, and says nothing of the numbers that are not among them.

use super::int8::beyond::MOST;

/// Numbers that are looked at together.
const LANES: usize = 16;

/// The `MOST + 1` largest sizes of a row, falling, and where those stand that are larger than the
/// last of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Largest {
    pub sizes: [u32; MOST + 1],
    pub cols: [u32; MOST + 1],
}

/// Without their sign, floats are ordered as their bits are, and NaN is above infinity.
#[inline(always)]
pub(super) fn size(number: f32) -> u32 {
    number.to_bits() & 0x7fff_ffff
}

impl Largest {
    /// First the largest of every sixteenth number: what `MOST + 1` of these reach, the wanted do
    /// too. Then, of the few numbers that are larger than that, the largest.
    #[inline(always)]
    pub(super) fn of(x: &[f32]) -> Largest {
        let mut lanes = [0; LANES];
        for chunk in x.chunks_exact(LANES) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = size(*x).max(*lane);
            }
        }
        let mut largest = Largest::from(&lanes);
        for (i, block) in x.chunks(4 * LANES).enumerate() {
            let least = largest.sizes[MOST];
            if block.iter().fold(false, |any, x| any | (size(*x) > least)) {
                for (k, x) in block.iter().enumerate() {
                    largest.take(size(*x), i * 4 * LANES + k);
                }
            }
        }
        largest
    }

    /// The same by hand: compilers walk the lanes in the wrong order.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    pub(super) fn of_avx512(x: &[f32]) -> Largest {
        use std::arch::x86_64::*;
        let sizes = |chunk: &[f32; LANES]| {
            // SAFETY: a chunk is sixteen numbers.
            let numbers = unsafe { _mm512_loadu_si512(chunk.as_ptr().cast()) };
            _mm512_and_si512(numbers, _mm512_set1_epi32(0x7fff_ffff))
        };
        let (chunks, rest) = x.as_chunks::<LANES>();
        let (blocks, few) = chunks.as_chunks::<4>();
        let mut most = [_mm512_setzero_si512(); 4];
        for block in blocks {
            for (most, chunk) in most.iter_mut().zip(block) {
                *most = _mm512_max_epu32(*most, sizes(chunk));
            }
        }
        for chunk in few {
            most[0] = _mm512_max_epu32(most[0], sizes(chunk));
        }
        let low = _mm512_max_epu32(most[0], most[1]);
        let all = _mm512_max_epu32(low, _mm512_max_epu32(most[2], most[3]));
        let mut lanes = [0; LANES];
        // SAFETY: there are sixteen lanes.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), all) };
        let mut largest = Largest::from(&lanes);
        let mut least = _mm512_set1_epi32(largest.sizes[MOST] as i32);
        let mut look = |chunks: &[[f32; LANES]], from: usize| {
            let mut places = 0u64;
            for (c, chunk) in chunks.iter().enumerate() {
                let larger = _mm512_cmpgt_epu32_mask(sizes(chunk), least);
                places |= u64::from(larger) << (c * LANES);
            }
            if places != 0 {
                while places != 0 {
                    let k = from + places.trailing_zeros() as usize;
                    largest.take(size(x[k]), k);
                    places &= places - 1;
                }
                least = _mm512_set1_epi32(largest.sizes[MOST] as i32);
            }
        };
        for (i, block) in blocks.iter().enumerate() {
            look(block, i * 4 * LANES);
        }
        look(few, blocks.len() * 4 * LANES);
        for (k, x) in rest.iter().enumerate() {
            largest.take(size(*x), chunks.len() * LANES + k);
        }
        largest
    }

    /// The largest size that more than `MOST` lanes reach, and nothing above it yet.
    #[inline(always)]
    fn from(lanes: &[u32; LANES]) -> Largest {
        let mut counts = [0; LANES];
        for other in lanes {
            for (count, lane) in counts.iter_mut().zip(lanes) {
                *count += u32::from(other >= lane);
            }
        }
        let mut reached = 0;
        for (count, lane) in counts.iter().zip(lanes) {
            reached = reached.max(if *count > MOST as u32 { *lane } else { 0 });
        }
        Largest {
            sizes: [reached; MOST + 1],
            cols: [0; MOST + 1],
        }
    }

    /// Puts a number in its place, if it is among the largest so far.
    #[inline(always)]
    fn take(&mut self, size: u32, col: usize) {
        let (mut size, mut col) = (size, col as u32);
        if size > self.sizes[MOST] {
            for (other, other_col) in self.sizes.iter_mut().zip(&mut self.cols) {
                let sinks = size > *other;
                let kept = if sinks {
                    (size, col)
                } else {
                    (*other, *other_col)
                };
                (size, col) = if sinks {
                    (*other, *other_col)
                } else {
                    (size, col)
                };
                (*other, *other_col) = kept;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_are_those_that_sorting_finds() {
        let mut state = 1u64;
        for round in 0..2000 {
            let len = round % 200;
            let x: Vec<f32> = (0..len)
                .map(|_| {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(9);
                    // Few values in every other round, so that many are equal.
                    let fine = if round % 2 == 0 { 40 } else { 60 };
                    (state >> fine) as f32 * if state & (1 << 30) == 0 { 1.0 } else { -1.0 }
                })
                .collect();
            let mut sorted: Vec<u32> = x.iter().map(|x| size(*x)).collect();
            sorted.extend([0; MOST + 1]);
            sorted.sort_by(|a, b| b.cmp(a));
            let found = Largest::of(&x);
            assert_eq!(found.sizes[..], sorted[..=MOST]);
            for (found_size, col) in found.sizes.iter().zip(found.cols) {
                assert!(*found_size == found.sizes[MOST] || *found_size == size(x[col as usize]));
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: this machine has it.
                let by_hand = unsafe { Largest::of_avx512(&x) };
                assert_eq!(by_hand.sizes, found.sizes);
            }
        }
    }
}

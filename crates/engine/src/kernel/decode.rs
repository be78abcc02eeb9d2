//! From stored codes to f32: bf16 and the four-bit levels of NormalFloat, a row of a panel at a time.
//!
//! Every instruction set gives the same bits: each number is one table entry times one scale.

use super::{Isa, PANEL};

/// The sixteen levels of NormalFloat4, as QLoRA publishes them: quantiles of a normal distribution
/// scaled to `-1..=1`, with an exact zero.
pub const NF4_LEVELS: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// Bytes of a panel row of four-bit codes: byte `j` holds column `j` low and column `j + 16` high.
pub const NF4_ROW: usize = PANEL / 2;

/// Widens bf16: the upper half of an f32.
pub fn bf16(isa: Isa, from: &[u16], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx2 {
        assert!(isa.is_available(), "this machine has no {}", isa.name());
        // SAFETY: the machine has AVX-512, which includes AVX2, or AVX2.
        unsafe {
            return match isa {
                Isa::Avx512 | Isa::Amx => x86::bf16_512(from, to),
                _ => x86::bf16_256(from, to),
            };
        }
    }
    let _ = isa;
    bf16_plain(from, to);
}

#[inline(always)]
fn bf16_plain(from: &[u16], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f32::from_bits(u32::from(*from) << 16);
    }
}

/// `to[r][j] = level of code (r, j) * scales[j]` for rows of `PANEL` columns.
pub fn nf4(isa: Isa, codes: &[u8], scales: &[f32; PANEL], to: &mut [f32]) {
    assert_eq!(codes.len() * 2, to.len());
    assert_eq!(codes.len() % NF4_ROW, 0);
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx2 {
        assert!(isa.is_available(), "this machine has no {}", isa.name());
        // SAFETY: the machine has the instruction set; both slices hold the same whole number of rows.
        unsafe {
            return match isa {
                Isa::Avx512 | Isa::Amx => x86::nf4_512(codes, scales, to),
                _ => x86::nf4_256(codes, scales, to),
            };
        }
    }
    let _ = isa;
    let rows = codes.chunks_exact(NF4_ROW).zip(to.chunks_exact_mut(PANEL));
    for (codes, to) in rows {
        for (j, code) in codes.iter().enumerate() {
            to[j] = NF4_LEVELS[usize::from(code & 15)] * scales[j];
            to[j + NF4_ROW] = NF4_LEVELS[usize::from(code >> 4)] * scales[j + NF4_ROW];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The same with tables in registers.

    use super::{NF4_LEVELS, NF4_ROW, PANEL};
    use std::arch::x86_64::*;

    /// Bytes by which codes are fetched before they are decoded.
    const AHEAD: usize = 2048;

    #[target_feature(enable = "avx2")]
    pub(super) fn bf16_256(from: &[u16], to: &mut [f32]) {
        super::bf16_plain(from, to);
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn bf16_512(from: &[u16], to: &mut [f32]) {
        let mut from = from.chunks_exact(16);
        let mut to = to.chunks_exact_mut(16);
        for (from, to) in from.by_ref().zip(to.by_ref()) {
            // SAFETY: each chunk holds sixteen numbers.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(from.as_ptr().cast::<i8>().wrapping_add(AHEAD));
                let codes = _mm256_loadu_si256(from.as_ptr().cast());
                let bits = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(codes));
                _mm512_storeu_ps(to.as_mut_ptr(), _mm512_castsi512_ps(bits));
            }
        }
        super::bf16_plain(from.remainder(), to.into_remainder());
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn nf4_512(codes: &[u8], scales: &[f32; PANEL], to: &mut [f32]) {
        // SAFETY: the tables hold sixteen and 32 numbers, each chunk a row of 16 bytes or 32 numbers.
        unsafe {
            let levels = _mm512_loadu_ps(NF4_LEVELS.as_ptr());
            let low_scales = _mm512_loadu_ps(scales.as_ptr());
            let high_scales = _mm512_loadu_ps(scales.as_ptr().add(16));
            let rows = codes.chunks_exact(NF4_ROW).zip(to.chunks_exact_mut(PANEL));
            for (codes, to) in rows {
                _mm_prefetch::<_MM_HINT_T0>(codes.as_ptr().cast::<i8>().wrapping_add(AHEAD));
                let codes = _mm512_cvtepu8_epi32(_mm_loadu_si128(codes.as_ptr().cast()));
                // The permutation reads the lowest four bits of each index and no others.
                let low = _mm512_permutexvar_ps(codes, levels);
                let high = _mm512_permutexvar_ps(_mm512_srli_epi32::<4>(codes), levels);
                _mm512_storeu_ps(to.as_mut_ptr(), _mm512_mul_ps(low, low_scales));
                _mm512_storeu_ps(to.as_mut_ptr().add(16), _mm512_mul_ps(high, high_scales));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn nf4_256(codes: &[u8], scales: &[f32; PANEL], to: &mut [f32]) {
        // SAFETY: as above; eight bytes at `from` are half a row.
        unsafe {
            let below = _mm256_loadu_ps(NF4_LEVELS.as_ptr());
            let above = _mm256_loadu_ps(NF4_LEVELS.as_ptr().add(8));
            let rows = codes.chunks_exact(NF4_ROW).zip(to.chunks_exact_mut(PANEL));
            for (codes, to) in rows {
                for half in [0, 8] {
                    let from = codes.as_ptr().add(half);
                    let low = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
                    let high = _mm256_srli_epi32::<4>(low);
                    for (codes, at) in [(low, half), (high, half + NF4_ROW)] {
                        // Bit 3 of a code, moved to the sign, picks the half of the table.
                        let pick = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(codes));
                        let level = _mm256_blendv_ps(
                            _mm256_permutevar8x32_ps(below, codes),
                            _mm256_permutevar8x32_ps(above, codes),
                            pick,
                        );
                        let scale = _mm256_loadu_ps(scales.as_ptr().add(at));
                        _mm256_storeu_ps(to.as_mut_ptr().add(at), _mm256_mul_ps(level, scale));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_decodes_all_codes_to_the_same_bits() {
        let codes: Vec<u8> = (0..=255).collect();
        let scales: [f32; PANEL] = std::array::from_fn(|j| 0.1 + 0.37 * j as f32);
        let mut expected = vec![0.0; 512];
        nf4(Isa::Portable, &codes, &scales, &mut expected);
        assert_eq!(expected[0], -scales[0], "code 0 is the lowest level");
        let halves: Vec<u16> = (0..1003).map(|x| (x * 65) as u16).collect();
        for isa in Isa::available() {
            let mut found = vec![0.0; 512];
            nf4(isa, &codes, &scales, &mut found);
            assert_eq!(found, expected, "{isa:?}");
            let mut wide = vec![0.0; halves.len()];
            bf16(isa, &halves, &mut wide);
            for (wide, half) in wide.iter().zip(&halves) {
                assert_eq!(wide.to_bits(), u32::from(*half) << 16, "{isa:?}");
            }
        }
    }
}

//! To bfloat16 and back: the upper half of a number's bits.
//!
//! It multiplies nothing; products widen such numbers while they decode them.

use super::every_isa::every_isa;

every_isa! {
    /// Rounds every number.
    pub fn round(numbers: &[f32], bits: &mut [u16]) {
        for (bits, number) in bits.iter_mut().zip(numbers) {
            *bits = to_bf16(*number);
        }
    }
}

every_isa! {
    /// The numbers that the bits stand for.
    pub fn widen(bits: &[u16], numbers: &mut [f32]) {
        for (number, bits) in numbers.iter_mut().zip(bits) {
            *number = f32::from_bits(u32::from(*bits) << 16);
        }
    }
}

/// Rounds to the nearest bfloat16, ties to even; a NaN stays one.
#[inline(always)]
pub fn to_bf16(number: f32) -> u16 {
    let bits = number.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if number.is_nan() {
        (bits >> 16) as u16 | 0x40
    } else {
        rounded
    }
}

/// The memory of f32 numbers as twice as many halves.
pub fn halves(pairs: &[f32]) -> &[u16] {
    // SAFETY: the same bytes, for which any bits will do, at a stricter alignment.
    unsafe { std::slice::from_raw_parts(pairs.as_ptr().cast(), 2 * pairs.len()) }
}

/// The same, to write.
pub fn halves_mut(pairs: &mut [f32]) -> &mut [u16] {
    // SAFETY: as above; whatever is written is a number in both views.
    unsafe { std::slice::from_raw_parts_mut(pairs.as_mut_ptr().cast(), 2 * pairs.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    #[test]
    fn every_instruction_set_rounds_to_the_nearest_and_widens_without_loss() {
        let mut numbers: Vec<f32> = (0..70_001u32)
            .map(|i| f32::from_bits(i.wrapping_mul(2_654_435_761)))
            .collect();
        numbers.extend([f32::NAN, -f32::INFINITY, f32::MAX, -0.0]);
        for isa in Isa::available() {
            let mut pairs = vec![0.0; numbers.len().div_ceil(2)];
            round(isa, &numbers, halves_mut(&mut pairs));
            let mut again = vec![0.0; numbers.len()];
            widen(isa, halves(&pairs), &mut again);
            for (number, again) in numbers.iter().zip(&again) {
                assert_eq!(to_bf16(*again), to_bf16(*number));
                let (from, to) = (f64::from(*number), f64::from(*again));
                let near = (from - to).abs() <= from.abs() / 256.0 + 1e-40;
                let beyond = to.is_infinite() && from.abs() > 3.38e38;
                assert!(
                    near || beyond || from == to || from.is_nan() && to.is_nan(),
                    "{isa:?}: {from} became {to}"
                );
            }
        }
    }
}

//! What operations put aside for their way back: exact numbers, the same in half the bytes, or
//! only the means to make them again.

use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use crate::kernel::elementwise::PIECE;
use crate::mat::Mat;

/// How values are kept between the way forth and the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As they are.
    Exact,
    /// Rounded to bfloat16: half the memory, gradients off by about one part in 300.
    Half,
}

/// Makes a value again from what its operation keeps.
pub type Rebuild = Rc<dyn Fn() -> Arc<Mat>>;

/// A value put aside.
#[derive(Clone)]
pub enum Kept {
    Exact(Arc<Mat>),
    Half(Arc<HalfMat>),
    Rebuilt(Rebuild),
}

impl Kept {
    /// Rounds to bfloat16.
    pub fn half(mat: &Mat) -> Kept {
        Kept::Half(Arc::new(HalfMat::round(mat)))
    }

    /// The value, or the closest one that was kept.
    pub fn mat(&self) -> Arc<Mat> {
        match self {
            Kept::Exact(mat) => Arc::clone(mat),
            Kept::Half(half) => Arc::new(half.widen()),
            Kept::Rebuilt(rebuild) => rebuild(),
        }
    }
}

/// A matrix in bfloat16.
pub struct HalfMat {
    rows: usize,
    cols: usize,
    bits: Vec<u16>,
}

impl HalfMat {
    fn round(mat: &Mat) -> HalfMat {
        let mut bits = vec![0u16; mat.len()];
        bits.par_chunks_mut(PIECE)
            .zip(mat.data().par_chunks(PIECE))
            .for_each(|(bits, numbers)| {
                for (bits, number) in bits.iter_mut().zip(numbers) {
                    *bits = to_bf16(*number);
                }
            });
        HalfMat {
            rows: mat.rows(),
            cols: mat.cols(),
            bits,
        }
    }

    fn widen(&self) -> Mat {
        let mut mat = Mat::stale(self.rows, self.cols);
        mat.data_mut()
            .par_chunks_mut(PIECE)
            .zip(self.bits.par_chunks(PIECE))
            .for_each(|(numbers, bits)| {
                for (number, bits) in numbers.iter_mut().zip(bits) {
                    *number = f32::from_bits(u32::from(*bits) << 16);
                }
            });
        mat
    }
}

/// Rounds to the nearest bfloat16, ties to even; a NaN stays one.
pub fn to_bf16(number: f32) -> u16 {
    let bits = number.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if number.is_nan() {
        (bits >> 16) as u16 | 0x40
    } else {
        rounded
    }
}

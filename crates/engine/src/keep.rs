//! What operations put aside for their way back: exact numbers, the same in half the bytes, or
//! only the means to make them again.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use crate::kernel::elementwise::PIECE;
use crate::kernel::scratch::Scratch;
use crate::kernel::{Isa, bfloat16};
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

    /// The value for reading part by part.
    pub(crate) fn open(&self) -> Opened {
        match self {
            Kept::Exact(mat) => Opened::Exact(Arc::clone(mat)),
            Kept::Half(half) => Opened::Half(Arc::clone(half)),
            Kept::Rebuilt(rebuild) => Opened::Exact(rebuild()),
        }
    }
}

/// A value that is read part by part: one in half the bytes is widened close to where it is used
/// and never stands in memory as a whole. The numbers are those of `Kept::mat`.
pub(crate) enum Opened {
    Exact(Arc<Mat>),
    Half(Arc<HalfMat>),
}

impl Opened {
    pub(crate) fn shape(&self) -> (usize, usize) {
        match self {
            Opened::Exact(mat) => mat.shape(),
            Opened::Half(half) => (half.rows, half.cols),
        }
    }

    /// The numbers of a range, counted row after row.
    pub(crate) fn numbers<R>(&self, range: Range<usize>, work: impl FnOnce(&[f32]) -> R) -> R {
        match self {
            Opened::Exact(mat) => work(&mat.data()[range]),
            Opened::Half(half) => {
                let mut numbers = Scratch::stale(range.len());
                let bits = &bfloat16::halves(half.pairs.data())[range];
                bfloat16::widen(Isa::chosen(), bits, &mut numbers);
                work(&numbers)
            }
        }
    }

    /// The numbers of so many rows, or of as many as there are.
    pub(crate) fn rows<R>(&self, first: usize, count: usize, work: impl FnOnce(&[f32]) -> R) -> R {
        let (rows, cols) = self.shape();
        self.numbers(first * cols..rows.min(first + count) * cols, work)
    }
}

/// A matrix in bfloat16.
pub struct HalfMat {
    rows: usize,
    cols: usize,
    /// Two numbers in the room of one, so that the memory comes from the pool of all matrices.
    pairs: Mat,
}

impl HalfMat {
    fn round(mat: &Mat) -> HalfMat {
        let mut pairs = Mat::stale(1, mat.len().div_ceil(2));
        let isa = Isa::chosen();
        bfloat16::halves_mut(pairs.data_mut())
            .par_chunks_mut(PIECE)
            .zip(mat.data().par_chunks(PIECE))
            .for_each(|(bits, numbers)| bfloat16::round(isa, numbers, bits));
        HalfMat {
            rows: mat.rows(),
            cols: mat.cols(),
            pairs,
        }
    }

    fn widen(&self) -> Mat {
        let mut mat = Mat::stale(self.rows, self.cols);
        let isa = Isa::chosen();
        mat.data_mut()
            .par_chunks_mut(PIECE)
            .zip(bfloat16::halves(self.pairs.data()).par_chunks(PIECE))
            .for_each(|(numbers, bits)| bfloat16::widen(isa, bits, numbers));
        mat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::random;

    #[test]
    fn a_value_read_in_parts_has_the_bits_of_the_whole() {
        let mat = Arc::new(random("kept", 7, 33, 1.0));
        for kept in [Kept::Exact(Arc::clone(&mat)), Kept::half(&mat)] {
            let (whole, opened) = (kept.mat(), kept.open());
            assert_eq!(opened.shape(), (7, 33));
            for (first, count) in [(0, 7), (2, 3), (5, 4), (7, 1)] {
                let expected = &whole.data()[first * 33..7.min(first + count) * 33];
                opened.rows(first, count, |part| assert_eq!(part, expected));
            }
        }
        assert_ne!(Kept::half(&mat).mat().data(), mat.data());
    }
}

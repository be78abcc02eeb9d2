//! What operations put aside for their way back: exact numbers, the same in half the bytes, or
//! only the means to make them again.

use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;

use crate::kernel::elementwise::PIECE;
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

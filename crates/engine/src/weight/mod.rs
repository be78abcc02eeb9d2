//! Frozen weights, packed once.

pub mod int8;

use crate::kernel::Isa;
use crate::kernel::multiply::Into;
use crate::product::{self, Epilogue};

/// How the numbers of a frozen weight are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    F32,
    Bf16,
    Int8,
    Nf4,
}

/// A frozen linear map `W [N x K]`.
pub enum Weight {
    F32(usize, usize, Vec<f32>),
}

impl Weight {
    pub fn pack(_precision: Precision, n: usize, k: usize, w: &[f32]) -> Weight {
        Weight::F32(n, k, w.to_vec())
    }

    pub fn outputs(&self) -> usize {
        let Weight::F32(n, _, _) = self;
        *n
    }

    pub fn inputs(&self) -> usize {
        let Weight::F32(_, k, _) = self;
        *k
    }

    /// `y [T x N] = x [T x K] W^T + bias + residual`.
    pub fn forward(&self, isa: Isa, x: &[f32], t: usize, y: &mut [f32], epilogue: Epilogue<'_>) {
        let Weight::F32(n, k, w) = self;
        product::trained_forward(isa, (t, *n, *k), x, w, y, epilogue);
    }

    /// `dx [T x K] (+)= dy [T x N] W`.
    pub fn backward(&self, isa: Isa, dy: &[f32], t: usize, dx: &mut [f32], into: Into) {
        let Weight::F32(n, k, w) = self;
        product::trained_backward(isa, (t, *n, *k), dy, w, dx, into);
    }

    /// Row `n`, `[K]`.
    pub fn row(&self, n: usize, out: &mut [f32]) {
        let Weight::F32(_, k, w) = self;
        out.copy_from_slice(&w[n * k..(n + 1) * k]);
    }

    pub fn bytes(&self) -> usize {
        let Weight::F32(_, _, w) = self;
        w.len() * 4
    }
}

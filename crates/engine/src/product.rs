//! Products of whole matrices on all cores.

use crate::kernel::Isa;
use crate::kernel::multiply::{Into, Left, multiply};

/// What is added to a product while it is written.
#[derive(Clone, Copy, Default)]
pub struct Epilogue<'a> {
    /// `[N]`, added to every row.
    pub bias: Option<&'a [f32]>,
    /// `[T x N]`, added element by element.
    pub residual: Option<&'a [f32]>,
}

/// `y [T x N] = x [T x K] W^T + bias + residual`, `W [N x K]` in row-major order.
pub fn trained_forward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    x: &[f32],
    w: &[f32],
    y: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    for i in 0..t {
        for j in 0..n {
            let sum: f32 = (0..k).map(|d| x[i * k + d] * w[j * k + d]).sum();
            let bias = epilogue.bias.map_or(0.0, |bias| bias[j]);
            let residual = epilogue
                .residual
                .map_or(0.0, |residual| residual[i * n + j]);
            y[i * n + j] = sum + bias + residual;
        }
    }
    let _ = isa;
}

/// `y [T x N] += h [T x R] B^T`, `B [N x R]`: the way up of a low-rank path.
pub fn low_rank_up(
    isa: Isa,
    (t, n, rank): (usize, usize, usize),
    h: &[f32],
    b: &[f32],
    y: &mut [f32],
) {
    for i in 0..t {
        for j in 0..n {
            y[i * n + j] += (0..rank)
                .map(|d| h[i * rank + d] * b[j * rank + d])
                .sum::<f32>();
        }
    }
    let _ = isa;
}

/// `dx [T x K] (+)= dy [T x N] W`, `W [N x K]` in row-major order.
pub fn trained_backward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    into: Into,
) {
    multiply(
        isa,
        (t, k, n),
        Left {
            data: dy,
            row: n,
            col: 1,
        },
        (w, k),
        (dx, k),
        into,
    );
}

/// `dw [N x K] (+)= dy^T x`, `dy [T x N]`, `x [T x K]`.
pub fn weight_gradient(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    x: &[f32],
    dw: &mut [f32],
    into: Into,
) {
    multiply(
        isa,
        (n, k, t),
        Left {
            data: dy,
            row: 1,
            col: n,
        },
        (x, k),
        (dw, k),
        into,
    );
}

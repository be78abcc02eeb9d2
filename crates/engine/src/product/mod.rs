//! Products on all cores: the left operand's rows against panels of the right one.
//!
//! Each element of a result is made by one task from beginning to end, as one sum over the depth in
//! ascending order. How the work is cut into tasks, tiles and chunks of the depth therefore changes
//! no bit: neither the number of threads nor the number of rows in the batch can be seen in a row.

mod cut;
mod drive;
#[cfg(target_arch = "x86_64")]
mod parted;

use std::sync::atomic::{AtomicBool, Ordering};

use drive::drive;

use crate::kernel::multiply::{Left, Write, assert_reach};
use crate::kernel::{Isa, PANEL};
use crate::panel::{Backward, Forward, Packed, Panels, Rows, Turned};

/// Whether products may round their operands to bf16, for the whole process.
static ROUGH: AtomicBool = AtomicBool::new(false);

/// Allows products to round both operands to bf16 before they are summed in f32, where the machine
/// has tiles of bf16: faster, and off by about one part in 300 of each term. Where it has none they
/// stay as they are. It holds for all products of the process from now on.
pub fn rough(allowed: bool) {
    ROUGH.store(allowed, Ordering::Relaxed);
}

/// As [`rough`] has said.
pub fn is_rough() -> bool {
    ROUGH.load(Ordering::Relaxed)
}

/// What is added to a product while it is still in the cache, in this order: what was there (with
/// `Write::Add`), the sum, the bias, the residual.
#[derive(Clone, Copy)]
pub struct Epilogue<'a> {
    /// `[N]`, added to every row.
    pub bias: Option<&'a [f32]>,
    /// `[T x N]`.
    pub residual: Option<&'a [f32]>,
    pub into: Write,
}

impl Epilogue<'_> {
    /// Nothing is added.
    pub const SET: Epilogue<'static> = Epilogue {
        bias: None,
        residual: None,
        into: Write::Set,
    };

    /// The product is added to what is there.
    pub const ADD: Epilogue<'static> = Epilogue {
        bias: None,
        residual: None,
        into: Write::Add,
    };

    fn plain(into: Write) -> Epilogue<'static> {
        match into {
            Write::Set => Epilogue::SET,
            Write::Add => Epilogue::ADD,
        }
    }
}

/// `y [T x N] = x [T x K] W^T`, with what the epilogue adds.
pub fn forward<W: Packed>(
    isa: Isa,
    panels: &Forward<'_, W>,
    x: &[f32],
    t: usize,
    y: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    let columns = panels.columns();
    let left = Left::rows(x, panels.depth());
    drive(isa, panels, t, left, (y, columns), epilogue);
}

/// `dx [T x K] (+)= dy [T x N] W`.
pub fn backward<W: Packed>(
    isa: Isa,
    panels: &Backward<'_, W>,
    dy: &[f32],
    t: usize,
    dx: &mut [f32],
    into: Write,
) {
    let columns = panels.columns();
    let left = Left::rows(dy, panels.depth());
    drive(isa, panels, t, left, (dx, columns), Epilogue::plain(into));
}

/// `y [T x N] = x [T x K] W^T` for a trained `W [N x K]`, rows as they lie.
pub fn trained_forward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    x: &[f32],
    weight: &[f32],
    y: &mut [f32],
    epilogue: Epilogue<'_>,
) {
    assert_eq!(weight.len(), n * k, "a weight of {n} x {k}");
    let panels = Turned {
        data: weight,
        depth: k,
        columns: n,
    };
    drive(isa, &panels, t, Left::rows(x, k), (y, n), epilogue);
}

/// `dx [T x K] (+)= dy [T x N] W` for a trained `W [N x K]`, rows as they lie.
pub fn trained_backward(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    weight: &[f32],
    dx: &mut [f32],
    into: Write,
) {
    let shape = (t, k, n);
    dense(isa, shape, Left::rows(dy, n), (weight, k), (dx, k), into);
}

/// `dW [N x K] (+)= dy [T x N]^T x [T x K]`.
pub fn weight_gradient(
    isa: Isa,
    (t, n, k): (usize, usize, usize),
    dy: &[f32],
    x: &[f32],
    gradient: &mut [f32],
    into: Write,
) {
    // Few outputs, those of a low rank, would leave most of a matrix tile empty.
    let narrow = isa == Isa::Amx && n < PANEL;
    let isa = if narrow { Isa::Avx512 } else { isa };
    let shape = (n, k, t);
    let left = Left::transposed(dy, n);
    dense(isa, shape, left, (x, k), (gradient, k), into);
}

/// `kernel::multiply` on all cores, for operands of any size that are not packed.
pub fn dense(
    isa: Isa,
    (m, n, depth): (usize, usize, usize),
    a: Left<'_>,
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
    into: Write,
) {
    assert_reach(b.len(), (depth, b_row), (n, 1));
    let panels = Rows {
        data: b,
        row: b_row,
        depth,
        columns: n,
    };
    drive(isa, &panels, m, a, (c, c_row), Epilogue::plain(into));
}

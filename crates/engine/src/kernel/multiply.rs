//! The small f32 product that everything dense is made of: one thread, any strides on the left,
//! contiguous rows on the right.
//!
//! Every element is a sum over `k` in ascending order with one accumulator, so a row of the result
//! depends on nothing but its own row of the left operand: neither on how many rows there are nor
//! on where it stands among them.

use super::Isa;

/// The left operand: element `(i, k)` is `data[i * row + k * col]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub col: usize,
}

/// What happens to numbers that are already in the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Into {
    /// They are overwritten.
    Set,
    /// They are added to.
    Add,
}

/// `c[i * c_row + j] (+)= sum over k of a(i, k) * b[k * b_row + j]` for `i < m`, `j < n`, `k < depth`.
pub fn multiply(
    isa: Isa,
    (m, n, depth): (usize, usize, usize),
    a: Left<'_>,
    (b, b_row): (&[f32], usize),
    (c, c_row): (&mut [f32], usize),
    into: Into,
) {
    let _ = isa;
    for i in 0..m {
        let c = &mut c[i * c_row..i * c_row + n];
        if into == Into::Set {
            c.fill(0.0);
        }
        for k in 0..depth {
            let factor = a.data[i * a.row + k * a.col];
            for (c, b) in c.iter_mut().zip(&b[k * b_row..k * b_row + n]) {
                *c += factor * b;
            }
        }
    }
}

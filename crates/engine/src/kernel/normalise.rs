//! Rows brought to a common scale: the inner loops of layer norm and rms norm, forth and back.
//!
//! A row's sums run over lanes in a fixed order, so they depend on nothing but the row.

use super::every_isa::every_isa;

/// Sums are kept in this many lanes, whatever the instruction set.
const LANES: usize = 32;

/// What the way back needs to know of a row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scale {
    /// What was taken off; zero for rms norm.
    pub mean: f32,
    /// One over the row's root of the mean square, after the mean was taken off.
    pub inverse: f32,
}

/// A norm's numbers in this pass.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    /// Whether the mean is taken off (layer norm) or not (rms norm).
    pub centred: bool,
    /// `[C]`
    pub weight: &'a [f32],
    /// `[C]`
    pub bias: Option<&'a [f32]>,
    pub eps: f32,
}

every_isa! {
    /// `y = (x - mean) * inverse * weight + bias`, row by row.
    pub fn forward(shape: Shape<'_>, x: &[f32], y: &mut [f32], scales: &mut [Scale]) {
        let width = shape.weight.len();
        let rows = x.chunks_exact(width).zip(y.chunks_exact_mut(width));
        for ((x, y), scale) in rows.zip(scales) {
            *scale = scale_of(shape, x);
            let Scale { mean, inverse } = *scale;
            match shape.bias {
                Some(bias) => {
                    for (((y, x), w), b) in y.iter_mut().zip(x).zip(shape.weight).zip(bias) {
                        *y = (x - mean) * inverse * w + b;
                    }
                }
                None => {
                    for ((y, x), w) in y.iter_mut().zip(x).zip(shape.weight) {
                        *y = (x - mean) * inverse * w;
                    }
                }
            }
        }
    }
}

every_isa! {
    /// Turns `dy` into `dx` in place, row by row.
    pub fn backward(shape: Shape<'_>, x: &[f32], scales: &[Scale], dy: &mut [f32]) {
        let width = shape.weight.len();
        let rows = x.chunks_exact(width).zip(dy.chunks_exact_mut(width));
        for ((x, dy), Scale { mean, inverse }) in rows.zip(scales) {
            let (sum, along) = sums(x, shape.weight, dy, |x, w, dy| {
                let grad = dy * w;
                (grad, grad * ((x - mean) * inverse))
            });
            let mean_grad = if shape.centred { sum / width as f32 } else { 0.0 };
            let along = along / width as f32;
            for ((dy, x), w) in dy.iter_mut().zip(x).zip(shape.weight) {
                let normal = (x - mean) * inverse;
                *dy = inverse * (*dy * w - mean_grad - normal * along);
            }
        }
    }
}

every_isa! {
    /// `dweight += dy * (x - mean) * inverse`, summed down the rows.
    pub fn weight_gradient(x: &[f32], scales: &[Scale], dy: &[f32], dweight: &mut [f32]) {
        let width = dweight.len();
        let rows = x.chunks_exact(width).zip(dy.chunks_exact(width));
        for ((x, dy), Scale { mean, inverse }) in rows.zip(scales) {
            for ((sum, x), dy) in dweight.iter_mut().zip(x).zip(dy) {
                *sum += dy * ((x - mean) * inverse);
            }
        }
    }
}

#[inline(always)]
fn scale_of(shape: Shape<'_>, x: &[f32]) -> Scale {
    let count = x.len() as f32;
    let mean = if shape.centred {
        sums(x, x, x, |x, _, _| (x, 0.0)).0 / count
    } else {
        0.0
    };
    let spread = sums(x, x, x, |x, _, _| ((x - mean) * (x - mean), 0.0)).0 / count;
    Scale {
        mean,
        inverse: 1.0 / (spread + shape.eps).sqrt(),
    }
}

/// Two sums over the elements of three rows of one width.
#[inline(always)]
fn sums(a: &[f32], b: &[f32], c: &[f32], term: impl Fn(f32, f32, f32) -> (f32, f32)) -> (f32, f32) {
    let (mut first, mut second) = ([0.0f32; LANES], [0.0f32; LANES]);
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..LANES {
            let (one, two) = term(a[lane], b[lane], c[lane]);
            first[lane] += one;
            second[lane] += two;
        }
    }
    for (lane, ((a, b), c)) in a_rest.iter().zip(b_rest).zip(c_rest).enumerate() {
        let (one, two) = term(*a, *b, *c);
        first[lane] += one;
        second[lane] += two;
    }
    (total(first), total(second))
}

/// The sum of all lanes, halving their number again and again.
#[inline(always)]
fn total(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

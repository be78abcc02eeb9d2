//! Proof of what may grow on a low-rank path: the magnitude and the parts of tasks.

mod magnitude;
mod tasks;

use crate::mat::Mat;
use crate::ops::{Linear, LowRank, Map};
use crate::param::Param;
use crate::proof::{Plain, random};

/// Rows, outputs, inputs, rank.
type Shape = (usize, usize, usize, usize);

const SHAPES: [Shape; 5] = [
    (1, 1, 1, 1),
    (1, 33, 7, 2),
    (5, 8, 64, 3),
    (17, 3, 5, 8),
    (6, 40, 35, 4),
];

const SCALE: f32 = 0.7;

fn map_of(map: Map, bias: Option<Param>, low_rank: Option<LowRank>) -> Linear {
    Linear {
        name: "map".into(),
        map,
        bias,
        low_rank,
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn plain(mat: &Mat) -> Plain {
    Plain::of(mat)
}

fn drawn(name: &str, (rows, cols): (usize, usize)) -> Mat {
    random(name, rows, cols, 0.5)
}

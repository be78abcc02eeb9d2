//! The magnitude of DoRA: each row of `W + scale B A` keeps its direction and gets a learnt length.
//!
//! `y = g (x W^T + scale x A^T B^T)` with `g = m / |W + scale B A|`. The lengths below the line are
//! constants on the way back, as the reference library has it; nothing here is on the tape.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use rayon::prelude::*;

use super::linear::Map;
use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::mat::Mat;
use crate::param::Param;
use crate::product::{self, Epilogue};
use crate::weight::Weight;

/// The learnt lengths `m [1 x N]` of a map's rows.
///
/// The squared lengths of a frozen map's own rows are summed once, here; in a pass only what A and
/// B add to them is computed, and that only where A or B changed since the last one.
#[derive(Clone)]
pub struct Magnitude {
    param: Param,
    /// `|W_n|^2` of a frozen map, as it is held: `[N]`.
    squares: Option<Arc<[f64]>>,
    known: Arc<Mutex<Option<Known>>>,
}

/// Lengths, and the A and B that they were computed from.
struct Known {
    down: Weak<Mat>,
    up: Weak<Mat>,
    scale: f32,
    lengths: Arc<[f64]>,
}

/// Rows that are decoded at a time.
const ROWS: usize = 256;

impl Magnitude {
    /// The magnitude `param` of a map.
    pub fn new(param: Param, map: &Map) -> Magnitude {
        let squares = match map {
            Map::Frozen(weight) => Some(squares_of(weight).into()),
            Map::Trained(_) => None,
        };
        Magnitude {
            param,
            squares,
            known: Arc::default(),
        }
    }

    pub fn param(&self) -> &Param {
        &self.param
    }

    /// The lengths of a map's rows, `[1 x N]`: what a magnitude starts from where B is zero.
    pub fn of_rows(map: &Map) -> Mat {
        let squares = match map {
            Map::Frozen(weight) => squares_of(weight),
            Map::Trained(param) => squares_of_rows(&param.value()),
        };
        Mat::row_vector(
            squares
                .into_iter()
                .map(|square| square.sqrt() as f32)
                .collect(),
        )
    }

    pub(super) fn check(&self, name: &str, n: usize) -> Result<()> {
        let found = self.param.value();
        match found.shape() == (1, n) {
            true => Ok(()),
            false => Err(Error::shape(
                "magnitude",
                format_args!("{name}: [1 x {n}]"),
                found.shape_text(),
            )),
        }
    }

    /// `|W_n + scale B_n A|` of every output.
    ///
    /// `|W + s B A|^2 = |W|^2 + 2 s B (A W^T) + s^2 B (A A^T) B^T`, row by row: the products are in
    /// f32, what is added up is in f64.
    pub(super) fn lengths(
        &self,
        map: &Map,
        (down, up): (&Arc<Mat>, &Arc<Mat>),
        scale: f32,
    ) -> Arc<[f64]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(known), Some(_)) = (&*known, &self.squares) {
            let same = |weak: &Weak<Mat>, now: &Arc<Mat>| {
                weak.upgrade().is_some_and(|old| Arc::ptr_eq(&old, now))
            };
            if known.scale == scale && same(&known.down, down) && same(&known.up, up) {
                return Arc::clone(&known.lengths);
            }
        }
        let lengths = self.computed(map, (down, up), f64::from(scale));
        *known = Some(Known {
            down: Arc::downgrade(down),
            up: Arc::downgrade(up),
            scale,
            lengths: Arc::clone(&lengths),
        });
        lengths
    }

    fn computed(&self, map: &Map, (down, up): (&Mat, &Mat), scale: f64) -> Arc<[f64]> {
        // Not the pass's own choice: what is known serves passes of every kind.
        let isa = Isa::chosen();
        let (rank, k) = down.shape();
        let n = map.outputs();
        // `A W^T [R x N]` and `A A^T [R x R]`.
        let mut cross = Mat::stale(rank, n);
        let trained = match map {
            Map::Frozen(weight) => {
                rows_times(isa, down, weight, &mut cross);
                None
            }
            Map::Trained(param) => {
                let w = param.value();
                let (shape, out) = ((rank, n, k), cross.data_mut());
                product::trained_forward(isa, shape, down.data(), w.data(), out, Epilogue::SET);
                Some(squares_of_rows(&w))
            }
        };
        let mut own = Mat::stale(rank, rank);
        let (a, out) = (down.data(), own.data_mut());
        product::trained_forward(isa, (rank, rank, k), a, a, out, Epilogue::SET);
        let squares = self
            .squares
            .as_deref()
            .or(trained.as_deref())
            .unwrap_or_default();
        let length = |(output, square): (usize, &f64)| {
            let b = up.row(output);
            let (mut linear, mut quadratic) = (0.0f64, 0.0f64);
            for (r, b_r) in b.iter().enumerate() {
                linear += f64::from(*b_r) * f64::from(cross.row(r)[output]);
                let turned = own.row(r).iter().zip(b);
                let turned: f64 = turned.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                quadratic += f64::from(*b_r) * turned;
            }
            (square + 2.0 * scale * linear + scale * scale * quadratic)
                .max(0.0)
                .sqrt()
        };
        squares
            .par_iter()
            .enumerate()
            .map(length)
            .collect::<Vec<f64>>()
            .into()
    }
}

/// `A W^T [R x N]`. An int8 weight is decoded for it: its own products would round A to a byte.
fn rows_times(isa: Isa, down: &Mat, weight: &Weight, out: &mut Mat) {
    let (rank, k) = down.shape();
    if !matches!(weight, Weight::Int8(_)) {
        weight.forward(isa, down.data(), rank, out.data_mut(), Epilogue::SET);
        return;
    }
    let n = weight.outputs();
    for first in (0..n).step_by(ROWS) {
        let rows = decoded(weight, first);
        let count = rows.rows();
        let mut part = Mat::stale(rank, count);
        let (shape, to) = ((rank, count, k), part.data_mut());
        product::trained_forward(isa, shape, down.data(), rows.data(), to, Epilogue::SET);
        for r in 0..rank {
            out.row_mut(r)[first..first + count].copy_from_slice(part.row(r));
        }
    }
}

fn squares_of(weight: &Weight) -> Vec<f64> {
    let firsts = (0..weight.outputs()).step_by(ROWS);
    firsts
        .flat_map(|first| squares_of_rows(&decoded(weight, first)))
        .collect()
}

/// Rows of a weight from `first` on, as the products see them.
fn decoded(weight: &Weight, first: usize) -> Mat {
    let count = ROWS.min(weight.outputs() - first);
    let mut rows = Mat::stale(count, weight.inputs());
    weight.rows(first, rows.data_mut());
    rows
}

fn squares_of_rows(mat: &Mat) -> Vec<f64> {
    let square = |n| {
        mat.row(n)
            .iter()
            .map(|x| f64::from(*x) * f64::from(*x))
            .sum()
    };
    (0..mat.rows()).into_par_iter().map(square).collect()
}

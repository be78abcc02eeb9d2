//! The oracle of every operation: its result against a plain formula in f64, and its gradients
//! against finite differences of that formula. Used by tests only.

use crate::mat::Mat;
use crate::param::{Grads, Param};
use crate::random::Stream;
use crate::tape::{Pass, Var, backward_from};

/// A matrix in f64, for plain formulas.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<f64>,
}

impl Plain {
    pub fn zeros(rows: usize, cols: usize) -> Plain {
        Plain {
            rows,
            cols,
            data: vec![0.0; rows * cols],
        }
    }

    pub fn from_fn(rows: usize, cols: usize, f: impl Fn(usize, usize) -> f64) -> Plain {
        let data = (0..rows * cols).map(|i| f(i / cols, i % cols)).collect();
        Plain { rows, cols, data }
    }

    pub fn at(&self, row: usize, col: usize) -> f64 {
        self.data[row * self.cols + col]
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.data[row * self.cols..(row + 1) * self.cols]
    }

    pub fn of(mat: &Mat) -> Plain {
        Plain {
            rows: mat.rows(),
            cols: mat.cols(),
            data: mat.data().iter().map(|x| f64::from(*x)).collect(),
        }
    }
}

/// Random numbers of about the given size, the same for the same name.
pub fn random(name: &str, rows: usize, cols: usize, size: f32) -> Mat {
    let stream = Stream::new(7, 0, name);
    let data = (0..rows * cols)
        .map(|i| size * stream.normal(i as u64))
        .collect();
    Mat::from_vec(rows, cols, data)
}

/// How far an operation may be from its plain formula, relative to the largest element.
pub const FORWARD: f64 = 2e-6;
/// How far a gradient may be from the finite difference, relative to the largest element. The
/// differences themselves are good to about 1e-8 (central, in f64).
pub const BACKWARD: f64 = 1e-5;

/// Compares an operation with a plain formula, every element of the result and of every gradient.
pub fn check(
    inputs: &[Mat],
    operation: impl Fn(&Pass, &[Var], &[Param]) -> crate::Result<Var>,
    formula: impl Fn(&[Plain]) -> Plain,
) -> Result<(), String> {
    check_in(Pass::recording(), inputs, operation, formula)
}

/// As `check`, in a pass of the caller's choice; it must record.
pub fn check_in(
    pass: Pass,
    inputs: &[Mat],
    operation: impl Fn(&Pass, &[Var], &[Param]) -> crate::Result<Var>,
    formula: impl Fn(&[Plain]) -> Plain,
) -> Result<(), String> {
    let params: Vec<Param> = inputs
        .iter()
        .enumerate()
        .map(|(i, mat)| Param::trained(format!("input {i}"), mat.clone()))
        .collect();
    let vars: Vec<Var> = params.iter().map(|param| pass.leaf(param)).collect();
    let result = operation(&pass, &vars, &params).map_err(|error| error.to_string())?;
    let plain: Vec<Plain> = inputs.iter().map(Plain::of).collect();
    let expected = formula(&plain);
    compare("result", result.value(), &expected, FORWARD)?;

    let weights = random("cotangent", result.rows(), result.cols(), 1.0);
    let mut grads = Grads::new();
    backward_from(&result, weights.clone(), &mut grads).map_err(|error| error.to_string())?;
    let loss = |inputs: &[Plain]| -> f64 {
        let out = formula(inputs);
        out.data
            .iter()
            .zip(weights.data())
            .map(|(y, w)| y * f64::from(*w))
            .sum()
    };
    for (place, param) in params.iter().enumerate() {
        let expected = differences(&plain, place, &loss);
        let zero = Mat::zeros(expected.rows, expected.cols);
        let found = grads.get(param).unwrap_or(&zero);
        compare(
            &format!("gradient of input {place}"),
            found,
            &expected,
            BACKWARD,
        )?;
    }
    Ok(())
}

/// Central differences of `loss` with respect to one input.
fn differences(inputs: &[Plain], place: usize, loss: &dyn Fn(&[Plain]) -> f64) -> Plain {
    let mut inputs = inputs.to_vec();
    let mut out = Plain::zeros(inputs[place].rows, inputs[place].cols);
    for i in 0..out.data.len() {
        let (here, step) = (inputs[place].data[i], 1e-5);
        inputs[place].data[i] = here + step;
        let above = loss(&inputs);
        inputs[place].data[i] = here - step;
        let below = loss(&inputs);
        inputs[place].data[i] = here;
        out.data[i] = (above - below) / (2.0 * step);
    }
    out
}

/// Every element within `tolerance` of the largest one.
pub fn compare(what: &str, found: &Mat, expected: &Plain, tolerance: f64) -> Result<(), String> {
    if found.shape() != (expected.rows, expected.cols) {
        return Err(format!(
            "{what}: shape {:?}, expected {:?}",
            found.shape(),
            (expected.rows, expected.cols)
        ));
    }
    let largest = expected.data.iter().fold(1e-3f64, |a, b| a.max(b.abs()));
    for (i, (found, expected)) in found.data().iter().zip(&expected.data).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        if off.is_nan() || off > tolerance * largest {
            return Err(format!(
                "{what}: element {i} is {found}, expected {expected} (largest {largest})"
            ));
        }
    }
    Ok(())
}

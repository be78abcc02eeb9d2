//! Two rows side by side with what tells them apart: the input of a head that compares two texts.

use crate::error::{Error, Result};
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// `y [M x 4C] = [u, v, |u - v|, u * v]` of `u [M x C]` and `v [M x C]`, row by row. Where both are
/// equal, the distance has no slope.
pub fn interact(pass: &Pass, u: &Var, v: &Var) -> Result<Var> {
    const OP: &str = "interact";
    let (m, c) = u.shape();
    if m == 0 || c == 0 {
        return Err(Error::Empty { op: OP });
    }
    if v.shape() != u.shape() {
        return Err(Error::shape(
            OP,
            u.value().shape_text(),
            v.value().shape_text(),
        ));
    }
    let mut y = Mat::stale(m, 4 * c);
    // Rows are as few as texts are; threads would cost more than they give.
    for (row, y) in y.data_mut().chunks_exact_mut(4 * c).enumerate() {
        let (own, told_apart) = y.split_at_mut(2 * c);
        let (u, v) = (u.value().row(row), v.value().row(row));
        own[..c].copy_from_slice(u);
        own[c..].copy_from_slice(v);
        for (i, (u, v)) in u.iter().zip(v).enumerate() {
            told_apart[i] = (u - v).abs();
            told_apart[c + i] = u * v;
        }
    }
    Ok(pass.record(y, &[u, v], || {
        let (u, v) = (u.kept(pass), v.kept(pass));
        move |dy, flow| {
            let (u, v) = (u.mat(), v.mat());
            if flow.needs(0) {
                flow.give(0, one_side(&dy, &u, &v, 0));
            }
            if flow.needs(1) {
                flow.give(1, one_side(&dy, &v, &u, 1));
            }
            Ok(())
        }
    }))
}

/// The gradient of one of the two, which stands at `place`, beside the other `[M x C]`.
fn one_side(dy: &Mat, own: &Mat, other: &Mat, place: usize) -> Mat {
    let (m, c) = own.shape();
    let mut grad = Mat::stale(m, c);
    for row in 0..m {
        let dy = dy.row(row);
        let (own, other) = (own.row(row), other.row(row));
        for (i, grad) in grad.row_mut(row).iter_mut().enumerate() {
            let apart = own[i] - other[i];
            let sign = if apart == 0.0 { 0.0 } else { apart.signum() };
            *grad = dy[place * c + i] + sign * dy[2 * c + i] + other[i] * dy[3 * c + i];
        }
    }
    grad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn formula(distance: impl Fn(f64) -> f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let (u, v) = (&inputs[0], &inputs[1]);
            let c = u.cols;
            Plain::from_fn(u.rows, 4 * c, |row, col| {
                let (a, b) = (u.at(row, col % c), v.at(row, col % c));
                [a, b, distance(a - b), a * b][col / c]
            })
        }
    }

    #[test]
    fn it_agrees_with_the_plain_formula() {
        for (m, c) in [(1, 1), (3, 5), (40, 7)] {
            let inputs = [random("u", m, c, 1.0), random("v", m, c, 1.0)];
            let operation = |pass: &Pass, vars: &[Var], _: &[_]| interact(pass, &vars[0], &vars[1]);
            check(&inputs, operation, formula(f64::abs)).unwrap();
        }
    }

    #[test]
    fn the_oracle_notices_a_difference_with_its_sign() {
        let inputs = [random("u", 3, 5, 1.0), random("v", 3, 5, 1.0)];
        let operation = |pass: &Pass, vars: &[Var], _: &[_]| interact(pass, &vars[0], &vars[1]);
        assert!(check(&inputs, operation, formula(|apart| apart)).is_err());
    }

    #[test]
    fn rows_of_other_shapes_are_refused() {
        let pass = Pass::inference();
        let tried = |a: (usize, usize), b: (usize, usize)| {
            let [a, b] = [a, b].map(|(m, c)| pass.constant(Mat::zeros(m, c)));
            interact(&pass, &a, &b)
        };
        assert!(tried((2, 3), (2, 4)).is_err());
        assert!(tried((2, 3), (3, 3)).is_err());
        assert!(tried((0, 3), (0, 3)).is_err());
    }
}

//! Sums and multiples of whole values.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::elementwise::PIECE;
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// `a + b`, both `[T x C]`.
pub fn add(pass: &Pass, a: &Var, b: &Var) -> Result<Var> {
    add_scaled(pass, a, b, 1.0)
}

/// `a + factor * b`, both `[T x C]`.
pub(super) fn add_scaled(pass: &Pass, a: &Var, b: &Var, factor: f32) -> Result<Var> {
    if a.rows() == 0 {
        return Err(Error::Empty { op: "add" });
    }
    if a.shape() != b.shape() {
        return Err(Error::shape(
            "add",
            a.value().shape_text(),
            b.value().shape_text(),
        ));
    }
    let mut y = Mat::stale(a.rows(), a.cols());
    y.data_mut()
        .par_chunks_mut(PIECE)
        .zip(a.value().data().par_chunks(PIECE))
        .zip(b.value().data().par_chunks(PIECE))
        .for_each(|((y, a), b)| {
            for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                *y = a + factor * b;
            }
        });
    Ok(pass.record(y, &[a, b], || {
        move |dy, flow| {
            if flow.needs(1) {
                if flow.needs(0) {
                    flow.give(0, dy.clone());
                }
                flow.give(1, scaled(dy, factor));
            } else {
                flow.give(0, dy);
            }
            Ok(())
        }
    }))
}

/// `factor * x`.
pub fn scale(pass: &Pass, x: &Var, factor: f32) -> Result<Var> {
    if x.rows() == 0 {
        return Err(Error::Empty { op: "scale" });
    }
    let mut y = Mat::stale(x.rows(), x.cols());
    y.data_mut()
        .par_chunks_mut(PIECE)
        .zip(x.value().data().par_chunks(PIECE))
        .for_each(|(y, x)| {
            for (y, x) in y.iter_mut().zip(x) {
                *y = factor * x;
            }
        });
    Ok(pass.record(y, &[x], || {
        move |dy, flow| {
            flow.give(0, scaled(dy, factor));
            Ok(())
        }
    }))
}

fn scaled(mut mat: Mat, factor: f32) -> Mat {
    if factor != 1.0 {
        mat.scale(factor);
    }
    mat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Plain, check, random};

    fn sum_of(factor: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let (a, b) = (&inputs[0], &inputs[1]);
            Plain::from_fn(a.rows, a.cols, |t, c| a.at(t, c) + factor * b.at(t, c))
        }
    }

    #[test]
    fn sums_and_multiples_agree_with_the_plain_formula() {
        for (t, c) in [(1, 1), (3, 33), (130, 129)] {
            let inputs = [random("a", t, c, 1.0), random("b", t, c, 1.0)];
            if t < 100 {
                check(&inputs, |pass, v, _| add(pass, &v[0], &v[1]), sum_of(1.0)).unwrap();
                let scaled = |pass: &Pass, v: &[Var], _: &[_]| add_scaled(pass, &v[0], &v[1], -1.5);
                check(&inputs, scaled, sum_of(-1.5)).unwrap();
            }
            let pass = Pass::inference();
            let [a, b] = inputs.map(|mat| pass.constant(mat));
            let y = add(&pass, &a, &b).unwrap();
            let pairs = a.value().data().iter().zip(b.value().data());
            assert!(
                y.value()
                    .data()
                    .iter()
                    .zip(pairs)
                    .all(|(y, (a, b))| *y == a + b)
            );
        }
        check(
            &[random("x", 5, 7, 1.0)],
            |pass, v, _| scale(pass, &v[0], 0.25),
            |inputs| Plain::from_fn(5, 7, |t, c| 0.25 * inputs[0].at(t, c)),
        )
        .unwrap();
    }

    #[test]
    fn a_value_may_be_added_to_itself() {
        check(
            &[random("x", 5, 7, 1.0)],
            |pass, v, _| add(pass, &v[0], &v[0]),
            |inputs| Plain::from_fn(5, 7, |t, c| 2.0 * inputs[0].at(t, c)),
        )
        .unwrap();
    }

    #[test]
    fn the_oracle_notices_a_forgotten_factor() {
        let inputs = [random("a", 3, 33, 1.0), random("b", 3, 33, 1.0)];
        assert!(check(&inputs, |pass, v, _| add(pass, &v[0], &v[1]), sum_of(0.99)).is_err());
    }

    #[test]
    fn other_shapes_and_empty_batches_are_refused() {
        let pass = Pass::inference();
        let [a, b, none] = [(2, 3), (3, 2), (0, 3)].map(|(t, c)| pass.constant(Mat::zeros(t, c)));
        assert!(matches!(
            add(&pass, &a, &b).err(),
            Some(Error::Shape { .. })
        ));
        assert_eq!(
            add(&pass, &none, &none).err(),
            Some(Error::Empty { op: "add" })
        );
        assert_eq!(
            scale(&pass, &none, 2.0).err(),
            Some(Error::Empty { op: "scale" })
        );
    }
}

//! Dropout: elements zeroed at random, the others scaled so that the expectation stays.
//!
//! Which ones is a pure function of (seed, step, place, element), so nothing is kept for the way
//! back and a recomputed block drops the same. A pass without randomness drops nothing.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::Isa;
use crate::kernel::elementwise::PIECE;
use crate::kernel::every_isa::every_isa;
use crate::mat::Mat;
use crate::random::Stream;
use crate::tape::{Pass, Var};

/// `x` with a share of its elements dropped, in passes that have randomness.
///
/// `place` names where in the model this stands: two places drop independently.
pub fn dropout(pass: &Pass, x: &Var, share: f32, place: &str) -> Result<Var> {
    if x.rows() == 0 {
        return Err(Error::Empty { op: "dropout" });
    }
    if !(0.0..1.0).contains(&share) {
        return Err(Error::Setting {
            op: "dropout",
            reason: format!("a share of {share} is not in 0..1"),
        });
    }
    let Some(dropout) = Dropout::of(pass, share, place) else {
        return Ok(x.clone());
    };
    let isa = pass.isa();
    let y = dropout.apply(isa, x.value(), 0);
    Ok(pass.record(y, &[x], || {
        move |dy, flow| {
            flow.give(0, dropout.apply(isa, &dy, 0));
            Ok(())
        }
    }))
}

/// What is dropped at one place of one step.
#[derive(Clone, Copy)]
pub(super) struct Dropout {
    stream: Stream,
    share: f32,
}

impl Dropout {
    /// Nothing where the pass has no randomness or the share is zero.
    pub(super) fn of(pass: &Pass, share: f32, place: &str) -> Option<Dropout> {
        let stream = pass.stream(place).filter(|_| share > 0.0)?;
        Some(Dropout { stream, share })
    }

    /// Drops from rows that begin at row `first` of the whole input.
    pub(super) fn apply(self, isa: Isa, x: &Mat, first: usize) -> Mat {
        let mut out = Mat::stale(x.rows(), x.cols());
        let start = (first * x.cols()) as u64;
        out.data_mut()
            .par_chunks_mut(PIECE)
            .zip(x.data().par_chunks(PIECE))
            .enumerate()
            .for_each(|(piece, (out, x))| {
                let start = start + (piece * PIECE) as u64;
                drop_some(isa, self, start, x, out);
            });
        out
    }
}

every_isa! {
    /// Drops from elements whose first one is element `start` of the whole input.
    fn drop_some(dropout: Dropout, start: u64, x: &[f32], out: &mut [f32]) {
        let factor = 1.0 / (1.0 - dropout.share);
        for (place, (out, x)) in out.iter_mut().zip(x).enumerate() {
            let kept = dropout.stream.uniform(start + place as u64) >= dropout.share;
            *out = if kept { x * factor } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::{Grads, Param};
    use crate::proof::random;
    use crate::tape::backward_from;

    fn ones(t: usize, c: usize) -> Mat {
        Mat::from_vec(t, c, vec![1.0; t * c])
    }

    #[test]
    fn dropout_keeps_the_expectation_and_repeats_itself() {
        let (t, c) = (50, 400);
        let pass = Pass::training(3, 9);
        let x = pass.constant(ones(t, c));
        let once = dropout(&pass, &x, 0.25, "map").unwrap();
        let mean = once.value().data().iter().sum::<f32>() / (t * c) as f32;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let again = dropout(&pass, &x, 0.25, "map").unwrap();
        assert_eq!(once.value(), again.value());
        let elsewhere = dropout(&pass, &x, 0.25, "another map").unwrap();
        assert_ne!(once.value(), elsewhere.value());
    }

    #[test]
    fn the_gradient_passes_where_the_value_passed_and_nowhere_else() {
        let (t, c) = (7, 33);
        let param = Param::trained("x", ones(t, c));
        let pass = Pass::training(3, 9);
        let y = dropout(&pass, &pass.leaf(&param), 0.4, "here").unwrap();
        let dy = random("dy", t, c, 1.0);
        let mut grads = Grads::new();
        backward_from(&y, dy.clone(), &mut grads).unwrap();
        let dx = grads.get(&param).unwrap();
        let expected = y.value().data().iter().zip(dy.data()).map(|(y, dy)| y * dy);
        assert!(dx.data().iter().zip(expected).all(|(a, b)| *a == b));
        assert!(dx.data().contains(&0.0));
    }

    #[test]
    fn rows_in_the_middle_drop_as_within_the_whole_on_every_instruction_set() {
        let (t, c) = (9, 11);
        let dropout = Dropout::of(&Pass::training(1, 1), 0.5, "here").unwrap();
        let whole = dropout.apply(Isa::Portable, &ones(t, c), 0);
        for isa in Isa::available() {
            let part = dropout.apply(isa, &ones(2, c), 4);
            assert_eq!(part.data(), &whole.data()[4 * c..6 * c], "{isa:?}");
        }
    }

    #[test]
    fn a_pass_without_randomness_drops_nothing() {
        let pass = Pass::recording();
        let x = pass.constant(ones(2, 3));
        assert!(dropout(&pass, &x, 0.5, "here").unwrap().is_same(&x));
    }

    #[test]
    fn a_share_outside_zero_to_one_and_an_empty_batch_are_refused() {
        let pass = Pass::training(1, 1);
        for share in [-0.1, 1.0, f32::NAN] {
            assert!(dropout(&pass, &pass.constant(ones(2, 3)), share, "here").is_err());
        }
        let empty = dropout(&pass, &pass.constant(ones(0, 3)), 0.5, "here");
        assert_eq!(empty.err(), Some(Error::Empty { op: "dropout" }));
    }
}

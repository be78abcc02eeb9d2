//! Cross entropy over a whole vocabulary, without ever holding the logits of all rows.
//!
//! It takes only the rows that have a label; which those are is for the model to say.

use rayon::prelude::*;

use super::applied::{Applied, Gradients};
use super::linear::{self, Linear};
use crate::error::{Error, Result};
use crate::kernel::{Isa, softmax};
use crate::mat::Mat;
use crate::tape::{Pass, Var};

/// Logits that are held at a time, at most (64 MiB), if one row has no more.
pub const LOGIT_BLOCK: usize = 16 << 20;

/// Mean cross entropy, `[1 x 1]`, of `hidden [M x C]` through `head [V x C]` against one target per
/// row.
///
/// In a pass that records, the gradients of the hidden rows and of the head's trained parts are
/// computed in the same walk over blocks of rows, so that logits are computed once.
pub fn lm_loss(pass: &Pass, hidden: &Var, head: &Linear, targets: &[u32]) -> Result<Var> {
    walked_loss(pass, hidden, head, targets, LOGIT_BLOCK)
}

/// The negative log likelihood of each target, without gradients.
pub fn lm_score(pass: &Pass, hidden: &Var, head: &Linear, targets: &[u32]) -> Result<Vec<f32>> {
    check(hidden, head, targets)?;
    let head = Applied::new(pass, head)?;
    let mut walk = Walk::new(pass.isa(), &head, targets, LOGIT_BLOCK);
    walk.run(hidden.value(), Wanted::Losses);
    Ok(walk.losses.into_iter().map(|loss| loss as f32).collect())
}

/// Places of the inputs on the tape; the head's own begin at `HEAD`.
const HIDDEN: usize = 0;
const HEAD: usize = 1;

fn walked_loss(
    pass: &Pass,
    hidden: &Var,
    head: &Linear,
    targets: &[u32],
    block: usize,
) -> Result<Var> {
    check(hidden, head, targets)?;
    let head = Applied::new(pass, head)?;
    let inputs: Vec<Option<&Var>> = std::iter::once(Some(hidden)).chain(head.leaves()).collect();
    let wanted = if !inputs.iter().flatten().any(|input| input.needs_gradient()) {
        Wanted::Losses
    } else if hidden.needs_gradient() {
        Wanted::AllGradients
    } else {
        Wanted::HeadGradients
    };
    let mut walk = Walk::new(pass.isa(), &head, targets, block);
    walk.run(hidden.value(), wanted);
    let mean = walk.losses.iter().sum::<f64>() / targets.len() as f64;
    let (dh, mut sums) = (walk.dh, walk.sums);
    Ok(pass.record(Mat::scalar(mean as f32), &inputs, || {
        move |dy, flow| {
            let factor = dy.data()[0];
            sums.scale(factor);
            sums.give(flow, HEAD);
            if let Some(mut dh) = dh {
                dh.scale(factor);
                flow.give(HIDDEN, dh);
            }
            Ok(())
        }
    }))
}

fn check(hidden: &Var, head: &Linear, targets: &[u32]) -> Result<()> {
    const OP: &str = "language-model loss";
    linear::check(OP, hidden, head)?;
    if targets.len() != hidden.rows() {
        return Err(Error::shape(
            OP,
            format_args!("{} targets", hidden.rows()),
            targets.len(),
        ));
    }
    let bound = head.outputs();
    match targets.iter().find(|target| **target as usize >= bound) {
        Some(target) => Err(Error::Index {
            op: OP,
            what: "target",
            index: i64::from(*target),
            bound,
        }),
        None => Ok(()),
    }
}

/// What a walk is for.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Losses,
    HeadGradients,
    AllGradients,
}

/// A walk over blocks of rows.
struct Walk<'a> {
    isa: Isa,
    head: &'a Applied,
    targets: &'a [u32],
    rows: usize,
    /// Of each row walked so far.
    losses: Vec<f64>,
    /// Gradients of the mean loss.
    dh: Option<Mat>,
    sums: Gradients,
}

impl<'a> Walk<'a> {
    fn new(isa: Isa, head: &'a Applied, targets: &'a [u32], block: usize) -> Walk<'a> {
        // Blocks of nearly one size, none above the limit unless a single row is.
        let most = (block / head.outputs()).max(1);
        let blocks = targets.len().div_ceil(most);
        Walk {
            isa,
            head,
            targets,
            rows: targets.len().div_ceil(blocks),
            losses: Vec::with_capacity(targets.len()),
            dh: None,
            sums: Gradients::default(),
        }
    }

    fn run(&mut self, hidden: &Mat, wanted: Wanted) {
        let c = hidden.cols();
        if wanted == Wanted::AllGradients {
            self.dh = Some(Mat::stale(hidden.rows(), c));
        }
        for (block, rows) in hidden.data().chunks(self.rows * c).enumerate() {
            let mut x = Mat::stale(rows.len() / c, c);
            x.data_mut().copy_from_slice(rows);
            self.block(&x, block * self.rows, wanted);
        }
    }

    /// One block `x [m x C]` whose first row is row `first` of all.
    fn block(&mut self, x: &Mat, first: usize, wanted: Wanted) {
        let (mut logits, between) = self.head.forward(x, None, first);
        let targets = &self.targets[first..first + x.rows()];
        let share = (wanted != Wanted::Losses).then(|| 1.0 / self.targets.len() as f64);
        self.losses
            .extend(softmax_rows(self.isa, &mut logits, targets, share));
        if wanted == Wanted::Losses {
            return;
        }
        let needs_dx = wanted == Wanted::AllGradients;
        let (x, sums) = (Some(x), &mut self.sums);
        let dx = self
            .head
            .backward(&logits, x, between.as_ref(), first, needs_dx, sums);
        if let (Some(dx), Some(dh)) = (dx, &mut self.dh) {
            let start = first * dx.cols();
            dh.data_mut()[start..start + dx.len()].copy_from_slice(dx.data());
        }
    }
}

/// The loss of each row; with a `share`, logits become the gradients of `share` times the loss.
fn softmax_rows(isa: Isa, logits: &mut Mat, targets: &[u32], share: Option<f64>) -> Vec<f64> {
    let v = logits.cols();
    logits
        .data_mut()
        .par_chunks_mut(v)
        .zip(targets)
        .map(|(row, target)| {
            let target = *target as usize;
            let logit = f64::from(row[target]);
            let (largest, sum) = softmax::exponentials(isa, row);
            if let Some(share) = share {
                softmax::multiply(isa, row, (share / sum) as f32);
                row[target] -= share as f32;
            }
            sum.ln() + f64::from(largest) - logit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::low_rank::LowRank;
    use super::linear::Map;
    use super::*;
    use crate::param::{Grads, Param};
    use crate::proof::{Plain, check, compare, random};
    use crate::tape::backward;
    use crate::weight::{Precision, Weight};

    /// hidden, head, bias, A, B.
    fn inputs(m: usize, v: usize, c: usize, r: usize) -> [Mat; 5] {
        [
            random("hidden", m, c, 1.0),
            random("head", v, c, 1.0),
            random("bias", 1, v, 1.0),
            random("A", r, c, 0.5),
            random("B", v, r, 0.5),
        ]
    }

    fn head(params: &[Param], scale: f32, dropout: f32) -> Linear {
        Linear {
            name: "head".into(),
            map: Map::Trained(params[1].clone()),
            bias: Some(params[2].clone()),
            low_rank: Some(LowRank::plain(
                params[3].clone(),
                params[4].clone(),
                scale,
                dropout,
            )),
        }
    }

    fn losses(inputs: &[Plain], targets: &[u32], scale: f64) -> Vec<f64> {
        let [hidden, head, bias, down, up] = inputs else {
            unreachable!()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let row = |m: usize, target: u32| {
            let x = hidden.row(m);
            let narrow: Vec<f64> = (0..down.rows).map(|r| dot(down.row(r), x)).collect();
            let logit =
                |v: usize| dot(head.row(v), x) + bias.at(0, v) + scale * dot(up.row(v), &narrow);
            let sum: f64 = (0..head.rows).map(|v| logit(v).exp()).sum();
            sum.ln() - logit(target as usize)
        };
        targets
            .iter()
            .enumerate()
            .map(|(m, target)| row(m, *target))
            .collect()
    }

    fn formula(targets: &[u32], scale: f64) -> impl Fn(&[Plain]) -> Plain {
        move |inputs| {
            let losses = losses(inputs, targets, scale);
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            Plain::from_fn(1, 1, |_, _| mean)
        }
    }

    fn targets(m: usize, v: usize) -> Vec<u32> {
        (0..m).map(|i| ((i * 5 + 1) % v) as u32).collect()
    }

    #[test]
    fn loss_and_every_gradient_agree_with_the_plain_formula_in_blocks_of_any_size() {
        for (m, v, c, r) in [(1, 1, 1, 1), (1, 37, 3, 2), (7, 33, 5, 2), (11, 4, 6, 3)] {
            let targets = targets(m, v);
            for block in [1, 2 * v, 3 * v + 1, LOGIT_BLOCK] {
                check(
                    &inputs(m, v, c, r),
                    |pass, vars, params| {
                        walked_loss(pass, &vars[0], &head(params, 0.5, 0.0), &targets, block)
                    },
                    formula(&targets, 0.5),
                )
                .unwrap_or_else(|off| panic!("{m} rows of {v} in blocks of {block}: {off}"));
            }
        }
    }

    #[test]
    fn the_oracle_notices_shifted_targets() {
        let (m, v) = (7, 33);
        let shifted: Vec<u32> = targets(m, v)
            .iter()
            .map(|target| (target + 1) % 33)
            .collect();
        let wrong = check(
            &inputs(m, v, 5, 2),
            |pass, vars, params| lm_loss(pass, &vars[0], &head(params, 0.5, 0.0), &shifted),
            formula(&targets(m, v), 0.5),
        );
        assert!(wrong.is_err());
    }

    #[test]
    fn a_frozen_head_gives_the_hidden_rows_their_gradient_times_the_upstream() {
        let (m, v, c) = (9, 50, 6);
        let [x, w, ..] = inputs(m, v, c, 1);
        let targets = targets(m, v);
        let run = |map: Map, block: usize, upstream: f32| {
            let head = Linear {
                name: "head".into(),
                map,
                bias: None,
                low_rank: None,
            };
            let hidden = Param::trained("hidden", x.clone());
            let pass = Pass::recording();
            let loss = walked_loss(&pass, &pass.leaf(&hidden), &head, &targets, block).unwrap();
            let mut grads = Grads::new();
            backward(&loss, upstream, &mut grads).unwrap();
            (loss.scalar(), grads.take(&hidden).unwrap(), grads.len())
        };
        let frozen = Map::Frozen(Arc::new(Weight::pack(Precision::F32, v, c, w.data())));
        let trained = Map::Trained(Param::trained("head", w.clone()));
        let (loss, dh, others) = run(frozen, 3 * v, 2.0);
        assert_eq!(others, 0);
        let (same, expected, _) = run(trained, LOGIT_BLOCK, 1.0);
        assert!((loss - same).abs() < 1e-6);
        let twice = Plain::from_fn(m, c, |t, c| 2.0 * f64::from(expected.row(t)[c]));
        compare("dh", &dh, &twice, 1e-6).unwrap();
    }

    #[test]
    fn dropout_on_the_head_does_not_depend_on_the_blocks() {
        let (m, v) = (8, 12);
        let params = inputs(m, v, 6, 3).map(|mat| Param::trained("p", mat));
        let targets = targets(m, v);
        let run = |block: usize| {
            let pass = Pass::training(1, 2);
            let hidden = pass.leaf(&params[0]);
            let loss = walked_loss(&pass, &hidden, &head(&params, 1.0, 0.5), &targets, block);
            let loss = loss.unwrap();
            let mut grads = Grads::new();
            backward(&loss, 1.0, &mut grads).unwrap();
            (loss.scalar(), grads.take(&params[0]).unwrap())
        };
        let (loss, dh) = run(LOGIT_BLOCK);
        let (same, again) = run(2 * v);
        assert!((loss - same).abs() < 1e-6, "{loss} {same}");
        let dh = Plain::from_fn(m, 6, |t, c| f64::from(dh.row(t)[c]));
        compare("dh", &again, &dh, 1e-5).unwrap();
    }

    #[test]
    fn scores_are_the_losses_of_the_rows() {
        let (m, v) = (7, 33);
        let inputs = inputs(m, v, 5, 2);
        let plain = inputs
            .each_ref()
            .map(|mat| Plain::from_fn(mat.rows(), mat.cols(), |t, c| f64::from(mat.row(t)[c])));
        let params = inputs.map(|mat| Param::frozen("p", mat));
        let pass = Pass::inference();
        let hidden = pass.leaf(&params[0]);
        let scores = lm_score(&pass, &hidden, &head(&params, 0.5, 0.0), &targets(m, v)).unwrap();
        let expected = losses(&plain, &targets(m, v), 0.5);
        let expected = Plain::from_fn(1, m, |_, m| expected[m]);
        compare("scores", &Mat::row_vector(scores), &expected, 1e-6).unwrap();
    }

    #[test]
    fn targets_outside_the_vocabulary_and_shapes_that_do_not_fit_are_refused() {
        let params = inputs(3, 8, 5, 2).map(|mat| Param::frozen("p", mat));
        let head = head(&params, 1.0, 0.0);
        let pass = Pass::inference();
        let tried = |(m, c), targets: &[u32]| {
            let hidden = pass.constant(Mat::zeros(m, c));
            let scored = lm_score(&pass, &hidden, &head, targets).err().unwrap();
            assert_eq!(
                lm_loss(&pass, &hidden, &head, targets).err(),
                Some(scored.clone())
            );
            scored
        };
        assert!(matches!(
            tried((2, 5), &[0, 8]),
            Error::Index {
                index: 8,
                bound: 8,
                ..
            }
        ));
        assert!(matches!(tried((2, 5), &[0]), Error::Shape { .. }));
        assert!(matches!(tried((2, 4), &[0, 0]), Error::Shape { .. }));
        assert!(matches!(tried((0, 5), &[]), Error::Empty { .. }));
    }
}

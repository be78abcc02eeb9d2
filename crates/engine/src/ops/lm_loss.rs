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
    let head = Applied::new(pass, head);
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
    let head = Applied::new(pass, head);
    let [weight, bias, down, up] = head.leaves();
    let inputs = [Some(hidden), weight, bias, down, up];
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
        let (mut logits, narrow) = self.head.forward(x, None, first);
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
            .backward(&logits, x, narrow.as_ref(), first, needs_dx, sums);
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

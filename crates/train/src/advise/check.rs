//! Prediction against what was really measured: rank correlation of the pairs, and what the proposed
//! grouping costs against the best one. It takes plain matrices and knows no study.

use serde::{Deserialize, Serialize};
use skillbelt_engine::random::Stream;

use super::grouping::{best, gain};
use super::{Pairwise, rank};
use crate::error::{Error, Result};
use crate::evaluate::{Draws, Interval};

/// How good a prediction was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// Cells that both matrices know.
    pub pairs: usize,
    /// Spearman's correlation over these cells; nothing where one side is all the same.
    pub correlation: Option<f64>,
    /// Two-sided, by permuting cells as if they had nothing to do with each other.
    pub p: Option<f64>,
    /// Two-sided, by permuting the tasks of one matrix, rows and columns together: cells of one task
    /// are no independent witnesses. The p to believe.
    pub p_of_tasks: Option<f64>,
    /// By drawing cells with return: 95%.
    pub interval: Option<Interval>,
    /// Of the grouping that the prediction proposes.
    pub regret: Regret,
}

/// What a grouping costs, by a measured matrix of pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Regret {
    pub proposed: Vec<Vec<String>>,
    pub best: Vec<Vec<String>>,
    /// Mean measured gain of the tasks under each; under all in one belt; alone it is zero.
    pub proposed_gain: f64,
    pub best_gain: f64,
    pub together_gain: f64,
    /// The best gain less the proposed one: never below zero.
    pub regret: f64,
    /// The share of all groupings that are strictly better than the proposed one; nothing where
    /// there are too many to try.
    pub better: Option<f64>,
}

/// Sets a prediction against a measured matrix over the same tasks in the same order. Only ranks and
/// signs of the prediction matter, so the two may have other units. A cell that is not known counts
/// as no gain where groupings are compared.
pub fn check(prediction: &Pairwise, measured: &Pairwise, draws: &Draws) -> Result<Verdict> {
    prediction.expect_tasks(measured)?;
    let both = |(task, partner)| Some((prediction.at(task, partner)?, measured.at(task, partner)?));
    let pairs: Vec<(f64, f64)> = measured.places().filter_map(both).collect();
    if pairs.len() < 2 {
        return Err(Error::told(format_args!(
            "the two matrices have {} cells in common; two at least are needed",
            pairs.len()
        )));
    }
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    Ok(Verdict {
        pairs: pairs.len(),
        correlation: rank::spearman(&a, &b),
        p: rank::spearman_p(&a, &b, draws),
        p_of_tasks: rank::permutation_p(measured.tasks.len(), draws, |order| {
            turned(prediction, measured, order)
        }),
        interval: draws.interval(&redrawn(&pairs, draws)),
        regret: regret(measured, &best(prediction))?,
    })
}

/// The correlation with the tasks of the measured matrix in another order.
fn turned(prediction: &Pairwise, measured: &Pairwise, order: &[usize]) -> Option<f64> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (task, partner) in prediction.places() {
        let there = measured.at(order[task], order[partner]);
        if let (Some(x), Some(y)) = (prediction.at(task, partner), there) {
            a.push(x);
            b.push(y);
        }
    }
    rank::spearman(&a, &b)
}

/// The correlation on draws of the cells.
fn redrawn(pairs: &[(f64, f64)], draws: &Draws) -> Vec<f64> {
    let count = pairs.len() as u64;
    let of = |draw| {
        let stream = Stream::new(draws.seed, draw, "advice.check");
        let drawn = (0..count).map(|index| pairs[below(stream.bits(index), pairs.len())]);
        let (a, b): (Vec<f64>, Vec<f64>) = drawn.unzip();
        rank::spearman(&a, &b)
    };
    (0..draws.count).filter_map(of).collect()
}

/// A number below `count` from 64 random bits.
pub(super) fn below(bits: u64, count: usize) -> usize {
    ((u128::from(bits) * count as u128) >> 64) as usize
}

/// What a grouping costs against the best one, by a measured matrix. Each task must stand in it once.
pub fn regret(measured: &Pairwise, proposed: &[Vec<usize>]) -> Result<Regret> {
    let count = measured.tasks.len();
    let mut placed: Vec<usize> = proposed.concat();
    placed.sort_unstable();
    if placed != (0..count).collect::<Vec<_>>() {
        return Err(Error::told(format_args!(
            "a grouping holds each of the {count} tasks once"
        )));
    }
    let best = best(measured);
    let (best_gain, proposed_gain) = (gain(measured, &best), gain(measured, proposed));
    let better = (count <= super::EXHAUSTIVE_TASKS).then(|| {
        let all = super::partitions(count);
        let better = all
            .iter()
            .filter(|one| gain(measured, one) > proposed_gain + 1e-12);
        better.count() as f64 / all.len() as f64
    });
    Ok(Regret {
        proposed: named(measured, proposed),
        best: named(measured, &best),
        proposed_gain,
        best_gain,
        together_gain: gain(measured, &[(0..count).collect()]),
        regret: (best_gain - proposed_gain).max(0.0),
        better,
    })
}

pub(super) fn named(matrix: &Pairwise, grouping: &[Vec<usize>]) -> Vec<Vec<String>> {
    let names = |group: &Vec<usize>| {
        group
            .iter()
            .map(|task| matrix.tasks[*task].clone())
            .collect()
    };
    grouping.iter().map(names).collect()
}

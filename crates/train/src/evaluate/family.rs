//! Several sets of answers, each compared with each other, and what that does to the probabilities:
//! who looks often enough finds a difference, so they are corrected together.

use serde::Serialize;

use super::example::Example;
use super::paired::{Paired, paired};
use super::resample::Draws;
use crate::error::Result;

/// One comparison of a family.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// Which two of the sets, from nought.
    pub a: usize,
    pub b: usize,
    #[serde(flatten)]
    pub paired: Paired,
    /// `p` of the bootstrap after Holm's correction over the family.
    pub p_holm: Option<f64>,
    /// `p` of the test by example after Holm's correction over the family.
    pub by_example_p_holm: Option<f64>,
}

/// Compares every two sets, the earlier one first. The bootstrap's `p` is never below `2 / (draws +
/// 1)`; large families need more draws than small ones to find anything.
pub fn family(sets: &[&[Example]], measure: &str, draws: &Draws) -> Result<Vec<Compared>> {
    let pairs = (0..sets.len()).flat_map(|a| (a + 1..sets.len()).map(move |b| (a, b)));
    let compared = pairs.map(|(a, b)| {
        Ok(Compared {
            a,
            b,
            paired: paired(sets[a], sets[b], measure, draws)?,
            p_holm: None,
            by_example_p_holm: None,
        })
    });
    let mut compared = compared.collect::<Result<Vec<Compared>>>()?;
    let of = |p: fn(&Paired) -> Option<f64>| {
        let all: Vec<Option<f64>> = compared.iter().map(|one| p(&one.paired)).collect();
        holm(&all)
    };
    let corrected = of(|paired| paired.p);
    let by_example = of(|paired| paired.by_example.map(|test| test.p()));
    for ((one, p), by_example) in compared.iter_mut().zip(corrected).zip(by_example) {
        one.p_holm = p;
        one.by_example_p_holm = by_example;
    }
    Ok(compared)
}

/// Holm's correction: the smallest of `m` probabilities times `m`, the next times `m - 1` and so on,
/// none below one before it and none above one. Those that are missing stay missing and do not count.
pub fn holm(probabilities: &[Option<f64>]) -> Vec<Option<f64>> {
    let told = probabilities.iter().enumerate();
    let mut order: Vec<(f64, usize)> = told.filter_map(|(at, p)| Some(((*p)?, at))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut corrected = vec![None; probabilities.len()];
    let mut least: f64 = 0.0;
    for (place, (p, at)) in order.iter().enumerate() {
        least = least.max((order.len() - place) as f64 * p).min(1.0);
        corrected[*at] = Some(least);
    }
    corrected
}

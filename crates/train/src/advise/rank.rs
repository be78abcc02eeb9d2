//! Rank correlation: Spearman's, ties sharing their mean rank, with p by permutation. It knows
//! numbers, not what they mean.

use skillbelt_engine::random::Stream;

use crate::evaluate::Draws;

/// Orders up to so many are all tried; beyond, they are drawn.
const EXACT: usize = 7;

/// Products that are equal but for the order of their sums.
const TIE: f64 = 1e-9;

/// Spearman's correlation; nothing for fewer than two numbers, or where one side is all the same.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    pearson(&ranks(a), &ranks(b))
}

/// Ranks from one; equal numbers share the mean of theirs.
pub fn ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|a, b| numbers[*a].total_cmp(&numbers[*b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut from = 0;
    for equal in order.chunk_by(|a, b| numbers[*a] == numbers[*b]) {
        let mean = from as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|place| ranks[*place] = mean);
        from += equal.len();
    }
    ranks
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut both, mut sa, mut sb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        both += (x - ma) * (y - mb);
        sa += (x - ma).powi(2);
        sb += (y - mb).powi(2);
    }
    let found = both / (sa * sb).sqrt();
    found.is_finite().then(|| found.clamp(-1.0, 1.0))
}

/// How often an order of `count` things gives a correlation at least as far from zero as the one
/// found (`of` the identity): of all orders where they are few, else of drawn ones and the one found.
/// `of` has no value on an order: that order counts as at least as far.
pub(super) fn permutation_p(
    count: usize,
    draws: &Draws,
    of: impl Fn(&[usize]) -> Option<f64>,
) -> Option<f64> {
    let mut order: Vec<usize> = (0..count).collect();
    let found = of(&order)?.abs();
    let far = |order: &[usize]| of(order).is_none_or(|value| value.abs() >= found - TIE);
    if count <= EXACT {
        let (mut all, mut as_far) = (0u64, 0u64);
        every_order(&mut order, 0, &mut |order| {
            all += 1;
            as_far += u64::from(far(order));
        });
        return Some(as_far as f64 / all as f64);
    }
    let as_far = (0..draws.count)
        .filter(|draw| far(&shuffled(count, draws.seed, *draw)))
        .count();
    Some((as_far as f64 + 1.0) / (draws.count as f64 + 1.0))
}

/// Every order of what stands from `from` on.
fn every_order(order: &mut Vec<usize>, from: usize, hear: &mut dyn FnMut(&[usize])) {
    if from + 1 >= order.len() {
        return hear(order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        every_order(order, from + 1, hear);
        order.swap(from, at);
    }
}

fn shuffled(count: usize, seed: u64, draw: u64) -> Vec<usize> {
    let stream = Stream::new(seed, draw, "advice.permutation");
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|place| (stream.bits(*place as u64), *place));
    order
}

/// Two-sided p of Spearman's correlation under all pairings of the numbers.
pub fn spearman_p(a: &[f64], b: &[f64], draws: &Draws) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (ra, rb) = (ranks(a), ranks(b));
    permutation_p(a.len(), draws, |order| {
        let turned: Vec<f64> = order.iter().map(|place| rb[*place]).collect();
        pearson(&ra, &turned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_none_and_of_one_is_one_order() {
        for (count, all) in [(0, 1), (1, 1), (2, 2), (4, 24), (7, 5040)] {
            let mut heard = std::collections::BTreeSet::new();
            every_order(&mut (0..count).collect(), 0, &mut |order| {
                heard.insert(order.to_vec());
            });
            assert_eq!(heard.len(), all);
        }
    }
}

//! Wilcoxon's signed-rank test: do the numbers of two belts on the same examples differ to one side?

use serde::Serialize;

/// Up to so many differences the distribution is counted out exactly, ties and all.
const EXACT_UP_TO: usize = 50;

/// The outcome. `p` is two-sided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Wilcoxon {
    /// Differences that are not zero; the others are left out.
    pub differing: usize,
    /// The sum of the ranks of the differences above zero; equal sizes share the mean of their ranks.
    pub rank_sum: f64,
    /// Whether `p` counts all signs that the ranks could have. Else it is that of the normal
    /// distribution, with the variance corrected for ties and no correction for continuity.
    pub exact: bool,
    pub p: f64,
}

/// From the differences of the examples. Those that are no numbers are left out as zeros are.
pub fn wilcoxon(differences: &[f64]) -> Wilcoxon {
    let is_there = |difference: &f64| *difference != 0.0 && !difference.is_nan();
    let mut sorted: Vec<f64> = differences.iter().copied().filter(is_there).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let (mut above, mut ties, mut ranks) = (0, 0.0, Vec::with_capacity(sorted.len()));
    for tied in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        // Doubled, so that a mean of ranks is a whole number.
        let rank = 2 * ranks.len() + tied.len() + 1;
        let count = tied.len() as f64;
        ties += count * count * count - count;
        above += rank * tied.iter().filter(|difference| **difference > 0.0).count();
        ranks.extend(std::iter::repeat_n(rank, tied.len()));
    }
    let exact = ranks.len() <= EXACT_UP_TO;
    let rank_sum = above as f64 / 2.0;
    Wilcoxon {
        differing: ranks.len(),
        rank_sum,
        exact,
        p: match exact {
            true => counted(&ranks, above),
            false => normal(ranks.len() as f64, rank_sum, ties),
        },
    }
}

/// Over all signs: twice the smaller share of those whose sum is at most, or at least, this one.
fn counted(ranks: &[usize], above: usize) -> f64 {
    // How many choices of signs have each doubled sum; at most 2^50, so exact.
    let mut ways = vec![0.0f64; ranks.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    for rank in ranks {
        for sum in (*rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let all: f64 = ways.iter().sum();
    let below: f64 = ways[..=above].iter().sum();
    let beyond: f64 = ways[above..].iter().sum();
    (2.0 * below.min(beyond) / all).min(1.0)
}

fn normal(count: f64, rank_sum: f64, ties: f64) -> f64 {
    let mean = count * (count + 1.0) / 4.0;
    let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
    libm::erfc((rank_sum - mean).abs() / (2.0 * variance).sqrt())
}

//! McNemar's test: of examples that only one of two belts had right, does one have more?
//!
//! It looks at right and wrong alone, whatever measure is compared.

use serde::Serialize;

/// Below so many examples that only one has right, the probability is counted out exactly.
const EXACT_BELOW: u64 = 25;

/// The outcome. `p` is two-sided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct McNemar {
    /// Examples that only the first has right, and only the second.
    pub only_a: u64,
    pub only_b: u64,
    /// Whether `p` is that of the binomial distribution. Else it is that of chi-square with one
    /// degree of freedom.
    pub exact: bool,
    /// `(|only_a - only_b| - 1)^2 / (only_a + only_b)`, the one being the correction for continuity;
    /// nought where both are equal.
    pub statistic: f64,
    pub p: f64,
}

/// From the two numbers of examples that only one has right.
pub fn mcnemar(only_a: u64, only_b: u64) -> McNemar {
    let all = only_a + only_b;
    let apart = only_a.abs_diff(only_b).saturating_sub(1) as f64;
    let statistic = if all > 0 {
        apart * apart / all as f64
    } else {
        0.0
    };
    let exact = all < EXACT_BELOW;
    let p = match exact {
        true => twice_below(only_a.min(only_b), all),
        false => libm::erfc((statistic / 2.0).sqrt()),
    };
    McNemar {
        only_a,
        only_b,
        exact,
        statistic,
        p,
    }
}

/// Twice the probability of at most `few` heads in `all` throws of a fair coin, at most one. All
/// numbers are whole and below 2^25, so the sum is exact.
fn twice_below(few: u64, all: u64) -> f64 {
    let (mut ways, mut sum) = (1u64, 0u64);
    for heads in 0..=few {
        sum += ways;
        ways = ways * (all - heads) / (heads + 1);
    }
    (2.0 * sum as f64 / (1u64 << all) as f64).min(1.0)
}

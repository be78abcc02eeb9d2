//! pass@k: the chance that at least one of k samples solves a problem.

/// The unbiased estimate from `n` samples of which `c` solved the problem: one minus the share of
/// choices of `k` samples in which none did. Nothing where there are fewer than `k` samples, or more
/// solved than there are.
pub fn pass_at(k: u64, n: u64, c: u64) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    if n - c < k {
        return Some(1.0);
    }
    // (n-c choose k) / (n choose k), factor by factor, so that nothing overflows.
    let none: f64 = (n - c + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product();
    Some(1.0 - none)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts choices one by one.
    fn counted(k: u32, n: u32, c: u32) -> f64 {
        let choices: Vec<u32> = (0..1u32 << n).filter(|set| set.count_ones() == k).collect();
        let solved = choices.iter().filter(|set| *set & ((1 << c) - 1) != 0);
        solved.count() as f64 / choices.len() as f64
    }

    #[test]
    fn the_estimate_equals_counting_every_choice() {
        for n in 1..=10 {
            for c in 0..=n {
                for k in 1..=n {
                    let estimate = pass_at(k.into(), n.into(), c.into()).unwrap();
                    assert!((estimate - counted(k, n, c)).abs() < 1e-12, "{k} {n} {c}");
                }
            }
        }
    }

    #[test]
    fn the_simple_estimate_is_biased_and_would_not_pass() {
        let simple = |k: i32, n: f64, c: f64| 1.0 - (1.0 - c / n).powi(k);
        assert!((simple(5, 10.0, 2.0) - counted(5, 10, 2)).abs() > 0.05);
    }

    #[test]
    fn too_few_samples_have_no_estimate() {
        assert_eq!(pass_at(2, 1, 1), None);
        assert_eq!(pass_at(0, 1, 1), None);
        assert_eq!(pass_at(1, 1, 2), None);
        assert_eq!(pass_at(100, 200, 0), Some(0.0));
        assert_eq!(pass_at(100, 100_000, 99_999), Some(1.0));
    }
}

//! How much runs of a judge agree: Krippendorff's alpha for ordinal grades.
//!
//! With grades `c` and `k`, `n_c` the number of pairable grades `c` and `n` of all: the distance of
//! two grades is the square of `n_c/2 + (all between) + n_k/2`; alpha is one minus the mean distance
//! within examples over the mean distance of grades paired at random. 1 is full agreement, 0 is what
//! chance gives. Missing grades are left out; an example with fewer than two says nothing.

/// Alpha over examples, each with the grades that runs gave it. Nothing where all grades are equal,
/// or none can be paired: there is no chance to compare with.
pub fn alpha(examples: &[Vec<Option<usize>>]) -> Option<f64> {
    let given: Vec<Vec<usize>> = examples
        .iter()
        .map(|grades| grades.iter().flatten().copied().collect::<Vec<usize>>())
        .filter(|grades| grades.len() > 1)
        .collect();
    let highest = given.iter().flatten().copied().max()?;
    let mut counts = vec![0.0; highest + 1];
    given
        .iter()
        .flatten()
        .for_each(|grade| counts[*grade] += 1.0);
    let distance = |c: usize, k: usize| {
        let (low, high) = (c.min(k), c.max(k));
        let between: f64 = counts[low..=high].iter().sum();
        let ends = (counts[low] + counts[high]) / 2.0;
        if c == k {
            0.0
        } else {
            (between - ends).powi(2)
        }
    };
    let mut found = 0.0;
    for grades in &given {
        let pairs = grades
            .iter()
            .flat_map(|c| grades.iter().map(move |k| (*c, *k)));
        let within: f64 = pairs.map(|(c, k)| distance(c, k)).sum();
        found += within / (grades.len() - 1) as f64;
    }
    let all: f64 = counts.iter().sum();
    let grades = 0..counts.len();
    let pairs = grades
        .clone()
        .flat_map(|c| grades.clone().map(move |k| (c, k)));
    let chance: f64 = pairs
        .map(|(c, k)| counts[c] * counts[k] * distance(c, k))
        .sum();
    (chance > 0.0).then(|| 1.0 - found * (all - 1.0) / chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observers by examples, 0 for what is missing.
    fn examples<const N: usize>(observers: &[[usize; N]]) -> Vec<Vec<Option<usize>>> {
        let grade = |grade: usize| Some(grade).filter(|grade| *grade > 0);
        (0..N)
            .map(|unit| observers.iter().map(|o| grade(o[unit])).collect())
            .collect()
    }

    /// The worked example of Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), where
    /// ordinal alpha is 0.815; the further digits come from a matrix of coincidences in exact fractions.
    const WORKED: [[usize; 12]; 4] = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ];

    #[test]
    fn the_worked_example_has_its_golden_value() {
        let found = alpha(&examples(&WORKED)).unwrap();
        assert!((found - 0.815_387_503_754_881_3).abs() < 1e-12, "{found}");
        let disagreeing = [
            [1, 5, 3, 2, 4, 4],
            [2, 4, 3, 1, 5, 4],
            [1, 5, 0, 2, 5, 3],
            [5, 1, 2, 4, 1, 2],
            [3, 3, 3, 3, 3, 0],
        ];
        let found = alpha(&examples(&disagreeing)).unwrap();
        assert!((found + 0.018_532_541_956_610_724).abs() < 1e-12, "{found}");
    }

    #[test]
    fn distances_that_ignore_order_would_be_caught() {
        // Nominal alpha of the same example is 0.743.
        let found = alpha(&examples(&WORKED)).unwrap();
        assert!((found - 0.743).abs() > 0.05);
    }

    #[test]
    fn full_agreement_is_one_and_what_cannot_be_paired_has_no_value() {
        let same = vec![vec![Some(1); 5], vec![Some(4); 5]];
        assert_eq!(alpha(&same), Some(1.0));
        assert_eq!(alpha(&[vec![Some(3); 5]]), None);
        assert_eq!(alpha(&[vec![Some(1), None], vec![None, Some(2)]]), None);
        assert_eq!(alpha(&[]), None);
    }
}

//! Two rankings made one: by words and by vectors.
//!
//! It knows neither. The formula was chosen by experiment (docs/search.md): scores brought to a common
//! measure and added rank better than reciprocal ranks, which forget by how much one is ahead.

use std::collections::BTreeMap;

/// Of each ranking as many take part; the measure of likeness begins at the last of them.
pub const DEPTH: usize = 1000;

/// What the words count in the sum; likeness counts the rest.
pub const WORDS: f64 = 0.3;

/// Something that was ranked, and how good it is: the more the better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub id: i64,
    pub score: f64,
}

/// Places in the two rankings, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ranks {
    pub words: Option<usize>,
    pub vectors: Option<usize>,
}

/// One ranking out of two, best first; both come best first. Equal sums are in the order of `id`.
///
/// A score by words is divided by the best of them. Likeness is 0 for the last and 1 for the first of
/// its ranking. Who is missing from a ranking has 0 in it.
pub fn fuse(words: &[Scored], vectors: &[Scored], share: f64) -> Vec<(Scored, Ranks)> {
    let mut sums: BTreeMap<i64, (f64, Ranks)> = BTreeMap::new();
    let best = words.first().map_or(0.0, |first| first.score);
    for (rank, one) in (1..).zip(words) {
        let part = if best > 0.0 { one.score / best } else { 0.0 };
        let sum = sums.entry(one.id).or_default();
        sum.0 += share * part.clamp(0.0, 1.0);
        sum.1.words = Some(rank);
    }
    let (high, low) = match (vectors.first(), vectors.last()) {
        (Some(first), Some(last)) => (first.score, last.score),
        _ => (0.0, 0.0),
    };
    for (rank, one) in (1..).zip(vectors) {
        // All equally alike: none is ahead of the others.
        let part = if high > low {
            (one.score - low) / (high - low)
        } else {
            1.0
        };
        let sum = sums.entry(one.id).or_default();
        sum.0 += (1.0 - share) * part.clamp(0.0, 1.0);
        sum.1.vectors = Some(rank);
    }
    let mut fused: Vec<(Scored, Ranks)> = sums
        .into_iter()
        .map(|(id, (score, ranks))| (Scored { id, score }, ranks))
        .collect();
    fused.sort_by(|(one, _), (other, _)| better(one, other));
    fused
}

/// The better one first; of equals the one that came first into the index.
pub fn better(one: &Scored, other: &Scored) -> std::cmp::Ordering {
    other
        .score
        .total_cmp(&one.score)
        .then(one.id.cmp(&other.id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranking(scores: &[(i64, f64)]) -> Vec<Scored> {
        let mut all: Vec<Scored> = scores
            .iter()
            .map(|(id, score)| Scored {
                id: *id,
                score: *score,
            })
            .collect();
        all.sort_by(better);
        all
    }

    #[test]
    fn sums_are_those_of_the_formula() {
        let words = ranking(&[(1, 8.0), (2, 4.0)]);
        let vectors = ranking(&[(2, 0.9), (3, 0.7), (4, 0.5)]);
        let fused = fuse(&words, &vectors, 0.3);
        let expected = [(2, 0.3 * 0.5 + 0.7), (3, 0.7 * 0.5), (1, 0.3), (4, 0.0)];
        assert_eq!(fused.len(), expected.len());
        for ((found, _), (id, score)) in fused.iter().zip(expected) {
            assert_eq!(found.id, id);
            assert!((found.score - score).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(
            fused[0].1,
            Ranks {
                words: Some(2),
                vectors: Some(1)
            }
        );
        // Control: by reciprocal ranks alone the third would stand behind the first by words.
        let reciprocal = |words: f64, vectors: f64| 1.0 / (60.0 + words) + 1.0 / (60.0 + vectors);
        assert!(reciprocal(f64::INFINITY, 2.0) < reciprocal(1.0, f64::INFINITY));
    }

    proptest! {
        #[test]
        fn one_ranking_alone_keeps_its_order_and_two_lose_nobody(
            words in proptest::collection::btree_map(0i64..40, 0.01f64..9.0, 0..20),
            vectors in proptest::collection::btree_map(0i64..40, -1.0f64..1.0, 0..20),
        ) {
            let list = |map: &BTreeMap<i64, f64>| {
                ranking(&map.iter().map(|(id, score)| (*id, *score)).collect::<Vec<_>>())
            };
            let (words, vectors) = (list(&words), list(&vectors));
            let ids = |fused: &[(Scored, Ranks)]| fused.iter().map(|(one, _)| one.id).collect::<Vec<_>>();
            let own = |ranking: &[Scored]| ranking.iter().map(|one| one.id).collect::<Vec<_>>();
            prop_assert_eq!(ids(&fuse(&words, &[], WORDS)), own(&words));
            prop_assert_eq!(ids(&fuse(&[], &vectors, WORDS)), own(&vectors));
            let both = fuse(&words, &vectors, WORDS);
            let mut all: Vec<i64> = own(&words).into_iter().chain(own(&vectors)).collect();
            all.sort();
            all.dedup();
            let mut found = ids(&both);
            found.sort();
            prop_assert_eq!(found, all);
            prop_assert!(both.iter().all(|(one, _)| (0.0..=1.0 + 1e-9).contains(&one.score)));
        }
    }
}

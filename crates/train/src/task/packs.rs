//! Cutting texts into packs of tokens that are computed at once.

/// Packs of at most `limit` tokens, at least one text each; each pack holds places in `lengths`.
///
/// If everything fits, it is one pack in the order given. Otherwise the longest texts are placed
/// first, each where it first fits: packs are full, and the same lengths are always cut the same.
pub fn packs(lengths: &[usize], limit: usize) -> Vec<Vec<usize>> {
    if lengths.iter().sum::<usize>() <= limit {
        let all: Vec<usize> = (0..lengths.len()).collect();
        return if all.is_empty() {
            Vec::new()
        } else {
            vec![all]
        };
    }
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(lengths[*place]), *place));
    let mut packs: Vec<(usize, Vec<usize>)> = Vec::new();
    // Packs before this one have no room left even for the shortest text.
    let shortest = lengths.iter().copied().min().unwrap_or(0);
    let mut open = 0;
    for place in order {
        let length = lengths[place];
        let fits = |(tokens, _): &(usize, Vec<usize>)| tokens + length <= limit;
        match packs[open..].iter().position(fits) {
            Some(pack) => {
                packs[open + pack].0 += length;
                packs[open + pack].1.push(place);
            }
            None => packs.push((length, vec![place])),
        }
        while packs
            .get(open)
            .is_some_and(|(tokens, _)| tokens + shortest > limit)
        {
            open += 1;
        }
    }
    packs.into_iter().map(|(_, places)| places).collect()
}

/// Consecutive stretches of at most `limit` tokens, at least one text each: for walks over whole
/// sets, whose texts are fetched stretch by stretch.
pub fn stretches(lengths: &[usize], limit: usize) -> Vec<std::ops::Range<usize>> {
    let mut stretches = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (place, length) in lengths.iter().enumerate() {
        if place > start && tokens + length > limit {
            stretches.push(start..place);
            (start, tokens) = (place, 0);
        }
        tokens += length;
    }
    if start < lengths.len() {
        stretches.push(start..lengths.len());
    }
    stretches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_pack_and_packs_keep_the_limit(
            lengths in prop::collection::vec(1usize..50, 0..60),
            limit in 1usize..200,
        ) {
            let stretches = stretches(&lengths, limit).into_iter().map(|s| s.collect());
            for found in [packs(&lengths, limit), stretches.collect::<Vec<Vec<usize>>>()] {
                let mut all: Vec<usize> = found.iter().flatten().copied().collect();
                all.sort_unstable();
                prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
                for pack in found {
                    let tokens: usize = pack.iter().map(|place| lengths[*place]).sum();
                    prop_assert!(pack.len() == 1 || tokens <= limit);
                }
            }
        }
    }

    #[test]
    fn what_fits_is_one_pack_in_its_own_order() {
        assert_eq!(packs(&[3, 9, 1], 13), [[0, 1, 2]]);
        assert_eq!(packs(&[3, 9, 1], 12), [vec![1, 0], vec![2]]);
        assert!(packs(&[], 12).is_empty());
    }
}

//! Which group of functions stands in which split. A group is a file or a project, and never parted.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::draw::Seed;
use crate::plan::SplitBy;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    Train,
    Valid,
    Test,
}

impl Split {
    pub const ALL: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Valid => "valid",
            Split::Test => "test",
        }
    }

    /// Share of everything that it is to have.
    fn share(self) -> f64 {
        match self {
            Split::Train => 0.8,
            Split::Valid | Split::Test => 0.1,
        }
    }
}

/// What is known of a group before it is placed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Group {
    /// How many functions it has.
    pub weight: usize,
    /// When it was changed last, in seconds; not known is long ago.
    pub time: Option<i64>,
}

/// A group of more than this share of everything is placed before the others are.
const LARGE: f64 = 0.05;

/// Places every group. If there are three groups or more, no split is empty.
pub fn assign(
    groups: &BTreeMap<String, Group>,
    by: SplitBy,
    seed: Seed,
) -> BTreeMap<String, Split> {
    let all: usize = groups.values().map(|group| group.weight).sum();
    let mut order: Vec<(&String, &Group)> = groups.iter().collect();
    if by == SplitBy::Time {
        order.sort_by_key(|(name, group)| (group.time.unwrap_or(i64::MIN), *name));
        return by_time(&order, all);
    }
    let large = |group: &Group| group.weight as f64 > all as f64 * LARGE;
    order.sort_by_key(|(name, group)| {
        let first = if large(group) { group.weight } else { 0 };
        (std::cmp::Reverse(first), seed.of("split", name))
    });
    let mut have = [0usize; 3];
    let mut placed = BTreeMap::new();
    for (number, (name, group)) in order.iter().enumerate() {
        let left = order.len() - number;
        let empty: Vec<Split> = Split::ALL
            .into_iter()
            .filter(|split| have[*split as usize] == 0)
            .collect();
        // How full a split is, of what it is to have; with a large group, how full it would be. Were
        // small ones weighed too, the small splits would get the smallest of them.
        let added = if large(group) { group.weight } else { 0 };
        let fullness = |split: &Split| {
            (have[*split as usize] + added) as f64 / (split.share() * all.max(1) as f64)
        };
        let choice = match left <= empty.len() {
            true => empty,
            false => Split::ALL.to_vec(),
        };
        let least = choice
            .into_iter()
            .min_by(|one, other| fullness(one).total_cmp(&fullness(other)));
        let split = least.unwrap_or(Split::Train);
        have[split as usize] += group.weight.max(1);
        placed.insert((*name).clone(), split);
    }
    placed
}

/// The oldest are learnt from, the newest asked last.
fn by_time(order: &[(&String, &Group)], all: usize) -> BTreeMap<String, Split> {
    let mut before = 0;
    let placed = order.iter().map(|(name, group)| {
        let middle = before as f64 + group.weight as f64 / 2.0;
        before += group.weight;
        let split = match middle / all.max(1) as f64 {
            share if share < 0.8 => Split::Train,
            share if share < 0.9 => Split::Valid,
            _ => Split::Test,
        };
        ((*name).clone(), split)
    });
    placed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(weights: &[usize]) -> BTreeMap<String, Group> {
        let one = |(number, weight): (usize, &usize)| {
            let time = Some(1_000 - number as i64);
            (
                format!("g{number:04}"),
                Group {
                    weight: *weight,
                    time,
                },
            )
        };
        weights.iter().enumerate().map(one).collect()
    }

    fn shares(groups: &BTreeMap<String, Group>, placed: &BTreeMap<String, Split>) -> [usize; 3] {
        let mut have = [0; 3];
        for (name, split) in placed {
            have[*split as usize] += groups[name].weight;
        }
        have
    }

    #[test]
    fn many_groups_are_shared_out_as_wanted_and_by_the_seed() {
        let groups = groups(&[7; 1000]);
        let placed = assign(&groups, SplitBy::File, Seed(1));
        let [train, valid, test] = shares(&groups, &placed);
        assert!(
            (5550..=5650).contains(&train)
                && (680..=720).contains(&valid)
                && (680..=720).contains(&test)
        );
        assert_eq!(placed, assign(&groups, SplitBy::File, Seed(1)));
        assert_ne!(placed, assign(&groups, SplitBy::File, Seed(2)));
    }

    #[test]
    fn large_and_small_files_stand_in_every_split() {
        let weights: Vec<usize> = (0..3_000).map(|number| 1 + number % 40).collect();
        let groups = groups(&weights);
        let placed = assign(&groups, SplitBy::File, Seed(1));
        let counts = Split::ALL.map(|split| placed.values().filter(|of| **of == split).count());
        for (weight, count) in shares(&groups, &placed).into_iter().zip(counts) {
            let mean = weight as f64 / count as f64;
            assert!((18.0..23.0).contains(&mean), "{mean} functions in a file");
        }
    }

    #[test]
    fn three_projects_fill_three_splits_and_the_largest_is_learnt_from() {
        let groups = groups(&[100, 20_000, 3_000]);
        let placed = assign(&groups, SplitBy::Project, Seed(0));
        assert_eq!(placed["g0001"], Split::Train);
        assert_eq!(
            placed
                .values()
                .collect::<std::collections::BTreeSet<_>>()
                .len(),
            3
        );
    }

    #[test]
    fn by_time_the_newest_are_asked_last() {
        let groups = groups(&[5; 100]);
        let placed = assign(&groups, SplitBy::Time, Seed(0));
        // The first ones are the newest.
        assert!((0..10).all(|number| placed[&format!("g{number:04}")] == Split::Test));
        assert!((10..20).all(|number| placed[&format!("g{number:04}")] == Split::Valid));
        assert_eq!(shares(&groups, &placed), [400, 50, 50]);
    }
}

//! Groupings: which tasks share a belt and which stand alone, by a matrix of pairs. It trusts the
//! matrix; how sure that is, is said elsewhere.

use super::Pairwise;

/// Up to so many tasks every grouping is tried; beyond, groups are merged greedily.
pub const EXHAUSTIVE_TASKS: usize = 8;

/// Groups of tasks by their places, each ascending, ordered by their first task.
pub type Grouping = Vec<Vec<usize>>;

/// Every way to divide `count` tasks into groups: all together first, each alone last. As many as
/// the Bell number.
pub fn partitions(count: usize) -> Vec<Grouping> {
    let mut found = Vec::new();
    extend(count, 0, &mut Vec::new(), &mut found);
    found
}

fn extend(count: usize, task: usize, groups: &mut Grouping, found: &mut Vec<Grouping>) {
    if task == count {
        found.push(groups.clone());
        return;
    }
    for group in 0..groups.len() {
        groups[group].push(task);
        extend(count, task + 1, groups, found);
        groups[group].pop();
    }
    groups.push(vec![task]);
    extend(count, task + 1, groups, found);
    groups.pop();
}

/// The mean gain of all tasks under a grouping: a task's gain is the mean of its cells with those it
/// shares a belt with, and zero where it stands alone. A cell that nobody knows counts as zero.
pub fn gain(matrix: &Pairwise, grouping: &[Vec<usize>]) -> f64 {
    let sum: f64 = grouping.iter().map(|group| sum(matrix, group)).sum();
    sum / matrix.tasks.len().max(1) as f64
}

/// The sum of the gains of a group's tasks.
fn sum(matrix: &Pairwise, group: &[usize]) -> f64 {
    if group.len() < 2 {
        return 0.0;
    }
    let of = |task: usize| {
        let others = group.iter().filter(|partner| **partner != task);
        others
            .filter_map(|partner| matrix.at(task, *partner))
            .sum::<f64>()
    };
    group.iter().map(|task| of(*task)).sum::<f64>() / (group.len() - 1) as f64
}

/// The grouping of the highest mean gain. Among equals more groups win: a belt is shared only where
/// that is worth something.
pub fn best(matrix: &Pairwise) -> Grouping {
    Search::new(matrix.tasks.len()).best(matrix)
}

/// All groupings of so many tasks, made once for many matrices.
pub(super) struct Search {
    count: usize,
    /// Each grouping with its groups as sets of bits; empty beyond [`EXHAUSTIVE_TASKS`].
    all: Vec<(Vec<usize>, Grouping)>,
}

impl Search {
    pub(super) fn new(count: usize) -> Search {
        let all = match count <= EXHAUSTIVE_TASKS {
            true => partitions(count),
            false => Vec::new(),
        };
        let bits = |group: &Vec<usize>| group.iter().map(|task| 1usize << task).sum();
        let mut all: Vec<(Vec<usize>, Grouping)> = all
            .into_iter()
            .map(|grouping| (grouping.iter().map(bits).collect(), grouping))
            .collect();
        all.sort_by_key(|(groups, _)| std::cmp::Reverse(groups.len()));
        Search { count, all }
    }

    pub(super) fn best(&self, matrix: &Pairwise) -> Grouping {
        if self.count > EXHAUSTIVE_TASKS {
            return greedy(matrix);
        }
        let members = |set: usize| -> Vec<usize> {
            (0..self.count)
                .filter(|task| set >> task & 1 == 1)
                .collect()
        };
        let sums: Vec<f64> = (0..1usize << self.count)
            .map(|set| sum(matrix, &members(set)))
            .collect();
        let mut found: Option<(f64, &Grouping)> = None;
        for (sets, grouping) in &self.all {
            let gain = sets.iter().map(|set| sums[*set]).sum::<f64>();
            if found.is_none_or(|(most, _)| gain > most + TIE) {
                found = Some((gain, grouping));
            }
        }
        found
            .map(|(_, grouping)| grouping.clone())
            .unwrap_or_default()
    }
}

/// Sums that differ by less are equal but for their order.
const TIE: f64 = 1e-12;

/// Begins with each task alone and merges the two groups that gain most, as long as one merge gains.
fn greedy(matrix: &Pairwise) -> Grouping {
    let mut groups: Grouping = (0..matrix.tasks.len()).map(|task| vec![task]).collect();
    loop {
        let mut found: Option<(f64, usize, usize)> = None;
        for a in 0..groups.len() {
            for b in a + 1..groups.len() {
                let merged = [groups[a].clone(), groups[b].clone()].concat();
                let more = sum(matrix, &merged) - sum(matrix, &groups[a]) - sum(matrix, &groups[b]);
                if more > found.map_or(TIE, |(most, ..)| most) {
                    found = Some((more, a, b));
                }
            }
        }
        let Some((_, a, b)) = found else {
            return groups;
        };
        let merged = groups.remove(b);
        groups[a].extend(merged);
        groups[a].sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(count: usize, cell: impl Fn(usize, usize) -> f64) -> Pairwise {
        let row = |a| (0..count).map(|b| Some(cell(a, b))).collect();
        let names = (0..count).map(|task| format!("t{task}")).collect();
        Pairwise::new(names, (0..count).map(row).collect()).unwrap()
    }

    #[test]
    fn there_are_as_many_partitions_as_the_bell_numbers_say() {
        for (count, bell) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 5),
            (4, 15),
            (5, 52),
            (6, 203),
            (7, 877),
            (8, 4140),
        ] {
            let mut all = partitions(count);
            assert_eq!(all.len(), bell);
            all.sort();
            all.dedup();
            assert_eq!(all.len(), bell, "each once");
        }
    }

    #[test]
    fn friends_share_a_belt_and_an_enemy_stands_alone() {
        let helps = |a: usize, b: usize| if a.max(b) == 3 { -0.5 } else { 0.2 };
        assert_eq!(best(&matrix(4, helps)), [vec![0, 1, 2], vec![3]]);
        let hurts = matrix(4, |_, _| -0.1);
        assert_eq!(best(&hurts), [[0], [1], [2], [3]]);
        let nothing = matrix(4, |_, _| 0.0);
        assert_eq!(best(&nothing).len(), 4, "nothing to gain: alone");
    }

    #[test]
    fn the_best_of_all_partitions_is_found_and_gain_is_a_mean_over_tasks() {
        let stream = skillbelt_engine::random::Stream::new(1, 0, "grouping");
        let drawn = matrix(6, |a, b| f64::from(stream.normal((a * 6 + b) as u64)));
        let all = partitions(6);
        let most = all
            .iter()
            .map(|one| gain(&drawn, one))
            .fold(f64::MIN, f64::max);
        assert!((gain(&drawn, &best(&drawn)) - most).abs() < 1e-12);
        let two = matrix(2, |a, _| if a == 0 { 0.3 } else { -0.1 });
        assert!((gain(&two, &[vec![0, 1]]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn many_tasks_are_grouped_greedily_and_find_plain_blocks() {
        let blocks = matrix(10, |a, b| if a % 2 == b % 2 { 0.1 } else { -0.1 });
        let found = best(&blocks);
        for group in &found {
            assert!(group.len() > 1, "all gain from company: {found:?}");
            let block = group[0] % 2;
            assert!(group.iter().all(|task| task % 2 == block), "{found:?}");
        }
        let whole = [vec![0, 2, 4, 6, 8], vec![1, 3, 5, 7, 9]];
        assert!((gain(&blocks, &found) - gain(&blocks, &whole)).abs() < 1e-12);
    }
}

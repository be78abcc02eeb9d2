//! Ways to serve all tasks with the belts that were trained: which tasks share a belt, how good that
//! is together, what it costs, and how much worse than the best way it is.

use indexmap::IndexMap;

use crate::study::compare::OverSeeds;
use crate::study::plan::Arm;
use crate::study::results::{Cell, Cost, Grouping, Regret};
use crate::study::tables::{Placed, Tabling, Way, over_seeds};

/// Most ways of one base and belt that are told; beyond it the rest is left out.
const MOST: usize = 2000;

/// One way, while it is compared.
struct Candidate {
    groups: Vec<Vec<String>>,
    seeds: Vec<u64>,
}

/// All groupings of every base and belt, best first. `rises` tells of each task whether more of its
/// measure is better.
pub fn groupings(
    tabling: &Tabling<'_>,
    rises: &IndexMap<String, bool>,
    cells: &[Cell],
) -> Vec<Grouping> {
    let mut all = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for placed in tabling.samples {
        let pair = (&placed.base[..], &placed.belt[..]);
        if !placed.is(Arm::Prompted) && !seen.contains(&pair) {
            seen.push(pair);
            let of_belt = OfBelt {
                tabling,
                rises,
                cells,
                base: pair.0,
                belt: pair.1,
            };
            all.extend(of_belt.groupings());
        }
    }
    all
}

struct OfBelt<'o> {
    tabling: &'o Tabling<'o>,
    rises: &'o IndexMap<String, bool>,
    cells: &'o [Cell],
    base: &'o str,
    belt: &'o str,
}

impl OfBelt<'_> {
    fn way<'w>(&'w self, tasks: &'w [String], task: &'w str) -> Way<'w> {
        Way {
            base: self.base,
            belt: self.belt,
            tasks,
            untrained: false,
            prompted: false,
            task,
        }
    }

    fn groupings(&self) -> Vec<Grouping> {
        let candidates = self.candidates();
        let mut scored: Vec<(f64, Candidate)> = candidates
            .into_iter()
            .map(|candidate| (self.quality(&candidate, &candidate.seeds).value, candidate))
            .collect();
        // Of equal ones the first stays first.
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let grouping = |(_, candidate): &(f64, Candidate)| {
            let best = &scored.first()?.1;
            Some(self.grouping(candidate, best))
        };
        scored.iter().filter_map(grouping).collect()
    }

    fn grouping(&self, own: &Candidate, best: &Candidate) -> Grouping {
        let draws = &self.tabling.draws;
        let sure = self.quality(own, &own.seeds).sure(draws);
        let shared: Vec<u64> = own
            .seeds
            .iter()
            .copied()
            .filter(|seed| best.seeds.contains(seed))
            .collect();
        let (regret, regret_interval) = match shared.is_empty() {
            true => (self.quality(best, &best.seeds).value - sure.value, None),
            false => {
                let lost = self
                    .quality(best, &shared)
                    .minus(&self.quality(own, &shared));
                let lost = lost.sure(draws);
                (lost.value, lost.interval)
            }
        };
        Grouping {
            base: self.base.to_owned(),
            belt: self.belt.to_owned(),
            groups: own.groups.clone(),
            mean: sure.value,
            interval: sure.interval,
            regret,
            regret_interval,
            task_regrets: self.task_regrets(own),
            seeds: own.seeds.clone(),
            cost: self.cost(own),
        }
    }

    /// Every way to part all tasks into sets that were trained, over seeds that all of them have.
    fn candidates(&self) -> Vec<Candidate> {
        let mut sets: Vec<&[String]> = Vec::new();
        for placed in self.own() {
            if !sets.contains(&&placed.tasks[..]) {
                sets.push(&placed.tasks);
            }
        }
        let mut found = Vec::new();
        cover(self.tabling.tasks, &sets, &mut Vec::new(), &mut found);
        let candidates = found.into_iter().filter_map(|groups| {
            let seeds = self.seeds(&groups);
            (!seeds.is_empty()).then_some(Candidate { groups, seeds })
        });
        candidates.collect()
    }

    fn own(&self) -> impl Iterator<Item = &Placed> {
        let own = |placed: &&Placed| {
            placed.base == self.base && placed.belt == self.belt && !placed.is(Arm::Untrained)
        };
        self.tabling.samples.iter().filter(own)
    }

    /// Seeds for which every task of every group has a value.
    fn seeds(&self, groups: &[Vec<String>]) -> Vec<u64> {
        let mut seeds: Vec<u64> = Vec::new();
        for placed in self.own() {
            if !seeds.contains(&placed.seed) {
                seeds.push(placed.seed);
            }
        }
        seeds.retain(|seed| {
            let has = |group: &Vec<String>, task: &String| {
                let placed = self.tabling.of(self.way(group, task));
                placed.iter().any(|placed| placed.seed == *seed)
            };
            groups
                .iter()
                .all(|group| group.iter().all(|task| has(group, task)))
        });
        seeds
    }

    /// The mean over all tasks of a way, over some seeds.
    fn quality(&self, candidate: &Candidate, seeds: &[u64]) -> OverSeeds {
        let mut parts = Vec::new();
        for group in &candidate.groups {
            for task in group {
                let mut placed = self.tabling.of(self.way(group, task));
                placed.retain(|placed| seeds.contains(&placed.seed));
                parts.push((self.sign(task), over_seeds(&placed, &self.tabling.draws)));
            }
        }
        OverSeeds::mean(&parts)
    }

    fn sign(&self, task: &str) -> f64 {
        match self.rises.get(task) {
            Some(false) => -1.0,
            _ => 1.0,
        }
    }

    /// How much worse each task is than in the best of the sets that hold it.
    fn task_regrets(&self, own: &Candidate) -> IndexMap<String, Regret> {
        let mut regrets = IndexMap::new();
        for task in self.tabling.tasks {
            let Some(group) = own.groups.iter().find(|group| group.contains(task)) else {
                continue;
            };
            let sign = self.sign(task);
            let ways = self.tabling.ways().into_iter().filter(|way| {
                way.task == task && way.base == self.base && way.belt == self.belt && !way.untrained
            });
            let value =
                |way: Way<'_>| sign * over_seeds(&self.tabling.of(way), &self.tabling.draws).value;
            let best = ways
                .map(|way| (value(way), way))
                .reduce(|best, now| if now.0 > best.0 { now } else { best });
            let Some((_, best)) = best else { continue };
            let pairs = self.tabling.common(best, self.way(group, task));
            if pairs.is_empty() {
                continue;
            }
            let (of_best, of_own): (Vec<&Placed>, Vec<&Placed>) = pairs.into_iter().unzip();
            let draws = &self.tabling.draws;
            let lost = over_seeds(&of_best, draws).minus(&over_seeds(&of_own, draws));
            let lost = OverSeeds::mean(&[(sign, lost)]).sure(draws);
            let regret = Regret {
                regret: lost.value,
                interval: lost.interval,
            };
            regrets.insert(task.clone(), regret);
        }
        regrets
    }

    /// Sums over groups of means over seeds.
    fn cost(&self, own: &Candidate) -> Cost {
        let mut sum = Cost {
            tokens: 0,
            seconds: 0.0,
            peak_memory_kib: None,
            joules: None,
            trained_parameters: 0,
            stored_bytes: 0,
            steps: 0,
            shipped_step: 0,
        };
        for group in &own.groups {
            let of_group = |cell: &&Cell| {
                cell.base == self.base
                    && cell.belt == self.belt
                    && cell.tasks == *group
                    && own.seeds.contains(&cell.seed)
                    && !cell.arms.iter().any(|arm| arm == Arm::Untrained.name())
            };
            let cells = self.cells.iter().filter(of_group);
            let costs: Vec<Cost> = cells
                .filter_map(|cell| Some(cell.outcome.as_ref()?.cost))
                .collect();
            let count = costs.len().max(1) as u64;
            let mean = |of: fn(&Cost) -> u64| costs.iter().map(of).sum::<u64>() / count;
            sum.tokens += mean(|cost| cost.tokens);
            sum.seconds += costs.iter().map(|cost| cost.seconds).sum::<f64>() / count as f64;
            sum.trained_parameters += mean(|cost| cost.trained_parameters);
            sum.stored_bytes += mean(|cost| cost.stored_bytes);
            sum.steps += mean(|cost| cost.steps);
            let peaks = costs.iter().filter_map(|cost| cost.peak_memory_kib);
            sum.peak_memory_kib = peaks.chain(sum.peak_memory_kib).max();
            let shipped = costs.iter().map(|cost| cost.shipped_step);
            sum.shipped_step = shipped.max().unwrap_or(0).max(sum.shipped_step);
        }
        sum
    }
}

/// Parts what is left into known sets, each beginning with the first task that is left.
fn cover(
    left: &[String],
    sets: &[&[String]],
    taken: &mut Vec<Vec<String>>,
    found: &mut Vec<Vec<Vec<String>>>,
) {
    let Some(first) = left.first() else {
        found.push(taken.clone());
        return;
    };
    for set in sets.iter().filter(|set| set.contains(first)) {
        if found.len() >= MOST {
            return;
        }
        if set.iter().all(|task| left.contains(task)) {
            let rest: Vec<String> = left
                .iter()
                .filter(|task| !set.contains(task))
                .cloned()
                .collect();
            taken.push(set.to_vec());
            cover(&rest, sets, taken, found);
            taken.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_tasks_alone_in_pairs_and_together_can_be_parted_in_eleven_ways() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let mut sets: Vec<Vec<String>> = names.iter().map(|name| vec![name.clone()]).collect();
        for (at, one) in names.iter().enumerate() {
            sets.extend(
                names[at + 1..]
                    .iter()
                    .map(|other| vec![one.clone(), other.clone()]),
            );
        }
        sets.push(names.clone());
        let sets: Vec<&[String]> = sets.iter().map(Vec::as_slice).collect();
        let mut found = Vec::new();
        cover(&names, &sets, &mut Vec::new(), &mut found);
        // One alone, one together, six with one pair, three with two.
        assert_eq!(found.len(), 11);
        for groups in &found {
            let mut tasks: Vec<&String> = groups.iter().flatten().collect();
            tasks.sort();
            assert_eq!(tasks, names.iter().collect::<Vec<_>>());
        }
    }
}

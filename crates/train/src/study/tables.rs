//! The tables of a study, from samples: means, differences, gains of pairs. Which rows there are and
//! what they compare stands here; how sure they are stands in `compare.rs`.

use crate::evaluate::{Draws, holm};
use crate::study::compare::OverSeeds;
use crate::study::plan::Arm;
use crate::study::results::{Comparison, Mean, SeedPair, SeedValue, Side};
use crate::study::sample::Sample;

/// A sample and where it is from.
pub struct Placed {
    pub cell: String,
    pub base: String,
    pub belt: String,
    pub arms: Vec<Arm>,
    pub tasks: Vec<String>,
    pub seed: u64,
    pub task: String,
    pub sample: Sample,
}

/// One task in cells that differ in nothing but the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way<'w> {
    pub base: &'w str,
    pub belt: &'w str,
    pub tasks: &'w [String],
    pub untrained: bool,
    pub prompted: bool,
    pub task: &'w str,
}

impl Placed {
    pub fn way(&self) -> Way<'_> {
        Way {
            base: &self.base,
            belt: &self.belt,
            tasks: &self.tasks,
            untrained: self.is(Arm::Untrained),
            prompted: self.is(Arm::Prompted),
            task: &self.task,
        }
    }

    pub fn is(&self, arm: Arm) -> bool {
        self.arms.contains(&arm)
    }
}

/// All samples of a study, and how to draw.
pub struct Tabling<'t> {
    pub samples: &'t [Placed],
    /// All tasks, in the order of the plan.
    pub tasks: &'t [String],
    /// Names of belts of kind `full`.
    pub full: &'t [String],
    /// Bases with the names of those that have their shape and random weights.
    pub random: &'t [(String, String)],
    pub draws: Draws,
}

impl<'t> Tabling<'t> {
    /// The samples of a way, by seed in the order of the plan.
    pub fn of(&self, way: Way<'_>) -> Vec<&'t Placed> {
        let samples = self.samples.iter();
        samples.filter(|placed| placed.way() == way).collect()
    }

    /// Every way once, in the order of the cells.
    pub fn ways(&self) -> Vec<Way<'t>> {
        let mut ways: Vec<Way<'t>> = Vec::new();
        for placed in self.samples {
            if !ways.contains(&placed.way()) {
                ways.push(placed.way());
            }
        }
        ways
    }

    pub fn means(&self) -> Vec<Mean> {
        let mean = |way: Way<'t>| {
            let placed = self.of(way);
            let sure = over_seeds(&placed, &self.draws).sure(&self.draws);
            Mean {
                task: way.task.to_owned(),
                base: way.base.to_owned(),
                belt: way.belt.to_owned(),
                arms: names(&placed),
                tasks: way.tasks.to_vec(),
                mean: sure.value,
                interval: sure.interval,
                seeds: placed
                    .iter()
                    .map(|placed| SeedValue {
                        seed: placed.seed,
                        value: placed.sample.value,
                        cell: placed.cell.clone(),
                    })
                    .collect(),
            }
        };
        self.ways().into_iter().map(mean).collect()
    }

    /// Trained ways of a task with exactly these tasks, in the order of the cells.
    fn trained(&self, wanted: impl Fn(&Way<'t>) -> bool) -> Vec<Way<'t>> {
        let ways = self.ways().into_iter();
        let trained = ways.filter(|way| !way.untrained && !way.prompted);
        trained.filter(wanted).collect()
    }

    pub fn multi_minus_single(&self) -> Vec<Comparison> {
        let all = self.tasks;
        let multi = self.trained(|way| all.len() > 1 && way.tasks == all);
        let rows = multi.into_iter().filter_map(|a| {
            let alone = [a.task.to_owned()];
            self.row(a, Way { tasks: &alone, ..a }, None)
        });
        corrected(rows.collect())
    }

    /// Belts alone and with all against full fine-tuning alone.
    pub fn belt_minus_full(&self) -> Vec<Comparison> {
        let all = self.tasks;
        let mut rows = Vec::new();
        let wanted = |way: &Way<'t>| way.tasks.len() == 1 || way.tasks == all;
        for a in self.trained(wanted) {
            if self.full.iter().any(|full| full == a.belt) {
                continue;
            }
            for belt in self.full {
                let alone = [a.task.to_owned()];
                let b = Way {
                    belt,
                    tasks: &alone,
                    ..a
                };
                rows.extend(self.row(a, b, None));
            }
        }
        corrected(rows)
    }

    pub fn pairs(&self) -> Vec<Comparison> {
        let pairs = self.trained(|way| way.tasks.len() == 2);
        let rows = pairs.into_iter().filter_map(|a| {
            let alone = [a.task.to_owned()];
            let partner = a.tasks.iter().find(|task| *task != a.task)?;
            self.row(a, Way { tasks: &alone, ..a }, Some(partner))
        });
        corrected(rows.collect())
    }

    /// All against all but one, for every task that is in both.
    pub fn leave_one_out(&self) -> Vec<Comparison> {
        let all = self.tasks;
        let mut rows = Vec::new();
        // With two tasks the one that is left is alone, and the table is that of the pairs.
        for a in self.trained(|way| all.len() > 2 && way.tasks == all) {
            for partner in all.iter().filter(|task| *task != a.task) {
                let rest: Vec<String> = all.iter().filter(|t| *t != partner).cloned().collect();
                rows.extend(self.row(a, Way { tasks: &rest, ..a }, Some(partner)));
            }
        }
        corrected(rows)
    }

    pub fn trained_minus_untrained(&self) -> Vec<Comparison> {
        let all = self.tasks;
        let wanted = |way: &Way<'t>| way.tasks.len() == 1 || way.tasks == all;
        let rows = self.trained(wanted).into_iter().filter_map(|a| {
            let b = Way {
                tasks: all,
                untrained: true,
                ..a
            };
            self.row(a, b, None)
        });
        corrected(rows.collect())
    }

    /// Belts alone and with all against every way to ask for the task, whatever base was asked.
    pub fn belt_minus_prompted(&self) -> Vec<Comparison> {
        let all = self.tasks;
        let prompts = self.ways().into_iter().filter(|way| way.prompted);
        let prompts: Vec<Way<'t>> = prompts.collect();
        let mut rows = Vec::new();
        for a in self.trained(|way| way.tasks.len() == 1 || way.tasks == all) {
            for b in prompts.iter().filter(|prompt| prompt.task == a.task) {
                rows.extend(self.row(a, *b, None));
            }
        }
        corrected(rows)
    }

    /// The same belt, or full fine-tuning, on a base and on random weights of its shape: what its
    /// pretraining is worth.
    pub fn pretrained_minus_random(&self) -> Vec<Comparison> {
        let mut rows = Vec::new();
        for a in self.trained(|_| true) {
            for (_, random) in self.random.iter().filter(|(base, _)| base == a.base) {
                rows.extend(self.row(a, Way { base: random, ..a }, None));
            }
        }
        corrected(rows)
    }

    /// A minus b over the seeds that both have; nothing if they share none.
    fn row(&self, a: Way<'_>, b: Way<'_>, partner: Option<&String>) -> Option<Comparison> {
        let pairs = self.common(a, b);
        if pairs.is_empty() {
            return None;
        }
        let (of_a, of_b): (Vec<&Placed>, Vec<&Placed>) = pairs.iter().copied().unzip();
        let (over_a, over_b) = (
            over_seeds(&of_a, &self.draws),
            over_seeds(&of_b, &self.draws),
        );
        let sure = over_a.minus(&over_b).sure(&self.draws);
        let side = |way: Way<'_>, placed: &[&Placed]| Side {
            base: Some(way.base.to_owned()).filter(|base| base != a.base && !base.is_empty()),
            belt: way.belt.to_owned(),
            arms: names(placed),
            tasks: way.tasks.to_vec(),
        };
        Some(Comparison {
            task: a.task.to_owned(),
            base: a.base.to_owned(),
            a: side(a, &of_a),
            b: side(b, &of_b),
            partner: partner.cloned(),
            difference: sure.value,
            interval: sure.interval,
            p: sure.p,
            p_holm: None,
            seeds: pairs
                .iter()
                .map(|(a, b)| SeedPair {
                    seed: a.seed,
                    a: a.sample.value,
                    b: b.sample.value,
                    a_cell: a.cell.clone(),
                    b_cell: b.cell.clone(),
                })
                .collect(),
        })
    }

    /// The samples of two ways by common seeds. What was prompted once stands for each seed.
    pub fn common(&self, a: Way<'_>, b: Way<'_>) -> Vec<(&'t Placed, &'t Placed)> {
        let (of_a, of_b) = (self.of(a), self.of(b));
        let once = of_b.len() == 1 && b.prompted;
        let partner = |a: &&'t Placed| {
            let same = |b: &&&'t Placed| once || b.seed == a.seed;
            of_b.iter().find(same).map(|b| (*a, *b))
        };
        of_a.iter().filter_map(partner).collect()
    }
}

/// The mean over the seeds of samples that differ in nothing else.
pub fn over_seeds(placed: &[&Placed], draws: &Draws) -> OverSeeds {
    let samples: Vec<&Sample> = placed.iter().map(|placed| &placed.sample).collect();
    OverSeeds::new(&samples, draws)
}

fn names(placed: &[&Placed]) -> Vec<String> {
    let first = placed.first().map(|placed| &placed.arms[..]);
    let arms = first.unwrap_or_default().iter();
    arms.map(|arm| arm.name().to_owned()).collect()
}

fn corrected(mut rows: Vec<Comparison>) -> Vec<Comparison> {
    let values: Vec<Option<f64>> = rows.iter().map(|row| row.p).collect();
    for (row, p) in rows.iter_mut().zip(holm(&values)) {
        row.p_holm = p;
    }
    rows
}

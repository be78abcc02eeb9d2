//! The adviser on trial: what it foresees from the finished cells of all tasks, set against the pairs
//! and groups that the same study trained. It foresees nothing itself.

use std::path::PathBuf;

use crate::advise::{self, Advice, Pairwise, Stability};
use crate::error::Result;
use crate::evaluate::Draws;
use crate::study::folder::StudyFolder;
use crate::study::results::{
    BaseFacts, BeltFacts, Cell, CellState, Comparison, Facts, Foreseen, ForeseenPair, GroupRegret,
    Interval, Mean, PairRegret, Tables, Trial,
};

/// What a prediction is made of, and set against.
pub struct Trying<'t> {
    pub folder: &'t StudyFolder,
    pub facts: &'t Facts,
    pub cells: &'t [Cell],
    pub tables: &'t Tables,
    pub draws: Draws,
}

impl Trying<'_> {
    /// One for each base and belt whose cells of all tasks were looked at; and what could not be read.
    pub fn foreseen(&self) -> (Vec<Foreseen>, Vec<String>) {
        let (mut all, mut warnings) = (Vec::new(), Vec::new());
        for base in &self.facts.bases {
            for belt in &self.facts.belts {
                match self.of_belt(base, belt) {
                    Ok(found) => all.extend(found),
                    Err(error) => warnings.push(format!(
                        "{} {}: the adviser's looks cannot be used: {error}",
                        base.name, belt.name
                    )),
                }
            }
        }
        (all, warnings)
    }

    /// Finished cells of all tasks that were looked at.
    fn looked_at(&self, base: &str, belt: &str) -> Vec<(&Cell, PathBuf)> {
        let tasks = self.names();
        let together = |cell: &&Cell| {
            let own = cell.base == base && cell.belt == belt && cell.tasks == tasks;
            own && cell.state == CellState::Done && !cell.arms.iter().any(|arm| arm == "untrained")
        };
        let cells = self.cells.iter().filter(together);
        let folders = cells.map(|cell| (cell, self.folder.cell(&cell.key)));
        folders
            .filter(|(_, folder)| folder.join(advise::FILE).is_file())
            .collect()
    }

    fn names(&self) -> Vec<String> {
        let tasks = self.facts.tasks.iter();
        tasks.map(|task| task.name.clone()).collect()
    }

    fn of_belt(&self, base: &BaseFacts, belt: &BeltFacts) -> Result<Option<Foreseen>> {
        let looked = self.looked_at(&base.name, &belt.name);
        if looked.is_empty() || self.facts.tasks.len() < 2 {
            return Ok(None);
        }
        let folders = looked.iter().map(|(_, folder)| advise::read(folder));
        let folders = folders.collect::<Result<Vec<_>>>()?;
        let advice = advise::advise(&folders, &self.draws)?;
        let measured = self.measured(&base.name, &belt.name)?;
        let mut factors = advice.factors.clone();
        for of_task in &mut factors {
            let tests = || self.by_tests(&base.name, &belt.name, &of_task.task);
            of_task.stability = of_task.stability.or_else(tests);
        }
        Ok(Some(Foreseen {
            base: base.name.clone(),
            belt: belt.name.clone(),
            seeds: looked.iter().map(|(cell, _)| cell.seed).collect(),
            looks: advice.looks as u64,
            look_share: advice.look_share,
            pairs: pairs(&advice, &measured),
            groups: advice.prediction.groups.clone(),
            certainty: advice.prediction.certainty,
            factors,
            trial: self.trial(&base.name, &belt.name, &advice, &measured)?,
            warnings: advice.warnings,
        }))
    }

    /// The trained pairs, turned so that more is better.
    fn measured(&self, base: &str, belt: &str) -> Result<Pairwise> {
        let tasks = &self.facts.tasks;
        let cell = |task: usize, partner: usize| {
            let same = |row: &&Comparison| {
                row.base == base
                    && row.a.belt == belt
                    && row.task == tasks[task].name
                    && row.partner.as_ref() == Some(&tasks[partner].name)
            };
            let row = self.tables.pairs.iter().find(same)?;
            Some(if tasks[task].rises {
                row.difference
            } else {
                -row.difference
            })
        };
        let places = 0..tasks.len();
        let row = |task| places.clone().map(|partner| cell(task, partner)).collect();
        Pairwise::new(self.names(), places.clone().map(row).collect())
    }

    fn trial(
        &self,
        base: &str,
        belt: &str,
        advice: &Advice,
        measured: &Pairwise,
    ) -> Result<Option<Trial>> {
        let foreseen = &advice.prediction.matrix;
        let both = foreseen.places().filter(|(task, partner)| {
            foreseen.at(*task, *partner).is_some() && measured.at(*task, *partner).is_some()
        });
        if both.count() < 2 {
            return Ok(None);
        }
        let verdict = advise::check(foreseen, measured, &self.draws)?;
        // What was proposed is the careful grouping, not the best of the plain matrix.
        let place = |name: &String| measured.tasks.iter().position(|task| task == name);
        let groups = advice.prediction.groups.iter();
        let groups: Vec<Vec<usize>> = groups
            .map(|group| group.iter().filter_map(place).collect())
            .collect();
        let regret = advise::regret(measured, &groups)?;
        Ok(Some(Trial {
            pairs: verdict.pairs as u64,
            correlation: verdict.correlation,
            interval: verdict.interval.map(|it| Interval {
                low: it.low,
                high: it.high,
            }),
            p: verdict.p,
            p_of_tasks: verdict.p_of_tasks,
            by_pairs: PairRegret {
                best: regret.best,
                proposed_gain: regret.proposed_gain,
                best_gain: regret.best_gain,
                together_gain: regret.together_gain,
                regret: regret.regret,
                better: regret.better,
            },
            by_groups: self.by_groups(base, belt, &advice.prediction.groups),
        }))
    }

    fn by_groups(&self, base: &str, belt: &str, proposed: &[Vec<String>]) -> Option<GroupRegret> {
        let all = self.tables.groupings.iter();
        let own: Vec<_> = all
            .filter(|it| it.base == base && it.belt == belt)
            .collect();
        let place = own.iter().position(|it| same(&it.groups, proposed))?;
        Some(GroupRegret {
            best: own.first()?.groups.clone(),
            regret: own[place].regret,
            interval: own[place].regret_interval,
            place: place as u64 + 1,
            groupings: own.len() as u64,
        })
    }

    /// Stability by the test rows: seeds of all tasks together, against before the first step.
    fn by_tests(&self, base: &str, belt: &str, task: &str) -> Option<Stability> {
        let names = self.names();
        let of = |untrained: bool| {
            let own = move |mean: &&Mean| {
                mean.base == base
                    && mean.belt == belt
                    && mean.task == task
                    && mean.arms.iter().any(|arm| arm == "untrained") == untrained
            };
            let mut means = self.tables.means.iter().filter(own);
            means.find(|mean| mean.tasks == names)
        };
        let (trained, before) = (of(false)?, of(true)?);
        let rises = self.facts.tasks.iter().find(|it| it.name == task)?.rises;
        let gained = (trained.mean - before.mean) * if rises { 1.0 } else { -1.0 };
        let values: Vec<f64> = trained.seeds.iter().map(|seed| seed.value).collect();
        Stability::of_tests(&values, gained)
    }
}

fn pairs(advice: &Advice, measured: &Pairwise) -> Vec<ForeseenPair> {
    let prediction = &advice.prediction;
    let names = &prediction.matrix.tasks;
    let pair = |(task, partner): (usize, usize)| ForeseenPair {
        task: names[task].clone(),
        partner: names[partner].clone(),
        foreseen: prediction.matrix.at(task, partner),
        interval: prediction.intervals[task][partner].map(|it| Interval {
            low: it.low,
            high: it.high,
        }),
        affinity: prediction.affinity.at(task, partner),
        agreement: prediction.agreement.at(task, partner),
        measured: measured.at(task, partner),
    };
    prediction.matrix.places().map(pair).collect()
}

/// Whether two groupings hold the same groups, in whatever order.
fn same(a: &[Vec<String>], b: &[Vec<String>]) -> bool {
    let sorted = |groups: &[Vec<String>]| {
        let mut groups = groups.to_vec();
        groups.iter_mut().for_each(|group| group.sort());
        groups.sort();
        groups
    };
    sorted(a) == sorted(b)
}

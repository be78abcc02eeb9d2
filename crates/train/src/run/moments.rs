//! Moments of a run: how good each task was at each evaluation, and the belts of those moments that
//! may still be shipped. It measures nothing itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use skillbelt_engine::{Mat, Param};
use skillbelt_model::belt::folder::Calibration;

use crate::recipe::Policy;

/// One evaluation: by task, the task's own measure turned so that more is better. Nothing where a
/// task has no validation rows, or no number came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    pub step: u64,
    pub epoch: f64,
    pub good: Vec<Option<f64>>,
    /// All measures, by task.
    pub measures: Vec<Vec<(String, Option<f64>)>>,
    /// How sure the classes were told, by task.
    #[serde(default)]
    pub calibrations: Vec<Vec<Calibration>>,
}

/// All evaluations, and the parameters of those that the policy may still ask for.
pub struct Moments {
    policy: Policy,
    history: Vec<Moment>,
    /// By step: the parameters in the run's order.
    kept: BTreeMap<u64, Vec<Arc<Mat>>>,
}

impl Moments {
    pub fn new(policy: Policy) -> Moments {
        Moments {
            policy,
            history: Vec::new(),
            kept: BTreeMap::new(),
        }
    }

    /// Takes over what a checkpoint held.
    pub fn restore(&mut self, history: Vec<Moment>, kept: BTreeMap<u64, Vec<Arc<Mat>>>) {
        self.history = history;
        self.kept = kept;
    }

    pub fn history(&self) -> &[Moment] {
        &self.history
    }

    pub fn at(&self, step: u64) -> Option<&Moment> {
        self.history.iter().find(|moment| moment.step == step)
    }

    pub fn kept(&self) -> &BTreeMap<u64, Vec<Arc<Mat>>> {
        &self.kept
    }

    /// Adds an evaluation; the tasks that were never as good before.
    ///
    /// Kept are the parameters of moments that could be shipped once all is known: under `mean` the
    /// best so far; under `worst_regret`, whose best values are known only at the end, every moment
    /// that no other is at least as good as in all tasks.
    pub fn add(&mut self, moment: Moment, params: &[Param]) -> Vec<usize> {
        let is_best = |task: &usize| match (moment.good[*task], self.best(*task)) {
            (Some(now), Some((best, _))) => now > best,
            (now, _) => now.is_some(),
        };
        let risen = (0..moment.good.len()).filter(is_best).collect();
        let step = moment.step;
        self.history.push(moment);
        if self.policy != Policy::Last {
            let values = params.iter().map(Param::value).collect();
            self.kept.insert(step, values);
            let wanted = self.candidates();
            self.kept.retain(|step, _| wanted.contains(step));
        }
        risen
    }

    /// The best value of a task and the step at which it came first.
    pub fn best(&self, task: usize) -> Option<(f64, u64)> {
        let of_task = |moment: &Moment| Some((moment.good[task]?, moment.step));
        let values = self.history.iter().filter_map(of_task);
        values.reduce(|best, now| if now.0 > best.0 { now } else { best })
    }

    /// Evaluations of a task since its best one.
    pub fn without_rise(&self, task: usize) -> usize {
        let best = self.best(task).map(|(_, step)| step);
        let later = |moment: &&Moment| Some(moment.step) > best && moment.good[task].is_some();
        self.history.iter().filter(later).count()
    }

    /// The step whose belt is shipped; none if it is the last one.
    pub fn shipped(&self) -> Option<u64> {
        match self.policy {
            Policy::Last => None,
            Policy::Mean => self.first_best(mean),
            // Of equal regrets, an earlier moment may be beaten by a later one and so be no candidate.
            Policy::WorstRegret => self.first_best(|moment| {
                let known = self.kept.contains_key(&moment.step);
                known
                    .then(|| self.worst_regret(moment))
                    .flatten()
                    .map(|regret| -regret)
            }),
        }
    }

    /// The largest distance of any task from its own best.
    pub fn worst_regret(&self, moment: &Moment) -> Option<f64> {
        let mut worst = None;
        for (task, good) in moment.good.iter().enumerate() {
            let Some((best, _)) = self.best(task) else {
                continue;
            };
            let regret = best - (*good)?;
            worst = Some(worst.map_or(regret, |worst: f64| worst.max(regret)));
        }
        worst
    }

    fn first_best(&self, score: impl Fn(&Moment) -> Option<f64>) -> Option<u64> {
        let scored = |moment: &Moment| Some((score(moment)?, moment.step));
        let scores = self.history.iter().filter_map(scored);
        let best = scores.reduce(|best, now| if now.0 > best.0 { now } else { best });
        best.map(|(_, step)| step)
    }

    fn candidates(&self) -> Vec<u64> {
        match self.policy {
            Policy::Last => Vec::new(),
            Policy::Mean => self.first_best(mean).into_iter().collect(),
            Policy::WorstRegret => {
                let stands = |moment: &&Moment| {
                    let beats = |other: &Moment| dominates(other, moment);
                    !self.history.iter().any(beats)
                };
                let standing = self.history.iter().filter(stands);
                standing.map(|moment| moment.step).collect()
            }
        }
    }
}

/// Over the tasks that have a value; none if one that has validation rows gave no number.
fn mean(moment: &Moment) -> Option<f64> {
    let mut known = Vec::new();
    for (good, measures) in moment.good.iter().zip(&moment.measures) {
        if !measures.is_empty() {
            known.push((*good)?);
        }
    }
    let count = known.len();
    (count > 0).then(|| known.iter().sum::<f64>() / count as f64)
}

/// Whether one moment is at least as good in every task, and better somewhere or earlier.
fn dominates(one: &Moment, other: &Moment) -> bool {
    let pairs = || one.good.iter().zip(&other.good);
    let as_good = pairs().all(|(one, other)| one >= other);
    as_good && (pairs().any(|(one, other)| one > other) || one.step < other.step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(policy: Policy, values: &[[f64; 2]]) -> (Moments, Vec<Vec<usize>>) {
        let param = Param::trained("w", Mat::scalar(0.0));
        let mut moments = Moments::new(policy);
        let mut risen = Vec::new();
        for (step, good) in values.iter().enumerate() {
            param.update(|value| value.data_mut()[0] = step as f32);
            let moment = Moment {
                step: step as u64,
                epoch: 0.0,
                good: good.iter().map(|x| x.is_finite().then_some(*x)).collect(),
                measures: vec![vec![("m".into(), None)]; 2],
                calibrations: Vec::new(),
            };
            risen.push(moments.add(moment, std::slice::from_ref(&param)));
        }
        (moments, risen)
    }

    const VALUES: [[f64; 2]; 5] = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.5], [0.2, 0.8], [0.1, 0.1]];

    #[test]
    fn the_policy_chooses_the_moment() {
        let (mean, risen) = moments(Policy::Mean, &VALUES);
        assert_eq!(mean.shipped(), Some(1));
        assert_eq!(mean.kept().keys().copied().collect::<Vec<_>>(), [1]);
        assert_eq!(risen, [vec![0, 1], vec![0, 1], vec![1], vec![1], vec![]]);
        // Regrets of the moments: 0.8, 0.6, 0.4, 0.7, 0.8.
        let (regret, _) = moments(Policy::WorstRegret, &VALUES);
        assert_eq!(regret.shipped(), Some(2));
        assert_eq!(regret.kept().keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(moments(Policy::Last, &VALUES).0.shipped(), None);
    }

    #[test]
    fn of_equal_regrets_one_that_is_beaten_is_not_shipped() {
        // Both moments are 0.5 from the best of the second task; the later one is better in the first.
        let values = [[0.1, 0.4], [0.2, 0.4], [-5.0, 0.9]];
        let (moments, _) = moments(Policy::WorstRegret, &values);
        assert_eq!(moments.shipped(), Some(1));
        assert!(moments.kept().contains_key(&1));
    }

    #[test]
    fn what_is_kept_are_the_numbers_of_that_moment() {
        let (moments, _) = moments(Policy::WorstRegret, &VALUES);
        for (step, values) in moments.kept() {
            assert_eq!(values[0].data(), [*step as f32]);
        }
    }

    #[test]
    fn the_first_of_equal_moments_is_best_and_what_is_no_number_never_is() {
        let (moments, _) = moments(Policy::Mean, &[[f64::NAN, 9.0], [0.5, 0.5], [0.5, 0.5]]);
        assert_eq!(moments.shipped(), Some(1));
        assert_eq!(moments.best(0), Some((0.5, 1)));
        assert_eq!(moments.best(1), Some((9.0, 0)));
        assert_eq!((moments.without_rise(0), moments.without_rise(1)), (1, 2));
    }
}

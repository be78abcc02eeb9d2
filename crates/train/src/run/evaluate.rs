//! Evaluations: the validation rows of every task are asked, its best moment is kept, and a task
//! that no longer rises may leave the mix.

use super::moments::Moment;
use super::step::Run;
use super::{Measured, Note, Prepared};
use crate::error::Result;
use crate::evaluate::{calibrations, plain_name};
use crate::report::log;
use crate::task::{Answer, Measures, Set};

impl Run<'_> {
    /// Asks the validation rows of all tasks.
    pub(super) fn evaluate(&mut self) -> Result<()> {
        let workshop = self.workshop;
        let mut good = Vec::new();
        let mut measures = Vec::new();
        let mut sure = Vec::new();
        for (task, prepared) in workshop.tasks.iter().enumerate() {
            let (measured, table) = match &prepared.valid {
                Some(set) => {
                    let (measured, answers) = self.ask(task, "valid", set, self.step)?;
                    let labels = prepared.objective.labels();
                    (measured, calibrations(set, &answers, &labels))
                }
                None => Default::default(),
            };
            sure.push(table);
            good.push(own(prepared, &measured));
            measures.push(named(&measured));
            self.reach("during-eval")?;
        }
        let moment = Moment {
            step: self.step,
            epoch: self.mixture.epoch(),
            good,
            measures,
            calibrations: sure,
        };
        let risen = self.moments.add(moment, &workshop.params);
        if self.evaluation.per_task_snapshots {
            risen.into_iter().try_for_each(|task| self.snapshot(task))?;
        }
        self.freeze();
        self.reach("after-eval")
    }

    /// Asks the rows of one split, measures the answers and writes them down under the step that the
    /// parameters are from.
    pub(super) fn ask(
        &mut self,
        task: usize,
        split: &str,
        set: &Set,
        step: u64,
    ) -> Result<(Measures, Vec<Answer>)> {
        let prepared = &self.workshop.tasks[task];
        self.watch.asking(&prepared.name, split, set.items.len());
        let answers = prepared.objective.answer(&self.stage(task, 0), set)?;
        let measures = prepared.objective.measure(set, &answers);
        let shown = self.moments.at(step).map(|moment| moment.epoch);
        let at = log::Moment {
            step,
            epoch: shown.unwrap_or_else(|| self.mixture.epoch()),
            task: &prepared.name,
            seconds: self.meter.seconds(),
        };
        self.log.measured(at, split, &measures)?;
        self.watch.measured(step, &prepared.name, split, &measures);
        Ok((measures, answers))
    }

    /// Keeps the belt of a task's best moment so far.
    fn snapshot(&self, task: usize) -> Result<()> {
        let name = &self.workshop.tasks[task].name;
        let best = self.folder.path().join("best");
        fs_err::create_dir_all(&best).map_err(|error| crate::Error::io(&best, error))?;
        let note = self.note(self.step, format!("best of {name}"), Vec::new());
        self.publish(&best.join(plain_name(name)), &note)?;
        self.reach("snapshot")
    }

    /// Writes the belt, as it is now, to its place.
    pub(super) fn publish(&self, place: &std::path::Path, note: &Note) -> Result<()> {
        self.disk.publish(place, |aside| {
            (self.workshop.save_belt)(aside, note)?;
            self.reach("half-belt")?;
            self.disk.sync_tree(aside)
        })
    }

    /// What a belt says of the moment it is from.
    pub(super) fn note(&self, step: u64, policy: String, test: Vec<(String, Measured)>) -> Note {
        let moment = self.moments.at(step);
        let known = |values: &Vec<(String, Option<f64>)>| -> Measured {
            let known = values
                .iter()
                .filter_map(|(name, x)| Some((name.clone(), (*x)?)));
            known.collect()
        };
        let names = self.workshop.tasks.iter().map(|task| task.name.clone());
        Note {
            step,
            epoch: moment.map_or_else(|| self.mixture.epoch(), |moment| moment.epoch),
            policy,
            valid: moment.map_or_else(Vec::new, |moment| {
                names
                    .clone()
                    .zip(moment.measures.iter().map(known))
                    .collect()
            }),
            calibrations: moment.map_or_else(Vec::new, |moment| {
                names.zip(moment.calibrations.iter().cloned()).collect()
            }),
            test,
        }
    }

    /// Takes tasks out of the mix that have not risen for long.
    fn freeze(&mut self) {
        let most = self.training.freeze_after;
        for task in 0..self.frozen.len() {
            let peaked = most > 0 && self.moments.without_rise(task) >= most;
            if peaked && self.moments.best(task).is_some() && !self.frozen[task] {
                self.frozen[task] = true;
                let name = &self.workshop.tasks[task].name;
                self.watch.frozen(self.step, name);
            }
        }
    }
}

/// The task's own measure, turned so that more is better.
fn own(prepared: &Prepared, measures: &[(&'static str, f64)]) -> Option<f64> {
    let (_, value) = match &prepared.metric {
        None => measures.first()?,
        Some(metric) => measures.iter().find(|(name, _)| name == metric)?,
    };
    let turned = if prepared.rises { *value } else { -*value };
    turned.is_finite().then_some(turned)
}

fn named(measures: &[(&'static str, f64)]) -> Vec<(String, Option<f64>)> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let pairs = measures.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), finite(*value)))
        .collect()
}

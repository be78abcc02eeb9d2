//! The end of a run: the chosen moment is restored, the test rows are asked once, the belt is
//! published, and the report is written.

use serde_json::{Value, json};

use super::step::Run;
use super::{Finished, Measured, Prepared, state};
use crate::data::Split;
use crate::error::Result;
use crate::evaluate;
use crate::recipe::Policy;
use crate::report::machine;
use crate::report::summary::{Row, Summary};
use crate::task::{Answer, Set};

impl Run<'_> {
    /// Everything after the last step. May be done again: it makes the same belt.
    pub(super) fn finish(mut self) -> Result<Finished> {
        let shipped = self.restore_shipped();
        let test = match self.evaluation.test_at_end {
            true => self.test(shipped)?,
            false => Vec::new(),
        };
        self.reach("before-belt")?;
        let belt = self.folder.path().join(self.workshop.product);
        let note = self.note(shipped, self.policy().to_owned(), test);
        self.publish(&belt, &note)?;
        self.reach("before-report")?;
        self.log.sync()?;
        if let Some(adviser) = &mut self.adviser {
            adviser.sync()?;
        }
        let costs = self.costs();
        let summary = self.summary(shipped, &note.test).text();
        let folder = self.folder.path();
        let report = format!("{:#}\n", self.report(shipped, &note.test, &costs));
        self.disk
            .replace(&folder.join("summary.txt"), summary.as_bytes())?;
        self.disk
            .replace(&folder.join("report.json"), report.as_bytes())?;
        self.folder.write_facts(Some(&costs))?;
        self.watch.ended();
        Ok(Finished::Complete {
            belt,
            shipped,
            steps: self.step,
            summary,
        })
    }

    /// Puts the numbers of the shipped moment into the parameters; its step.
    fn restore_shipped(&mut self) -> u64 {
        let Some(step) = self.moments.shipped() else {
            return self.step;
        };
        if let Some(values) = self.moments.kept().get(&step) {
            state::set_values(&self.workshop.params, values);
        }
        step
    }

    fn test(&mut self, shipped: u64) -> Result<Vec<(String, Measured)>> {
        let workshop = self.workshop;
        let mut all = Vec::new();
        for (task, prepared) in workshop.tasks.iter().enumerate() {
            if let Some(set) = &prepared.test {
                let (measures, answers) = self.ask(task, "test", set, shipped)?;
                self.keep_answers(prepared, set, &answers)?;
                let measures = measures.iter().map(|(name, x)| ((*name).to_owned(), *x));
                all.push((prepared.name.clone(), measures.collect()));
            }
        }
        Ok(all)
    }

    /// Writes down what the shipped belt said of each test row, as `skillbelt eval` does.
    fn keep_answers(&self, task: &Prepared, set: &Set, answers: &[Answer]) -> Result<()> {
        let examples = evaluate::answered(set, answers, &task.objective.labels())?;
        let folder = self.folder.path().join("answers");
        fs_err::create_dir_all(&folder).map_err(|error| crate::Error::io(&folder, error))?;
        let path = folder.join(evaluate::file_name(&task.name, Split::Test));
        let mut lines = Vec::new();
        evaluate::write_to(&mut lines, &examples)
            .map_err(|error| crate::Error::io(&path, error))?;
        self.disk.replace(&path, &lines)
    }

    fn policy(&self) -> &'static str {
        match (self.evaluation.policy, self.moments.shipped()) {
            (Policy::Last, _) => "last",
            (_, None) => "last, for want of validation rows",
            (Policy::Mean, _) => "mean",
            (Policy::WorstRegret, _) => "worst_regret",
        }
    }

    fn costs(&self) -> Value {
        let seconds = self.meter.seconds();
        json!({
            "seconds": seconds,
            "tokens": self.tokens,
            "tokens_per_second": self.tokens as f64 / seconds.max(1e-9),
            "peak_memory_kib": machine::peak_kib(),
            // Of this stretch alone, where a run was stopped and went on.
            "joules": self.meter.joules(),
        })
    }

    fn report(&self, shipped: u64, test: &[(String, Measured)], costs: &Value) -> Value {
        let moment = self.moments.at(shipped);
        let tasks = self.workshop.tasks.iter().enumerate().map(|(task, prepared)| {
            let sign = if prepared.rises { 1.0 } else { -1.0 };
            let value = |good: Option<f64>| good.map(|good| sign * good);
            let best = self.moments.best(task);
            let test = test.iter().find(|(name, _)| *name == prepared.name);
            let facts = json!({
                "metric": self.metric(task),
                "best": best.map(|(good, step)| json!({"value": sign * good, "step": step})),
                "shipped": value(moment.and_then(|moment| moment.good[task])),
                "untrained": value(self.moments.at(0).and_then(|moment| moment.good[task])),
                "test": test.map(|(_, measures)| measures.iter().cloned().collect::<std::collections::BTreeMap<_, _>>()),
                "frozen": self.frozen[task],
            });
            (prepared.name.clone(), facts)
        });
        let tasks: serde_json::Map<_, _> = tasks.collect();
        json!({
            "steps": self.step,
            "shipped_step": shipped,
            "policy": self.policy(),
            "worst_regret": moment.and_then(|moment| self.moments.worst_regret(moment)),
            "tasks": tasks,
            "evaluations": self.evaluations(),
            "costs": costs,
        })
    }

    /// All evaluations; how sure classes were told stands in the belt.
    fn evaluations(&self) -> Vec<Value> {
        let plain = |moment: &super::moments::Moment| {
            json!({
                "step": moment.step,
                "epoch": moment.epoch,
                "good": moment.good,
                "measures": moment.measures,
            })
        };
        self.moments.history().iter().map(plain).collect()
    }

    /// What the task's own measure is called.
    fn metric(&self, task: usize) -> Option<String> {
        let named = self.workshop.tasks[task].metric.clone();
        let first = || {
            let measures = &self.moments.history().first()?.measures[task];
            Some(measures.first()?.0.clone())
        };
        named.or_else(first)
    }

    fn summary(&self, shipped: u64, test: &[(String, Measured)]) -> Summary {
        let moment = self.moments.at(shipped);
        let rows = self
            .workshop
            .tasks
            .iter()
            .enumerate()
            .map(|(task, prepared)| {
                let sign = if prepared.rises { 1.0 } else { -1.0 };
                let metric = self.metric(task);
                let tested = test.iter().find(|(name, _)| *name == prepared.name);
                let tested = tested.and_then(|(_, measures)| {
                    let own = |(name, _): &&(String, f64)| Some(name) == metric.as_ref();
                    measures.iter().find(own).or_else(|| measures.first())
                });
                Row {
                    task: prepared.name.clone(),
                    untrained: self.moments.at(0).and_then(|m| Some(sign * m.good[task]?)),
                    best: self
                        .moments
                        .best(task)
                        .map(|(good, step)| (sign * good, step)),
                    shipped: moment.and_then(|moment| Some(sign * moment.good[task]?)),
                    test: tested.map(|(_, value)| *value),
                    metric: metric.unwrap_or_default(),
                }
            });
        Summary {
            rows: rows.collect(),
            steps: self.step,
            shipped,
            policy: self.policy(),
            seconds: self.meter.seconds(),
            tokens: self.tokens,
        }
    }
}

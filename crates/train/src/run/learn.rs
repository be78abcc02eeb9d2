//! What a step learns: the gradients of its batches, weighed against each other.

use skillbelt_engine::{Grads, Param};

use super::step::Run;
use crate::balance::surgery;
use crate::error::{Error, Result};
use crate::mix::Drawn;
use crate::optimise::clip;
use crate::recipe::Mixing;
use crate::task::Learnt;

/// What a step learnt of one task.
pub(super) struct Taught {
    pub(super) task: usize,
    pub(super) weight: f64,
    pub(super) learnt: Learnt,
    pub(super) batches: u64,
}

impl Run<'_> {
    /// The gradients of the step's weighed losses. Batches of one task are one large batch: their
    /// gradients are averaged by their units.
    pub(super) fn learn(&self, drawn: &[Drawn]) -> Result<(Grads, Vec<Taught>)> {
        let groups: Vec<&[Drawn]> = drawn.chunk_by(|a, b| a.task == b.task).collect();
        let tasks: Vec<usize> = groups.iter().map(|group| group[0].task).collect();
        let weights = self.balance.weights(&tasks);
        let mut taught = Vec::new();
        let mut sum = Grads::new();
        let mut apart = Vec::new();
        for (group, balanced) in groups.iter().zip(weights) {
            let task = group[0].task;
            let (mut grads, learnt) = self.learn_task(task, group)?;
            let weight = balanced * self.task_weight(task);
            let share = group.len() as f64 / drawn.len() as f64;
            let factor = (weight * share) as f32;
            if factor != 1.0 {
                grads.iter_mut().for_each(|grad| grad.scale(factor));
            }
            match self.balance.operates() {
                true => apart.push((task, grads)),
                false => add(&mut sum, grads, &self.workshop.params),
            }
            taught.push(Taught {
                task,
                weight,
                learnt,
                batches: group.len() as u64,
            });
        }
        if self.balance.operates() {
            let (params, seed) = (&self.workshop.params, self.training.seed);
            sum = surgery::operate(apart, params, &self.belt, seed, self.step);
        }
        Ok((sum, taught))
    }

    /// The gradients of a task's mean loss over all its batches of this step.
    fn learn_task(&self, task: usize, group: &[Drawn]) -> Result<(Grads, Learnt)> {
        let prepared = &self.workshop.tasks[task];
        let mut sum = Grads::new();
        let mut all = Learnt::default();
        for drawn in group {
            let stage = self.stage(task, drawn.draw);
            let set = &prepared.train;
            let mut grads = Grads::new();
            let learnt = (prepared.objective).learn(&stage, set, &drawn.items, 1.0, &mut grads)?;
            self.check_loss(task, learnt.loss)?;
            if group.len() > 1 {
                let units = learnt.units as f32;
                grads.iter_mut().for_each(|grad| grad.scale(units));
            }
            add(&mut sum, grads, &self.workshop.params);
            all.loss += learnt.loss * learnt.units as f64;
            all.units += learnt.units;
            all.tokens += learnt.tokens;
        }
        let units = all.units.max(1);
        all.loss /= units as f64;
        if group.len() > 1 {
            let by = 1.0 / units as f32;
            sum.iter_mut().for_each(|grad| grad.scale(by));
        }
        Ok((sum, all))
    }

    /// Lets the balancing look at validation losses, if it is time.
    pub(super) fn look(&mut self) -> Result<()> {
        let (Some(every), Some(probes)) = (self.balance.looks_every(), &self.probes) else {
            return Ok(());
        };
        if !self.step.is_multiple_of(every) {
            return Ok(());
        }
        let mut losses = Vec::new();
        for (task, prepared) in self.workshop.tasks.iter().enumerate() {
            let learnt = (prepared.objective).loss(&self.stage(task, 0), probes.of(task))?;
            self.check_loss(task, learnt.loss)?;
            losses.push(learnt.loss);
        }
        self.balance.look(&losses);
        Ok(())
    }

    /// The recipe's weight in the loss: not where the weight already is the chance to be drawn.
    fn task_weight(&self, task: usize) -> f64 {
        let all = [0, self.workshop.tasks.len()].contains(&self.training.tasks_per_step);
        match self.training.mixing {
            Mixing::Weights if !all => 1.0,
            _ => self.workshop.tasks[task].weight,
        }
    }

    fn check_loss(&self, task: usize, loss: f64) -> Result<()> {
        if loss.is_finite() {
            return Ok(());
        }
        Err(Error::told(format_args!(
            "the loss of task `{}` is {loss} in step {}",
            self.workshop.tasks[task].name,
            self.step + 1
        ))
        .with_hint("a smaller learning_rate, a longer warm-up, or max_grad_norm may help"))
    }

    pub(super) fn norm(&self, grads: &Grads) -> Result<f64> {
        let norm = clip::norm(&self.workshop.params, grads);
        match norm.is_finite() {
            true => Ok(norm),
            false => Err(Error::told(format_args!(
                "the gradient of step {} is not a finite number",
                self.step + 1
            ))
            .with_hint("a smaller learning_rate or a longer warm-up may help")),
        }
    }
}

/// Adds gradients to others.
fn add(sum: &mut Grads, mut grads: Grads, params: &[Param]) {
    for param in params {
        if let Some(grad) = grads.take(param) {
            sum.add(param, grad);
        }
    }
}

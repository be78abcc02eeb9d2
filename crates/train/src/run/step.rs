//! One step, and the run that is made of such steps: draw, learn, balance, clip, step, log,
//! evaluate, save.

use std::path::PathBuf;

use skillbelt_engine::{Keep, Param};

use super::advise::Adviser;
use super::folder::RunFolder;
use super::learn::Taught;
use super::moments::Moments;
use super::probe::Probes;
use super::{Finished, Prepared, Workshop, state};
use crate::balance::{self, Balance};
use crate::disk::Disk;
use crate::error::Result;
use crate::mix::{Mixture, Source};
use crate::optimise::schedule::Rates;
use crate::optimise::{Optimiser, clip};
use crate::recipe::{Evaluation, Training};
use crate::report::log::{Lengths, Log, Moment, Window};
use crate::report::machine::Meter;
use crate::task::Stage;
use crate::watch::{Plan, PlannedTask, Stepped, SteppedTask, Watch};

/// A run in progress.
pub(super) struct Run<'r> {
    pub(super) workshop: &'r Workshop<'r>,
    pub(super) training: &'r Training,
    pub(super) evaluation: &'r Evaluation,
    pub(super) folder: &'r RunFolder,
    pub(super) disk: &'r Disk,
    pub(super) watch: &'r mut dyn Watch,
    pub(super) mixture: Mixture,
    pub(super) balance: Box<dyn Balance>,
    pub(super) optimiser: Optimiser,
    pub(super) moments: Moments,
    pub(super) log: Log,
    pub(super) meter: Meter,
    /// Belt and heads; their learning rates may differ.
    pub(super) belt: Vec<Param>,
    heads: Vec<Param>,
    rates: Rates,
    pub(super) probes: Option<Probes>,
    pub(super) adviser: Option<Adviser>,
    /// Steps done, and all steps.
    pub(super) step: u64,
    pub(super) total: u64,
    pub(super) frozen: Vec<bool>,
    pub(super) windows: Vec<Window>,
    pub(super) tokens: u64,
}

impl<'r> Run<'r> {
    /// Begins a run, or takes over its last good checkpoint.
    pub(super) fn open(
        workshop: &'r Workshop<'r>,
        training: &'r Training,
        evaluation: &'r Evaluation,
        folder: &'r RunFolder,
        disk: &'r Disk,
        watch: &'r mut dyn Watch,
    ) -> Result<Run<'r>> {
        let mixture = Mixture::new(workshop.tasks.iter().map(source).collect(), training);
        let total = all_steps(training, &mixture);
        let balance = balance::new(training, workshop.tasks.len())?;
        let probes = match balance.looks_every() {
            Some(_) => Some(Probes::new(&workshop.tasks, training.seed)?),
            None => None,
        };
        let (belt, heads) = parted(workshop);
        let found = folder.checkpoints().newest(|text| watch.warned(text))?;
        let lengths = match &found {
            Some((_, checkpoint)) => state::lengths(checkpoint)?,
            None => Lengths::default(),
        };
        let adviser = match evaluation.advise_every.filter(|_| workshop.tasks.len() > 1) {
            Some(every) => {
                let begun = (disk, folder.path(), lengths.advice);
                Some(Adviser::open(workshop, training, every, begun)?)
            }
            None => None,
        };
        let mut run = Run {
            log: Log::open(disk, folder.path(), lengths)?,
            optimiser: Optimiser::new(training),
            moments: Moments::new(evaluation.policy),
            meter: Meter::start(0.0),
            rates: Rates::new(training, total),
            frozen: vec![false; workshop.tasks.len()],
            windows: vec![Window::default(); workshop.tasks.len()],
            step: 0,
            tokens: 0,
            workshop,
            training,
            evaluation,
            folder,
            disk,
            watch,
            mixture,
            balance,
            belt,
            heads,
            probes,
            adviser,
            total,
        };
        run.begin(found)?;
        Ok(run)
    }

    fn begin(&mut self, found: Option<(u64, PathBuf)>) -> Result<()> {
        if let Some(warning) = self.balance.warning() {
            self.watch.warned(warning);
        }
        if let Some((_, folder)) = &found {
            self.restore(folder)?;
        }
        self.watch.began(&self.plan());
        if found.is_none() && self.evaluation.eval_before {
            self.evaluate()?;
        }
        Ok(())
    }

    pub(super) fn has_steps(&self) -> bool {
        self.step < self.total && self.frozen.contains(&false)
    }

    /// One step of the run.
    pub(super) fn step(&mut self) -> Result<()> {
        let drawn = self.mixture.step(&self.frozen);
        self.look()?;
        self.advise()?;
        let (mut grads, taught) = self.learn(&drawn)?;
        self.reach("after-learn")?;
        let norm = self.norm(&grads)?;
        clip::clip(&mut grads, norm, self.training.max_grad_norm);
        let factor = self.rates.factor(self.step);
        let (belt_rate, head_rate) = self.learning_rates(factor);
        self.optimiser.step(&self.belt, &grads, belt_rate as f32);
        self.optimiser.step(&self.heads, &grads, head_rate as f32);
        drop(grads);
        let losses: Vec<_> = taught.iter().map(|t| (t.task, t.learnt.loss)).collect();
        self.balance.observe(&losses, belt_rate);
        self.step += 1;
        self.record(&taught, belt_rate, norm)?;
        self.reach("after-step")?;
        let evaluating = self.is_due(self.evaluation.eval_steps);
        if evaluating {
            self.evaluate()?;
        }
        let saving = match self.training.save_steps {
            0 => evaluating,
            every => self.step.is_multiple_of(every),
        };
        if saving || !self.has_steps() {
            self.save()?;
        }
        Ok(())
    }

    /// Saves everything, and says so.
    pub(super) fn stop(mut self) -> Result<Finished> {
        self.save()?;
        self.watch.ended();
        Ok(Finished::Stopped {
            step: self.step,
            steps: self.total,
        })
    }

    /// Where an objective computes; `draw` tells batches apart for dropout.
    pub(super) fn stage(&self, task: usize, draw: u64) -> Stage<'_> {
        Stage {
            network: self.workshop.network,
            tokenizer: self.workshop.tokenizer,
            task,
            seed: self.training.seed,
            step: draw,
            pack_tokens: self.training.pack_tokens.max(1),
            keep: match self.training.half_activations {
                true => Keep::Half,
                false => Keep::Exact,
            },
            recompute: self.training.gradient_checkpointing,
        }
    }

    fn learning_rates(&self, factor: f64) -> (f64, f64) {
        let belt = self.training.learning_rate;
        let heads = self.training.head_learning_rate.unwrap_or(belt);
        (belt * factor, heads * factor)
    }

    /// Tells the watcher, and the log where a line is due.
    fn record(&mut self, taught: &[Taught], learning_rate: f64, grad_norm: f64) -> Result<()> {
        for one in taught {
            let window = &mut self.windows[one.task];
            window.loss += one.learnt.loss * one.batches as f64;
            window.batches += one.batches;
            window.units += one.learnt.units;
            window.tokens += one.learnt.tokens;
            window.weight = one.weight;
        }
        let tokens = taught.iter().map(|one| one.learnt.tokens).sum();
        self.tokens += tokens;
        let tasks = taught.iter().map(|one| SteppedTask {
            task: one.task,
            loss: one.learnt.loss,
            weight: one.weight,
        });
        self.watch.stepped(&Stepped {
            step: self.step,
            epoch: self.mixture.epoch(),
            learning_rate,
            grad_norm,
            tasks: tasks.collect(),
            tokens,
        });
        let due = self.step.is_multiple_of(self.training.logging_steps.max(1));
        if !due && self.has_steps() {
            return Ok(());
        }
        for (task, window) in self.windows.iter_mut().enumerate() {
            if window.batches > 0 {
                let at = Moment {
                    step: self.step,
                    epoch: self.mixture.epoch(),
                    task: &self.workshop.tasks[task].name,
                    seconds: self.meter.seconds(),
                };
                self.log.trained(at, window, learning_rate, grad_norm)?;
                *window = Window::default();
            }
        }
        Ok(())
    }

    /// Whether something that comes every so many steps (0: at the end of each epoch) comes now.
    /// After the last step it always does.
    fn is_due(&self, every: u64) -> bool {
        let step = self.step;
        if !self.has_steps() {
            return true;
        }
        if every > 0 {
            return step.is_multiple_of(every);
        }
        let epochs = |step: u64| (step as f64 / self.mixture.steps_per_epoch() + 1e-9).floor();
        epochs(step) > epochs(step - 1)
    }

    pub(super) fn reach(&self, point: &'static str) -> Result<()> {
        self.disk.faults().reach(point)
    }

    fn plan(&self) -> Plan {
        let task = |task: &Prepared| PlannedTask {
            name: task.name.clone(),
            rows: task.train.items.len(),
            batch_size: task.batch_size,
        };
        let params = &self.workshop.params;
        Plan {
            tasks: self.workshop.tasks.iter().map(task).collect(),
            steps: self.total,
            steps_per_epoch: self.mixture.steps_per_epoch(),
            first_step: self.step,
            trained: params.iter().map(|param| param.value().len()).sum(),
        }
    }
}

fn source(task: &Prepared) -> Source {
    Source {
        name: task.name.clone(),
        items: task.train.items.len(),
        batch_size: task.batch_size.max(1),
        weight: task.weight,
    }
}

fn all_steps(training: &Training, mixture: &Mixture) -> u64 {
    let epochs = (training.num_epochs * mixture.steps_per_epoch()).ceil() as u64;
    training.max_steps.unwrap_or(epochs.max(1))
}

/// The belt's parameters and the heads', which are those that objectives name as their own.
fn parted(workshop: &Workshop<'_>) -> (Vec<Param>, Vec<Param>) {
    let own = workshop
        .tasks
        .iter()
        .flat_map(|task| task.objective.params());
    let own: Vec<_> = own.map(|param| param.id()).collect();
    let all = workshop.params.iter().cloned();
    all.partition(|param| !own.contains(&param.id()))
}

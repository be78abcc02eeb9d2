//! The study's learnt weights: a softmax over tasks that descends the very loss it weighs.
//!
//! The descent is served best by giving all weight to the task with the smallest loss, and that is
//! where it goes. Kept under its own name so that the collapse can be reproduced; never a default.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Balance, Given, read, softmax, written};
use crate::error::Result;
use crate::recipe::Training;

/// `speed`: the weights' learning rate over the run's own. The study had one rate and many thousands
/// of steps; a larger one shows the same end sooner.
pub(super) const OPTIONS: [(&str, f64); 1] = [("speed", 1.0)];

pub(super) struct Softmax {
    state: State,
    /// Steps of the weights over steps of the belt.
    speed: f64,
    betas: [f64; 2],
    epsilon: f64,
    weight_decay: f64,
}

/// The numbers under the softmax and their moments, by task, as AdamW has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    steps: i32,
    numbers: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Softmax {
    pub(super) fn new(tasks: usize, training: &Training, given: &Given<'_>) -> Softmax {
        Softmax {
            speed: given.number("speed"),
            state: State {
                steps: 0,
                numbers: vec![0.0; tasks],
                first: vec![0.0; tasks],
                second: vec![0.0; tasks],
            },
            betas: [training.adam_beta1, training.adam_beta2],
            epsilon: training.adam_epsilon,
            weight_decay: training.weight_decay,
        }
    }

    /// One step of AdamW down the slopes.
    fn descend(&mut self, slopes: &[f64], learning_rate: f64) {
        let state = &mut self.state;
        state.steps += 1;
        let correction = self.betas.map(|beta| 1.0 - beta.powi(state.steps));
        for (task, slope) in slopes.iter().enumerate() {
            let (first, second) = (&mut state.first[task], &mut state.second[task]);
            *first = self.betas[0] * *first + (1.0 - self.betas[0]) * slope;
            *second = self.betas[1] * *second + (1.0 - self.betas[1]) * slope * slope;
            let number = &mut state.numbers[task];
            *number *= 1.0 - learning_rate * self.weight_decay;
            let spread = (*second / correction[1]).sqrt() + self.epsilon;
            *number -= learning_rate * (*first / correction[0]) / spread;
        }
    }
}

impl Balance for Softmax {
    /// Shares times the number of tasks, so that equal shares are the weight one.
    fn weights(&self, tasks: &[usize]) -> Vec<f64> {
        let shares = softmax(&self.state.numbers);
        let count = shares.len() as f64;
        tasks.iter().map(|task| count * shares[*task]).collect()
    }

    fn observe(&mut self, losses: &[(usize, f64)], learning_rate: f64) {
        let shares = softmax(&self.state.numbers);
        let total: f64 = losses.iter().map(|(task, loss)| shares[*task] * loss).sum();
        let slopes: Vec<f64> = (0..shares.len())
            .map(|task| {
                let own = losses.iter().find(|(known, _)| *known == task);
                shares[task] * (own.map_or(0.0, |(_, loss)| *loss) - total)
            })
            .collect();
        self.descend(&slopes, self.speed * learning_rate);
    }

    fn warning(&self) -> Option<&'static str> {
        Some(
            "balancing study_softmax learns the weights by descending the loss that they weigh: \
             they collapse onto one task. It is kept to reproduce that; do not train with it",
        )
    }

    fn state(&self) -> Value {
        written(&self.state)
    }

    fn restore(&mut self, state: Value) -> Result<()> {
        self.state = read(state)?;
        Ok(())
    }
}

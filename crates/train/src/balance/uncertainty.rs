//! Uncertainty weights: each task has a log-variance `s`; its loss counts `exp(-s) L + s`.
//!
//! The term `+ s` is what keeps the weights from running to zero: `s` settles where `exp(-s) L = 1`,
//! so tasks with large losses count less and none counts nothing. `s` moves by a learning rate of
//! its own and stays within bounds.

use serde_json::Value;

use super::{Balance, Given, read, written};
use crate::error::Result;

pub(super) const OPTIONS: [(&str, f64); 2] = [("learning_rate", 0.01), ("bound", 3.0)];

pub(super) struct Uncertainty {
    /// By task.
    log_variances: Vec<f64>,
    learning_rate: f64,
    bound: f64,
}

impl Uncertainty {
    pub(super) fn new(tasks: usize, given: &Given<'_>) -> Uncertainty {
        Uncertainty {
            log_variances: vec![0.0; tasks],
            learning_rate: given.number("learning_rate"),
            bound: given.number("bound").abs(),
        }
    }
}

impl Balance for Uncertainty {
    fn weights(&self, tasks: &[usize]) -> Vec<f64> {
        let weight = |task: &usize| (-self.log_variances[*task]).exp();
        tasks.iter().map(weight).collect()
    }

    fn observe(&mut self, losses: &[(usize, f64)], _learning_rate: f64) {
        for (task, loss) in losses {
            let s = &mut self.log_variances[*task];
            let slope = 1.0 - (-*s).exp() * loss;
            *s = (*s - self.learning_rate * slope).clamp(-self.bound, self.bound);
        }
    }

    fn state(&self) -> Value {
        written(&self.log_variances)
    }

    fn restore(&mut self, state: Value) -> Result<()> {
        self.log_variances = read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Balancing, Training};

    #[test]
    fn a_log_variance_settles_at_the_logarithm_of_the_loss_and_within_the_bound() {
        let training = Training {
            balancing: Balancing::Uncertainty,
            ..Training::default()
        };
        let given = Given::check(&training).unwrap();
        let mut balance = Uncertainty::new(3, &given);
        for _ in 0..5000 {
            balance.observe(&[(0, 0.5), (1, 3.0), (2, 1e6)], 0.0);
        }
        for (task, expected) in [(0, 0.5f64.ln()), (1, 3f64.ln()), (2, 3.0)] {
            assert!((balance.log_variances[task] - expected).abs() < 1e-6);
        }
    }
}

//! Loss-slope balancing, after CoBa (arXiv 2410.06741): tasks whose validation losses fall slowly
//! get more weight, tasks whose losses rise get less.
//!
//! At every look, each task's validation loss, as a share of its first, gets a slope by least
//! squares over the last few looks. The *relative* scores compare slopes between tasks (slower falls
//! weigh more); the *absolute* ones compare each task with its own past (tasks that begin to rise
//! weigh less). The divergence factor goes from the first to the second when some task begins to
//! rise. Scores are softmaxes, so that no weight can vanish at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Balance, Given, read, softmax, written};
use crate::error::Result;

pub(super) const OPTIONS: [(&str, f64); 4] = [
    ("window", 10.0),
    ("warmup", 5.0),
    ("temperature", 5.0),
    ("every", 10.0),
];

pub(super) struct Coba {
    /// Looks that a slope is taken over.
    window: usize,
    /// Looks with equal weights at the start.
    warmup: usize,
    temperature: f64,
    /// Steps between looks.
    every: u64,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    looks: usize,
    /// Losses of the first look, by task.
    first: Vec<f64>,
    /// Shares of the first losses: the last looks, each by task.
    shares: Vec<Vec<f64>>,
    /// The last slopes, each by task.
    slopes: Vec<Vec<f64>>,
    /// Sum of the sizes of the steepest slopes of all looks.
    steepest: f64,
    /// Logarithm of the sum of exponentials that the divergence factor is a share of.
    log_sum: Option<f64>,
    weights: Vec<f64>,
}

impl Coba {
    pub(super) fn new(tasks: usize, given: &Given<'_>) -> Coba {
        Coba {
            window: (given.number("window") as usize).max(2),
            warmup: (given.number("warmup") as usize).max(2),
            temperature: given.number("temperature"),
            every: (given.number("every") as u64).max(1),
            state: State {
                looks: 0,
                first: Vec::new(),
                shares: Vec::new(),
                slopes: Vec::new(),
                steepest: 0.0,
                log_sum: None,
                weights: vec![1.0; tasks],
            },
        }
    }

    /// Between tasks: the slower a loss falls, the more.
    fn relative(slopes: &[f64]) -> Vec<f64> {
        let size: f64 = slopes.iter().map(|slope| slope.abs()).sum();
        let count = slopes.len() as f64;
        let score = |slope: &f64| count * slope / size.max(f64::MIN_POSITIVE);
        softmax(&slopes.iter().map(score).collect::<Vec<_>>())
    }

    /// Against the own past: the steeper a loss falls now, the more; rising, the less.
    fn absolute(past: &[Vec<f64>]) -> Vec<f64> {
        let Some(now) = past.last() else {
            return Vec::new();
        };
        let count = past.len() as f64;
        let score = |task: usize| {
            let size: f64 = past.iter().map(|slopes| slopes[task].abs()).sum();
            -count * now[task] / size.max(f64::MIN_POSITIVE)
        };
        softmax(&(0..now.len()).map(score).collect::<Vec<_>>())
    }

    /// One while every loss falls; towards zero when the worst one rises. The share that the newest
    /// look has in a softmax over all looks, times their number.
    fn divergence(&mut self, slopes: &[f64]) -> f64 {
        let worst = slopes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let state = &mut self.state;
        state.steepest += worst.abs();
        let looks = (state.looks - self.warmup + 1) as f64;
        let size = state.steepest.max(f64::MIN_POSITIVE);
        let score = -self.temperature * looks * worst / size;
        let log_sum = match state.log_sum {
            None => score,
            Some(sum) => sum.max(score) + (-(sum - score).abs()).exp().ln_1p(),
        };
        state.log_sum = Some(log_sum);
        (looks * (score - log_sum).exp()).min(1.0)
    }
}

impl Balance for Coba {
    fn weights(&self, tasks: &[usize]) -> Vec<f64> {
        tasks.iter().map(|task| self.state.weights[*task]).collect()
    }

    fn looks_every(&self) -> Option<u64> {
        Some(self.every)
    }

    fn look(&mut self, losses: &[f64]) {
        let state = &mut self.state;
        if state.first.is_empty() {
            state.first = losses.to_vec();
        }
        let share = |(loss, first): (&f64, &f64)| loss / first.max(f64::MIN_POSITIVE);
        let shares = losses.iter().zip(&state.first).map(share).collect();
        push(&mut state.shares, shares, self.window);
        state.looks += 1;
        if state.looks < self.warmup {
            return;
        }
        let slopes: Vec<f64> = (0..losses.len())
            .map(|task| slope(state.shares.iter().map(|shares| shares[task])))
            .collect();
        push(&mut state.slopes, slopes.clone(), self.window);
        let (relative, absolute) = (Coba::relative(&slopes), Coba::absolute(&state.slopes));
        let factor = self.divergence(&slopes);
        let count = losses.len() as f64;
        let mixed = relative.iter().zip(&absolute);
        self.state.weights = mixed
            .map(|(relative, absolute)| count * (factor * relative + (1.0 - factor) * absolute))
            .collect();
    }

    fn state(&self) -> Value {
        written(&self.state)
    }

    fn restore(&mut self, state: Value) -> Result<()> {
        self.state = read(state)?;
        Ok(())
    }
}

fn push(list: &mut Vec<Vec<f64>>, item: Vec<f64>, most: usize) {
    list.push(item);
    if list.len() > most {
        list.remove(0);
    }
}

/// By least squares, per place.
fn slope(numbers: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = numbers.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = numbers.clone().sum::<f64>() / count;
    let (mut with, mut alone) = (0.0, 0.0);
    for (place, number) in numbers.enumerate() {
        let off = place as f64 - middle;
        with += off * (number - mean);
        alone += off * off;
    }
    if alone > 0.0 { with / alone } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Balancing, Training};

    fn weights_after(losses: impl Fn(f64) -> [f64; 2], looks: usize) -> Vec<f64> {
        let training = Training {
            balancing: Balancing::Coba,
            ..Training::default()
        };
        let given = Given::check(&training).unwrap();
        let mut balance = Coba::new(2, &given);
        for look in 0..looks {
            balance.look(&losses(look as f64));
        }
        balance.weights(&[0, 1])
    }

    #[test]
    fn the_slope_of_a_line_is_found() {
        let line = [1.0, 3.0, 5.0, 7.0];
        assert!((slope(line.iter().copied()) - 2.0).abs() < 1e-12);
        assert_eq!(slope([4.0].iter().copied()), 0.0);
    }

    #[test]
    fn weights_are_equal_in_the_warm_up_and_then_favour_the_slower_task() {
        let falling = |look: f64| [1.0 - 0.02 * look, 1.0 - 0.005 * look];
        assert_eq!(weights_after(falling, 4), [1.0, 1.0]);
        let weights = weights_after(falling, 20);
        assert!(weights[1] > weights[0], "{weights:?}");
        assert!((weights.iter().sum::<f64>() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_task_whose_loss_rises_loses_weight() {
        let rising = |look: f64| [1.0 - 0.01 * look, 1.0 - 0.02 * look + 0.002 * look * look];
        let weights = weights_after(rising, 30);
        assert!(weights[1] < weights[0], "{weights:?}");
        assert!(weights[1] > 0.0);
    }
}

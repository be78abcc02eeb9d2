//! How the learning rate moves over a run: warm-up from zero, then constant, linear, cosine, or
//! constant with a fall at the end, as the schedulers of the same names in the field's libraries.

use crate::recipe::{Schedule, Training};

/// The shape of the learning rate over all steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    schedule: Schedule,
    warmup: u64,
    /// The last steps, in which a rate that stayed falls.
    decay: u64,
    total: u64,
}

impl Rates {
    pub fn new(training: &Training, total: u64) -> Rates {
        let share = (training.warmup_ratio * total as f64).ceil() as u64;
        Rates {
            schedule: training.lr_scheduler_type,
            warmup: training.warmup_steps.unwrap_or(share),
            decay: training.decay_steps.unwrap_or(total / 5),
            total,
        }
    }

    /// What rates are multiplied by in the step that comes after `done` steps.
    pub fn factor(&self, done: u64) -> f64 {
        if done < self.warmup {
            return done as f64 / self.warmup.max(1) as f64;
        }
        let left = self.total.saturating_sub(done) as f64;
        let all = self.total.saturating_sub(self.warmup).max(1) as f64;
        match self.schedule {
            Schedule::Constant => 1.0,
            // At the first step of the fall it is still whole, after the last one it would be nothing.
            Schedule::WarmupStableDecay => (left / self.decay.max(1) as f64).min(1.0),
            Schedule::Linear => left / all,
            Schedule::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * (1.0 - left / all)).cos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, warmup_steps: u64) -> Rates {
        let training = Training {
            lr_scheduler_type: schedule,
            warmup_steps: Some(warmup_steps),
            ..Training::default()
        };
        Rates::new(&training, 12)
    }

    #[test]
    fn rates_rise_from_zero_and_fall_to_zero() {
        let linear = rates(Schedule::Linear, 2);
        assert_eq!(
            [0, 1, 2, 7, 12].map(|s| linear.factor(s)),
            [0.0, 0.5, 1.0, 0.5, 0.0]
        );
        let cosine = rates(Schedule::Cosine, 2);
        for (step, expected) in [(2, 1.0), (7, 0.5), (12, 0.0), (4, 0.904_508_497_187_473_7)] {
            assert!((cosine.factor(step) - expected).abs() < 1e-12);
        }
        let training = Training {
            decay_steps: Some(4),
            lr_scheduler_type: Schedule::WarmupStableDecay,
            warmup_steps: Some(2),
            ..Training::default()
        };
        let stable = Rates::new(&training, 12);
        assert_eq!(
            [0, 1, 2, 7, 8, 10, 12].map(|s| stable.factor(s)),
            [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
        );
        let constant = rates(Schedule::Constant, 0);
        assert_eq!([0, 5, 12].map(|s| constant.factor(s)), [1.0; 3]);
    }

    #[test]
    fn the_warm_up_is_a_share_of_all_steps_when_no_number_is_given() {
        let training = Training {
            warmup_ratio: 0.25,
            ..Training::default()
        };
        assert_eq!(Rates::new(&training, 10).warmup, 3);
    }
}

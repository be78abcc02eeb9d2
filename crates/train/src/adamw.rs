//! AdamW: Adam with weight decay that does not pass through the moments.
//!
//! Schedules, clipping and which parameters are trained are the loop's affair.

use std::collections::BTreeMap;

use rayon::prelude::*;
use skillbelt_engine::kernel::elementwise::PIECE;
use skillbelt_engine::{Grads, Mat, Param, ParamId};

/// What stays the same over a run; the learning rate is given at each step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWSettings {
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
}

impl Default for AdamWSettings {
    fn default() -> AdamWSettings {
        AdamWSettings {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        }
    }
}

/// The optimiser's state: two moments per trained number, and how many steps were taken.
pub struct AdamW {
    settings: AdamWSettings,
    steps: i32,
    moments: BTreeMap<ParamId, Moments>,
}

struct Moments {
    first: Mat,
    second: Mat,
}

/// The factors of one step, the same for every number.
#[derive(Clone, Copy)]
struct Factors {
    settings: AdamWSettings,
    decay: f32,
    size: f32,
    root_of_correction: f32,
}

impl AdamW {
    pub fn new(settings: AdamWSettings) -> AdamW {
        AdamW {
            settings,
            steps: 0,
            moments: BTreeMap::new(),
        }
    }

    /// Moves each parameter that has a gradient. Those without one stay as they are, undecayed.
    pub fn step(&mut self, params: &[Param], grads: &Grads, learning_rate: f32) {
        self.steps += 1;
        let settings = self.settings;
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(self.steps);
        let factors = Factors {
            settings,
            decay: 1.0 - learning_rate * settings.weight_decay,
            size: (f64::from(learning_rate) / correction(settings.beta1)) as f32,
            root_of_correction: correction(settings.beta2).sqrt() as f32,
        };
        for param in params {
            let Some(grad) = grads.get(param) else {
                continue;
            };
            let moments = self.moments.entry(param.id()).or_insert_with(|| Moments {
                first: Mat::zeros(grad.rows(), grad.cols()),
                second: Mat::zeros(grad.rows(), grad.cols()),
            });
            param.update(|value| factors.apply(value, grad, moments));
        }
    }
}

impl Factors {
    fn apply(self, value: &mut Mat, grad: &Mat, moments: &mut Moments) {
        let AdamWSettings {
            beta1,
            beta2,
            epsilon,
            ..
        } = self.settings;
        let first = moments.first.data_mut().par_chunks_mut(PIECE);
        let second = moments.second.data_mut().par_chunks_mut(PIECE);
        let values = value.data_mut().par_chunks_mut(PIECE);
        let grads = grad.data().par_chunks(PIECE);
        values
            .zip(grads)
            .zip(first.zip(second))
            .for_each(|((value, grad), (first, second))| {
                for i in 0..value.len() {
                    let g = grad[i];
                    first[i] += (1.0 - beta1) * (g - first[i]);
                    second[i] = beta2 * second[i] + (1.0 - beta2) * g * g;
                    let spread = second[i].sqrt() / self.root_of_correction + epsilon;
                    value[i] = value[i] * self.decay - self.size * first[i] / spread;
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_steps_agree_with_the_plain_formula_in_f64() {
        let settings = AdamWSettings::default();
        let param = Param::trained("w", Mat::row_vector(vec![1.0, -2.0, 0.5]));
        let mut optimiser = AdamW::new(settings);
        let gradient = |step: i32, i: usize| (i as f64 - 1.0) * 0.3 + f64::from(step) * 0.1;
        let (mut m, mut v, mut w) = ([0.0f64; 3], [0.0f64; 3], [1.0f64, -2.0, 0.5]);
        for step in 1..=3 {
            let mut grads = Grads::new();
            let numbers = (0..3).map(|i| gradient(step, i) as f32).collect();
            grads.add(&param, Mat::row_vector(numbers));
            optimiser.step(std::slice::from_ref(&param), &grads, 0.01);
            for i in 0..3 {
                let g = gradient(step, i);
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let (bm, bv) = (1.0 - 0.9f64.powi(step), 1.0 - 0.999f64.powi(step));
                w[i] -= 0.01 * 0.01 * w[i];
                w[i] -= 0.01 * (m[i] / bm) / ((v[i] / bv).sqrt() + 1e-8);
            }
        }
        for (found, expected) in param.value().data().iter().zip(w) {
            assert!(
                (f64::from(*found) - expected).abs() < 1e-6,
                "{found} {expected}"
            );
        }
    }

    #[test]
    fn a_parameter_without_gradient_is_left_alone() {
        let param = Param::trained("w", Mat::row_vector(vec![1.0]));
        AdamW::new(AdamWSettings::default()).step(std::slice::from_ref(&param), &Grads::new(), 0.1);
        assert_eq!(param.value().data(), [1.0]);
    }
}

//! AdamW: Adam with weight decay that does not pass through the moments.
//!
//! Schedules, clipping and which parameters are trained are the loop's affair.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

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

/// The optimiser's state: two moments per trained number.
pub struct AdamW {
    settings: AdamWSettings,
    moments: BTreeMap<ParamId, Moments>,
}

/// Of one parameter. Its steps are its own: a head that no loss reached in some steps was not moved
/// by them, and its first gradient counts as its first.
struct Moments {
    steps: i32,
    first: Mat,
    second: Mat,
}

/// The factors of one step, the same for every number of a parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Factors {
    pub(super) settings: AdamWSettings,
    pub(super) decay: f32,
    pub(super) size: f32,
    pub(super) root_of_correction: f32,
}

impl Factors {
    /// Of a parameter's step number `steps`, counted from one.
    pub(super) fn new(settings: AdamWSettings, steps: i32, learning_rate: f32) -> Factors {
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(steps);
        Factors {
            settings,
            decay: 1.0 - learning_rate * settings.weight_decay,
            size: (f64::from(learning_rate) / correction(settings.beta1)) as f32,
            root_of_correction: correction(settings.beta2).sqrt() as f32,
        }
    }

    /// One number's step: its value and both moments, from its gradient.
    #[inline(always)]
    pub(super) fn number(self, value: &mut f32, grad: f32, first: &mut f32, second: &mut f32) {
        let AdamWSettings {
            beta1,
            beta2,
            epsilon,
            ..
        } = self.settings;
        *first += (1.0 - beta1) * (grad - *first);
        *second = beta2 * *second + (1.0 - beta2) * grad * grad;
        let spread = second.sqrt() / self.root_of_correction + epsilon;
        *value = *value * self.decay - self.size * *first / spread;
    }
}

impl AdamW {
    pub fn new(settings: AdamWSettings) -> AdamW {
        AdamW {
            settings,
            moments: BTreeMap::new(),
        }
    }

    /// Moves each parameter that has a gradient. Those without one stay as they are, undecayed.
    pub fn step(&mut self, params: &[Param], grads: &Grads, learning_rate: f32) {
        for param in params {
            if let Some(grad) = grads.get(param) {
                self.move_one(param, grad, learning_rate);
            }
        }
    }

    pub(super) fn move_one(&mut self, param: &Param, grad: &Mat, learning_rate: f32) {
        let moments = self.moments.entry(param.id()).or_insert_with(|| Moments {
            steps: 0,
            first: Mat::zeros(grad.rows(), grad.cols()),
            second: Mat::zeros(grad.rows(), grad.cols()),
        });
        moments.steps += 1;
        let factors = Factors::new(self.settings, moments.steps, learning_rate);
        param.update(|value| moments.apply(factors, value, grad));
    }

    /// Writes the state of a parameter.
    pub(super) fn write(&self, param: &Param, out: &mut dyn Write) -> io::Result<()> {
        let Some(moments) = self.moments.get(&param.id()) else {
            return out.write_all(&0i32.to_le_bytes());
        };
        out.write_all(&moments.steps.to_le_bytes())?;
        super::write_numbers(moments.first.data(), out)?;
        super::write_numbers(moments.second.data(), out)
    }

    /// Reads what `write` wrote of the same parameter.
    pub(super) fn read(&mut self, param: &Param, input: &mut dyn Read) -> io::Result<()> {
        let steps = super::read_steps(input)?;
        if steps == 0 {
            self.moments.remove(&param.id());
            return Ok(());
        }
        let (rows, cols) = param.value().shape();
        let mut moments = Moments {
            steps,
            first: Mat::zeros(rows, cols),
            second: Mat::zeros(rows, cols),
        };
        super::read_numbers(moments.first.data_mut(), input)?;
        super::read_numbers(moments.second.data_mut(), input)?;
        self.moments.insert(param.id(), moments);
        Ok(())
    }
}

impl Moments {
    fn apply(&mut self, factors: Factors, value: &mut Mat, grad: &Mat) {
        let first = self.first.data_mut().par_chunks_mut(PIECE);
        let second = self.second.data_mut().par_chunks_mut(PIECE);
        let values = value.data_mut().par_chunks_mut(PIECE);
        let grads = grad.data().par_chunks(PIECE);
        values
            .zip(grads)
            .zip(first.zip(second))
            .for_each(|((value, grad), (first, second))| {
                for i in 0..value.len() {
                    factors.number(&mut value[i], grad[i], &mut first[i], &mut second[i]);
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

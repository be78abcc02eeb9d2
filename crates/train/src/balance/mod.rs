//! Balancing: how the losses of tasks are weighed against each other, step by step. It sees losses,
//! never data.
//!
//! Weights are fixed before a step, from what earlier steps showed; no kind but the one that is kept
//! to show the harm (`study_softmax`) lets a weight descend the loss that it weighs.

pub mod coba;
pub mod study;
pub mod surgery;
pub mod uncertainty;

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::recipe::{Balancing, Training};

/// A way to weigh.
pub trait Balance: Send {
    /// What the loss of each task of a step is multiplied by.
    fn weights(&self, tasks: &[usize]) -> Vec<f64>;

    /// What a step showed: its tasks and their losses, unweighed; and the learning rate's factor of
    /// that step.
    fn observe(&mut self, _losses: &[(usize, f64)], _learning_rate: f64) {}

    /// Steps between looks at validation losses, if it wants them.
    fn looks_every(&self) -> Option<u64> {
        None
    }

    /// What a look at the validation losses of all tasks showed.
    fn look(&mut self, _losses: &[f64]) {}

    /// Whether conflicting gradients are to be projected off each other.
    fn operates(&self) -> bool {
        false
    }

    /// What a person must know before trusting the result.
    fn warning(&self) -> Option<&'static str> {
        None
    }

    /// All that it has learnt.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Takes over what `state` gave.
    fn restore(&mut self, _state: Value) -> Result<()> {
        Ok(())
    }
}

/// The settings of a kind, with their defaults.
pub fn options(kind: Balancing) -> &'static [(&'static str, f64)] {
    match kind {
        Balancing::Fixed | Balancing::Pcgrad => &[],
        Balancing::StudySoftmax => &study::OPTIONS,
        Balancing::Uncertainty => &uncertainty::OPTIONS,
        Balancing::Coba => &coba::OPTIONS,
    }
}

/// The balancing that the recipe names, for so many tasks.
pub fn new(training: &Training, tasks: usize) -> Result<Box<dyn Balance>> {
    let given = Given::check(training)?;
    Ok(match training.balancing {
        Balancing::Fixed => Box::new(Fixed),
        Balancing::Uncertainty => Box::new(uncertainty::Uncertainty::new(tasks, &given)),
        Balancing::Coba => Box::new(coba::Coba::new(tasks, &given)),
        Balancing::Pcgrad => Box::new(Surgery),
        Balancing::StudySoftmax => Box::new(study::Softmax::new(tasks, training, &given)),
    })
}

/// The settings that a recipe gives, and the defaults of the others.
struct Given<'t> {
    known: &'static [(&'static str, f64)],
    given: &'t IndexMap<String, f64>,
}

impl Given<'_> {
    /// Refuses settings that the kind does not have.
    fn check(training: &Training) -> Result<Given<'_>> {
        let known = options(training.balancing);
        let given = &training.balancing_options;
        let stranger = given
            .keys()
            .find(|key| !known.iter().any(|(name, _)| name == key));
        let Some(key) = stranger else {
            return Ok(Given { known, given });
        };
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Err(Error::Setting {
            origin: "training.balancing_options".into(),
            key: key.clone(),
            message: "this balancing has no such setting".into(),
            hint: Some(match names.is_empty() {
                true => "it has none".into(),
                false => format!("it has {}", names.join(", ")),
            }),
        })
    }

    fn number(&self, name: &str) -> f64 {
        let default = || self.known.iter().find(|(known, _)| *known == name);
        let given = self.given.get(name).copied();
        given.or_else(|| Some(default()?.1)).unwrap_or_default()
    }
}

/// The recipe's weights and nothing else.
struct Fixed;

impl Balance for Fixed {
    fn weights(&self, tasks: &[usize]) -> Vec<f64> {
        vec![1.0; tasks.len()]
    }
}

/// The recipe's weights; gradients that pull against each other are operated on.
struct Surgery;

impl Balance for Surgery {
    fn weights(&self, tasks: &[usize]) -> Vec<f64> {
        vec![1.0; tasks.len()]
    }

    fn operates(&self) -> bool {
        true
    }
}

fn written(state: &impl Serialize) -> Value {
    serde_json::to_value(state).unwrap_or(Value::Null)
}

fn read<S: DeserializeOwned>(state: Value) -> Result<S> {
    serde_json::from_value(state)
        .map_err(|error| Error::told(format_args!("the checkpoint's balancing: {error}")))
}

/// Numbers of sum one that grow with the exponentials of the given ones.
fn softmax(numbers: &[f64]) -> Vec<f64> {
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = numbers.iter().map(|number| (number - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tasks whose losses fall towards unequal floors, learnt with equal shares: the weights
    /// after so many steps, as shares of their sum.
    fn shares(kind: Balancing) -> Vec<f64> {
        let training = Training {
            balancing: kind,
            learning_rate: 1e-2,
            ..Training::default()
        };
        let mut balance = new(&training, 2).unwrap();
        for step in 0..3000u32 {
            let fall = (-f64::from(step) / 400.0).exp();
            let losses = [0.3 + 0.4 * fall, 2.0 + 1.0 * fall];
            if balance
                .looks_every()
                .is_some_and(|every| u64::from(step) % every == 0)
            {
                balance.look(&losses);
            }
            balance.observe(&[(0, losses[0]), (1, losses[1])], training.learning_rate);
        }
        let weights = balance.weights(&[0, 1]);
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    #[test]
    fn weights_that_descend_their_own_loss_collapse_and_others_do_not() {
        let study = shares(Balancing::StudySoftmax);
        assert!(study[1] < 0.005, "{study:?}");
        for kind in [
            Balancing::Fixed,
            Balancing::Pcgrad,
            Balancing::Uncertainty,
            Balancing::Coba,
        ] {
            let found = shares(kind);
            assert!(found.iter().all(|share| *share > 0.1), "{kind:?} {found:?}");
        }
    }

    #[test]
    fn a_balancing_goes_on_from_its_state_as_if_it_had_never_stopped() {
        for kind in [
            Balancing::Uncertainty,
            Balancing::Coba,
            Balancing::StudySoftmax,
        ] {
            let training = Training {
                balancing: kind,
                ..Training::default()
            };
            let mut whole = new(&training, 3).unwrap();
            let losses = |step: usize| [1.0 / (step + 1) as f64, 2.0, 0.1 * step as f64 + 0.3];
            let feed = |balance: &mut dyn Balance, steps: std::ops::Range<usize>| {
                for step in steps {
                    let now = losses(step);
                    balance.look(&now);
                    balance.observe(&[(0, now[0]), (2, now[2])], 1e-3);
                }
            };
            feed(&mut *whole, 0..20);
            let text = whole.state().to_string();
            let mut second = new(&training, 3).unwrap();
            second
                .restore(serde_json::from_str(&text).unwrap())
                .unwrap();
            feed(&mut *whole, 20..40);
            feed(&mut *second, 20..40);
            assert_eq!(whole.weights(&[0, 1, 2]), second.weights(&[0, 1, 2]));
            assert!(second.restore(Value::from("nothing")).is_err());
        }
    }

    #[test]
    fn settings_that_a_balancing_does_not_have_are_refused() {
        let mut training = Training {
            balancing: Balancing::Uncertainty,
            ..Training::default()
        };
        training.balancing_options.insert("window".into(), 3.0);
        let refused = new(&training, 2).err().unwrap();
        assert!(refused.to_string().contains("`window`"));
        assert!(refused.hint().unwrap().contains("learning_rate"));
    }
}

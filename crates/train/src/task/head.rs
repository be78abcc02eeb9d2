//! A task's head: the trained linear map from vectors of texts to classes.

use skillbelt_engine::ops::{Linear, Map};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Mat, Param};

/// A map from vectors `[B x K]` to columns `[B x N]`.
pub struct Head {
    pub linear: Linear,
    params: Vec<Param>,
}

impl Head {
    /// `heads.<task>.weight [N x K]`, uniform within one over the root of the width, and
    /// `heads.<task>.bias [1 x N]`, zero. The same for the same seed and task.
    pub fn new(task: &str, outputs: usize, inputs: usize, seed: u64) -> Head {
        let name = format!("heads.{task}");
        let stream = Stream::new(seed, 0, &name);
        let bound = 1.0 / (inputs as f32).sqrt();
        let drawn = (0..(outputs * inputs) as u64).map(|i| (2.0 * stream.uniform(i) - 1.0) * bound);
        let weight = Mat::from_vec(outputs, inputs, drawn.collect());
        let weight = Param::trained(format!("{name}.weight"), weight);
        let bias = Param::trained(format!("{name}.bias"), Mat::zeros(1, outputs));
        Head {
            linear: Linear {
                name,
                map: Map::Trained(weight.clone()),
                bias: Some(bias.clone()),
                low_rank: None,
            },
            params: vec![weight, bias],
        }
    }

    pub fn params(&self) -> Vec<Param> {
        self.params.clone()
    }
}

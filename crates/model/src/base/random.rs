//! Weights that nobody trained, drawn for the shapes that a configuration asks for: enough to
//! measure time and memory of a base without having it.

use std::path::Path;

use skillbelt_engine::random::Stream;

use super::Source;
use crate::error::Result;

/// A source that has every weight that is asked for.
pub struct RandomWeights {
    seed: u64,
}

/// Spread of the drawn weights, as in the initialisation of most of these networks.
const SPREAD: f32 = 0.02;

impl RandomWeights {
    pub fn new(seed: u64) -> RandomWeights {
        RandomWeights { seed }
    }
}

impl Source for RandomWeights {
    fn path(&self) -> &Path {
        Path::new("random weights")
    }

    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self, _key: &str) -> Option<Vec<usize>> {
        None
    }

    /// Norms are one, biases zero, all else uniform around zero.
    fn read_f32(&self, key: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let count = shape.iter().product();
        if let [_] = shape {
            let constant = if key.ends_with("bias") { 0.0 } else { 1.0 };
            return Ok(vec![constant; count]);
        }
        let stream = Stream::new(self.seed, 0, key);
        let width = SPREAD * 12f32.sqrt();
        Ok((0..count as u64)
            .map(|i| (stream.uniform(i) - 0.5) * width)
            .collect())
    }
}

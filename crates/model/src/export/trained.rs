//! The weights of a full fine-tuning, under the keys of the base that they replace.
//!
//! A belt's file holds every trained weight once, under the keys of the whole network. A base may
//! lack the first part of those keys, and may hold a tied weight twice.

use std::path::Path;

use super::error::Result;
use crate::belt::full;
use crate::checkpoint::Checkpoint;
use crate::error::Result as ModelResult;

/// The file of a full fine-tuning.
pub struct Trained {
    weights: Checkpoint,
    /// What the base's keys lack.
    lacking: &'static str,
}

impl Trained {
    pub fn open(belt: &Path, lacking: &'static str) -> Result<Trained> {
        Ok(Trained {
            weights: Checkpoint::open_file(&belt.join(full::WEIGHTS))?,
            lacking,
        })
    }

    /// The key of the belt's file for a key of the base.
    fn key(&self, key: &str) -> Option<String> {
        let whole = format!("{}{key}", self.lacking);
        let keys = [whole, key.to_owned()].into_iter();
        keys.into_iter().find(|key| self.weights.contains(key))
    }

    /// The numbers that replace those of a weight of the base; none if it was not trained, as a part
    /// is not that the network does not have.
    pub fn read(
        &self,
        base: &Checkpoint,
        key: &str,
        shape: &[usize],
    ) -> ModelResult<Option<Vec<f32>>> {
        if let Some(trained) = self.key(key) {
            return self.weights.read_f32(&trained, shape).map(Some);
        }
        self.read_tied(base, key, shape)
    }

    /// A weight that the base holds twice was trained under its other key. Numbers that are all
    /// alike, as many biases are, tell nothing.
    fn read_tied(
        &self,
        base: &Checkpoint,
        key: &str,
        shape: &[usize],
    ) -> ModelResult<Option<Vec<f32>>> {
        let numbers = base.read_f32(key, shape)?;
        if numbers.windows(2).all(|pair| pair[0] == pair[1]) {
            return Ok(None);
        }
        for other in base.keys() {
            let Some(trained) = self.key(other) else {
                continue;
            };
            if base.shape(other) == Some(shape) && base.read_f32(other, shape)? == numbers {
                return self.weights.read_f32(&trained, shape).map(Some);
            }
        }
        Ok(None)
    }
}

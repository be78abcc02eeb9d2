//! Merging a belt into the weights of its base, in f32, one weight at a time: low-rank paths, with
//! magnitudes or without, and weights that were trained themselves.
//!
//! It is asked only for kinds of belts that are changes of weights; the others are refused before.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use skillbelt_engine::Mat;
use skillbelt_engine::ops::LowRank;

use super::error::Result;
use super::trained::Trained;
use crate::base::{Network, Source};
use crate::belt::Belt;
use crate::checkpoint::{Checkpoint, Dtype};

/// What a belt does to one linear map.
pub struct Change {
    pub low_rank: LowRank,
}

/// What a belt changes.
#[derive(Default)]
pub struct Changes {
    /// By the path of the linear map.
    low_rank: BTreeMap<String, Change>,
    /// All weights anew.
    trained: Option<Trained>,
}

impl Changes {
    /// Gathers what a belt of a folder, which stands in `network`, does to weights; nothing for
    /// kinds that do something else.
    pub fn of(network: &mut dyn Network, belt: &Belt, folder: &Path) -> Result<Changes> {
        let mut changes = Changes::default();
        match belt {
            Belt::Full(_) => changes.trained = Some(Trained::open(folder, network.lacking())?),
            Belt::Lora(_) => {
                for linear in network.linears_mut()? {
                    if let Some(low_rank) = linear.low_rank.clone() {
                        let change = Change { low_rank };
                        changes.low_rank.insert(linear.name.clone(), change);
                    }
                }
            }
            Belt::Bottleneck(_) | Belt::Prefix(_) | Belt::TaskLora(_) => {}
        }
        Ok(changes)
    }

    /// Low-rank changes in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Change)> {
        self.low_rank.iter().map(|(path, change)| (&**path, change))
    }

    pub fn is_empty(&self) -> bool {
        self.low_rank.is_empty() && self.trained.is_none()
    }

    /// The change of the weight under a checkpoint's key, which may lack the first part of the path.
    fn of_key(&self, key: &str) -> Option<&Change> {
        let path = key.strip_suffix(".weight")?;
        let ends = |name: &str| name.split_once('.').is_some_and(|(_, rest)| rest == path);
        self.low_rank.get(path).or_else(|| {
            let mut found = self.low_rank.iter().filter(|(name, _)| ends(name));
            found.next().map(|(_, change)| change)
        })
    }
}

/// `W + scale B A`, `[N x K]`; under a magnitude `m` each row is brought to its length. Sums run in
/// f64 and are rounded once, so that a merged weight is the nearest f32 to what belt and base say
/// together.
pub fn merged_weight(mut weight: Vec<f32>, change: &Change) -> Vec<f32> {
    let low_rank = &change.low_rank;
    // A [R x K], B [N x R], m [1 x N]
    let (down, up): (&Mat, &Mat) = (&low_rank.down.value(), &low_rank.up.value());
    let lengths = low_rank.magnitude.as_ref().map(|m| m.param().value());
    let (k, scale) = (down.cols(), f64::from(low_rank.scale));
    let rows = weight.par_chunks_mut(k.max(1)).enumerate();
    rows.for_each_init(
        || vec![0f64; k],
        |sum, (n, row)| {
            for (sum, weight) in sum.iter_mut().zip(&*row) {
                *sum = f64::from(*weight);
            }
            for (r, b) in up.row(n).iter().enumerate() {
                let factor = scale * f64::from(*b);
                for (sum, a) in sum.iter_mut().zip(down.row(r)) {
                    *sum += factor * f64::from(*a);
                }
            }
            let stretch = match &lengths {
                Some(lengths) => f64::from(lengths.data()[n]) / length(sum),
                None => 1.0,
            };
            for (weight, sum) in row.iter_mut().zip(sum) {
                *weight = (stretch * *sum) as f32;
            }
        },
    );
    weight
}

/// The length of a row; one that is nought has no direction, and stays so under any magnitude.
fn length(row: &[f64]) -> f64 {
    match row.iter().map(|x| x * x).sum::<f64>().sqrt() {
        0.0 => 1.0,
        length => length,
    }
}

/// The weights of a base with the changes of a belt in them, made as they are asked for.
pub struct Merged<'c> {
    base: &'c Checkpoint,
    changes: Changes,
}

impl<'c> Merged<'c> {
    pub fn new(base: &'c Checkpoint, changes: Changes) -> Merged<'c> {
        Merged { base, changes }
    }
}

impl Source for Merged<'_> {
    fn path(&self) -> &Path {
        self.base.path()
    }

    /// Old checkpoints hold tables of whole numbers besides (positions); they are no weights.
    fn keys(&self) -> Vec<String> {
        let keys = self.base.keys();
        let is_weight = |key: &&str| self.base.dtype(key).is_some_and(is_float);
        keys.filter(is_weight).map(str::to_owned).collect()
    }

    fn shape(&self, key: &str) -> Option<Vec<usize>> {
        self.base.shape(key).map(<[usize]>::to_vec)
    }

    fn read_f32(&self, key: &str, expected: &[usize]) -> crate::Result<Vec<f32>> {
        if let Some(trained) = &self.changes.trained
            && let Some(numbers) = trained.read(self.base, key, expected)?
        {
            return Ok(numbers);
        }
        let weight = self.base.read_f32(key, expected)?;
        Ok(match self.changes.of_key(key) {
            Some(change) => merged_weight(weight, change),
            None => weight,
        })
    }
}

fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::Bf16)
}

//! Merging a belt's low-rank paths into the weights of its base, in f32, one weight at a time.
//!
//! What cannot be said as a change of a linear map's weight (bottlenecks, prefixes, a map per task)
//! is refused by name rather than left out.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use skillbelt_engine::Mat;
use skillbelt_engine::ops::LowRank;

use super::error::{Error, MERGED, Result};
use crate::base::{Network, Source};
use crate::belt::Belt;
use crate::checkpoint::{Checkpoint, Dtype};

/// What a belt does to one linear map.
pub struct Change {
    pub low_rank: LowRank,
}

/// What a belt changes, by the path of the linear map.
#[derive(Default)]
pub struct Changes(BTreeMap<String, Change>);

impl Changes {
    /// Gathers the low-rank paths of a network. A belt with a parameter that is not among them is
    /// more than a change of weights.
    pub fn of(network: &mut dyn Network, belt: &Belt) -> Result<Changes> {
        let mut changes = BTreeMap::new();
        let mut gathered = Vec::new();
        for linear in network.linears_mut()? {
            if let Some(low_rank) = linear.low_rank.clone() {
                gathered.extend([low_rank.down.id(), low_rank.up.id()]);
                changes.insert(linear.name.clone(), Change { low_rank });
            }
        }
        match belt
            .params()
            .iter()
            .find(|param| !gathered.contains(&param.id()))
        {
            None => Ok(Changes(changes)),
            Some(param) => Err(Error::no_form(
                format!("`{}`", param.name()),
                MERGED,
                "it does not act as a change of a linear map's weight",
            )),
        }
    }

    /// In the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Change)> {
        self.0.iter().map(|(path, change)| (&**path, change))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The change of the weight under a checkpoint's key, which may lack the first part of the path.
    fn of_key(&self, key: &str) -> Option<&Change> {
        let path = key.strip_suffix(".weight")?;
        let ends = |name: &str| name.split_once('.').is_some_and(|(_, rest)| rest == path);
        self.0.get(path).or_else(|| {
            let mut found = self.0.iter().filter(|(name, _)| ends(name));
            found.next().map(|(_, change)| change)
        })
    }
}

/// `W + scale B A`, `[N x K]`. Sums run in f64 and are rounded once, so that a merged weight is the
/// nearest f32 to what the two paths say together.
pub fn merged_weight(mut weight: Vec<f32>, change: &Change) -> Vec<f32> {
    let low_rank = &change.low_rank;
    // A [R x K], B [N x R]
    let (down, up): (&Mat, &Mat) = (&low_rank.down.value(), &low_rank.up.value());
    let (k, scale) = (down.cols(), f64::from(low_rank.scale));
    let rows = weight.par_chunks_mut(k.max(1)).enumerate();
    rows.for_each_init(
        || vec![0f64; k],
        |sum, (n, row)| {
            sum.fill(0.0);
            for (r, b) in up.row(n).iter().enumerate() {
                let factor = scale * f64::from(*b);
                for (sum, a) in sum.iter_mut().zip(down.row(r)) {
                    *sum += factor * f64::from(*a);
                }
            }
            for (weight, sum) in row.iter_mut().zip(sum) {
                *weight = (f64::from(*weight) + *sum) as f32;
            }
        },
    );
    weight
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

//! From checkpoint to model: hands out weights by key, packs the frozen ones, and insists at the
//! end that every weight of the checkpoint found its place.
//!
//! It knows no family; a family asks for what its configuration promises.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skillbelt_engine::ops::{Linear, Map, Norm, NormKind};
use skillbelt_engine::{Mat, Param, Precision, Weight};

use super::held::Held;
use crate::error::{Error, Result};

/// Where weights come from: a checkpoint, or numbers drawn for a benchmark.
pub trait Source {
    /// The file or folder that errors should name.
    fn path(&self) -> &Path;
    /// Every key, sorted.
    fn keys(&self) -> Vec<String>;
    /// The shape of a weight, if there is one of that key.
    fn shape(&self, key: &str) -> Option<Vec<usize>>;
    /// The numbers of a weight in row-major order, if it has the expected shape.
    fn read_f32(&self, key: &str, expected: &[usize]) -> Result<Vec<f32>>;
}

/// What a base is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose {
    /// How frozen linear maps and embedding tables are stored.
    pub precision: Precision,
    /// Full fine-tuning: every weight is a trained parameter in f32, `precision` does not matter.
    pub trained: bool,
}

impl Purpose {
    /// Frozen, in the given precision.
    pub fn frozen(precision: Precision) -> Purpose {
        Purpose {
            precision,
            trained: false,
        }
    }

    /// Every weight trained.
    pub fn full() -> Purpose {
        Purpose {
            precision: Precision::F32,
            trained: true,
        }
    }
}

/// Hands out the weights of one source.
///
/// Keys are always those of the whole model in the reference library (`bert.encoder...`); where a
/// checkpoint was saved from the model without its head, `root` tells the prefix that its keys lack.
pub struct Loader<'s> {
    source: &'s dyn Source,
    purpose: Purpose,
    lacking: &'static str,
    used: BTreeSet<String>,
    all: BTreeSet<String>,
    /// Frozen maps of other networks, and the content of this source.
    held: Option<(&'s Held, String)>,
}

impl<'s> Loader<'s> {
    pub fn new(source: &'s dyn Source, purpose: Purpose) -> Loader<'s> {
        Loader {
            source,
            purpose,
            lacking: "",
            used: BTreeSet::new(),
            all: source.keys().into_iter().collect(),
            held: None,
        }
    }

    /// Takes frozen maps that are held of a source of the same content, and leaves those it packs.
    pub fn sharing(self, held: &'s Held, content: String) -> Loader<'s> {
        Loader {
            held: Some((held, content)),
            ..self
        }
    }

    /// Settles whether keys carry the prefix `root` by looking for `probe` with and without it.
    pub fn root(&mut self, root: &'static str, probe: &str) {
        let whole = format!("{root}{probe}");
        if !self.all.contains(&whole) && self.all.contains(probe) {
            self.lacking = root;
        }
    }

    /// Whether the source is a network without its head: its keys lack the prefix `root`.
    pub fn is_bare(&self) -> bool {
        !self.lacking.is_empty()
    }

    /// What the source's own keys lack before the path of a weight; see [`Network::lacking`].
    ///
    /// [`Network::lacking`]: super::Network::lacking
    pub fn lacking(&self) -> &'static str {
        self.lacking
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub fn path(&self) -> PathBuf {
        self.source.path().to_owned()
    }

    /// Whether the source has this weight. One that lists none is taken to have all.
    pub fn has(&self, key: &str) -> bool {
        self.all.is_empty() || self.all.contains(&self.stored(key))
    }

    /// The shape of a weight that may be absent.
    pub fn shape(&self, key: &str) -> Option<Vec<usize>> {
        self.source.shape(&self.stored(key))
    }

    /// `key` as this source spells it.
    fn stored(&self, key: &str) -> String {
        match key.strip_prefix(self.lacking) {
            Some(rest) => rest.to_owned(),
            None => key.to_owned(),
        }
    }

    fn read(&mut self, key: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let stored = self.stored(key);
        let numbers = self.source.read_f32(&stored, shape)?;
        self.used.insert(stored);
        Ok(numbers)
    }

    /// A vector `[1 x C]`: a bias, the weight of a norm.
    pub fn vector(&mut self, key: &str, width: usize) -> Result<Param> {
        let numbers = self.read(key, &[width])?;
        Ok(self.param(key, Mat::row_vector(numbers)))
    }

    /// A matrix that stays f32 even in a frozen base: a table of relative biases.
    pub fn matrix(&mut self, key: &str, rows: usize, cols: usize) -> Result<Param> {
        let numbers = self.read(key, &[rows, cols])?;
        Ok(self.param(key, Mat::from_vec(rows, cols, numbers)))
    }

    fn param(&self, key: &str, mat: Mat) -> Param {
        if self.purpose.trained {
            Param::trained(key, mat)
        } else {
            Param::frozen(key, mat)
        }
    }

    /// The numbers of a linear map or an embedding table, `[rows x cols]`.
    pub fn map(&mut self, key: &str, rows: usize, cols: usize) -> Result<Map> {
        self.map_in(key, rows, cols, self.purpose.precision, Weight::pack)
    }

    /// A table that is only looked up.
    pub fn table(&mut self, key: &str, rows: usize, cols: usize) -> Result<Map> {
        self.map_in(key, rows, cols, self.purpose.precision, Weight::table)
    }

    /// A table that may also be the output head. An int8 base keeps it in int8, because the head is
    /// a large product; an nf4 base in bf16, as QLoRA leaves heads out.
    pub fn head_table(&mut self, key: &str, rows: usize, cols: usize) -> Result<Map> {
        let precision = match self.purpose.precision {
            Precision::Nf4 => Precision::Bf16,
            other => other,
        };
        self.map_in(key, rows, cols, precision, Weight::pack)
    }

    fn map_in(
        &mut self,
        key: &str,
        rows: usize,
        cols: usize,
        precision: Precision,
        pack: fn(Precision, usize, usize, &[f32]) -> Weight,
    ) -> Result<Map> {
        if self.purpose.trained {
            let numbers = self.read(key, &[rows, cols])?;
            let numbers = Mat::from_vec(rows, cols, numbers);
            return Ok(Map::Trained(Param::trained(key, numbers)));
        }
        let stored = self.stored(key);
        if let Some((held, content)) = &self.held
            && let Some(map) = held.get(content, &stored, precision, (rows, cols))
        {
            self.used.insert(stored);
            return Ok(Map::Frozen(map));
        }
        let numbers = self.read(key, &[rows, cols])?;
        let map = Arc::new(pack(precision, rows, cols, &numbers));
        if let Some((held, content)) = &self.held {
            held.put(content, &stored, precision, &map);
        }
        Ok(Map::Frozen(map))
    }

    /// A linear map at a path: `<path>.weight [N x K]`, and `<path>.bias [N]` if it has one.
    pub fn linear(&mut self, path: &str, n: usize, k: usize, bias: bool) -> Result<Linear> {
        let map = self.map(&format!("{path}.weight"), n, k)?;
        let bias = match bias {
            true => Some(self.vector(&format!("{path}.bias"), n)?),
            false => None,
        };
        Ok(Linear {
            name: path.to_owned(),
            map,
            bias,
            low_rank: None,
        })
    }

    /// A norm at a path: `<path>.weight [C]`, and `<path>.bias [C]` if it has one.
    pub fn norm(
        &mut self,
        path: &str,
        width: usize,
        kind: NormKind,
        eps: f64,
        bias: bool,
    ) -> Result<Norm> {
        Ok(Norm {
            name: path.to_owned(),
            weight: self.vector(&format!("{path}.weight"), width)?,
            bias: match bias {
                true => Some(self.vector(&format!("{path}.bias"), width)?),
                false => None,
            },
            kind,
            eps: eps as f32,
        })
    }

    /// Marks weights that the reference library itself ignores or ties: those whose key starts or
    /// ends with one of the given words.
    pub fn forgive(&mut self, starts: &[&str], ends: &[&str]) {
        for key in &self.all {
            let starts = starts.iter().any(|start| {
                key.starts_with(start)
                    || key.starts_with(start.strip_prefix(self.lacking).unwrap_or(start))
            });
            if starts || ends.iter().any(|end| key.ends_with(end)) {
                self.used.insert(key.clone());
            }
        }
    }

    /// Marks duplicates that the reference library leaves to the weights they are tied to, if they
    /// are there.
    pub fn forgive_tied(&mut self, keys: &[&str]) {
        for key in keys {
            let stored = self.stored(key);
            if self.all.contains(&stored) {
                self.used.insert(stored);
            }
        }
    }

    /// Refuses weights that no place in the model asked for.
    pub fn finish(self) -> Result<()> {
        let keys: Vec<String> = self.all.difference(&self.used).cloned().collect();
        if keys.is_empty() {
            Ok(())
        } else {
            Err(Error::SurplusTensors {
                path: self.source.path().to_owned(),
                keys,
            })
        }
    }
}

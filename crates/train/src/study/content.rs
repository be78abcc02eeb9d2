//! Hashes of what cells are made from: bases and data. Each file is read once for a whole study.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Value, json};
use skillbelt_model::Checkpoint;

use crate::data::{Split, read};
use crate::disk;
use crate::error::{Error, Result};
use crate::recipe::Recipe;

/// Longest file beside the weights of a base that counts: configurations, vocabularies, merges.
const MAX_BESIDE: u64 = 256 << 20;

/// What was hashed so far.
pub struct Contents {
    /// The folder of each base, by the name that the plan gives it.
    bases: IndexMap<String, PathBuf>,
    /// Those of which only the shape is used.
    random: BTreeSet<String>,
    of_bases: BTreeMap<String, String>,
    of_splits: BTreeMap<String, Value>,
}

impl Contents {
    pub fn new(bases: IndexMap<String, PathBuf>, random: BTreeSet<String>) -> Contents {
        Contents {
            bases,
            random,
            of_bases: BTreeMap::new(),
            of_splits: BTreeMap::new(),
        }
    }

    pub fn folder(&self, base: &str) -> Result<&Path> {
        let folder = self.bases.get(base);
        folder
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::told(format_args!("the base `{base}` was not found")))
    }

    /// Of the weights of a base, if they are used, and of all that is read beside them.
    pub fn base(&mut self, name: &str) -> Result<String> {
        if let Some(known) = self.of_bases.get(name) {
            return Ok(known.clone());
        }
        let folder = self.folder(name)?;
        let weights = match self.random.contains(name) {
            true => "random".to_owned(),
            false => Checkpoint::open(folder)?.content_hash(),
        };
        let mut beside = BTreeMap::new();
        for path in disk::entries(folder)? {
            let read = path.extension().is_some_and(|ending| {
                ["json", "txt", "model", "jinja"]
                    .iter()
                    .any(|known| ending == *known)
            });
            let length = fs_err::metadata(&path).map_or(0, |facts| facts.len());
            if read && path.is_file() && length <= MAX_BESIDE {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                beside.insert(name.into_owned(), hash(&path)?);
            }
        }
        // The index of shards says nothing that the weights do not.
        beside.retain(|name, _| !name.ends_with(".index.json"));
        let text = json!({"weights": weights, "beside": beside}).to_string();
        let found = blake3::hash(text.as_bytes()).to_hex().to_string();
        self.of_bases.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    /// Of every file of every split of a recipe's tasks.
    pub fn files(&mut self, recipe: &Recipe) -> Result<Value> {
        let mut all = serde_json::Map::new();
        for (name, settings) in &recipe.tasks {
            for split in Split::ALL {
                let named = match split {
                    Split::Train => &settings.train,
                    Split::Valid => &settings.valid,
                    Split::Test => &settings.test,
                };
                if named.is_none() {
                    continue;
                }
                let key = format!("{name}.{}", split.name());
                if !self.of_splits.contains_key(&key) {
                    let files = read::file_hashes(name, settings, split)?;
                    let hashes: Vec<String> = files.into_iter().map(|(_, hash, _)| hash).collect();
                    self.of_splits.insert(key.clone(), json!(hashes));
                }
                all.insert(key.clone(), self.of_splits[&key].clone());
            }
        }
        Ok(Value::Object(all))
    }

    /// Of a file of answers.
    pub fn file(&self, path: &Path) -> Result<String> {
        hash(path)
    }
}

/// blake3 of a file, in hexadecimal.
pub(super) fn hash(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut file = fs_err::File::open(path).map_err(|error| Error::io(path, error))?;
    std::io::copy(&mut file, &mut hasher).map_err(|error| Error::io(path, error))?;
    Ok(hasher.finalize().to_hex().to_string())
}

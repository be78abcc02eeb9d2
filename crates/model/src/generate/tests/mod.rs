//! Bases to try the writing on.

mod endings;
mod flow;
mod references;
mod search;

use std::path::{Path, PathBuf};

use serde_json::Value;
use skillbelt_engine::Precision;

use super::reader::{NetworkReader, Reader, Role};
use super::*;
use crate::base::{self, Base, Purpose};

const FAMILIES: [&str; 7] = [
    "llama",
    "qwen2",
    "mistral",
    "starcoder2",
    "gpt_bigcode",
    "t5",
    "t5_gated",
];

/// The repository's own reference of a family.
fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(family)
}

/// Every reference with greedy texts, also where `SKILLBELT_GOLDEN` points elsewhere.
fn references() -> Vec<PathBuf> {
    let root = std::env::var_os("SKILLBELT_GOLDEN").map_or_else(|| folder(""), PathBuf::from);
    let entries = fs_err::read_dir(root).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("golden.json").exists())
        .filter(|path| json(path.join("golden.json")).get("greedy_12").is_some())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no references");
    found
}

fn json(path: PathBuf) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap() as u32)
        .collect()
}

struct Opened {
    base: Base,
    tokenizer: Tokenizer,
    habits: Habits,
    prompts: Vec<Prompt>,
}

impl Opened {
    fn new(family: &str) -> Opened {
        Opened::at(&folder(family))
    }

    fn at(folder: &Path) -> Opened {
        let base = base::open(folder, Purpose::frozen(Precision::F32)).unwrap();
        let tokenizer = Tokenizer::from_folder(folder).unwrap();
        let inputs = json(folder.join("golden.json"))["inputs"].clone();
        let inputs = inputs.as_array().unwrap().iter().enumerate();
        Opened {
            habits: Habits::read(folder, &base.config, &tokenizer).unwrap(),
            prompts: inputs
                .map(|(i, value)| Prompt {
                    ids: ids(value),
                    number: i as u64,
                })
                .collect(),
            base,
            tokenizer,
        }
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(&*self.base.network, &self.tokenizer, self.habits.clone()).unwrap()
    }

    fn write(&self, options: &Options) -> Vec<Written> {
        self.writer()
            .write(&self.prompts, options, &mut |_, _| {})
            .unwrap()
    }
}

fn twelve() -> Options {
    Options {
        max_new_tokens: 12,
        ..Options::default()
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-4 * b.abs().max(1.0)
}

//! Tiny belts trained on a tiny base, for tests of what is done with belts: one task of each form
//! that answers from vectors, and one that joins its texts.

#![allow(
    dead_code,
    reason = "what the tests of one file do not ask, those of another do"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use skillbelt_train::disk::faults::Faults;
use skillbelt_train::recipe::resolve::resolve;
use skillbelt_train::run::RunOptions;
use skillbelt_train::start::train;
use skillbelt_train::watch::Unwatched;

/// A tiny base of the references.
pub fn base(family: &str) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let root = std::env::var_os("SKILLBELT_GOLDEN").map_or(own, PathBuf::from);
    root.join(family).canonicalize().unwrap()
}

/// A belt's folder below `folder`, trained for three steps. `belt` is the recipe's section.
pub fn belt(folder: &Path, base: &Path, belt: &str) -> PathBuf {
    let words = [
        "alpha", "beta", "gamma", "delta", "row", "sum", "key", "map",
    ];
    let text = |i: usize| {
        let word = |k: usize| words[(i * 7 + k * 3 + i / 5) % words.len()];
        format!("{} {} {} {}", word(0), word(1), word(2), word(i % 4))
    };
    let mut files = ["", "", ""].map(str::to_owned);
    for i in 0..16 {
        let (one, other) = (text(i), text(i * 5 + 1));
        let label = i % 2;
        let lines = [
            format!(r#"{{"text":"{one}","label":"{label}"}}"#),
            format!(r#"{{"text":"{one}","text_b":"{other}","label":"{label}"}}"#),
            format!(r#"{{"query":"{other}","candidate":"{one}"}}"#),
        ];
        for (file, line) in files.iter_mut().zip(lines) {
            file.push_str(&line);
            file.push('\n');
        }
    }
    for (name, text) in ["mark", "twins", "search"].iter().zip(files) {
        fs_err::write(folder.join(format!("{name}.jsonl")), text).unwrap();
    }
    let task = |rest: &str, file: &str| {
        format!("{{{rest}, train: {file}.jsonl, valid: {file}.jsonl, max_length: 24}}")
    };
    let recipe = format!(
        "base: {}\nbelt: {belt}\noutput: run\ntraining: {{max_steps: 3, batch_size: 4, learning_rate: 0.01}}\n\
         tasks:\n  mark: {}\n  twins: {}\n  joined: {}\n  search: {}\n",
        base.display(),
        task("type: classify", "mark"),
        task("type: pair, encoding: separate", "twins"),
        task("type: pair", "twins"),
        task("type: retrieve, max_query_length: 12", "search"),
    );
    let resolved = resolve(&folder.join("recipe.yaml"), &recipe, &[]).unwrap();
    let options = RunOptions {
        resume: false,
        stop: Arc::new(AtomicBool::new(false)),
        faults: Arc::new(Faults::default()),
    };
    train(&resolved, base, &options, &mut Unwatched).unwrap();
    folder.join("run/belt")
}

//! Token ids of every golden family against the reference's. `SKILLBELT_GOLDEN` points at another folder of the layout.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use serde_json::Value;
use skillbelt_model::tokenizer::Tokenizer;

fn root() -> PathBuf {
    match std::env::var_os("SKILLBELT_GOLDEN") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
    }
}

/// The folders that hold a reference with token ids, by name.
fn families() -> Vec<(PathBuf, Value)> {
    let root = root();
    let mut found = Vec::new();
    for entry in fs_err::read_dir(&root).expect("the golden folder") {
        let folder = entry.expect("an entry").path();
        let Ok(text) = fs_err::read_to_string(folder.join("golden.json")) else {
            continue;
        };
        let golden: Value = serde_json::from_str(&text).expect("golden.json is JSON");
        if golden["tokenize"].is_object() {
            found.push((folder, golden));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!found.is_empty(), "no family in {}", root.display());
    found
}

fn reference_ids(golden: &Value) -> Vec<u32> {
    serde_json::from_value(golden["tokenize"]["ids"].clone()).expect("ids")
}

#[test]
fn golden_token_ids_of_every_family_equal_the_reference() {
    for (folder, golden) in families() {
        let name = folder.display();
        let tokenizer = Tokenizer::from_folder(&folder).unwrap_or_else(|e| panic!("{name}: {e}"));
        let text = golden["tokenize"]["text"].as_str().expect("a text");
        let expected = reference_ids(&golden);
        assert_eq!(tokenizer.encode(text, true).unwrap(), expected, "{name}");
        assert_eq!(tokenizer.decode(&expected, true).unwrap(), text, "{name}");
    }
}

#[test]
fn golden_oracle_fails_on_a_text_that_differs_by_one_space() {
    for (folder, golden) in families() {
        let tokenizer = Tokenizer::from_folder(&folder).expect("a tokenizer");
        let text = golden["tokenize"]["text"].as_str().expect("a text");
        let wrong = format!(" {text}");
        assert_ne!(
            tokenizer.encode(&wrong, true).unwrap(),
            reference_ids(&golden)
        );
    }
}

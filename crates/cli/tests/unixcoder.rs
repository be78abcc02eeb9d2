//! UniXcoder's modes from outside: a RoBERTa whose vocabulary has the mode tokens, written by hand
//! from the golden one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::path::Path;

use asked::{command, golden, run};
use serde_json::{Value, json};

const MODES: [&str; 3] = ["<encoder-only>", "<decoder-only>", "<encoder-decoder>"];

/// The golden RoBERTa, its last three tokens replaced by the mode tokens.
fn unixcoder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
        "special_tokens_map.json",
    ] {
        fs_err::copy(golden("roberta").join(name), folder.path().join(name)).unwrap();
    }
    let text = fs_err::read_to_string(golden("roberta").join("tokenizer.json")).unwrap();
    let mut tokenizer: Value = serde_json::from_str(&text).unwrap();
    let count = tokenizer["model"]["vocab"].as_object().unwrap().len();
    let first = count - MODES.len();
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    vocabulary.retain(|_, id| (id.as_u64().unwrap() as usize) < first);
    let merges = tokenizer["model"]["merges"].as_array_mut().unwrap();
    merges.truncate(merges.len() - MODES.len());
    for (place, mode) in MODES.iter().enumerate() {
        tokenizer["model"]["vocab"][mode] = json!(first + place);
        let mut token = tokenizer["added_tokens"][0].clone();
        token["content"] = json!(mode);
        token["id"] = json!(first + place);
        tokenizer["added_tokens"]
            .as_array_mut()
            .unwrap()
            .push(token);
    }
    fs_err::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    folder
}

fn rows(what: &str, folder: &Path, rest: &[&str]) -> Vec<Value> {
    let start = ["base", what, folder.to_str().unwrap()];
    let answer = run(&mut command(&[&start[..], rest].concat()), b"");
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    answer.rows()
}

#[test]
fn unixcoder_writes_in_both_of_its_writing_modes() {
    let folder = unixcoder();
    let ask = |mode: &str| {
        let rest = [
            "--prompt",
            "def add(a, b):",
            "--mode",
            mode,
            "--max-new-tokens",
            "6",
            "--ids",
        ];
        rows("generate", folder.path(), &rest)[0].clone()
    };
    let (decoder, both) = (ask("decoder-only"), ask("encoder-decoder"));
    // Looking both ways, the prompt is closed by one more token.
    let tokens = |row: &Value| row["prompt_tokens"].as_u64().unwrap();
    assert_eq!(tokens(&both), tokens(&decoder) + 1);
    assert_eq!(
        decoder["ids"].as_array().unwrap().len() as u64,
        decoder["new_tokens"]
    );
    assert_ne!(decoder["ids"], both["ids"]);
}

#[test]
fn unixcoder_embeds_in_its_encoder_mode() {
    let folder = unixcoder();
    let plain = rows("embed", folder.path(), &["def add(a, b):"]);
    let mode = rows(
        "embed",
        folder.path(),
        &["def add(a, b):", "--mode", "encoder-only"],
    );
    let tokens = |rows: &[Value]| rows[0]["tokens"].as_u64().unwrap();
    assert_eq!(tokens(&mode), tokens(&plain) + 2);
    assert_ne!(plain[0]["embedding"], mode[0]["embedding"]);
}

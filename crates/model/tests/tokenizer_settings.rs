//! What the files beside a vocabulary change, and what is said when they are wrong.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skillbelt_model::tokenizer::{Error, Result, Tokenizer};

fn tiny(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tokenizers");
    root.join(name)
}

/// A copy of a tiny folder with some files replaced; `Null` takes a file away.
fn changed(name: &str, files: &[(&str, Value)]) -> (Result<Tokenizer>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(tiny(name)).unwrap() {
        let path = entry.unwrap().path();
        fs_err::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for (file, content) in files {
        let path = folder.path().join(file);
        match content {
            Value::Null => fs_err::remove_file(path).unwrap(),
            Value::String(text) => fs_err::write(path, text).unwrap(),
            other => fs_err::write(path, other.to_string()).unwrap(),
        }
    }
    (Tokenizer::from_folder(folder.path()), folder)
}

fn refusal(name: &str, files: &[(&str, Value)]) -> String {
    let (result, _folder) = changed(name, files);
    let error = result.expect_err("refused");
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn a_llama_class_begins_a_text_unless_told_otherwise() {
    let config = |extra: Value| {
        let mut config = json!({"tokenizer_class": "LlamaTokenizerFast", "bos_token": "<begin>",
            "eos_token": "<end>"});
        config
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        config
    };
    let around = |extra: Value| {
        let files = [("tokenizer_config.json", config(extra))];
        let (tokenizer, _folder) = changed("stepwise_split", &files);
        tokenizer.unwrap().encode("x", true).unwrap()
    };
    let (plain, _folder) = changed("stepwise_split", &[]);
    let plain = plain.unwrap();
    let x = plain.encode("x", false).unwrap()[0];
    let (bos, eos) = (plain.special().bos.unwrap(), plain.special().eos.unwrap());
    assert_eq!(around(json!({})), [bos, x]);
    assert_eq!(around(json!({"add_bos_token": false})), [x]);
    assert_eq!(around(json!({"add_eos_token": true})), [bos, x, eos]);
}

#[test]
fn further_tokens_join_the_vocabulary_in_the_order_of_their_ids() {
    let (before, _folder) = changed("gpt_files", &[]);
    let size = before.unwrap().vocab_size() as u32;
    let config = json!({"tokenizer_class": "GPT2Tokenizer", "pad_token": "<pad>",
        "additional_special_tokens": ["<fim>"]});
    let added = json!({"<b>": size + 1, "<a>": size});
    let files = [
        ("tokenizer_config.json", config),
        ("added_tokens.json", added),
    ];
    let (tokenizer, _folder) = changed("gpt_files", &files);
    let tokenizer = tokenizer.unwrap();
    let ids = ["<a>", "<b>", "<fim>", "<pad>"].map(|token| tokenizer.token_id(token).unwrap());
    assert_eq!(ids, [size, size + 1, size + 2, size + 3]);
    assert_eq!(tokenizer.special().pad, Some(size + 3));
    assert_eq!(
        tokenizer.encode("<b><fim>", true).unwrap(),
        [size + 1, size + 2]
    );
    assert_eq!(
        tokenizer.decode(&[size + 1, size + 2], true).unwrap(),
        "<b>"
    );
}

#[test]
fn an_added_token_declared_under_another_id_is_refused() {
    let added = json!({"<a>": 90_000});
    let text = refusal("gpt_files", &[("added_tokens.json", added)]);
    assert!(text.contains("<a>") && text.contains("90000"), "{text}");
}

#[test]
fn letter_case_and_the_space_before_a_text_follow_the_configuration() {
    let cased = json!({"tokenizer_class": "BertTokenizer", "do_lower_case": false});
    let (cased, _folder) = changed("bert_files", &[("tokenizer_config.json", cased)]);
    let (lower, _folder) = changed("bert_files", &[]);
    let ids = |tokenizer: &Tokenizer, text| tokenizer.encode(text, true).unwrap();
    let (cased, lower) = (cased.unwrap(), lower.unwrap());
    assert_eq!(ids(&lower, "DEF"), ids(&lower, "def"));
    assert_ne!(ids(&cased, "DEF"), ids(&cased, "def"));
    let spaced = json!({"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true});
    let (spaced, _folder) = changed("roberta_files", &[("tokenizer_config.json", spaced)]);
    let (plain, _folder) = changed("roberta_files", &[]);
    assert_eq!(ids(&spaced.unwrap(), "def"), ids(&plain.unwrap(), " def"));
}

#[test]
fn refusals_name_the_file_and_the_entry() {
    let text = refusal("gpt_files", &[("merges.txt", json!("a b c\n"))]);
    assert!(
        text.contains("merges.txt") && text.contains("line 1"),
        "{text}"
    );
    let text = refusal("gpt_files", &[("merges.txt", json!("qqq zzz\n"))]);
    assert!(text.contains("model.merges.0"), "{text}");
    let text = refusal("gpt_files", &[("vocab.json", json!({"a": 0, "b": 0}))]);
    assert!(
        text.contains("vocab.json") && text.contains("an id of its own"),
        "{text}"
    );
    let text = refusal(
        "roberta_files",
        &[
            ("vocab.json", json!({"a": 0, "b": 1})),
            ("merges.txt", json!("")),
        ],
    );
    assert!(text.contains("\"</s>\""), "{text}");
    let text = refusal("bert_files", &[("vocab.txt", json!("a\nb\n"))]);
    assert!(text.contains("vocab.txt"), "{text}");
    let text = refusal(
        "gpt_files",
        &[
            ("config.json", json!({})),
            ("tokenizer_config.json", json!({})),
        ],
    );
    assert!(text.contains("tokenizer_class"), "{text}");
    let text = refusal("qwen_split", &[("tokenizer.json", Value::Null)]);
    assert!(text.contains("vocab.txt"), "{text}");
    let text = refusal(
        "qwen_split",
        &[("tokenizer_config.json", json!({"eos_token": 3}))],
    );
    assert!(text.contains("tokenizer_config.json: eos_token"), "{text}");
}

#[test]
fn damaged_side_files_never_panic() {
    let mut refused = 0;
    for (name, file) in [
        ("roberta_files", "vocab.json"),
        ("roberta_files", "merges.txt"),
        ("roberta_files", "tokenizer_config.json"),
        ("bert_files", "vocab.txt"),
    ] {
        let whole = fs_err::read_to_string(tiny(name).join(file)).unwrap();
        for step in 0..24 {
            let mut at = whole.len() * step / 24;
            while !whole.is_char_boundary(at) {
                at -= 1;
            }
            for broken in [
                whole[..at].to_owned(),
                format!("{}{{\"{}", &whole[..at], &whole[at..]),
            ] {
                let (result, folder) = changed(name, &[(file, json!(broken))]);
                if let Err(error) = result {
                    assert!(!matches!(error, Error::Text { .. }));
                    let place = folder.path().display().to_string();
                    assert!(error.to_string().contains(&place), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

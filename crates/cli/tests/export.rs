//! `skillbelt export`, as a person runs it: what it writes, says, refuses and leaves behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::path::Path;

use asked::{Answer, base, command, golden, run};
use serde_json::Value;

/// `skillbelt export` of a belt (or `-`) of a family.
fn export(family: &str, belt: &str, to: &str, out: &Path, rest: &[&str]) -> Answer {
    let folder = golden(family);
    let belt = match belt {
        "-" => "-".to_owned(),
        belt => folder.join("adapters").join(belt).display().to_string(),
    };
    let (base, out) = (folder.display().to_string(), out.display().to_string());
    let fixed = ["export", &belt, "--base", &base, "--to", to, "--out", &out];
    run(&mut command(&[&fixed, rest].concat()), b"")
}

#[test]
fn every_form_is_written_verified_and_told() {
    let scratch = tempfile::tempdir().unwrap();
    let forms = [
        ("lora_qv", "peft"),
        ("lora_all_rslora", "merged"),
        ("lora_all_rslora", "gguf"),
        ("lora_all_rslora", "gguf-lora"),
        ("-", "gguf-base"),
    ];
    for (belt, to) in forms {
        let out = scratch.path().join(to);
        let answer = export("qwen2", belt, to, &out, &[]);
        assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""), "{to}");
        assert!(answer.out.starts_with("wrote "), "{}", answer.out);
        assert!(
            answer.out.contains("logits: largest difference "),
            "{}",
            answer.out
        );
        assert!(answer.out.contains("bar 1e-4"), "{}", answer.out);
        assert!(out.exists());
    }
    assert_eq!(
        fs_err::read_dir(scratch.path()).unwrap().count(),
        forms.len()
    );
}

#[test]
fn a_merged_folder_is_a_base_like_any_other() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("merged");
    let answer = export("t5", "lora_qv", "merged", &out, &["--dtype", "bf16"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let shown = run(
        &mut command(&["base", "show", out.to_str().unwrap(), "--json"]),
        b"",
    );
    let (shown, original) = (&shown.rows()[0], &base("show", "t5", &["--json"]).rows()[0]);
    assert_eq!(shown["parameters"], original["parameters"]);
    assert_ne!(shown["hash"], original["hash"]);
    assert!(shown["dtypes"]["BF16"].as_u64().unwrap() > 0, "{shown}");
    let config = fs_err::read_to_string(out.join("config.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["dtype"], "bfloat16");
}

#[test]
fn an_encoder_becomes_gguf_without_its_head_and_a_note_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("bert.gguf");
    let answer = export("bert", "lora_qv", "gguf", &out, &["--dtype", "q8_0"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.contains("hidden states: "), "{}", answer.out);
    assert!(
        answer.err.contains("note: ") && answer.err.contains("left out"),
        "{}",
        answer.err
    );
}

#[test]
fn the_outputs_of_the_original_are_written_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let (out, said) = (
        scratch.path().join("b.gguf"),
        scratch.path().join("said.json"),
    );
    let answer = export(
        "llama",
        "-",
        "gguf-base",
        &out,
        &["--logits", said.to_str().unwrap()],
    );
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let said: Value = serde_json::from_slice(&fs_err::read(said).unwrap()).unwrap();
    let tokens: usize = said["sequences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s.as_array().unwrap().len())
        .sum();
    assert_eq!(said["what"], "logits");
    assert_eq!(said["rows"].as_array().unwrap().len(), tokens);
}

#[test]
fn what_cannot_be_exported_ends_with_code_2_a_reason_and_nothing_written() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out");
    let cases = [
        (
            "t5",
            "-",
            "gguf-base",
            "f32",
            "relative_attention_max_distance",
        ),
        ("llama", "lora_qv", "adapterhub", "f32", "--to peft"),
        ("llama", "lora_qv", "merged", "q8_0", "q8_0 has no form"),
        ("llama", "-", "merged", "f32", "gguf-base"),
        ("llama", "lora_qv", "gguf-base", "f32", "without any belt"),
        (
            "llama",
            "no_such_belt",
            "merged",
            "f32",
            "adapter_config.json",
        ),
    ];
    for (family, belt, to, dtype, reason) in cases {
        let answer = export(family, belt, to, &out, &["--dtype", dtype]);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{to}: {}",
            answer.err
        );
        assert!(answer.err.contains(reason), "{reason}: {}", answer.err);
        assert!(answer.err.contains("\nhint: "), "{}", answer.err);
        assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 0, "{to}");
    }
}

#[test]
fn an_existing_target_is_kept_without_force() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out.gguf");
    fs_err::write(&out, "mine").unwrap();
    let answer = export("llama", "-", "gguf-base", &out, &[]);
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("already exists") && answer.err.contains("--force"));
    assert_eq!(fs_err::read_to_string(&out).unwrap(), "mine");
    let answer = export("llama", "-", "gguf-base", &out, &["--force"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(fs_err::read(&out).unwrap().starts_with(b"GGUF"));
}

//! `skillbelt base generate` from outside.

mod asked;

use asked::{base, base_with, command, golden, run};
use serde_json::json;

const SHORT: [&str; 2] = ["--max-new-tokens", "8"];

fn generate(family: &str, rest: &[&str]) -> asked::Answer {
    base("generate", family, &[&SHORT[..], rest].concat())
}

#[test]
fn every_family_that_writes_writes() {
    for family in [
        "llama",
        "qwen2",
        "mistral",
        "starcoder2",
        "gpt_bigcode",
        "t5",
        "t5_gated",
    ] {
        let answer = generate(
            family,
            &["--prompt", "def add(a, b):", "--prompt", "x", "--ids"],
        );
        assert_eq!(
            (answer.code, answer.err.as_str()),
            (Some(0), ""),
            "{family}"
        );
        let rows = answer.rows();
        assert_eq!(rows.len(), 2, "{family}");
        for row in rows {
            let reason = row["finish_reason"].as_str().unwrap();
            assert_eq!(reason == "length", row["new_tokens"] == 8, "{family}");
            assert_eq!(
                row["ids"].as_array().unwrap().len() as u64,
                row["new_tokens"],
                "{family}"
            );
        }
    }
}

#[test]
fn what_streams_is_the_text_of_the_object() {
    let row = &generate("llama", &["--prompt", "def add"]).rows()[0];
    let streamed = generate("llama", &["--prompt", "def add", "--stream"]);
    assert_eq!(streamed.code, Some(0));
    assert_eq!(streamed.out, format!("{}\n", row["text"].as_str().unwrap()));
}

#[test]
fn a_row_has_the_same_text_in_any_batch_and_by_the_same_seed_only() {
    let rows = "{\"text\":\"def a\"}\n{\"text\":\"while True:\"}\n{\"text\":\"x = \"}\n";
    let ask = |more: &[&str]| {
        let rest = [&SHORT[..], &["--jsonl", "-", "--temperature", "1.0"], more].concat();
        base_with("generate", "qwen2", &rest, rows).out
    };
    let one = ask(&["--seed", "3"]);
    assert_eq!(
        one,
        ask(&["--seed", "3", "--batch-tokens", "1", "--threads", "1"])
    );
    assert_ne!(one, ask(&["--seed", "4"]));
}

#[test]
fn beams_have_a_score_and_exclude_chance() {
    let answer = generate("t5", &["--prompt", "def add(a, b):", "--beams", "3"]);
    assert!(answer.rows()[0]["score"].as_f64().unwrap() < 0.0);
    let answer = generate(
        "t5",
        &["--prompt", "x", "--beams", "3", "--temperature", "1"],
    );
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("cannot be used with"), "{}", answer.err);
}

#[test]
fn a_stop_string_ends_the_text() {
    let free = generate("llama", &["--prompt", "def add"]).rows()[0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    let stop: String = free.chars().skip(2).take(2).collect();
    let row = generate("llama", &["--prompt", "def add", "--stop", &stop])
        .rows()
        .remove(0);
    assert_eq!(row["text"], free[..free.find(&stop).unwrap()]);
    assert_eq!(row["finish_reason"], "stop");
}

#[test]
fn a_prompt_that_is_too_long_is_rejected_and_the_next_one_written() {
    let long = format!(
        "{{\"id\":\"long\",\"text\":\"{}\"}}\n{{\"id\":\"short\",\"text\":\"x\"}}",
        "a b ".repeat(400)
    );
    let answer = base_with(
        "generate",
        "llama",
        &[&SHORT[..], &["--jsonl", "-"]].concat(),
        &long,
    );
    assert_eq!(answer.code, Some(2));
    assert_eq!(
        answer
            .rows()
            .iter()
            .map(|row| row["id"].clone())
            .collect::<Vec<_>>(),
        [json!("short")]
    );
    assert!(
        answer.err.contains("the base reads at most 128"),
        "{}",
        answer.err
    );
}

#[test]
fn what_a_base_cannot_do_is_said_with_a_hint() {
    let answer = generate("bert", &["--prompt", "x"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer
            .err
            .starts_with("error: a base of family bert writes no text"),
        "{}",
        answer.err
    );
    assert!(
        answer.err.contains("\nhint: take a decoder"),
        "{}",
        answer.err
    );
    let answer = generate("llama", &["--prompt", "x", "--chat"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("no chat template") && answer.err.contains("hint: "),
        "{}",
        answer.err
    );
    let answer = generate("roberta", &["--prompt", "x", "--mode", "decoder-only"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("modes are for UniXcoder"),
        "{}",
        answer.err
    );
    let answer = generate("llama", &["--prompt", "x", "--top-p", "2"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("top-p: expected at most 1, found 2"),
        "{}",
        answer.err
    );
}

#[test]
fn a_chat_template_frames_prompts_and_rows_with_messages() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(golden("qwen2")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs_err::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
    }
    let template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    fs_err::write(folder.path().join("chat_template.jinja"), template).unwrap();
    let ask = |rest: &[&str], stdin: &str| {
        let arguments = [
            &["base", "generate", folder.path().to_str().unwrap()],
            &SHORT[..],
            rest,
        ]
        .concat();
        let answer = run(&mut command(&arguments), stdin.as_bytes());
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        answer.rows()[0]["text"].clone()
    };
    let framed = ask(&["--prompt", "[system]S\n[user]x\n[assistant]"], "");
    assert_eq!(
        framed,
        ask(&["--chat", "--system", "S", "--prompt", "x"], "")
    );
    let messages = "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"x\"}]}";
    assert_eq!(framed, ask(&["--chat", "--jsonl", "-"], messages));
}

//! Texts that `skillbelt serve` writes: completions, conversations, and tasks that write, each as the
//! commands write them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;
mod served;

use std::path::Path;

use asked::{command, golden, run};
use serde_json::{Value, json};
use served::{Server, decoder};

/// What `skillbelt base generate` writes.
fn generated(base: &Path, prompt: &str, rest: &[&str]) -> Value {
    let start = [
        "base",
        "generate",
        base.to_str().unwrap(),
        "--prompt",
        prompt,
    ];
    let answer = run(&mut command(&[&start, rest].concat()), b"");
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    answer.rows()[0].clone()
}

#[test]
fn completions_are_what_base_generate_writes_whole_and_in_pieces_greedy_and_drawn() {
    for family in ["qwen2", "t5"] {
        let base = golden(family);
        let server = Server::start(&["--base", base.to_str().unwrap()]);
        let prompt = "def add(a, b): return";
        for (body, rest) in [
            (json!({}), vec![]),
            (
                json!({"temperature": 0.8, "seed": 5}),
                vec!["--temperature", "0.8", "--seed", "5"],
            ),
        ] {
            let mut body = body;
            body["prompt"] = json!(prompt);
            body["max_tokens"] = json!(20);
            let rest = [&rest[..], &["--max-new-tokens", "20"]].concat();
            let expected = generated(&base, prompt, &rest);
            let whole = server.asked("/v1/completions", &body);
            // Numbers of prompts begin at one there, which a draw depends on.
            if body["seed"].is_null() {
                assert_eq!(whole["choices"][0]["text"], expected["text"], "{family}");
                let new = &whole["usage"]["completion_tokens"];
                assert_eq!(*new, expected["new_tokens"]);
            }
            assert_eq!(
                whole,
                without_time(server.asked("/v1/completions", &body), &whole)
            );
            body["stream"] = json!(true);
            body["stream_options"] = json!({"include_usage": true});
            let (events, ended) = server.post("/v1/completions", &body).events();
            assert!(ended);
            let text = |event: &Value| event["choices"][0]["text"].as_str().map(str::to_owned);
            let pieces: String = events.iter().filter_map(text).collect();
            assert_eq!(pieces, whole["choices"][0]["text"].as_str().unwrap());
            assert_eq!(events.last().unwrap()["usage"], whole["usage"]);
        }
    }
}

/// The same answer under the number and the time of another.
fn without_time(mut answer: Value, other: &Value) -> Value {
    for key in ["id", "created"] {
        answer[key] = other[key].clone();
    }
    answer
}

#[test]
fn many_prompts_and_choices_have_places_of_their_own_and_stop_where_told() {
    let base = golden("qwen2");
    let server = Server::start(&["--base", base.to_str().unwrap()]);
    let body = json!({"prompt": ["def a", "class B"], "n": 2, "max_tokens": 8, "temperature": 1.5, "echo": true});
    let answer = server.asked("/v1/completions", &body);
    let choices = answer["choices"].as_array().unwrap();
    let texts: Vec<&str> = choices
        .iter()
        .map(|one| one["text"].as_str().unwrap())
        .collect();
    assert_eq!(choices.len(), 4);
    assert!(texts[..2].iter().all(|text| text.starts_with("def a")));
    assert!(texts[2..].iter().all(|text| text.starts_with("class B")));
    assert_ne!(texts[0], texts[1]);
    // By the first character that is written, the text is nothing.
    let one = server.asked(
        "/v1/completions",
        &json!({"prompt": "def a", "max_tokens": 8}),
    );
    let text = one["choices"][0]["text"].as_str().unwrap().to_owned();
    let stop = text.chars().next().unwrap().to_string();
    let body = json!({"prompt": "def a", "max_tokens": 8, "stop": stop});
    let none = server.asked("/v1/completions", &body);
    assert_eq!(none["choices"][0]["text"], "");
    assert_eq!(none["choices"][0]["finish_reason"], "stop");
}

#[test]
fn a_task_that_writes_answers_through_predict_as_the_command_does() {
    let trained = decoder();
    let server = trained.serve(&[]);
    let answer = server.asked(
        "/predict",
        &json!({"texts": ["say 3", "say 5"], "tasks": ["write", "sort"]}),
    );
    let (belt, base) = (trained.path("one/belt"), trained.base.to_str().unwrap());
    let arguments = ["predict", &belt, "--base", base, "--task", "write", "-"];
    let stdin = b"{\"source\": \"say 3\"}\n{\"source\": \"say 5\"}\n";
    let rows = run(&mut command(&arguments), stdin).rows();
    for (row, expected) in rows.iter().enumerate() {
        let tasks = &answer["results"][row]["tasks"];
        let written = expected.get("written").unwrap_or(&expected["prediction"]);
        assert_eq!(&tasks["write"]["text"], written);
        assert!(tasks["sort"]["label"].is_string());
    }
}

#[test]
fn a_conversation_goes_through_the_bases_own_template_and_without_one_is_refused() {
    let bare = golden("qwen2");
    let folder = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(&bare).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs_err::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";
    fs_err::write(folder.path().join("chat_template.jinja"), template).unwrap();
    let server = Server::start(&["--base", folder.path().to_str().unwrap()]);
    let messages = json!([
        {"role": "system", "content": "be short"},
        {"role": "user", "content": [{"type": "text", "text": "add two "}, {"type": "text", "text": "numbers"}]},
    ]);
    let chat = server.asked(
        "/v1/chat/completions",
        &json!({"messages": messages, "max_tokens": 12}),
    );
    let prompt = "system: be short\nuser: add two numbers\nassistant:";
    let plain = server.asked(
        "/v1/completions",
        &json!({"prompt": prompt, "max_tokens": 12}),
    );
    let text = chat["choices"][0]["message"]["content"].clone();
    assert_eq!(text, plain["choices"][0]["text"]);
    let body = json!({"messages": messages, "max_tokens": 12, "stream": true});
    let (events, ended) = server.post("/v1/chat/completions", &body).events();
    let piece = |event: &Value| {
        event["choices"][0]["delta"]["content"]
            .as_str()
            .map(str::to_owned)
    };
    assert!(ended);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(
        json!(events.iter().filter_map(piece).collect::<String>()),
        text
    );

    let without = Server::start(&["--base", bare.to_str().unwrap()]);
    let refused = without.post("/v1/chat/completions", &json!({"messages": messages}));
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (400, &json!("no_chat_template"))
    );
}

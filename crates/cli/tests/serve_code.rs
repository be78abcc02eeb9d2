//! `skillbelt serve --code`: the server's answers from a repository follow its files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;
mod served;

use std::path::Path;
use std::time::{Duration, Instant};

use asked::golden;
use serde_json::{Value, json};
use served::Server;

const READ: &str = "def read_lines(path):\n    \"\"\"Reads a file line by line.\"\"\"\n    return open(path).readlines()\n";
const MAIL: &str =
    "def send_mail(to, text):\n    \"\"\"Sends a letter.\"\"\"\n    return to.take(text)\n";

fn server(code: &Path) -> Server {
    let (base, code) = (golden("bert"), code.to_str().unwrap().to_owned());
    Server::start(&["--base", base.to_str().unwrap(), "--code", &code])
}

/// Names that words find, best first.
fn names(server: &Server, words: &str) -> Vec<String> {
    let found = server.asked("/search", &json!({"query": words, "k": 5}));
    let hits = found["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| hit["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until an answer is as it should be: the index is brought up to date beside the answers.
fn until(what: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(Instant::now() < end, "the index never came to it");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn words_and_functions_find_functions_and_what_changed_is_never_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs_err::write(file("read.py"), READ).unwrap();
    fs_err::write(file("mail.py"), MAIL).unwrap();
    let server = server(folder.path());
    let first = |words: &str| names(&server, words).into_iter().next();
    until(|| first("read a file line by line").as_deref() == Some("read_lines"));
    let found = server.asked("/similar", &json!({"code": MAIL, "k": 1}));
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["path"], &hit["line"]),
        (&json!("mail.py"), &json!(1)),
        "{found}"
    );
    assert!(hit["code"].as_str().unwrap().contains("to.take(text)"));
    fs_err::write(file("read.py"), READ.replace("read_lines", "all_lines")).unwrap();
    // From this moment on the old name is told no more, whether the new one is known yet or not.
    assert!(!names(&server, "read lines").contains(&"read_lines".to_owned()));
    until(|| first("all lines").as_deref() == Some("all_lines"));
}

#[test]
fn what_cannot_be_looked_for_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    for (route, body, wrong) in [
        ("/search", json!({"query": " "}), "query"),
        ("/search", json!({"query": "a", "k": 0}), "`k`"),
        ("/similar", json!({"code": ""}), "code"),
        ("/similar", json!({"code": "f()", "words": "a"}), "words"),
    ] {
        let answer = server.post(route, &body);
        assert_eq!(answer.status, 400, "{route} {body}: {}", answer.body);
        assert!(answer.body.contains(wrong), "{}", answer.body);
    }
    let found: Value = server.asked("/search", &json!({"query": "anything"}));
    assert_eq!(found["hits"], json!([]));
}

#[test]
fn a_place_that_is_not_there_is_told_before_anything_is_served() {
    let base = golden("bert");
    let base = base.to_str().unwrap();
    let arguments = ["serve", "--base", base, "--code", "/nowhere/at/all"];
    let answer = asked::run(&mut asked::command(&arguments), b"");
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("/nowhere/at/all"), "{}", answer.err);
}

//! `skillbelt judge` with an endpoint that grades, and with one that babbles.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;
#[path = "../../train/tests/endpoint_server/mod.rs"]
mod endpoint_server;

use std::path::Path;

use asked::{Answer, command, run};
use endpoint_server::{Reply, Server};

fn judge(folder: &Path, url: &str, rest: &[&str]) -> Answer {
    let answers = folder.join("answers.jsonl");
    let fixed = [
        "judge",
        "--answers",
        answers.to_str().unwrap(),
        "--endpoint",
        url,
        "--model",
        "m",
    ];
    run(&mut command(&[&fixed, rest].concat()), b"")
}

fn answers(folder: &Path) {
    let line = |n: usize| {
        format!(r#"{{"name":"r{n}","written":"says {n}","expected":"true {n}"}}"#) + "\n"
    };
    let mut text: String = (1..=5).map(line).collect();
    text += r#"{"name":"r6","written":null,"expected":"x","failed":"empty"}"#;
    fs_err::write(folder.join("answers.jsonl"), text).unwrap();
}

#[test]
fn grades_have_means_intervals_and_the_agreement_of_the_runs() {
    let folder = tempfile::tempdir().unwrap();
    answers(folder.path());
    let server = Server::start(|request| {
        let prompt = request.prompt();
        let digit = |part: &str| part.chars().next().filter(char::is_ascii_digit);
        let grade = prompt.split("says ").find_map(digit).unwrap();
        Reply::said(&format!(
            r#"{{"correct": {grade}, "complete": {grade}, "concise": 5}}"#
        ))
    });
    let told = judge(folder.path(), &server.url(), &["--json"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let found = told.rows().remove(0);
    assert_eq!(
        (&found["judged"], &found["failed_answers"]),
        (&6.into(), &1.into())
    );
    assert_eq!(server.requests().len(), 25);
    let correct = &found["grades"][0];
    // 1 to 5, and the lowest grade for the answer that never came.
    assert!(
        (correct["mean"].as_f64().unwrap() - 16.0 / 6.0).abs() < 1e-12,
        "{correct}"
    );
    assert_eq!(correct["alpha"], 1.0);
    assert!(correct["interval"]["low"].as_f64() < correct["interval"]["high"].as_f64());
    let orders: std::collections::BTreeSet<String> = server
        .requests()
        .iter()
        .map(|r| {
            r.prompt()
                .split("best):\n")
                .nth(1)
                .unwrap()
                .split("<reference>")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(orders.len() > 1, "runs differ in the order of the criteria");
    let again = judge(folder.path(), &server.url(), &["--json"]);
    assert_eq!(again.code, Some(0));
    assert_eq!(server.requests().len(), 25, "nothing is asked twice");
}

#[test]
fn a_judge_that_babbles_gives_no_grades() {
    let folder = tempfile::tempdir().unwrap();
    answers(folder.path());
    let server = Server::start(|_| Reply::said("Great work, 5 out of 5!"));
    let told = judge(folder.path(), &server.url(), &["--runs", "2", "--json"]);
    let found = told.rows().remove(0);
    assert_eq!(
        (&found["unjudged"], &found["failures"]["no JSON object"]),
        (&5.into(), &10.into())
    );
    assert_eq!(found["failure_rate"], 1.0);
}

#[test]
fn a_rubric_with_mistakes_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    answers(folder.path());
    let rubric = folder.path().join("rubric.yaml");
    for (text, expected) in [
        ("lowest: 5\nhighest: 1\n", "no scale from 5 to 1"),
        ("criteria: []\n", "0 criteria"),
        ("criterias: []\n", "rubric.yaml:1"),
        ("criteria:\n  - {name: a}\n", "meaning"),
    ] {
        fs_err::write(&rubric, text).unwrap();
        let told = judge(
            folder.path(),
            "http://127.0.0.1:1/v1",
            &["--rubric", rubric.to_str().unwrap()],
        );
        assert_eq!(told.code, Some(2), "{text}");
        assert!(told.err.contains(expected), "{text}: {}", told.err);
    }
}

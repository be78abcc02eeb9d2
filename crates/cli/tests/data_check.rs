//! `skillbelt data check`: what it tells, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use asked::{Answer, command, run};
use serde_json::json;

fn check(folder: &tempfile::TempDir, arguments: &[&str]) -> Answer {
    let mut command = command(&[&["data", "check"], arguments].concat());
    run(command.current_dir(folder.path()), b"")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs_err::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const TRAIN: &str = "{\"func\":\"int add(int a, int b) { return a + b; } int twice(int a) { return add(a, a); }\",\"target\":0,\"project\":\"p\"}\n\
    {\"func\":\"void other(char *c) { free(c); }\",\"target\":1,\"project\":\"q\"}\n";

#[test]
fn a_clean_set_ends_with_0_and_says_how_it_is() {
    let test = "{\"func\":\"while (next()) { step(); }\",\"target\":1,\"project\":\"r\"}\n";
    let folder = folder(&[("train.jsonl", TRAIN), ("test.jsonl", test)]);
    let answer = check(
        &folder,
        &[
            "--type",
            "classify",
            "--train",
            "train.jsonl",
            "--test",
            "test.jsonl",
        ],
    );
    assert_eq!(
        (answer.code, answer.err.as_str()),
        (Some(0), ""),
        "{}",
        answer.out
    );
    for part in [
        "train         2 rows used, 0 rejected",
        "labels of train  0: 1 (50.0%), 1: 1 (50.0%)",
        "3 groups, 0 of them in several splits",
        "lengths in words",
    ] {
        assert!(answer.out.contains(part), "{part} in\n{}", answer.out);
    }
}

#[test]
fn leaks_conflicts_and_bad_rows_end_with_1() {
    let test = "{\"func\":\"int add(int a, int b) {\\n return a + b; } int twice(int a) { return add(a, a); } \",\"target\":0,\"project\":\"p\"}\n\
        {\"func\":\"void other(char *c) { free(c); }\",\"target\":0}\n{\"target\":1}\n";
    let folder = folder(&[("train.jsonl", TRAIN), ("test.jsonl", test)]);
    let arguments = [
        "--type",
        "classify",
        "--train",
        "train.jsonl",
        "--test",
        "test.jsonl",
        "--json",
    ];
    let answer = check(&folder, &arguments);
    assert_eq!(
        (answer.code, answer.err.as_str()),
        (Some(1), "found: 5, as told above\n"),
        "{}",
        answer.out
    );
    let report = &answer.rows()[0];
    assert_eq!(report["findings"], 5);
    let task = &report["tasks"]["data"];
    assert_eq!(task["across"][0]["rows"], 1);
    assert_eq!(
        task["across"][0]["row_examples"],
        json!([["train.jsonl:2", "test.jsonl:2"]])
    );
    assert_eq!(
        task["across"][0]["near_examples"],
        json!([["train.jsonl:1", "test.jsonl:1"]])
    );
    assert_eq!(task["conflicts"]["contents"], 1);
    assert_eq!(task["groups"]["crossing"], 1);
    assert_eq!(
        task["splits"]["test"]["rejected"]["field missing"]["count"],
        1
    );
    let text = check(&folder, &arguments[..6]);
    assert_eq!(text.code, Some(1));
    assert!(
        text.out.contains("hint: what stands in two splits"),
        "{}",
        text.out
    );
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let folder = folder(&[("train.jsonl", TRAIN)]);
    let answer = check(&folder, &["--type", "classify", "--train", "trian.jsonl"]);
    let expected = "error: trian.jsonl: no such file\nhint: did you mean train.jsonl?\n";
    assert_eq!((answer.code, answer.err.as_str()), (Some(2), expected));
    let answer = check(&folder, &["--type", "classify"]);
    assert_eq!(answer.code, Some(2));
    let answer = check(&folder, &["--type", "sort", "--train", "train.jsonl"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("expected one of `classify`"),
        "{}",
        answer.err
    );
    let answer = check(
        &folder,
        &[
            "--type",
            "classify",
            "--train",
            "train.jsonl",
            "--field",
            "txt=a",
        ],
    );
    assert!(
        answer.code == Some(2) && answer.err.contains("found `txt`"),
        "{}",
        answer.err
    );
}

//! `skillbelt base embed` from outside.

mod asked;

use std::process::Stdio;

use asked::{base, base_with, command, golden};
use serde_json::{Value, json};

fn vector(row: &Value) -> Vec<f64> {
    row["embedding"]
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn texts_come_back_as_vectors_in_their_order() {
    let answer = base("embed", "bert", &["def a(): pass", "x = 1", "--normalize"]);
    assert_eq!((answer.code, answer.err.as_str()), (Some(0), ""));
    let rows = answer.rows();
    assert_eq!(
        rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(),
        [json!(1), json!(2)]
    );
    for row in &rows {
        let length: f64 = vector(row).iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5 && vector(row).len() == 64);
        assert!(row["tokens"].as_u64().unwrap() > 1 && row.get("truncated").is_none());
    }
    assert_ne!(rows[0]["embedding"], rows[1]["embedding"]);
}

#[test]
fn batches_and_threads_do_not_change_a_number_and_pooling_does() {
    let texts = ["def a(): pass", "x = 1", "while True:\n  continue", "y"];
    let ask = |more: &[&str]| base("embed", "roberta", &[&texts[..], more].concat()).out;
    let one = ask(&[]);
    assert_eq!(one, ask(&["--batch-tokens", "1"]));
    assert_eq!(one, ask(&["--threads", "1"]));
    assert_ne!(one, ask(&["--pool", "first"]));
    assert_ne!(ask(&["--pool", "last"]), ask(&["--pool", "first"]));
}

#[test]
fn a_bad_row_is_told_with_file_and_line_and_the_others_are_done() {
    let rows = "{\"id\":\"a\",\"code\":\"x = 1\"}\nnot json\n\n{\"id\":\"c\",\"text\":\"y\"}\n[1]\n{\"code\":5}\n{\"code\":\"z\"}";
    let answer = base_with("embed", "bert", &["--jsonl", "-", "--field", "code"], rows);
    assert_eq!(answer.code, Some(2));
    let done: Vec<_> = answer
        .rows()
        .iter()
        .map(|row| (row["id"].clone(), row["line"].clone()))
        .collect();
    assert_eq!(done, [(json!("a"), json!(1)), (json!(6), json!(7))]);
    let told: Vec<Value> = answer
        .err
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(
        told.iter()
            .map(|row| row["line"].clone())
            .collect::<Vec<_>>(),
        [json!(2), json!(4), json!(5), json!(6)]
    );
    assert!(
        told[1]["error"]
            .as_str()
            .unwrap()
            .contains("no field `code`; the row has `id`, `text`")
    );
    assert!(
        answer.err.contains("error: 4 of 6 inputs were rejected"),
        "{}",
        answer.err
    );
}

#[test]
fn a_text_that_is_too_long_is_cut_and_says_so() {
    let answer = base("embed", "bert", &["a b c d e f g h", "--max-tokens", "4"]);
    let rows = answer.rows();
    assert_eq!(
        (answer.code, &rows[0]["truncated"], &rows[0]["tokens"]),
        (Some(0), &json!(true), &json!(4))
    );
    assert!(
        answer.err.contains("1 texts were longer than 4 tokens"),
        "{}",
        answer.err
    );
    let answer = base("embed", "bert", &["a", "--max-tokens", "100000"]);
    assert_eq!(answer.code, Some(2));
}

#[test]
fn a_file_is_one_text_and_so_is_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.py");
    fs_err::write(&path, "x = 1\ny = 2\n").unwrap();
    let file = base("embed", "bert", &["--file", path.to_str().unwrap()]);
    let stdin = base_with("embed", "bert", &["--file", "-"], "x = 1\ny = 2\n");
    assert_eq!((file.code, file.rows().len()), (Some(0), 1));
    assert_eq!(file.out, stdin.out);
    fs_err::write(&path, [0xff, 0xfe]).unwrap();
    let answer = base("embed", "bert", &["--file", path.to_str().unwrap()]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("a.py: not UTF-8 at byte 0"),
        "{}",
        answer.err
    );
}

#[test]
fn a_reader_who_leaves_ends_the_program_quietly() {
    let rows = "{\"text\":\"x = 1\"}\n".repeat(400);
    let folder = golden("bert");
    let arguments = [
        "base",
        "embed",
        folder.to_str().unwrap(),
        "--jsonl",
        "-",
        "--batch-tokens",
        "64",
    ];
    let mut child = command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    let feeder =
        std::thread::spawn(move || drop(std::io::Write::write_all(&mut input, rows.as_bytes())));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn every_precision_gives_nearly_the_same_vector() {
    let ask = |precision| {
        vector(
            &base(
                "embed",
                "bert",
                &["def add(a, b): return a + b", "--precision", precision],
            )
            .rows()[0],
        )
    };
    let exact = ask("f32");
    for (precision, least) in [("bf16", 0.999), ("int8", 0.99), ("nf4", 0.9)] {
        let other = ask(precision);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosine = dot(&exact, &other) / (dot(&exact, &exact) * dot(&other, &other)).sqrt();
        assert!(cosine > least && other != exact, "{precision}: {cosine}");
    }
}

//! `skillbelt search` and `similar` with the real program: answers, exit codes, several at once, kills.
//!
//! `SKILLBELT_KILLS=200` kills more often. Quality is measured elsewhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

fn golden(family: &str) -> String {
    let folder = std::env::var("SKILLBELT_GOLDEN").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
        PathBuf::from,
    );
    folder.join(family).to_string_lossy().into_owned()
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillbelt"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder of many small files, each with two functions.
fn repository(files: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir(folder.path().join("src")).unwrap();
    for at in 0..files {
        let text = format!(
            "def read_part_{at}(path):\n    \"\"\"Reads part {at} of a file.\"\"\"\n    return open(path).read({at})\n\n\n\
             class Box{at}:\n    def close_box(self):\n        self.lid = {at}\n"
        );
        fs_err::write(folder.path().join(format!("src/part_{at}.py")), text).unwrap();
    }
    folder
}

/// Every function that the index has, by place and name.
fn all(folder: &Path) -> BTreeSet<String> {
    let found = run(
        folder,
        &[
            "search",
            "read close part box",
            "--lexical",
            "-k",
            "1000",
            "--json",
        ],
    );
    assert!(found.status.success(), "{}", told(&found));
    let lines = said(&found);
    let place = |line: &str| {
        let hit: Value = serde_json::from_str(line).unwrap();
        format!("{}:{}:{}", hit["file"], hit["line"], hit["name"])
    };
    lines.lines().map(place).collect()
}

#[test]
fn hits_are_shaped_as_those_of_grep_and_exit_codes_are_its_own() {
    let folder = repository(3);
    let found = run(folder.path(), &["search", "read part 2", "-k", "1"]);
    assert_eq!(
        said(&found),
        "src/part_2.py:1: def read_part_2(path):\n",
        "{}",
        told(&found)
    );
    assert_eq!(found.status.code(), Some(0));
    assert!(told(&found).contains("by words alone"), "{}", told(&found));
    let below = run(
        folder.path(),
        &["search", "close box", "src/part_1.py", "--lexical"],
    );
    assert_eq!(said(&below), "src/part_1.py:7: def close_box(self):\n");
    let none = run(folder.path(), &["search", "velociraptor", "-q"]);
    assert_eq!((none.status.code(), said(&none).as_str()), (Some(1), ""));
    for wrong in [
        &["search", "x", "nowhere"][..],
        &["search", "x", "--glob", "[z-a]"],
        &["search", "x", "--vector"],
        &["search", "x", "--belt", "nowhere"],
        &["similar", "src/part_1.py:5"],
        &["similar", "src/part_1.py"],
    ] {
        let output = run(folder.path(), wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?} {}", told(&output));
        assert!(told(&output).contains("error: "), "{wrong:?}");
    }
}

#[test]
fn a_function_like_another_is_found_from_its_place() {
    let folder = repository(3);
    let found = run(
        folder.path(),
        &[
            "similar",
            "src/part_1.py:2",
            "-k",
            "1",
            "--lexical",
            "--json",
        ],
    );
    let hit: Value = serde_json::from_str(&said(&found)).unwrap();
    assert!(
        hit["name"].as_str().unwrap().starts_with("read_part_"),
        "{hit}"
    );
    assert_ne!(hit["path"], "src/part_1.py");
}

#[test]
fn a_base_makes_vectors_and_questions_with_answers_are_measured() {
    let folder = repository(4);
    let base = golden("bert");
    let with = ["--base", &base, "--precision", "f32", "--wait", "all"];
    let found = run(
        folder.path(),
        &[&["search", "read part 3", "--json"][..], &with].concat(),
    );
    let first: Value = serde_json::from_str(said(&found).lines().next().unwrap()).unwrap();
    assert!(
        first["vector_rank"].is_u64() && first["lexical_rank"].is_u64(),
        "{first}"
    );
    let questions = folder.path().join("questions.jsonl");
    fs_err::write(
        &questions,
        "{\"query\": \"read part 3\", \"path\": \"src/part_3.py\"}\n",
    )
    .unwrap();
    let asked = ["search", "--evaluate", "questions.jsonl", ".", "--json"];
    let measured = run(folder.path(), &[&asked[..], &with].concat());
    let lines = said(&measured);
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let modes: Vec<&str> = rows
        .iter()
        .map(|row| row["mode"].as_str().unwrap())
        .collect();
    assert_eq!(modes, ["lexical", "vector", "fused"], "{}", told(&measured));
    assert_eq!(rows[0]["mrr"], 1.0);
    fs_err::write(&questions, "{\"query\": 1}\n").unwrap();
    let wrong = run(folder.path(), &["search", "--evaluate", "questions.jsonl"]);
    assert!(
        told(&wrong).contains("questions.jsonl:1"),
        "{}",
        told(&wrong)
    );
}

#[test]
fn several_at_once_make_one_whole_index() {
    let (folder, alone) = (repository(120), repository(120));
    let base = golden("bert");
    let arguments = [
        "search",
        "read part",
        "--base",
        &base,
        "--precision",
        "f32",
        "--wait",
        "all",
        "-k",
        "3",
    ];
    let start = |_| {
        command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let running: Vec<_> = (0..3).map(start).collect();
    for one in running {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        assert_eq!(said(&output).lines().count(), 3);
    }
    assert_eq!(all(folder.path()), all(alone.path()));
    assert_eq!(all(folder.path()).len(), 240);
}

#[test]
fn a_killed_search_loses_nothing_that_was_written() {
    let kills: u64 = std::env::var("SKILLBELT_KILLS").map_or(8, |kills| kills.parse().unwrap());
    let (folder, alone) = (repository(300), repository(300));
    let base = golden("bert");
    let arguments = [
        "search",
        "read",
        "--base",
        &base,
        "--precision",
        "f32",
        "--wait",
        "all",
        "-q",
    ];
    for kill in 0..kills {
        let mut running = command(folder.path(), &arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(5 + 37 * kill % 400));
        // It may have ended by itself.
        let _ended = running.kill();
        running.wait().unwrap();
        // What changes between kills must not be lost either.
        let file = folder.path().join(format!("src/part_{kill}.py"));
        let text = fs_err::read_to_string(&file).unwrap();
        fs_err::write(&file, format!("{text}\n# {kill}\n")).unwrap();
    }
    assert_eq!(all(folder.path()), all(alone.path()));
    let vectors = [&arguments[..], &["--vector", "-k", "1000", "--json"]].concat();
    let whole = run(folder.path(), &vectors);
    assert_eq!(said(&whole).lines().count(), 600, "{}", told(&whole));
}

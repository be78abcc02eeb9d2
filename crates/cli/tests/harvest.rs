//! `skillbelt harvest`: what it writes trains without conversion, and what it is told wrongly ends
//! with 2 and a hint.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use asked::{Answer, command, golden, run};

fn harvest(folder: &tempfile::TempDir, arguments: &[&str]) -> Answer {
    let mut command = command(&[&["harvest"], arguments].concat());
    run(command.current_dir(folder.path()), b"")
}

/// Forty files, each with a documented function that is like no other.
fn sources() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(folder.path().join("src")).unwrap();
    for number in 0..40 {
        let word = |at: usize| {
            let parts = ["ka", "ro", "mi", "tel", "sun", "vor", "pid"];
            let number = number * 31 + at * 17;
            format!(
                "{}{}{}",
                parts[number % 7],
                parts[(number / 7) % 7],
                parts[(number / 49) % 7]
            )
        };
        let (a, b, c, d) = (word(0), word(1), word(2), word(3));
        let text = format!(
            "def {a}_{b}(rows, limit):\n    \"\"\"Counts the {a} rows of a {b} below {c} and {d}.\"\"\"\n    {c} = {number}\n    {d} = []\n    for row in rows:\n        if row.{a} > limit and row.{b} != {c}:\n            {d}.append(row.{c})\n    return {d}, {c}\n"
        );
        fs_err::write(folder.path().join(format!("src/m{number}.py")), text).unwrap();
    }
    folder
}

#[test]
fn what_is_harvested_is_trained_on_without_conversion() {
    let folder = sources();
    let base = golden("qwen2");
    let answer = harvest(
        &folder,
        &["src", "--out", "data", "--base", base.to_str().unwrap()],
    );
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(
        answer.out.contains("search: ") && answer.err.contains("rows in data"),
        "{}",
        answer.out
    );
    let train = |arguments: &[&str]| {
        let mut command = command(&[&["train", "data/recipe.yaml"], arguments].concat());
        run(command.current_dir(folder.path()), b"")
    };
    let mut short: Vec<String> = Vec::new();
    for task in ["search", "summarize", "generate", "clone", "defect_mutated"] {
        short.extend(["--set".to_owned(), format!("tasks.{task}.max_length=24")]);
    }
    for key in [
        "search.max_query_length=16",
        "summarize.max_target_length=8",
        "generate.max_target_length=8",
    ] {
        short.extend(["--set".to_owned(), format!("tasks.{key}")]);
    }
    let mut arguments: Vec<&str> = short.iter().map(String::as_str).collect();
    arguments.push("--check");
    let answer = train(&arguments);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    let mut checked = command(&["data", "check", "data/recipe.yaml", "--json"]);
    let checked = run(checked.current_dir(folder.path()), b"");
    let report = &checked.rows()[0];
    for task in report["tasks"].as_object().unwrap().values() {
        let task = task.to_string();
        assert!(
            task.contains("\"rejected\":0") || !task.contains("\"rejected\""),
            "{task}"
        );
    }
}

#[test]
fn what_is_told_wrongly_ends_with_2_a_path_and_a_hint() {
    let folder = sources();
    let refused = |arguments: &[&str], words: &str| {
        let answer = harvest(&folder, arguments);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(answer.err.contains(words), "{arguments:?}: {}", answer.err);
    };
    refused(&["nowhere", "--out", "data"], "nowhere");
    refused(&["src", "--out", "src"], "no harvest wrote it");
    refused(&["src", "--out", "data", "--tasks", "flaky"], "--junit");
    refused(&["src", "--out", "data", "--languages", "cobol"], "cobol");
    refused(
        &["src", "--out", "data", "--languages", "rust"],
        "nothing to harvest",
    );
    refused(
        &["src", "--out", "data", "--split", "row"],
        "file, project or time",
    );
    refused(&["src", "--out", "data", "--split", "time"], "hint: ");
    refused(&["src", "--out", "data", "--junit", "nowhere"], "nowhere");
    assert!(!folder.path().join("data").exists());
}

//! `skillbelt quickstart` with the real program on a small repository in three languages: what it
//! writes, that it goes on after a stop or a kill, that it makes the same belt twice, and what it says
//! where something cannot be had. No network is asked: the hub is offline in all of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use asked::{Answer, command, golden, run};

/// The five tasks that a repository without history and test runs gives.
const TASKS: [&str; 5] = ["search", "summarize", "clone", "defect_mutated", "generate"];

/// Words that no two functions share all of.
fn word(number: usize, at: usize) -> String {
    let parts = ["ka", "ro", "mi", "tel", "sun", "vor", "pid"];
    let number = number * 31 + at * 17;
    let part = |divided: usize| parts[(number / divided) % 7];
    format!("{}{}{}", part(1), part(7), part(49))
}

/// Sixty documented functions, each in a file of its own.
fn repository(functions: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(folder.path().join("src")).unwrap();
    for number in 0..functions {
        let [a, b] = [0, 1].map(|at| word(number, at));
        let c = format!("n{number}");
        let says = format!("Counts {a} below {b}.");
        let (ending, text) = match number % 3 {
            0 => (
                "py",
                format!(
                    "def {a}_{b}(r, top):\n    \"\"\"{says}\"\"\"\n    {c} = {number}\n    if r.{a} > top:\n        {c} += r.{b}\n    return {c}\n"
                ),
            ),
            1 => (
                "rs",
                format!(
                    "/// {says}\npub fn {a}_{b}(r: &Rows, top: usize) -> usize {{\n    let mut {c} = {number};\n    if r.{a} > top {{\n        {c} += r.{b};\n    }}\n    {c}\n}}\n"
                ),
            ),
            _ => (
                "js",
                format!(
                    "/** {says} */\nfunction {a}_{b}(r, top) {{\n  let {c} = {number};\n  if (r.{a} > top) {{\n    {c} += r.{b};\n  }}\n  return {c};\n}}\n"
                ),
            ),
        };
        fs_err::write(folder.path().join(format!("src/m{number}.{ending}")), text).unwrap();
    }
    folder
}

/// A base of a few thousand weights that reads as much as the settings of a quick start ask for.
fn tiny_base() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        let mut bytes = fs_err::read(golden("qwen2").join(name)).unwrap();
        if name == "config.json" {
            let text = String::from_utf8(bytes).unwrap();
            let longer = text.replace("_embeddings\": 128", "_embeddings\": 1024");
            assert_ne!(text, longer);
            bytes = longer.into_bytes();
        }
        fs_err::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn arguments<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let begin = ["--threads", "1", "quickstart", "src", "--out", out];
    let tiny = ["--steps", "3", "--rows", "200"];
    [&begin[..], &tiny[..], more].concat()
}

fn quickstart(folder: &Path, base: &Path, out: &str, more: &[&str]) -> Answer {
    let mut all = arguments(out, more);
    all.extend(["--base", base.to_str().unwrap()]);
    run(command(&all).current_dir(folder), b"")
}

/// Every file of what is promised to be the same, by its place. Answers name the rows that they are
/// of by file and line; where the folder stands is taken out.
fn same_every_time(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut left: Vec<PathBuf> = ["data", "asked", "belt"].map(|name| out.join(name)).into();
    left.extend(["recipe.yaml", "quickstart.yaml"].map(|name| out.join(name)));
    left.extend(TASKS.map(|task| out.join(format!("words/{task}.test.jsonl"))));
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs_err::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let name = path.strip_prefix(out).unwrap().display().to_string();
            let mut bytes = fs_err::read(&path).unwrap();
            if let Ok(text) = std::str::from_utf8(&bytes) {
                bytes = text.replace(out.to_str().unwrap(), "OUT").into_bytes();
            }
            files.insert(name, bytes);
        }
    }
    files
}

#[test]
fn sixty_functions_become_a_belt_for_five_tasks_a_report_and_three_commands() {
    let (folder, base) = (repository(60), tiny_base());
    let base = base.path();
    let answer = quickstart(folder.path(), base, "first", &[]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    let out = folder.path().join("first");
    let report = fs_err::read_to_string(out.join("report.html")).unwrap();
    for task in TASKS {
        assert!(report.contains(task) && answer.out.contains(task), "{task}");
    }
    assert!(
        report.contains("words alone, no model"),
        "no row of the baselines"
    );
    assert!(
        report.contains("before the first step") && report.contains("A belt, minus no training")
    );
    for part in ["belt.json", "heads.safetensors"] {
        assert!(out.join("belt").join(part).is_file(), "{part}");
    }
    let next: Vec<&str> = answer.out.lines().rev().take(3).collect();
    for (line, word) in next.iter().rev().zip(["scan src", "search \"", "serve"]) {
        assert!(
            line.contains(word) && line.contains("first/belt --base "),
            "{line}"
        );
    }
    for stage in ["[1 of 5]", "[2 of 5]", "[3 of 5]", "[4 of 5]", "[5 of 5]"] {
        assert!(answer.err.contains(stage), "{stage}: {}", answer.err);
    }
    assert!(
        answer.out.contains("not made: flaky: no test runs"),
        "{}",
        answer.out
    );

    // The plan and the recipe are a person's own to use.
    for check in [
        ["train", "first/recipe.yaml", "--check"],
        ["study", "first/quickstart.yaml", "--check"],
    ] {
        let checked = run(command(&check).current_dir(folder.path()), b"");
        assert_eq!(checked.code, Some(0), "{check:?}: {}", checked.err);
    }

    // The same again goes on with what is there; other settings do not mix with it.
    let again = quickstart(folder.path(), base, "first", &["--json"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    assert!(again.err.contains("going on with"), "{}", again.err);
    assert_eq!(
        again.rows()[0]["tasks"].as_array().unwrap().len(),
        TASKS.len()
    );
    let other = quickstart(folder.path(), base, "first", &["--full"]);
    assert_eq!((other.code, other.out.as_str()), (Some(2), ""));
    assert!(other.err.contains("--force"), "{}", other.err);

    // Elsewhere, stopped and killed on its way: the same bytes.
    stopped_and_killed(folder.path(), base);
    let second = quickstart(folder.path(), base, "second", &[]);
    assert_eq!(second.code, Some(0), "{}", second.err);
    let (first, second) = (
        same_every_time(&out),
        same_every_time(&folder.path().join("second")),
    );
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        second.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} is another one");
    }

    // What it says to do next can be done.
    for line in &next[1..] {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", line]).current_dir(folder.path()).output();
        let output = output.unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{line}: {told}"
        );
    }
}

/// Is stopped by a person in the middle of the study, begun again, killed, and leaves what there is.
fn stopped_and_killed(folder: &Path, base: &Path) {
    let mut child = begun(folder, base, 1);
    let process = libc::pid_t::try_from(child.id()).unwrap();
    // SAFETY: it takes two numbers; the child is not waited for yet, so its number is its own.
    assert_eq!(unsafe { libc::kill(process, libc::SIGINT) }, 0);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped; what was done is saved"), "{said}");

    child = begun(folder, base, 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!folder.join("second/report.html").exists());
}

/// Begins, and comes back when the study has so many finished parts.
fn begun(folder: &Path, base: &Path, parts: usize) -> Child {
    let mut all = arguments("second", &[]);
    all.extend(["--base", base.to_str().unwrap()]);
    let mut process = command(&all);
    process.current_dir(folder).stdin(Stdio::null());
    process.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = process.spawn().unwrap();
    let since = Instant::now();
    let cells = folder.join("second/study/cells");
    let done = || fs_err::read_dir(&cells).map_or(0, |entries| entries.count());
    while done() < parts && since.elapsed() < Duration::from_secs(300) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_task_whose_answers_the_base_cannot_write_is_left_out_and_told() {
    let folder = repository(60);
    // It reads 128 tokens, and bodies are longer than a third of that.
    let answer = quickstart(folder.path(), &golden("qwen2"), "short", &[]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    let told = "not made: generate: the base can read";
    assert!(answer.out.contains(told), "{}", answer.out);
    let plan = fs_err::read_to_string(folder.path().join("short/quickstart.yaml")).unwrap();
    assert!(
        plan.contains("summarize:") && !plan.contains("generate:"),
        "{plan}"
    );
}

#[test]
fn a_base_that_only_reads_is_asked_no_text() {
    let folder = repository(60);
    let answer = quickstart(folder.path(), &golden("bert"), "read", &[]);
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    let told = "not made: summarize: the base is an encoder";
    assert!(answer.out.contains(told), "{}", answer.out);
    let plan = fs_err::read_to_string(folder.path().join("read/quickstart.yaml")).unwrap();
    assert!(
        plan.contains("clone:") && !plan.contains("summarize:"),
        "{plan}"
    );
}

#[test]
fn what_cannot_be_had_is_told_with_2_a_reason_and_a_hint() {
    let folder = repository(2);
    let few = quickstart(folder.path(), &golden("qwen2"), "few", &[]);
    assert_eq!((few.code, few.out.as_str()), (Some(2), ""));
    assert!(few.err.contains("too little to learn from"), "{}", few.err);
    assert!(
        few.err.contains("search: ") && few.err.contains("hint: "),
        "{}",
        few.err
    );

    let refused = |arguments: &[&str], words: &str| {
        let all = [&["quickstart"], arguments].concat();
        let mut command = command(&all);
        command.current_dir(folder.path());
        let answer = run(
            command.env("CARGO_HOME", folder.path().join("nowhere")),
            b"",
        );
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(answer.err.contains(words), "{arguments:?}: {}", answer.err);
    };
    let base = golden("qwen2");
    let base = base.to_str().unwrap();
    refused(&["--base", base], "quickstart PATH");
    refused(&["nowhere", "--base", base], "nowhere");
    refused(
        &["src", "--out", "src", "--base", base],
        "no quick start wrote it",
    );
    refused(&["src", "--steps", "0"], "--steps");
    assert!(folder.path().join("src/m0.py").is_file());
}

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
    for (name, task) in report["tasks"].as_object().unwrap() {
        for (split, told) in task["splits"].as_object().unwrap() {
            let used = told["used"].as_u64().unwrap();
            let rejected = told["rejected"].as_object().unwrap();
            assert!(used > 0 && rejected.is_empty(), "{name} {split}: {told}");
        }
    }
}

/// Two runs on one commit, in which every third test once failed.
fn test_runs(folder: &tempfile::TempDir) {
    for run in ["1", "2"] {
        let case = |number: usize| {
            let failed = run == "2" && number % 3 == 0;
            let inner = if failed { "<failure/>" } else { "" };
            format!(
                "<testcase classname=\"test_m{number}\" name=\"test_of_{number}\">{inner}</testcase>"
            )
        };
        let cases: Vec<String> = (0..40).map(case).collect();
        let at = folder.path().join("runs/3f2a91c").join(run);
        fs_err::create_dir_all(&at).unwrap();
        let text = format!("<testsuite name=\"s\">{}</testsuite>", cases.concat());
        fs_err::write(at.join("a.xml"), text).unwrap();
    }
    for number in 0..40 {
        let name = folder.path().join(format!("src/test_m{number}.py"));
        let text = fs_err::read_to_string(folder.path().join(format!("src/m{number}.py"))).unwrap();
        let body = text.replace("return", "assert").replace(", limit", "");
        let (_, body) = body.split_once("(rows)").unwrap();
        fs_err::write(name, format!("def test_of_{number}(rows){body}")).unwrap();
    }
}

#[test]
fn the_recipe_is_taken_as_it_is_with_the_base_that_is_built_in() {
    let folder = sources();
    test_runs(&folder);
    let answer = harvest(&folder, &["src", "--out", "data", "--junit", "runs"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let cache = folder.path().join("cache");
    let mut command = command(&["train", "data/recipe.yaml", "--check"]);
    command.current_dir(folder.path()).env("HF_HOME", cache);
    let answer = run(&mut command, b"");
    assert_eq!(answer.code, Some(0), "{}{}", answer.out, answer.err);
    for task in [
        "search",
        "summarize",
        "generate",
        "clone",
        "defect_mutated",
        "flaky",
    ] {
        assert!(
            answer.out.contains(&format!("{task} train: ")),
            "{task}: {}",
            answer.out
        );
    }
    assert!(!answer.out.contains("rejected"), "{}", answer.out);
}

#[test]
fn a_harvest_that_is_killed_leaves_a_whole_one_and_the_next_takes_its_leavings_away() {
    let folder = sources();
    let out = folder.path().join("data");
    let contents = || {
        let mut all: Vec<(std::ffi::OsString, Vec<u8>)> = fs_err::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), fs_err::read(entry.path()).unwrap()))
            .collect();
        all.sort();
        all
    };
    let arguments = ["src", "--out", "data", "--force"];
    let started = std::time::Instant::now();
    assert_eq!(harvest(&folder, &arguments).code, Some(0));
    let (takes, whole) = (started.elapsed(), contents());
    for kill in 0..30 {
        let mut command = command(&[&["harvest"], &arguments[..]].concat());
        command.current_dir(folder.path());
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The golden ratio spreads moments evenly; most of the writing is near the end.
        std::thread::sleep(takes.mul_f32(0.3 + 0.7 * (kill as f32 * 0.618_034).fract()));
        child.kill().unwrap();
        child.wait().unwrap();
        // For one moment both lie aside, and the next harvest brings one of them back.
        assert!(!out.exists() || contents() == whole, "after kill {kill}");
    }
    assert_eq!(harvest(&folder, &arguments).code, Some(0));
    assert_eq!(contents(), whole);
    let left = fs_err::read_dir(folder.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        let path = folder.path().join(&name).join("held");
        name.to_string_lossy().starts_with(".harvest-") && path.exists()
    });
    assert_eq!(left.count(), 0);
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

//! `skillbelt execute` and `skillbelt score --task execute`: one way to pass@k; what a machine
//! without a layer of the sandbox, or without a toolchain, says.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is not run says so")]

mod asked;
mod without;

use std::path::Path;

use asked::{Answer, command, run};
use without::without_networks;

/// States that this machine cannot have a complete sandbox.
const CANNOT: &str = "SKILLBELT_NO_SANDBOX";

fn cannot() -> bool {
    let cannot = std::env::var_os(CANNOT).is_some();
    if cannot {
        eprintln!("{CANNOT} is set: NOT RUN");
    }
    cannot
}

/// Two problems as in MBPP and HumanEval, and two samples for each, of which one is right.
fn files(folder: &Path) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (problems, said) = (path("problems.jsonl"), path("said.jsonl"));
    let lines = [
        serde_json::json!({"task_id": 1, "code": "def f(n): return n", "test_list": ["assert f(3) == 3"]}),
        serde_json::json!({"task_id": "H/1", "prompt": "def g(n):\n", "canonical_solution": "    return n\n",
            "test": "def check(c):\n    assert c(2) == 2\n", "entry_point": "g"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs_err::write(&problems, text).unwrap();
    let lines = [
        serde_json::json!({"task_id": 1, "samples": ["def f(n): return n", "def f(n): return 0"]}),
        serde_json::json!({"task_id": "H/1", "completion": "    return n\n"}),
        serde_json::json!({"task_id": "H/1", "completion": "    return None\n"}),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs_err::write(&said, text).unwrap();
    (problems, said)
}

fn execute(folder: &Path, more: &[&str]) -> Answer {
    let (problems, said) = files(folder);
    let arguments = ["execute", "--problems", &problems, "--predictions", &said];
    run(command(&arguments).args(more), b"")
}

#[test]
fn both_commands_run_the_same_and_tell_the_same() {
    if cannot() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (problems, said) = files(folder.path());
    let outcomes = |name: &str| folder.path().join(name).display().to_string();
    let (ours, theirs) = (outcomes("a.jsonl"), outcomes("b.jsonl"));
    let one = execute(folder.path(), &["--k", "1,2", "--out", &ours]);
    let arguments = ["score", "--task", "execute", "--answers", &problems];
    let mut scored = command(&arguments);
    scored.args(["--predictions", &said, "--k", "1,2", "--outcomes", &theirs]);
    let other = run(&mut scored, b"");
    assert_eq!((one.code, one.err.as_str()), (Some(0), ""));
    assert_eq!((other.code, &other.out), (Some(0), &one.out));
    assert!(one.out.contains("pass@1    0.5000"), "{}", one.out);
    assert!(one.out.contains("pass@2    1.0000"), "{}", one.out);
    let read = |path: &str| fs_err::read_to_string(path).unwrap();
    assert_eq!(read(&ours), read(&theirs));
    assert_eq!(read(&ours).lines().count(), 4);
    let json = run(scored.arg("--json"), b"").rows().remove(0);
    assert_eq!(json["pass"][0]["value"], 0.5);
    assert_eq!(json["sandboxed"], true);
}

#[test]
fn a_machine_without_a_layer_runs_nothing_and_names_it() {
    if cannot() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (problems, said) = files(folder.path());
    for start in [
        &["execute", "--problems", &problems][..],
        &["score", "--task", "execute", "--answers", &problems],
    ] {
        let mut refused = command(start);
        refused.args(["--predictions", &said]);
        let told = run(without_networks(&mut refused), b"");
        assert_eq!(
            (told.code, told.out.as_str()),
            (Some(2), ""),
            "{}",
            told.err
        );
        let expected = "error: no complete sandbox on this machine: network namespace missing (";
        assert!(told.err.starts_with(expected), "{}", told.err);
        assert!(!told.err.contains("IPC namespace"), "{}", told.err);
        assert!(told.err.contains("hint: ") && told.err.contains("--unsafe-without-sandbox"));
        // The user says so, so it is run, and the report says how.
        let told = run(refused.arg("--unsafe-without-sandbox"), b"");
        assert_eq!(told.code, Some(0), "{}", told.err);
        assert!(told.out.contains("pass@1    0.5000"), "{}", told.out);
        assert!(
            told.out.contains("run without a complete sandbox"),
            "{}",
            told.out
        );
    }
}

#[test]
fn a_missing_toolchain_is_named_and_nothing_is_run() {
    if cannot() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (problems, said) = (path("problems.jsonl"), path("said.jsonl"));
    fs_err::write(&said, "{\"task_id\": 1, \"code\": \"\"}\n").unwrap();
    let named = [
        ("python", "python3"),
        ("java", "java"),
        ("javascript", "node"),
        ("cpp", "g++"),
        ("rust", "rustc"),
    ];
    for (language, program) in named {
        let problem =
            serde_json::json!({"task_id": 1, "language": language, "cases": [{"output": ""}]});
        fs_err::write(&problems, format!("{problem}\n")).unwrap();
        let arguments = ["execute", "--problems", &problems, "--predictions", &said];
        let told = run(command(&arguments).env("PATH", folder.path()), b"");
        assert_eq!((told.code, told.out.as_str()), (Some(2), ""), "{language}");
        let expected = format!("`{program}`");
        assert!(told.err.contains(&expected), "{language}: {}", told.err);
        assert!(told.err.contains("hint: "), "{language}: {}", told.err);
    }
}

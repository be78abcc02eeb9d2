//! `skillbelt scan` as it is typed: reports, exit codes, cache, and parsers that die, with a tiny belt.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../harvest/tests/repository/mod.rs"]
mod repository;
#[path = "../../apply/tests/worn/mod.rs"]
mod worn;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use skillbelt_apply::checkout::{Parsers, Wish, find};

/// A belt with a task `mark` of single texts, `twins` and `joined` of pairs, and its base.
struct Worn {
    _folder: tempfile::TempDir,
    belt: PathBuf,
    base: PathBuf,
}

static WORN: LazyLock<Worn> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    copied(&worn::base("bert"), &base);
    let belt = worn::belt(folder.path(), &base, "{kind: lora}");
    Worn {
        _folder: folder,
        belt,
        base,
    }
});

fn copied(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs_err::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_skillbelt");

fn plain() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let body = "    total = 0\n    for row in rows:\n        if row > limit:\n            total = total + row\n    print(total, limit, rows, limit)\n    return total\n";
    for (file, name) in [("a.py", "alpha"), ("b.py", "beta")] {
        let text = format!("def {name}(rows, limit):\n{body}");
        fs_err::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn scan(path: &Path, more: &[&str]) -> Output {
    let Worn { belt, base, .. } = &*WORN;
    Command::new(PROGRAM)
        .args(["scan", "--offline", "--quiet", "--belt"])
        .arg(belt)
        .arg("--base")
        .arg(base)
        .args([
            "--rule",
            "mark=defect",
            "--rule",
            "joined=clone",
            "--rule",
            "twins=clone",
        ])
        .args(more)
        .arg(path)
        .output()
        .unwrap()
}

fn ended(output: &Output, code: i32) -> Value {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{err}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

const ALL: [&str; 6] = [
    "--threshold",
    "mark=0",
    "--threshold",
    "joined=0",
    "--format",
    "json",
];

#[test]
fn findings_are_exit_code_one_none_are_zero_and_mistakes_are_two() {
    let folder = plain();
    let report = ended(&scan(folder.path(), &ALL), 1);
    let findings = report["findings"].as_array().unwrap();
    let rules: Vec<&str> = findings
        .iter()
        .map(|one| one["rule"].as_str().unwrap())
        .collect();
    assert_eq!(
        rules.iter().filter(|rule| **rule == "mark").count(),
        2,
        "{report:#}"
    );
    assert!(
        report["rules"][0]["expected"]["rows"].as_u64().unwrap() > 0,
        "{report:#}"
    );
    ended(
        &scan(folder.path(), &[&ALL[..], &["--fail-on", "never"]].concat()),
        0,
    );
    let loud = [&ALL[..], &["--level", "mark=error", "--fail-on", "error"]].concat();
    ended(&scan(folder.path(), &loud), 1);
    ended(
        &scan(
            folder.path(),
            &[
                "--threshold",
                "mark=1",
                "--threshold",
                "joined=1",
                "--threshold",
                "twins=1",
            ],
        ),
        0,
    );
    for wrong in [
        &["--rule", "nothing=defect"][..],
        &["--threshold", "mark=x"],
        &["--diff", "HEAD"],
        &["--baseline", "nowhere.json"],
    ] {
        ended(&scan(folder.path(), wrong), 2);
    }
    ended(&scan(&folder.path().join("nowhere"), &[]), 2);
}

#[test]
fn a_second_scan_reads_no_weights_and_finds_the_same() {
    let folder = plain();
    let first = ended(&scan(folder.path(), &ALL), 1);
    assert!(first["counts"]["read"].as_u64().unwrap() > 0);
    // A base without its weights cannot be opened, and needs not be.
    let bare = folder.path().join("bare");
    copied(&WORN.base, &bare);
    for entry in fs_err::read_dir(&bare).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|ending| ending == "safetensors")
        {
            fs_err::write(&path, "no weights").unwrap();
        }
    }
    let bare = bare.to_str().unwrap().to_owned();
    let with_bare = |more: &[&str]| {
        Command::new(PROGRAM)
            .args([
                "scan",
                "--offline",
                "--quiet",
                "--rule",
                "mark=defect",
                "--rule",
                "joined=clone",
            ])
            .args(["--rule", "twins=clone", "--base", &bare, "--belt"])
            .arg(&WORN.belt)
            .args(more)
            .arg(folder.path())
            .output()
            .unwrap()
    };
    let second = ended(&with_bare(&ALL), 1);
    assert_eq!(second["findings"], first["findings"]);
    assert_eq!(second["counts"]["read"], 0);
    // The control: without the cache the weights are missed.
    ended(&with_bare(&[&ALL[..], &["--no-cache"]].concat()), 2);
}

#[test]
fn sarif_is_written_whole_into_a_file_and_text_says_what_it_is_worth() {
    let folder = plain();
    let out = folder.path().join("findings.sarif");
    let words = [
        "--threshold",
        "mark=0",
        "--format",
        "sarif",
        "--out",
        out.to_str().unwrap(),
    ];
    ended(&scan(folder.path(), &words), 1);
    let log: Value = serde_json::from_slice(&fs_err::read(&out).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["runs"][0]["results"].as_array().unwrap().len() >= 2);
    let text = scan(folder.path(), &["--threshold", "mark=0"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("a.py\n") && text.contains("def alpha(rows, limit):"),
        "{text}"
    );
    assert!(text.contains("validation rows"), "{text}");
}

/// A program that dies as often as a file says, and then is the parser.
#[cfg(target_os = "linux")]
fn dying(folder: &Path, times: usize) -> Parsers {
    let count = folder.join("deaths");
    fs_err::write(&count, "x".repeat(times)).unwrap();
    let script = format!(
        "if [ -s '{0}' ]; then head -c -1 '{0}' > '{0}.new'; mv '{0}.new' '{0}'; kill -SEGV $$; fi; exec '{PROGRAM}' __parse",
        count.display()
    );
    Parsers::apart("/bin/sh".into(), vec!["-c".to_owned(), script])
}

#[cfg(target_os = "linux")]
#[test]
fn a_parser_that_dies_costs_one_file_and_nothing_else() {
    let folder = plain();
    let beside = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let looked = |times| {
        let checkout = find(&Wish::of(vec![folder.path().to_owned()])).unwrap();
        pool.install(|| checkout.read_all(&dying(beside.path(), times)))
    };
    let (whole, unread) = looked(0);
    assert_eq!((whole.len(), unread.len()), (2, 0));
    assert_eq!(looked(1).0, whole, "a second try");
    let (files, unread) = looked(2);
    assert_eq!(files, whole[1..]);
    assert_eq!(unread[0].reason, "the parser died on it");
    let here = find(&Wish::of(vec![folder.path().to_owned()])).unwrap();
    assert_eq!(here.read_all(&Parsers::here()).0, whole);
}

/// The commands of the ready-made configurations, as a shell gets them.
fn commands() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ci");
    let mut all = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for line in fs_err::read_to_string(&path).unwrap().lines() {
            if let Some(at) = line.find("skillbelt scan --belt tools/belt") {
                let command = line[at..].trim_end_matches('\'');
                all.push((name.clone(), command.to_owned()));
            }
        }
    }
    all
}

#[cfg(unix)]
#[test]
fn the_commands_of_the_ready_made_configurations_run() {
    let repository = repository::Repository::new();
    repository.write("a.py", &repository::source(1));
    repository.commit("First", 1_000);
    repository.write("b.py", &repository::source(2));
    repository.commit("Second", 2_000);
    let Worn { belt, base, .. } = &*WORN;
    let worn = format!(
        "skillbelt scan --belt {} --base {} --rule mark=defect --offline",
        belt.display(),
        base.display()
    );
    let path = format!(
        "{}:{}",
        Path::new(PROGRAM).parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let all = commands();
    assert!(all.len() >= 7, "{all:?}");
    for (file, command) in all {
        let command = command.replace("skillbelt scan --belt tools/belt", &worn);
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(repository.path())
            .env("PATH", &path)
            .env("BASE", "HEAD~1")
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{file}: {command}\n{err}"
        );
        if command.contains("--out skillbelt.sarif") {
            let written = repository.path().join("skillbelt.sarif");
            let log: Value = serde_json::from_slice(&fs_err::read(&written).unwrap()).unwrap();
            assert_eq!(log["version"], "2.1.0");
            fs_err::remove_file(written).unwrap();
        }
    }
}

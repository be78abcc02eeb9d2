//! Runs the binary as a person would, and holds what came back.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

pub struct Answer {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Answer {
    /// Every line of stdout as JSON.
    pub fn rows(&self) -> Vec<Value> {
        let row = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.out.lines().map(row).collect()
    }
}

pub fn golden(family: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(family);
    assert!(folder.is_dir(), "no references at {}", folder.display());
    folder
}

/// The command with its arguments, away from the caller's own settings and caches.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skillbelt"));
    command.args(arguments);
    for variable in [
        "SKILLBELT_KERNEL",
        "HF_HUB_CACHE",
        "HF_ENDPOINT",
        "HF_TOKEN",
    ] {
        command.env_remove(variable);
    }
    command.env(
        "HF_HOME",
        std::env::temp_dir().join("skillbelt-no-such-cache"),
    );
    command.env("HF_HUB_OFFLINE", "1");
    command
}

/// Runs a command to its end with this stdin.
pub fn run(command: &mut Command, stdin: &[u8]) -> Answer {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let stdin = stdin.to_owned();
    let feeder = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Answer {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `skillbelt base WHAT FOLDER ...` on the reference of a family.
pub fn base(what: &str, family: &str, rest: &[&str]) -> Answer {
    base_with(what, family, rest, "")
}

/// The same with a stdin.
pub fn base_with(what: &str, family: &str, rest: &[&str], stdin: &str) -> Answer {
    let folder = golden(family);
    let arguments = [&["base", what, folder.to_str().unwrap()], rest].concat();
    run(&mut command(&arguments), stdin.as_bytes())
}

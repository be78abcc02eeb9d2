//! `skillbelt train`, killed: at every named point and at random moments, for each kind of belt, on
//! a tiny base. The belt must be, to the byte, that of a run which nobody touched.
//!
//! `SKILLBELT_KILLS=200` kills so often for each kind [3]; `SKILLBELT_KILL_KINDS=lora,dora` chooses
//! kinds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KINDS: [&str; 4] = ["lora", "dora", "seq_bn", "prefix"];

const POINTS: [&str; 16] = [
    "after-learn",
    "after-step",
    "during-eval",
    "after-eval",
    "snapshot",
    "before-write",
    "mid-file",
    "after-file",
    "before-manifest",
    "before-rename",
    "after-rename",
    "before-remove",
    "after-save",
    "before-belt",
    "half-belt",
    "before-report",
];

/// A folder with data and, for each run, a recipe of its own.
struct Bench {
    folder: tempfile::TempDir,
    kind: &'static str,
}

impl Bench {
    fn new(kind: &'static str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        for (name, rows) in [("train", 48), ("valid", 12)] {
            for task in ["left", "right"] {
                let path = folder.path().join(format!("{task}-{name}.jsonl"));
                fs_err::write(path, jsonl(task, rows)).unwrap();
            }
        }
        Bench { folder, kind }
    }

    fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn recipe(&self, name: &str) -> PathBuf {
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/bert");
        let here = self.folder.path().display();
        let mut text = format!(
            "base: {}\nbelt:\n  kind: {}\ntasks:\n",
            base.display(),
            self.kind
        );
        for task in ["left", "right"] {
            let _infallible = write!(
                text,
                "  {task}:\n    type: classify\n    train: {here}/{task}-train.jsonl\n    \
                 valid: {here}/{task}-valid.jsonl\n    fields: {{text: text, label: label}}\n"
            );
        }
        let _infallible = write!(
            text,
            "training:\n  num_epochs: 6\n  batch_size: 8\n  save_steps: 3\n  logging_steps: 2\n\
             evaluation:\n  eval_steps: 10\n  per_task_snapshots: true\noutput: {}\n",
            self.output(name).display()
        );
        let path = self.folder.path().join(format!("{name}.yaml"));
        fs_err::write(&path, text).unwrap();
        path
    }

    fn start(&self, name: &str, kill_at: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_skillbelt"))
            .args(["train", "--resume", "--offline", "--threads", "2"])
            .arg(self.recipe(name))
            .env("SKILLBELT_KILL_AT", kill_at)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Everything in the belt's folder, by name.
    fn belt(&self, name: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = self.output(name).join("belt");
        let entries = fs_err::read_dir(&folder).unwrap();
        let mut files: Vec<(PathBuf, Vec<u8>)> = entries
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                let name = path.file_name().unwrap().into();
                (name, fs_err::read(&path).unwrap())
            })
            .collect();
        files.sort();
        assert!(!files.is_empty());
        files
    }
}

/// Two classes that a word decides.
fn jsonl(task: &str, rows: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        let label = row * 5 / 3 % 2;
        let word = ["alpha", "omega"][label];
        let _infallible = writeln!(
            text,
            "{{\"text\": \"{task} {word} number {row} of the rows\", \"label\": {label}}}"
        );
    }
    text
}

fn kinds() -> Vec<&'static str> {
    let chosen = std::env::var("SKILLBELT_KILL_KINDS").unwrap_or_else(|_| KINDS.join(","));
    let known = |kind: &&&str| chosen.split(',').any(|word| word == **kind);
    KINDS.iter().filter(known).copied().collect()
}

#[test]
fn a_run_that_is_killed_at_random_moments_ships_the_same_belt() {
    let kills: u64 = std::env::var("SKILLBELT_KILLS").map_or(3, |count| count.parse().unwrap());
    for kind in kinds() {
        let bench = Bench::new(kind);
        let started = Instant::now();
        assert!(bench.start("whole", "").wait().unwrap().success(), "{kind}");
        let takes = started.elapsed();
        let whole = bench.belt("whole");
        let ends_well = |name: &str| {
            assert!(bench.start(name, "").wait().unwrap().success(), "{kind}");
            assert!(bench.belt(name) == whole, "{kind}: the belt differs");
        };
        let mut name = "killed".to_owned();
        for kill in 0..kills {
            let mut child = bench.start(&name, "");
            // The golden ratio spreads moments evenly over the whole run.
            let share = (kill as f32 * 0.618_034).fract();
            std::thread::sleep(takes.mul_f32(share).max(Duration::from_millis(1)));
            child.kill().unwrap();
            child.wait().unwrap();
            if bench.output(&name).join("belt").exists() {
                // Nearly or quite done: look at the end, and begin another one.
                ends_well(&name);
                name = format!("killed-{kill}");
            }
        }
        ends_well(&name);
    }
}

#[test]
fn a_run_that_dies_at_any_named_point_ships_the_same_belt() {
    for kind in kinds() {
        let bench = Bench::new(kind);
        assert!(bench.start("whole", "").wait().unwrap().success(), "{kind}");
        for point in POINTS {
            let died = bench.start(point, &format!("{point}:2")).wait().unwrap();
            let once = ["before-belt", "before-report"].contains(&point);
            assert!(once || !died.success(), "{kind}: never came by {point}");
            if once {
                fs_err::remove_dir_all(bench.output(point)).unwrap();
                assert!(!bench.start(point, point).wait().unwrap().success());
            }
            assert!(
                bench.start(point, "").wait().unwrap().success(),
                "{kind} {point}"
            );
            assert!(
                bench.belt(point) == bench.belt("whole"),
                "{kind} {point}: the belt differs"
            );
        }
    }
}

//! The base that is built in, with the real program: every command takes `pocket` as its base, offline
//! and where the cache cannot be written into; and what belts on random weights of its shape are worth
//! is kept apart from it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// A folder with rows, a recipe and a plan, and a cache that is no folder.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let bench = Bench { folder };
        let mut rows = String::new();
        for i in 0..24 {
            let (label, sign) = [("sum", '+'), ("difference", '-')][i % 2];
            writeln!(
                rows,
                r#"{{"text": "int f{i}(int a, int b) {{ return a {sign} b; }}", "label": "{label}"}}"#
            )
            .unwrap();
        }
        bench.write("rows.jsonl", &rows);
        bench.write("cache", "a file where a folder should be");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skillbelt"));
        command.current_dir(self.folder.path()).args(arguments);
        command
            .env("HF_HUB_CACHE", self.path("cache"))
            .env("TMPDIR", self.folder.path())
            .env("HF_HUB_OFFLINE", "1");
        command.output().unwrap()
    }

    fn well(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let heard = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {heard}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, arguments: &[&str], with: &str) {
        let output = self.run(arguments);
        let heard = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{heard}");
        assert!(heard.contains(with), "{heard}");
    }

    fn recipe(&self, name: &str, base: &str) {
        self.write(
            &format!("{name}.yaml"),
            &format!(
                "base: {base}\nbelt: {{kind: lora, lora_r: 2}}\noutput: {name}\n{TASKS}{}\n",
                "training: {max_steps: 2, batch_size: 4, learning_rate: 1.0e-3}"
            ),
        );
    }
}

const TASKS: &str = "tasks: {sign: {type: classify, train: rows.jsonl, test: rows.jsonl, max_length: 32, metric: auc}}\n";

#[test]
fn every_command_takes_the_base_that_is_built_in_offline_and_without_a_cache() {
    let bench = Bench::new();
    bench.recipe("run", "pocket");
    bench.well(&["train", "run.yaml", "-q"]);
    bench.well(&[
        "eval", "run/belt", "--recipe", "run.yaml", "--out", "answers",
    ]);
    let answers = bench.well(&["predict", "run/belt", "rows.jsonl"]);
    assert_eq!(answers.lines().count(), 24);
    let vector = bench.well(&["base", "embed", "pocket", "int first(int a);"]);
    assert!(vector.len() > 100);
    bench.well(&[
        "base",
        "generate",
        "pocket",
        "--prompt",
        "int ",
        "--max-new-tokens",
        "3",
    ]);
    let shown: Value =
        serde_json::from_str(&bench.well(&["base", "show", "pocket", "--json"])).unwrap();
    assert!(shown["width"].as_u64().unwrap() >= 128);
}

#[test]
fn a_study_sets_the_base_against_random_weights_of_its_shape() {
    let bench = Bench::new();
    bench.write(
        "plan.yaml",
        &format!(
            "bases: {{pocket: pocket, random: {{name: pocket, weights: random}}}}\nbelts:\n  lora: {{lora_r: 2}}\n  \
             seq_bn: {{bases: [pocket]}}\narms: [single]\nseeds: [0, 1]\n{TASKS}training: {{max_steps: 2, batch_size: 4, learning_rate: 1.0e-3}}\n\
             evaluation: {{policy: last}}\ndraws: 100\n"
        ),
    );
    bench.well(&["study", "plan.yaml", "--out", "study", "-q"]);
    let results = fs_err::read(bench.path("study/results.json")).unwrap();
    let results: Value = serde_json::from_slice(&results).unwrap();
    let rows = results["tables"]["pretrained_minus_random"]
        .as_array()
        .unwrap();
    // A belt that is for the one base alone has nothing to be set against.
    assert_eq!(
        (rows.len(), results["cells"].as_array().unwrap().len()),
        (1, 6)
    );
    assert_eq!(
        (&rows[0]["base"], &rows[0]["b"]["base"]),
        (&"pocket".into(), &"random".into())
    );
    for pair in rows[0]["seeds"].as_array().unwrap() {
        assert_ne!(pair["a_cell"], pair["b_cell"]);
    }
    let page = fs_err::read_to_string(bench.path("study/study.html")).unwrap();
    assert!(page.contains("minus on random weights of its shape"));
    let hash = |base: usize| results["study"]["bases"][base]["content_hash"].clone();
    assert_ne!(hash(0), hash(1));
}

#[test]
fn a_belt_on_random_weights_says_so_and_is_refused_on_the_base_itself() {
    let bench = Bench::new();
    bench.recipe("random", "{name: pocket, weights: random}");
    bench.well(&["train", "random.yaml", "-q"]);
    let card = fs_err::read_to_string(bench.path("random/belt/belt.json")).unwrap();
    assert!(card.contains("random-weights-0-shape-of-pocket"));
    let predict = ["predict", "random/belt", "--base", "pocket", "rows.jsonl"];
    bench.refused(&predict, "random-weights-0-shape-of-pocket");
    // Another seed is another network, and the same seed the same one.
    let weights = |run: &str| fs_err::read(bench.path(run).join("belt/heads.safetensors")).unwrap();
    bench.well(&["train", "random.yaml", "-q", "-o", "again"]);
    bench.well(&["train", "random.yaml", "-q", "-o", "other", "--seed", "1"]);
    assert!(weights("random") == weights("again") && weights("random") != weights("other"));
    bench.refused(
        &["train", "random.yaml", "--set", "base.weights=sideways"],
        "`base.weights`",
    );
}

//! `skillbelt pretrain` with the real program: a tiny corpus becomes a base that other commands open;
//! a run that is killed makes the same one, to the byte; plans with mistakes are refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a corpus of three projects and plans beside it.
struct Bench {
    folder: tempfile::TempDir,
}

const WORDS: [&str; 8] = [
    "count", "total", "name", "value", "index", "width", "first", "last",
];

/// A file of functions that differ, of words that come again.
fn program(seed: usize) -> String {
    let mut text = format!("\"\"\"Module number {seed}.\"\"\"\n\n");
    for i in 0..12 {
        let word = |k: usize| WORDS[(seed * 7 + i * 3 + k * 5 + i * i * k) % WORDS.len()];
        let (name, a, b) = (word(1), word(2), word(3));
        write!(
            text,
            "def {name}_{seed}_{i}({a}, {b}):\n    \"\"\"The {name} of {a} and {b}.\"\"\"\n    if {a} > {b}:\n        return {a} - {b}\n    return {b} + {a}\n\n\n"
        )
        .unwrap();
    }
    text
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        for (project, files) in [("alpha", 0..6), ("beta", 6..12), ("gamma", 12..15)] {
            let place = folder.path().join("corpus").join(project);
            fs_err::create_dir_all(&place).unwrap();
            for file in files {
                fs_err::write(place.join(format!("file{file}.py")), program(file)).unwrap();
            }
        }
        Bench { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a plan with these lines beside what all plans here say.
    fn plan(&self, name: &str, lines: &str) {
        let text = format!(
            "network: {{width: 32, layers: 2, heads: 2, inner: 64, positions: 64}}\n\
             tokenizer: {{vocabulary: 400}}\n\
             sources: {{python: {{files: corpus, extensions: py}}}}\n\
             held_out: {{projects: [gamma]}}\n{lines}\n"
        );
        fs_err::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_skillbelt"));
        command.current_dir(self.folder.path()).args(arguments);
        command
            .env("HF_HUB_CACHE", self.path("cache"))
            .env("HF_HUB_OFFLINE", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
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
}

const COURSE: &str = "training: {max_steps: 24, window: 32, pack_tokens: 64, batch_tokens: 128, warmup_steps: 4, \
                      eval_steps: 8, save_steps: 4, logging_steps: 1, learning_rate: 0.01}";

/// Numbers of one field of a run's log, or of one measure, in order.
fn logged(run: &Path, kind: &str, key: &str) -> Vec<f64> {
    let text = fs_err::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own = lines.filter(|line| line["kind"] == kind);
    own.filter_map(|line| line[key].as_f64().or(line["measures"][key].as_f64()))
        .collect()
}

#[test]
fn a_base_is_made_that_other_commands_open_and_its_loss_falls() {
    let bench = Bench::new();
    for (aim, measure) in [
        ("causal", "bits_per_byte"),
        ("masked", "hidden_bits_per_byte"),
    ] {
        let plan = format!("{aim}.yaml");
        bench.plan(&plan, &format!("objective: {aim}\n{COURSE}"));
        bench.well(&["pretrain", &plan, "-o", aim]);
        let run = bench.path(aim);
        let losses = logged(&run, "train", "loss");
        assert_eq!(losses.len(), 24);
        assert!(losses[23] < 0.9 * losses[0], "{losses:?}");
        let held = logged(&run, "valid", measure);
        assert!(held.len() == 3 && held[2] < held[0], "{held:?}");
        let base = format!("{aim}/base");
        let shown = bench.well(&["base", "show", &base, "--json"]);
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["width"], 32);
        bench.well(&["base", "embed", &base, "def total(a):"]);
    }
    bench.well(&[
        "base",
        "generate",
        "causal/base",
        "--prompt",
        "def ",
        "--max-new-tokens",
        "4",
    ]);
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_base() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    let weights = |run: &str| fs_err::read(bench.path(run).join("base/model.safetensors")).unwrap();
    bench.well(&["--threads", "1", "pretrain", "plan.yaml", "-o", "whole"]);
    for (number, point) in ["after-learn:7", "mid-file:9", "half-belt:1"]
        .iter()
        .enumerate()
    {
        let run = format!("killed{number}");
        let mut command = bench.command(&["pretrain", "plan.yaml", "-o", &run]);
        command.env("SKILLBELT_KILL_AT", point);
        let status = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "{point} was not reached");
        bench.well(&["pretrain", "plan.yaml", "-o", &run, "--resume"]);
        assert!(weights("whole") == weights(&run), "killed at {point}");
    }
    bench.refused(&["pretrain", "plan.yaml", "-o", "whole"], "holds a run");
    let faster = "training.learning_rate=0.1";
    let resumed = ["pretrain", "plan.yaml", "-o", "whole", "--resume", "--set"];
    bench.refused(
        &[&resumed[..], &[faster]].concat(),
        "training.learning_rate",
    );
    bench.refused(
        &[&resumed[..], &["training.max_steps=40"]].concat(),
        "the rate fell",
    );
}

#[test]
fn the_end_of_a_run_may_be_moved_while_its_rate_stays() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    let with = |run: &'static str, more: &[&'static str]| -> Vec<&str> {
        [&["pretrain", "plan.yaml", "-o", run][..], more].concat()
    };
    bench.well(&with("long", &["--set", "training.max_steps=30"]));
    let mut command = bench.command(&with("moved", &["--set", "training.max_steps=100"]));
    command.env("SKILLBELT_KILL_AT", "after-step:14");
    assert!(!command.stderr(Stdio::null()).status().unwrap().success());
    bench.well(&with(
        "moved",
        &["--resume", "--set", "training.max_steps=30"],
    ));
    let weights = |run: &str| fs_err::read(bench.path(run).join("base/model.safetensors")).unwrap();
    assert!(weights("long") == weights("moved"));
}

#[test]
fn what_is_compared_are_the_same_files_and_the_answer_is_one_table() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    bench.well(&["pretrain", "plan.yaml", "-o", "run"]);
    let table = bench.well(&[
        "pretrain",
        "plan.yaml",
        "-o",
        "run",
        "--compare",
        "run/base",
    ]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let bytes: usize = (12..15).map(|file| program(file).len()).sum();
    assert_eq!(rows[1][..3], ["python", "3", &bytes.to_string()]);
    let own = logged(&bench.path("run"), "valid", "bits_per_byte");
    let shown: f64 = rows[1][3].parse().unwrap();
    assert!((shown - own[2]).abs() < 1e-3, "{shown} {own:?}");
}

#[test]
fn a_base_goes_on_from_another_with_pairs_mixed_in() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    bench.well(&["pretrain", "plan.yaml", "-o", "first"]);
    let mut rows = String::new();
    for i in 0..40 {
        let word = WORDS[i % WORDS.len()];
        writeln!(
            rows,
            r#"{{"query": "the {word} number {i}", "candidate": "def {word}_{i}(): return {i}"}}"#
        )
        .unwrap();
    }
    fs_err::write(bench.path("pairs.jsonl"), rows).unwrap();
    let plan = format!(
        "base: first/base\nsources: {{python: {{files: corpus, extensions: py, weight: 1}}}}\n\
         contrast: {{search: {{type: retrieve, train: pairs.jsonl, valid: pairs.jsonl, weight: 2, batch_size: 8, \
         max_length: 32, max_query_length: 16, symmetric: true, pooling: mean, \
         fields: {{query: query, candidate: candidate}}}}}}\n{COURSE}"
    );
    fs_err::write(bench.path("second.yaml"), plan).unwrap();
    bench.well(&["pretrain", "second.yaml", "-o", "second"]);
    let found = logged(&bench.path("second"), "valid", "mrr");
    assert!(found.len() == 3 && found[2] > found[0], "{found:?}");
    assert!(bench.path("second/base/tokenizer.json").exists());
}

#[test]
fn documentation_finds_its_function_after_a_contrastive_stage() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    bench.well(&["pretrain", "plan.yaml", "-o", "first"]);
    let stage = |more: &str| {
        format!(
            "{more}\nsources: {{python: {{files: corpus, extensions: py}}}}\nheld_out: {{projects: [gamma]}}\n\
             documented: {{batch_size: 8, max_length: 64, max_query_length: 16}}\n\
             training: {{max_steps: 24, window: 32, pack_tokens: 64, batch_tokens: 64, warmup_steps: 4, \
             eval_steps: 8, save_steps: 4, logging_steps: 1, learning_rate: 0.01}}\n"
        )
    };
    let path = bench.path("second.yaml");
    fs_err::write(&path, stage("base: first/base\nobjective: contrastive")).unwrap();
    bench.well(&["pretrain", "second.yaml", "-o", "second"]);
    let found = logged(&bench.path("second"), "valid", "mrr");
    assert!(found.len() == 3 && found[2] > found[0], "{found:?}");
    assert!(logged(&bench.path("second"), "valid", "bits_per_byte").is_empty());
    let pairs = |part: &str| {
        let path = bench.path(&format!("second/corpus/0.{part}.jsonl"));
        fs_err::read_to_string(path).unwrap()
    };
    // Modules 12 to 14 are those of the project that is held out; each wording stands once.
    let told = |text: &str, modules: std::ops::Range<usize>| {
        modules
            .into_iter()
            .any(|module| text.contains(&format!("_{module}_")))
    };
    assert!(told(&pairs("train"), 0..12) && !told(&pairs("train"), 12..15));
    assert!(told(&pairs("held"), 12..15) && !told(&pairs("held"), 0..12));
    // Mixed in, the base goes on learning to write.
    fs_err::write(&path, stage("base: first/base")).unwrap();
    bench.well(&["pretrain", "second.yaml", "-o", "mixed"]);
    assert_eq!(
        logged(&bench.path("mixed"), "valid", "bits_per_byte").len(),
        3
    );
    assert_eq!(logged(&bench.path("mixed"), "valid", "mrr").len(), 3);
    fs_err::write(&path, stage("objective: contrastive")).unwrap();
    bench.refused(
        &["pretrain", "second.yaml", "-o", "third"],
        "a stage on a base",
    );
}

#[test]
fn plans_with_mistakes_are_refused_with_the_key() {
    let bench = Bench::new();
    let cases = [
        ("trainin: {}", "did you mean `training`"),
        ("training: {window: 65}", "`training.window`"),
        ("training: {adam_beta2: 1}", "`training.adam_beta2`"),
        (
            "training: {max_steps: 3, warmup_steps: 9}",
            "`training.max_steps`",
        ),
        ("base: somewhere", "`network`"),
        (
            "contrast: {search: {type: classify, train: x}}",
            "`contrast.search.type`",
        ),
        ("objective: sideways", "`objective`"),
    ];
    for (lines, with) in cases {
        bench.plan("bad.yaml", lines);
        bench.refused(&["pretrain", "bad.yaml", "-o", "bad"], with);
    }
    fs_err::write(bench.path("bad.yaml"), "network: {width: 32}").unwrap();
    bench.refused(&["pretrain", "bad.yaml", "-o", "bad"], "`sources`");
    bench.plan("bad.yaml", COURSE);
    let held = ["--set", "held_out.projects=[gama]"];
    bench.refused(
        &[&["pretrain", "bad.yaml", "-o", "bad"][..], &held].concat(),
        "did you mean `gamma`",
    );
    assert!(!bench.path("bad/corpus").exists());
    let small = ["--set", "tokenizer.vocabulary=100"];
    bench.refused(
        &[&["pretrain", "bad.yaml", "-o", "small"][..], &small].concat(),
        "a vocabulary of 100",
    );
}

#[test]
fn a_damaged_stock_is_refused() {
    let bench = Bench::new();
    bench.plan("plan.yaml", COURSE);
    bench.well(&["pretrain", "plan.yaml", "-o", "run", "--tokenizer-only"]);
    let path = bench.path("run/corpus/0.train.tokens");
    let whole = fs_err::read(&path).unwrap();
    for damaged in [
        &whole[..whole.len() - 1],
        &whole[..2],
        &[&whole[..], &[255; 4]].concat(),
    ] {
        fs_err::write(&path, damaged).unwrap();
        bench.refused(
            &["pretrain", "plan.yaml", "-o", "run"],
            "0.train.tokens: damaged",
        );
    }
    let seed = ["--set", "training.seed=5"];
    bench.refused(
        &[&["pretrain", "plan.yaml", "-o", "run"][..], &seed].concat(),
        "another seed",
    );
}

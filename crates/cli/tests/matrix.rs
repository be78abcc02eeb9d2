//! `skillbelt train` on every family with every kind of belt, on bases held in every way: the loss
//! falls, recomputation changes no byte of the belt, packing changes no more than rounding, and the
//! belt that was shipped answers, opened again, as it did in the run.
//!
//! A sample of all combinations; `SKILLBELT_MATRIX=full` takes all, and a part of a name
//! (`SKILLBELT_MATRIX=qwen2` or `=prefix`) those with the part in their name.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod trained;

use serde_json::{Value, json};
use skillbelt_engine::Keep;
use skillbelt_model::Checkpoint;
use skillbelt_train::data::Split;
use skillbelt_train::recipe::{SplitFiles, TaskSettings};
use skillbelt_train::shipped::Shipped;
use skillbelt_train::task::Stage;
use trained::{Bench, Kind};

const FAMILIES: [&str; 10] = [
    "bert",
    "roberta",
    "modernbert",
    "t5",
    "t5_gated",
    "gpt_bigcode",
    "starcoder2",
    "llama",
    "mistral",
    "qwen2",
];
const BELTS: [(&str, &str); 8] = [
    ("lora", "kind: lora, target_modules: all-linear"),
    ("dora", "kind: dora"),
    ("task_lora", "kind: task_lora"),
    ("seq_bn", "kind: seq_bn, reduction_factor: 4"),
    ("double_seq_bn", "kind: double_seq_bn, reduction_factor: 4"),
    ("par_bn", "kind: par_bn"),
    ("prefix", "kind: prefix, num_virtual_tokens: 5"),
    ("full", "kind: full"),
];
const PRECISIONS: [&str; 3] = ["f32", "int8", "nf4"];

const PLAIN: &str = "pack_tokens: 4096";
const RECOMPUTED: &str = "pack_tokens: 4096, gradient_checkpointing: true";
const SMALL_PACKS: &str = "pack_tokens: 40";

/// Every combination that there is, or a few in which each family, kind and precision stands.
fn combinations() -> Vec<(String, Kind)> {
    let asked = std::env::var("SKILLBELT_MATRIX").ok();
    let mut chosen = Vec::new();
    for (f, base) in FAMILIES.into_iter().enumerate() {
        for (b, (name, belt)) in BELTS.into_iter().enumerate() {
            for (p, precision) in PRECISIONS.into_iter().enumerate() {
                if name == "full" && precision != "f32" {
                    continue;
                }
                let full = format!("{base}-{name}-{precision}");
                let wanted = match asked.as_deref() {
                    Some("full") => true,
                    Some(part) => full.contains(part),
                    None => b == f * 3 % 8 && (p == f % 3 || name == "full"),
                };
                if wanted {
                    let kind = Kind {
                        name,
                        base,
                        precision,
                        belt,
                        training: PLAIN,
                    };
                    chosen.push((full, kind));
                }
            }
        }
    }
    assert!(!chosen.is_empty(), "no combination has such a name");
    chosen
}

fn log(bench: &Bench, name: &str, kind: &str) -> Vec<Value> {
    let text = fs_err::read_to_string(bench.output(name).join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.filter(|line: &Value| line["kind"] == kind).collect()
}

/// Mean training loss of the first and of the last lines of the log, over all tasks.
fn losses(bench: &Bench, name: &str) -> (f64, f64) {
    let lines = log(bench, name, "train");
    let losses: Vec<f64> = lines
        .iter()
        .map(|line| line["loss"].as_f64().unwrap())
        .collect();
    let part = losses.len() / 3;
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    (mean(&losses[..part]), mean(&losses[losses.len() - part..]))
}

/// What the belt says of the test rows when it is opened again, as the log would write it.
fn answers_again(bench: &Bench, name: &str) -> Vec<Value> {
    let folder = bench.path().to_owned();
    let settings = move |task: &str, settings: TaskSettings| {
        let files = match task {
            "mark" | "rise" => "mark",
            _ => "pair",
        };
        TaskSettings {
            test: Some(SplitFiles::One(folder.join(format!("{files}-test.jsonl")))),
            ..settings
        }
    };
    let belt = bench.output(name).join("belt");
    let shipped = Shipped::open(&belt, &bench.base(), None, &settings).unwrap();
    let answer = |(place, task): (usize, &skillbelt_train::task::Task)| {
        let set = task
            .load(Split::Test, &shipped.tokenizer, 0)
            .unwrap()
            .unwrap();
        let stage = Stage {
            network: &*shipped.base.network,
            tokenizer: &shipped.tokenizer,
            task: place,
            seed: 0,
            step: 0,
            pack_tokens: 4096,
            keep: Keep::Exact,
            recompute: false,
        };
        let answers = task.objective.answer(&stage, &set).unwrap();
        let measures = task.objective.measure(&set, &answers);
        let measures: serde_json::Map<_, _> = measures
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        serde_json::from_str(&json!({"task": task.name, "measures": measures}).to_string()).unwrap()
    };
    shipped.tasks.iter().enumerate().map(answer).collect()
}

/// The largest distance between the numbers of two belts, as a share of the largest number.
fn distance(bench: &Bench, one: &str, other: &str) -> f64 {
    let mut worst: f64 = 0.0;
    for entry in fs_err::read_dir(bench.output(one).join("belt")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|ending| ending != "safetensors")
        {
            continue;
        }
        let beside = bench
            .output(other)
            .join("belt")
            .join(path.file_name().unwrap());
        let (a, b) = (
            Checkpoint::open_file(&path).unwrap(),
            Checkpoint::open_file(&beside).unwrap(),
        );
        for key in a.keys() {
            let shape = a.shape(key).unwrap().to_vec();
            let (a, b) = (
                a.read_f32(key, &shape).unwrap(),
                b.read_f32(key, &shape).unwrap(),
            );
            let largest = a.iter().fold(1e-6f32, |most, x| most.max(x.abs()));
            let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
            worst = worst.max(f64::from(apart.fold(0.0, f32::max) / largest));
        }
    }
    worst
}

fn prove(full: &str, kind: Kind) -> Result<f64, String> {
    let mut bench = Bench::new(kind).epochs("5");
    for (name, training) in [
        ("plain", PLAIN),
        ("recomputed", RECOMPUTED),
        ("small", SMALL_PACKS),
    ] {
        let ended = bench.run_with(name, training);
        if ended.code != Some(0) {
            return Err(format!("{full} {name}: {:?}: {}", ended.code, ended.err));
        }
    }
    let (first, last) = losses(&bench, "plain");
    if last >= first {
        return Err(format!("{full}: the loss goes from {first} to {last}"));
    }
    for (name, bytes) in bench.outcome("plain") {
        if name.starts_with("belt/") && bench.outcome("recomputed")[&name] != bytes {
            return Err(format!("{full}: recomputation changes {name}"));
        }
    }
    let again = answers_again(&bench, "plain");
    for (line, again) in log(&bench, "plain", "test").iter().zip(&again) {
        if line["task"] != again["task"] || line["measures"] != again["measures"] {
            return Err(format!("{full}: opened again, {again} for {line}"));
        }
    }
    Ok(distance(&bench, "plain", "small"))
}

#[test]
fn every_kind_of_belt_learns_on_every_family_and_answers_when_opened_again() {
    let mut wrong = Vec::new();
    for (full, kind) in combinations() {
        match prove(&full, kind) {
            Ok(distance) => {
                #[allow(clippy::print_stderr, reason = "how much was proved")]
                {
                    eprintln!("{full}: small packs move the belt by {distance:.1e}");
                }
            }
            Err(error) => wrong.push(error),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

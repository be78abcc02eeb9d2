//! One training step of a frozen base with a LoRA, timed: the workloads W1 and W2.
//!
//! `cargo bench -p skillbelt-train --bench step -- W1 f32 [--recompute] [--half] [--steps N]`
//!
//! W1: RoBERTa-base, LoRA of rank 8 on query and value, mean pool and a head of two classes,
//! 8 texts of 256 tokens. W2: Qwen2.5-0.5B, LoRA of rank 8 on all seven maps, causal loss, 2 texts of
//! 256 tokens. Random weights. Prints the median of the steps after two, and the peak memory of the
//! whole process, so that each run should be one workload in one precision.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use skillbelt_engine::ops::{self, Linear, Map, Pool};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Keep, Mat, Param, Pass, Precision, Var, backward};
use skillbelt_model::base::{Batch, Loader, Network, Purpose, RandomWeights};
use skillbelt_model::belt::{Lora, LoraConfig, Targets};
use skillbelt_model::{ConfigFile, family};
use skillbelt_train::{AdamW, AdamWSettings};

const LEARNING_RATE: f32 = 1e-4;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

struct Workload {
    config: &'static str,
    sites: &'static [&'static str],
    texts: usize,
    length: usize,
}

const W1: Workload = Workload {
    config: r#"{"model_type": "roberta", "vocab_size": 50265, "hidden_size": 768,
        "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "hidden_act": "gelu", "max_position_embeddings": 514, "type_vocab_size": 1,
        "layer_norm_eps": 1e-12, "pad_token_id": 1}"#,
    sites: &["query", "value"],
    texts: 8,
    length: 256,
};

const W2: Workload = Workload {
    config: r#"{"model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
        "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": true}"#,
    sites: &[
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    ],
    texts: 2,
    length: 256,
};

struct Options {
    classify: bool,
    workload: Workload,
    precision: Precision,
    recompute: bool,
    keep: Keep,
    steps: usize,
}

fn options() -> Outcome<Options> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|given| given == word);
    let after = |word: &str| words.iter().skip_while(|given| *given != word).nth(1);
    let precision = words.iter().find_map(|word| word.parse().ok());
    Ok(Options {
        classify: !has("W2"),
        workload: if has("W2") { W2 } else { W1 },
        precision: precision.unwrap_or(Precision::F32),
        recompute: has("--recompute"),
        keep: if has("--half") {
            Keep::Half
        } else {
            Keep::Exact
        },
        steps: after("--steps").map_or(Ok(8), |count| count.parse())?,
    })
}

fn main() -> Outcome<()> {
    let options = options()?;
    let started = Instant::now();
    let mut network = network(&options)?;
    let sites = options.workload.sites.iter();
    let config = LoraConfig {
        rank: 8,
        alpha: 16.0,
        targets: Targets::Names(sites.map(|site| (*site).to_owned()).collect()),
        ..LoraConfig::default()
    };
    let belt = Lora::fresh(&mut *network, config, 0)?;
    println!("load {:.2} s", started.elapsed().as_secs_f64());

    let mut params = belt.params;
    let width = network.sizes().width;
    let head = class_head(width);
    if let Map::Trained(weight) = &head.map {
        params.push(weight.clone());
        params.extend(head.bias.clone());
    }
    let trained: usize = params.iter().map(|param| param.value().len()).sum();
    let batch = batch(&options, network.sizes().vocabulary)?;
    let mut optimiser = AdamW::new(AdamWSettings::default());
    let mut times = Vec::new();
    for step in 0..options.steps {
        let begin = Instant::now();
        let pass = Pass::training(0, step as u64)
            .with_recompute(options.recompute)
            .with_keep(options.keep);
        let loss = match options.classify {
            true => classify(&*network, &pass, &batch, &head)?,
            false => language(&*network, &pass, &batch)?,
        };
        let forward = begin.elapsed().as_secs_f64();
        let mut grads = Grads::new();
        backward(&loss, 1.0, &mut grads)?;
        let value = loss.scalar();
        drop(loss);
        optimiser.step(&params, &grads, LEARNING_RATE);
        let total = begin.elapsed().as_secs_f64();
        println!("step {step}: forward {forward:.3} s, total {total:.3} s, loss {value:.5}");
        if step >= 2 {
            times.push((total, forward));
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((total, forward)) = times.get(times.len() / 2) {
        println!(
            "{} {} trained {trained}: forward {forward:.3} s, total {total:.3} s, peak {} MB",
            if options.classify { "W1" } else { "W2" },
            options.precision.name(),
            peak_megabytes()?,
        );
    }
    Ok(())
}

fn network(options: &Options) -> Outcome<Box<dyn Network>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("config.json");
    fs_err::write(&path, options.workload.config)?;
    let weights = RandomWeights::new(1);
    let loader = Loader::new(&weights, Purpose::frozen(options.precision));
    Ok(family::load(loader, &ConfigFile::open(&path)?)?)
}

fn class_head(width: usize) -> Linear {
    let stream = Stream::new(0, 0, "class head");
    let numbers = (0..2 * width as u64)
        .map(|i| 0.02 * stream.normal(i))
        .collect();
    Linear {
        name: "head".into(),
        map: Map::Trained(Param::trained(
            "head.weight",
            Mat::from_vec(2, width, numbers),
        )),
        bias: Some(Param::trained("head.bias", Mat::zeros(1, 2))),
        low_rank: None,
    }
}

fn batch(options: &Options, vocabulary: usize) -> Outcome<Batch> {
    let (texts, length) = (options.workload.texts, options.workload.length);
    let stream = Stream::new(0, 0, "tokens");
    let id = |i: usize| 5 + (stream.bits(i as u64) % (vocabulary as u64 - 300)) as u32;
    let sequences: Vec<Vec<u32>> = (0..texts)
        .map(|text| (0..length).map(|i| id(text * length + i)).collect())
        .collect();
    Ok(Batch::pack(&sequences)?)
}

fn classify(network: &dyn Network, pass: &Pass, batch: &Batch, head: &Linear) -> Outcome<Var> {
    let hidden = network.hidden(pass, batch, None)?;
    let pooled = ops::pool(pass, &hidden, &batch.spans, Pool::Mean)?;
    let logits = ops::linear(pass, &pooled, head, None)?;
    let labels: Vec<u32> = (0..batch.spans.count()).map(|i| (i % 2) as u32).collect();
    Ok(ops::class_loss(pass, &logits, &labels, None)?)
}

fn language(network: &dyn Network, pass: &Pass, batch: &Batch) -> Outcome<Var> {
    let hidden = network.hidden(pass, batch, None)?;
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for range in batch.spans.ranges() {
        rows.extend(range.start..range.end - 1);
        labels.extend(&batch.ids[range.start + 1..range.end]);
    }
    let rows = ops::take_rows(pass, &hidden, &rows)?;
    let ready = network.before_head(pass, &rows)?;
    let head = network.head().ok_or("no head")?;
    Ok(ops::lm_loss(pass, &ready, head, &labels)?)
}

/// The largest resident memory that the process ever had.
fn peak_megabytes() -> Outcome<u64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.unwrap_or("0").parse::<u64>()? / 1024)
}

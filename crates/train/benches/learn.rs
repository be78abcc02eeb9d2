//! Whether a base in 8 bits learns as well as one in f32: two tasks on one LoRA, loss curves and
//! quality on held-out rows.
//!
//! `cargo bench -p skillbelt-train --bench learn -- --base DIR --data DIR [--precision int8]
//! [--seed N] [--epochs N] [--half]`
//!
//! The base is an encoder in the hub's layout; the data folder holds
//! `flaky-flakeflagger/{train,valid}.jsonl` (`code`, `flaky`) and `search-cosqa/train.jsonl`
//! (`docstring`, `code`). Every step takes 20 tests to classify and 32 questions with their code as
//! each other's negatives; both losses count the same. LoRA of rank 8 on query and value.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use skillbelt_engine::ops::{self, Linear, Map, Pool};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Grads, Keep, Mat, Param, Pass, Precision, Var, backward};
use skillbelt_model::Tokenizer;
use skillbelt_model::base::{self, Batch, Network, Purpose};
use skillbelt_model::belt::{Lora, LoraConfig, Targets};
use skillbelt_train::{AdamW, AdamWSettings};

const LEARNING_RATE: f32 = 1e-3;
const CODE_TOKENS: usize = 128;
const QUESTION_TOKENS: usize = 64;
const PAIRS_PER_STEP: usize = 32;
const TESTS_PER_STEP: usize = 20;
const TEMPERATURE: f32 = 0.05;
/// Pairs held out for the search metric, and pairs trained on in an epoch.
const HELD_OUT: usize = 800;
const TRAINED: usize = 2500;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Ids = Vec<u32>;

struct Options {
    base: PathBuf,
    data: PathBuf,
    precision: Precision,
    keep: Keep,
    seed: u64,
    epochs: usize,
}

impl Options {
    fn read() -> Outcome<Options> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let after = |word: &str| {
            let place = words.iter().position(|given| given == word)?;
            words.get(place + 1).cloned()
        };
        let path = |word: &str| after(word).map(PathBuf::from).ok_or(format!("{word} DIR?"));
        Ok(Options {
            base: path("--base")?,
            data: path("--data")?,
            precision: after("--precision").map_or(Ok(Precision::F32), |word| word.parse())?,
            keep: match words.iter().any(|word| word == "--half") {
                true => Keep::Half,
                false => Keep::Exact,
            },
            seed: after("--seed").map_or(Ok(0), |number| number.parse())?,
            epochs: after("--epochs").map_or(Ok(2), |number| number.parse())?,
        })
    }
}

/// Token ids of everything that is trained on or held out.
struct Data {
    tests: Vec<(Ids, u32)>,
    held_tests: Vec<(Ids, u32)>,
    pairs: Vec<(Ids, Ids)>,
    held_pairs: Vec<(Ids, Ids)>,
}

fn main() -> Outcome<()> {
    let options = Options::read()?;
    let mut base = base::open(&options.base, Purpose::frozen(options.precision))?;
    let data = Data::read(&options.data, &Tokenizer::from_folder(&options.base)?)?;
    let config = LoraConfig {
        rank: 8,
        alpha: 16.0,
        targets: Targets::Names(vec!["query".into(), "value".into()]),
        ..LoraConfig::default()
    };
    let belt = Lora::fresh(&mut *base.network, config, options.seed)?;
    let head = class_head(base.network.sizes().width, options.seed);
    let mut params = belt.params;
    if let Map::Trained(weight) = &head.map {
        params.push(weight.clone());
    }
    params.extend(head.bias.clone());

    println!(
        "hidden states: {}",
        nearness(&*base.network, &options, &data)?
    );
    println!("before: {}", quality(&*base.network, &head, &data)?);
    let started = Instant::now();
    train(&*base.network, &head, &params, &data, &options)?;
    println!(
        "{} seed {}: train {:.1} s, peak {} MB, {}",
        options.precision.name(),
        options.seed,
        started.elapsed().as_secs_f64(),
        peak_megabytes()?,
        quality(&*base.network, &head, &data)?,
    );
    Ok(())
}

/// How near the hidden states of the frozen base are to those in f32, over 64 texts: per token, and
/// all numbers taken as one vector.
fn nearness(network: &dyn Network, options: &Options, data: &Data) -> Outcome<String> {
    let exact = base::open(&options.base, Purpose::frozen(Precision::F32))?.network;
    let texts: Vec<&Ids> = data
        .held_pairs
        .iter()
        .map(|(_, code)| code)
        .take(64)
        .collect();
    let batch = Batch::pack(&texts)?;
    let pass = Pass::inference();
    let found = network.hidden(&pass, &batch, None)?;
    let exact = exact.hidden(&pass, &batch, None)?;
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let numbers = a.iter().zip(b);
        numbers.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let cosines = (0..found.rows()).map(|row| {
        let (a, b) = (found.value().row(row), exact.value().row(row));
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    });
    let cosines: Vec<f64> = cosines.collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(1.0, f64::min);
    let (a, b) = (found.value().data(), exact.value().data());
    let whole = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    Ok(format!(
        "cosine with f32 over {} tokens: mean {mean:.6}, least {least:.6}, whole {whole:.6}",
        cosines.len()
    ))
}

fn train(
    network: &dyn Network,
    head: &Linear,
    params: &[Param],
    data: &Data,
    options: &Options,
) -> Outcome<()> {
    let mut optimiser = AdamW::new(AdamWSettings::default());
    let mut sums = (0.0, 0.0, 0);
    let mut step = 0;
    for epoch in 0..options.epochs {
        let tests = shuffled(data.tests.len(), options.seed, epoch, "tests");
        let pairs = shuffled(data.pairs.len(), options.seed, epoch, "pairs");
        for (round, pairs) in pairs.chunks(PAIRS_PER_STEP).enumerate() {
            let pass = Pass::training(options.seed, step).with_keep(options.keep);
            let at = |i: usize| tests[(round * TESTS_PER_STEP + i) % tests.len()];
            let tests: Vec<usize> = (0..TESTS_PER_STEP).map(at).collect();
            let found = search_loss(network, &pass, data, pairs)?;
            let flaky = flaky_loss(network, &pass, head, data, &tests)?;
            let loss = ops::add(&pass, &found, &flaky)?;
            let mut grads = Grads::new();
            backward(&loss, 1.0, &mut grads)?;
            sums = (sums.0 + found.scalar(), sums.1 + flaky.scalar(), sums.2 + 1);
            drop((loss, found, flaky));
            optimiser.step(params, &grads, LEARNING_RATE);
            step += 1;
            if step % 20 == 0 {
                let count = sums.2 as f32;
                println!(
                    "step {step}: search loss {:.4}, flaky loss {:.4}",
                    sums.0 / count,
                    sums.1 / count
                );
                sums = (0.0, 0.0, 0);
            }
        }
    }
    Ok(())
}

/// Mean-pooled vectors of texts, each distinct batch packed without padding.
fn embed(network: &dyn Network, pass: &Pass, texts: &[&Ids]) -> Outcome<Var> {
    let batch = Batch::pack(texts)?;
    let hidden = network.hidden(pass, &batch, None)?;
    Ok(ops::pool(pass, &hidden, &batch.spans, Pool::Mean)?)
}

fn search_loss(network: &dyn Network, pass: &Pass, data: &Data, pairs: &[usize]) -> Outcome<Var> {
    let questions: Vec<&Ids> = pairs.iter().map(|i| &data.pairs[*i].0).collect();
    let codes: Vec<&Ids> = pairs.iter().map(|i| &data.pairs[*i].1).collect();
    let questions = embed(network, pass, &questions)?;
    let codes = embed(network, pass, &codes)?;
    let own: Vec<usize> = (0..pairs.len()).collect();
    Ok(ops::contrastive_loss(
        pass,
        &questions,
        &codes,
        &own,
        TEMPERATURE,
        false,
    )?)
}

fn flaky_loss(
    network: &dyn Network,
    pass: &Pass,
    head: &Linear,
    data: &Data,
    tests: &[usize],
) -> Outcome<Var> {
    let texts: Vec<&Ids> = tests.iter().map(|i| &data.tests[*i].0).collect();
    let labels: Vec<u32> = tests.iter().map(|i| data.tests[*i].1).collect();
    let logits = ops::linear(pass, &embed(network, pass, &texts)?, head, None)?;
    Ok(ops::class_loss(pass, &logits, &labels, None)?)
}

/// AUC of the flaky task and MRR of the search task on held-out rows.
fn quality(network: &dyn Network, head: &Linear, data: &Data) -> Outcome<String> {
    let pass = Pass::inference();
    let vectors = |texts: Vec<&Ids>| -> Outcome<Mat> {
        let mut rows = Vec::new();
        for texts in texts.chunks(32) {
            rows.extend(embed(network, &pass, texts)?.into_mat().into_vec());
        }
        let width = network.sizes().width;
        Ok(Mat::from_vec(rows.len() / width, width, rows))
    };
    let tests = vectors(data.held_tests.iter().map(|(ids, _)| ids).collect())?;
    let scores = ops::linear(&pass, &pass.constant(tests), head, None)?.into_mat();
    let labels: Vec<u32> = data.held_tests.iter().map(|(_, flaky)| *flaky).collect();
    let questions = vectors(
        data.held_pairs
            .iter()
            .map(|(question, _)| question)
            .collect(),
    )?;
    let codes = vectors(data.held_pairs.iter().map(|(_, code)| code).collect())?;
    Ok(format!(
        "flaky AUC {:.4}, search MRR {:.4}",
        area(scores.data(), &labels),
        reciprocal_rank(&unit(questions), &unit(codes))
    ))
}

/// Share of (flaky, steady) pairs that are ordered rightly; a tie counts half.
fn area(scores: &[f32], labels: &[u32]) -> f64 {
    let (mut right, mut all) = (0.0, 0.0);
    for (above, _) in scores.iter().zip(labels).filter(|(_, label)| **label == 1) {
        for (below, _) in scores.iter().zip(labels).filter(|(_, label)| **label == 0) {
            all += 1.0;
            right += match above.partial_cmp(below) {
                Some(std::cmp::Ordering::Greater) => 1.0,
                Some(std::cmp::Ordering::Equal) => 0.5,
                _ => 0.0,
            };
        }
    }
    right / all
}

fn unit(mut mat: Mat) -> Mat {
    for row in 0..mat.rows() {
        let row = mat.row_mut(row);
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    }
    mat
}

/// Mean of one over the place of each question's own code among all codes.
fn reciprocal_rank(questions: &Mat, codes: &Mat) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let ranks = (0..questions.rows()).map(|i| {
        let own = dot(questions.row(i), codes.row(i));
        let better = (0..codes.rows()).filter(|j| dot(questions.row(i), codes.row(*j)) > own);
        1.0 / (better.count() + 1) as f64
    });
    ranks.sum::<f64>() / questions.rows() as f64
}

impl Data {
    /// All flaky tests and twice as many steady ones; the pairs shuffled once.
    fn read(folder: &Path, tokenizer: &Tokenizer) -> Outcome<Data> {
        let code = |row: &Value| -> Outcome<Ids> {
            let text = row["code"].as_str().ok_or("code")?;
            Ok(tokenizer.encode_truncated(text, CODE_TOKENS)?)
        };
        let tests = |name: &str, steady: &dyn Fn(usize) -> usize| -> Outcome<Vec<(Ids, u32)>> {
            let rows = rows(&folder.join("flaky-flakeflagger").join(name))?;
            let is_flaky = |row: &&Value| row["flaky"].as_i64() == Some(1) || row["flaky"] == true;
            let (flaky, calm): (Vec<_>, Vec<_>) = rows.iter().partition(is_flaky);
            let order = shuffled(calm.len(), 0, 0, name);
            let mut tests = Vec::new();
            for row in &flaky {
                tests.push((code(row)?, 1));
            }
            for place in order.iter().take(steady(flaky.len())) {
                tests.push((code(calm[*place])?, 0));
            }
            Ok(tests)
        };
        let rows = rows(&folder.join("search-cosqa/train.jsonl"))?;
        let mut pairs = Vec::new();
        for place in shuffled(rows.len(), 0, 0, "search")
            .iter()
            .take(HELD_OUT + TRAINED)
        {
            let question = rows[*place]["docstring"].as_str().ok_or("docstring")?;
            let question = tokenizer.encode_truncated(question, QUESTION_TOKENS)?;
            pairs.push((question, code(&rows[*place])?));
        }
        let trained = pairs.split_off(HELD_OUT.min(pairs.len()));
        Ok(Data {
            tests: tests("train.jsonl", &|flaky| 2 * flaky)?,
            held_tests: tests("valid.jsonl", &|_| 500)?,
            pairs: trained,
            held_pairs: pairs,
        })
    }
}

fn rows(path: &Path) -> Outcome<Vec<Value>> {
    let text = fs_err::read_to_string(path)?;
    let rows = text.lines().map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A permutation of `0..count`, by sorting random keys.
fn shuffled(count: usize, seed: u64, epoch: usize, place: &str) -> Vec<usize> {
    let stream = Stream::new(seed, epoch as u64, place);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|i| stream.bits(*i as u64));
    order
}

fn class_head(width: usize, seed: u64) -> Linear {
    let stream = Stream::new(seed, 0, "class head");
    let bound = 1.0 / (width as f32).sqrt();
    let drawn = (0..width as u64).map(|i| (2.0 * stream.uniform(i) - 1.0) * bound);
    let weight = Mat::from_vec(1, width, drawn.collect());
    Linear {
        name: "head".into(),
        map: Map::Trained(Param::trained("head.weight", weight)),
        bias: Some(Param::trained("head.bias", Mat::zeros(1, 1))),
        low_rank: None,
    }
}

/// The largest resident memory that the process ever had.
fn peak_megabytes() -> Outcome<u64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.unwrap_or("0").parse::<u64>()? / 1024)
}

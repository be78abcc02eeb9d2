//! Opening a base of half a billion weights, and writing text with it: seconds, megabytes, tokens
//! per second.
//!
//! `cargo bench -p skillbelt-model --bench base -- load int8 DIR`: writes a checkpoint of the shape of
//! Qwen2.5-0.5B in bf16 to DIR unless one is there, then opens it.
//! `cargo bench -p skillbelt-model --bench base -- write int8 8`: continues so many prompts of 128
//! tokens by 64 tokens each, greedily, on random weights.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use skillbelt_engine::{Mat, Pass, Precision};
use skillbelt_model::base::{
    Batch, Loader, Memory, Network, Purpose, RandomWeights, Source, logits, open,
};
use skillbelt_model::{ConfigFile, Result as ModelResult, family};

const CONFIG: &str = r#"{"model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
    "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
    "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": true,
    "architectures": ["Qwen2ForCausalLM"]}"#;
const PROMPT: usize = 128;
const WRITTEN: usize = 64;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let precision = words.iter().find_map(|word| word.parse().ok());
    let precision = precision.unwrap_or(Precision::Int8);
    let last = words.last().cloned().unwrap_or_default();
    match words.iter().any(|word| word == "load") {
        true => load(precision, Path::new(&last)),
        false => write(precision, last.parse().unwrap_or(1)),
    }
}

/// Opens the checkpoint three times: the first time its pages may come from the disk.
fn load(precision: Precision, folder: &Path) -> Outcome<()> {
    if !folder.join("model.safetensors").exists() {
        make_checkpoint(folder)?;
    }
    for _ in 0..3 {
        let started = Instant::now();
        let base = open(folder, Purpose::frozen(precision))?;
        let seconds = started.elapsed().as_secs_f64();
        let layers = base.network.sizes().layers;
        println!(
            "load {precision}: {seconds:.2} s, {layers} layers, peak {} MB",
            peak_megabytes()?
        );
    }
    Ok(())
}

/// What a family asks for while it is built, so that a checkpoint of just that can be written.
struct Recorder {
    weights: RandomWeights,
    asked: std::cell::RefCell<Vec<(String, Vec<usize>)>>,
}

impl Source for Recorder {
    fn path(&self) -> &Path {
        self.weights.path()
    }

    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    fn shape(&self, _key: &str) -> Option<Vec<usize>> {
        None
    }

    fn read_f32(&self, key: &str, shape: &[usize]) -> ModelResult<Vec<f32>> {
        self.asked
            .borrow_mut()
            .push((key.to_owned(), shape.to_vec()));
        self.weights.read_f32(key, shape)
    }
}

fn make_checkpoint(folder: &Path) -> Outcome<()> {
    fs_err::create_dir_all(folder)?;
    let config = folder.join("config.json");
    fs_err::write(&config, CONFIG)?;
    let recorder = Recorder {
        weights: RandomWeights::new(1),
        asked: std::cell::RefCell::default(),
    };
    let purpose = Purpose::frozen(Precision::Nf4);
    drop(family::load(
        Loader::new(&recorder, purpose),
        &ConfigFile::open(&config)?,
    )?);
    let mut tensors = Vec::new();
    for (key, shape) in recorder.asked.take() {
        let numbers = recorder.weights.read_f32(&key, &shape)?;
        let halves = numbers
            .iter()
            .flat_map(|x| half::bf16::from_f32(*x).to_le_bytes());
        tensors.push((key, shape, halves.collect::<Vec<u8>>()));
    }
    let mut views = Vec::new();
    for (key, shape, bytes) in &tensors {
        let dtype = safetensors::Dtype::BF16;
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes)?;
        views.push((key.clone(), view));
    }
    let path: PathBuf = folder.join("model.safetensors");
    Ok(safetensors::serialize_to_file(views, None, &path)?)
}

fn write(precision: Precision, texts: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.json");
    fs_err::write(&config, CONFIG)?;
    let weights = RandomWeights::new(1);
    let loader = Loader::new(&weights, Purpose::frozen(precision));
    let network = family::load(loader, &ConfigFile::open(&config)?)?;
    let mut memory = Memory::new(network.memory_layers(), texts);
    let mut next: Vec<Vec<u32>> = (0..texts)
        .map(|text| {
            (0..PROMPT)
                .map(|i| (5 + 97 * i + 31 * text) as u32)
                .collect()
        })
        .collect();
    let started = Instant::now();
    next = step(&*network, &next, &mut memory)?;
    let read = started.elapsed().as_secs_f64();
    let started = Instant::now();
    for _ in 0..WRITTEN {
        next = step(&*network, &next, &mut memory)?;
    }
    let wrote = started.elapsed().as_secs_f64();
    println!(
        "write {precision}, {texts} texts: prompt {:.0} tokens/s, written {:.1} tokens/s, peak {} MB",
        (texts * PROMPT) as f64 / read,
        (texts * WRITTEN) as f64 / wrote,
        peak_megabytes()?
    );
    Ok(())
}

/// Reads the tokens of each text and gives the likeliest next one of each.
fn step(network: &dyn Network, texts: &[Vec<u32>], memory: &mut Memory) -> Outcome<Vec<Vec<u32>>> {
    let pass = Pass::writing();
    let batch = Batch::pack(texts)?;
    let hidden = network.hidden(&pass, &batch, Some(memory))?;
    let last: Vec<usize> = batch.spans.ranges().map(|range| range.end - 1).collect();
    let logits: Mat = logits(network, &pass, &hidden, &last)?;
    let likeliest = |row: usize| {
        let numbers = logits.row(row).iter().enumerate();
        numbers
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(id, _)| id as u32)
    };
    Ok((0..texts.len()).map(|row| vec![likeliest(row)]).collect())
}

/// The largest resident memory that the process ever had.
fn peak_megabytes() -> Outcome<u64> {
    let status = fs_err::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.unwrap_or("0").parse::<u64>()? / 1024)
}

//! Whole bases behind damaged configurations: opening one, and running it if it opens, must end in
//! numbers or in a typed error, never in a panic, and within a second.
//!
//! Every failure names its family and seed. `SKILLBELT_MUTATIONS=100000` tries more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod golden_root;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use golden_root::golden_root;
use serde_json::{Value, json};
use skillbelt_engine::random::Stream;
use skillbelt_engine::{Pass, Precision};
use skillbelt_model::base::{Batch, Memory, Purpose, Shape, logits, open};
use skillbelt_model::error::Result;

const PATIENCE: Duration = Duration::from_secs(1);

/// Damaged configurations in all.
fn mutations() -> u64 {
    let wish = std::env::var("SKILLBELT_MUTATIONS").ok();
    wish.map_or(2_000, |text| text.parse().unwrap())
}

fn bases() -> Vec<PathBuf> {
    let entries = fs_err::read_dir(golden_root()).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("golden.json").exists());
    folders.sort();
    folders
}

/// A base's folder whose configuration can be rewritten; the weights are the golden ones.
fn copy(base: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs_err::read_dir(base).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("model") && path.is_file() {
            fs_err::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    folder
}

/// Changes one to three values to others that a confused or hostile file could have.
fn damage(config: &Value, dice: Stream) -> Value {
    let mut config = config.clone();
    let keys: Vec<String> = config.as_object().unwrap().keys().cloned().collect();
    for blow in 0..1 + dice.bits(0) % 3 {
        let key = &keys[(dice.bits(10 * blow + 1) % keys.len() as u64) as usize];
        let number = config[key].as_i64().unwrap_or(1);
        let choices = [
            json!(0),
            json!(1),
            json!(2),
            json!(-1),
            json!(number + 1),
            json!(number - 1),
            json!(number * 2),
            json!(number / 2),
            json!(1u64 << 24),
            json!(u64::MAX),
            json!(1e300),
            json!(1e-300),
            json!(0.5),
            json!(-0.0),
            json!("x"),
            json!(""),
            json!([]),
            json!([1, 2]),
            json!({}),
            json!(true),
            json!(false),
            Value::Null,
            json!("gelu"),
            json!("bert"),
            json!({"type": "linear", "factor": 0.0}),
            json!({"rope_type": "yarn", "factor": 1e30}),
            json!({"rope_type": "llama3", "factor": -1.0}),
        ];
        let choice = &choices[(dice.bits(10 * blow + 2) % choices.len() as u64) as usize];
        if dice.bits(10 * blow + 3).is_multiple_of(8) {
            config.as_object_mut().unwrap().remove(key);
        } else {
            config[key] = choice.clone();
        }
    }
    config
}

/// Opens a base and does with it what a user would.
fn use_base(folder: &Path) -> Result<()> {
    let base = open(folder, Purpose::frozen(Precision::F32))?;
    let network = &*base.network;
    let pass = Pass::inference();
    let batch = Batch::pack(&[vec![3, 1, 4, 1, 5], vec![2]])?;
    let mut hidden = network.hidden(&pass, &batch, None)?;
    match network.shape() {
        Shape::Encoder => {}
        Shape::Decoder => {
            let mut memory = Memory::new(network.memory_layers(), 2);
            network.hidden(&pass, &batch, Some(&mut memory))?;
        }
        Shape::EncoderDecoder => {
            hidden = network.decode(&pass, &hidden, &batch.spans, &batch, None)?;
        }
    }
    logits(network, &pass, &hidden, &[0, 5])?;
    Ok(())
}

#[test]
fn corrupt_configurations_of_every_family_end_in_numbers_or_a_typed_error() {
    let bases = bases();
    let each = mutations().div_ceil(bases.len() as u64);
    for base in bases {
        let folder = copy(&base);
        let text = fs_err::read_to_string(base.join("config.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for seed in 0..each {
            let damaged = damage(&config, Stream::new(seed, 0, "configuration"));
            fs_err::write(folder.path().join("config.json"), damaged.to_string()).unwrap();
            let what = format!("{} seed {seed}: {damaged}", base.display());
            let start = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| use_base(folder.path())));
            let time = start.elapsed();
            match outcome.unwrap_or_else(|_| panic!("{what}: panic")) {
                Ok(()) => opened += 1,
                Err(_) => refused += 1,
            }
            // Once more where another program may have had the processor.
            let slow = time > PATIENCE && {
                let start = Instant::now();
                drop(use_base(folder.path()));
                start.elapsed() > PATIENCE
            };
            assert!(!slow, "{what}: {time:?}");
        }
        assert!(
            opened > 0 && refused > 0,
            "{}: {opened} opened",
            base.display()
        );
    }
}

//! Damaged GGUF files: each is read in full and must end in a value or in a typed error that names
//! the file, within a second and within a small multiple of the file's own size.
//!
//! Every failure names its seed or its place; `SKILLBELT_MUTATIONS=100000` reads more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod damage;
mod golden_root;

use std::path::Path;

use damage::{Dice, damaged, endure, mutations};
use golden_root::golden_root;
use skillbelt_model::Error;
use skillbelt_model::base::Source;
use skillbelt_model::export::{Dtype, Form, MAX_SHARD_BYTES, Order, export, gguf};

/// A small real file.
fn sample(form: Form, folder: &Path) -> Vec<u8> {
    let base = golden_root().join("llama");
    let out = folder.join("sample");
    let order = Order {
        belt: (form == Form::GgufLora).then(|| base.join("adapters/lora_qv")),
        base,
        form,
        out: out.clone(),
        dtype: Dtype::Q8,
        force: true,
        shard_bytes: MAX_SHARD_BYTES,
    };
    export(&order).unwrap();
    let bytes = fs_err::read(&out).unwrap();
    fs_err::remove_file(out).unwrap();
    bytes
}

/// Opens a file as a bag of tensors and as a base, and reads everything.
fn read_all(path: &Path) -> Result<(), Error> {
    let file = gguf::File::open(path)?;
    for name in file.names() {
        let shape = file.shape(name).unwrap().to_vec();
        let numbers = file.read_f32(name, &shape)?;
        assert_eq!(numbers.len(), shape.iter().product::<usize>());
    }
    let base = gguf::GgufBase::open(path)?;
    for key in base.keys() {
        let shape = base.shape(&key).unwrap();
        base.read_f32(&key, &shape)?;
    }
    Ok(())
}

fn endure_bytes(what: &str, folder: &Path, bytes: &[u8]) -> bool {
    let path = folder.join("damaged.gguf");
    // A file that is written over may be flushed to the disk each time; a new one is not.
    let _first_time = fs_err::remove_file(&path);
    fs_err::write(&path, bytes).unwrap();
    endure(what, folder, bytes.len(), || read_all(&path)).is_some()
}

#[test]
fn every_truncation_of_a_head_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(Form::GgufLora, folder.path());
    for length in (0..bytes.len().min(2_000)).chain([bytes.len() - 33]) {
        let read = endure_bytes(&format!("cut at {length}"), folder.path(), &bytes[..length]);
        assert!(!read, "cut at {length} was read");
    }
}

#[test]
fn every_flipped_bit_of_a_head_ends_in_a_value_or_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(Form::GgufLora, folder.path());
    for bit in 0..8 * bytes.len().min(1_500) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        endure_bytes(&format!("bit {bit}"), folder.path(), &flipped);
    }
}

#[test]
fn seeded_damage_ends_in_a_value_or_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(Form::GgufLora, folder.path());
    for seed in 0..mutations() {
        let bytes = damaged(&bytes, &mut Dice::new(seed));
        endure_bytes(&format!("seed {seed}"), folder.path(), &bytes);
    }
}

#[test]
fn a_base_with_damaged_settings_ends_in_a_network_or_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(Form::GgufBase, folder.path());
    let mut opened = 0;
    for seed in 0..mutations() / 100 {
        let mut dice = Dice::new(seed);
        // The model's settings stand in the first thousand bytes.
        let mut bytes = bytes.clone();
        let at = 24 + dice.below(1_000);
        bytes[at] = dice.next() as u8;
        opened += usize::from(endure_bytes(&format!("seed {seed}"), folder.path(), &bytes));
    }
    assert!(opened > 0, "every damage was refused");
}

#[test]
fn an_absurd_count_asks_for_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = sample(Form::GgufLora, folder.path());
    for place in [8, 16] {
        for count in [u64::MAX, 1 << 40, bytes.len() as u64] {
            let mut bytes = bytes.clone();
            bytes[place..place + 8].copy_from_slice(&count.to_le_bytes());
            assert!(!endure_bytes(
                &format!("count at {place}"),
                folder.path(),
                &bytes
            ));
        }
    }
}

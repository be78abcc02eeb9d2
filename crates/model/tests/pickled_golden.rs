//! Pickled checkpoints against their safetensors twins: every tensor, every bit.
//!
//! `pickled/<family>-zip` and `pickled/<family>-legacy` hold the weights of `<family>` as torch
//! writes them; whatever such folders the references have are compared. A pickle may say a tied
//! weight twice, so it may have more names than its twin, but each must be a copy of a known one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod golden_root;

use std::path::Path;

use golden_root::golden_root;
use half::f16;
use skillbelt_model::Checkpoint;
use skillbelt_model::checkpoint::Dtype;

/// All numbers of a tensor, as f32 bits.
fn bits(checkpoint: &Checkpoint, key: &str) -> Vec<u32> {
    let shape = checkpoint.shape(key).unwrap().to_vec();
    let numbers = checkpoint.read_f32(key, &shape).unwrap();
    numbers.into_iter().map(f32::to_bits).collect()
}

/// What the twin's numbers became when they were written in another kind.
fn rounded(bits: Vec<u32>, written_as: Dtype) -> Vec<u32> {
    match written_as {
        Dtype::F16 => bits
            .into_iter()
            .map(|bits| f16::from_f32(f32::from_bits(bits)).to_f32().to_bits())
            .collect(),
        _ => bits,
    }
}

fn assert_same_weights(pickled: &Path, twin: &Path) {
    let (pickled, twin) = (
        Checkpoint::open(pickled).unwrap(),
        Checkpoint::open(twin).unwrap(),
    );
    for key in twin.keys() {
        let name = format!("{}: {key}", pickled.path().display());
        assert_eq!(pickled.shape(key), twin.shape(key), "{name}");
        let dtype = pickled.dtype(key).unwrap();
        let expected = rounded(bits(&twin, key), dtype);
        assert!(bits(&pickled, key) == expected, "{name}: other numbers");
    }
    for extra in pickled.keys().filter(|key| !twin.contains(key)) {
        let found = bits(&pickled, extra);
        let copy = twin
            .keys()
            .any(|key| twin.shape(key) == pickled.shape(extra) && bits(&twin, key) == found);
        assert!(
            copy,
            "{extra} is no copy of a weight of {}",
            twin.path().display()
        );
    }
}

#[test]
fn golden_pickles_hold_the_bits_of_their_safetensors_twins() {
    let root = golden_root();
    let mut folders: Vec<_> = fs_err::read_dir(root.join("pickled"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no pickled references");
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let family = name.rsplit_once('-').unwrap().0;
        assert_same_weights(&folder, &root.join(family));
    }
}

#[test]
fn golden_pickles_do_not_hold_the_bits_of_a_neighbouring_tensor() {
    // The negative control: the comparison above sees the difference between two tensors of one shape.
    let root = golden_root();
    let folder = root.join("pickled/t5-zip");
    let (pickled, twin) = (
        Checkpoint::open(&folder).unwrap(),
        Checkpoint::open(&root.join("t5")).unwrap(),
    );
    let (one, other) = (
        "encoder.block.0.layer.0.SelfAttention.q.weight",
        "encoder.block.1.layer.0.SelfAttention.q.weight",
    );
    assert_eq!(pickled.shape(one), twin.shape(other));
    assert!(bits(&pickled, one) != bits(&twin, other));
}

#[test]
fn golden_pickles_in_both_forms_have_one_content_hash() {
    let root = golden_root().join("pickled");
    let hash = |name: &str| Checkpoint::open(&root.join(name)).unwrap().content_hash();
    assert_eq!(hash("t5-zip"), hash("t5-legacy"));
    assert_ne!(hash("t5-zip"), hash("roberta-zip"));
}

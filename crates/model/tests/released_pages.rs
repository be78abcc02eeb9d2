//! Reading weights keeps no second copy of them: after each one, the file's pages are given back.
//!
//! Alone in its file, because it watches the memory of its whole process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use skillbelt_model::Checkpoint;

const TENSORS: usize = 16;
/// 2 MiB each.
const NUMBERS: usize = 1 << 19;
/// What may stay mapped: edges of tensors, and what the system reads ahead.
const ALLOWED_KIB: u64 = 6 << 10;

/// KiB of files that are now in this process's memory.
fn mapped_kib() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssFile:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn pages_of_the_file_do_not_pile_up_while_its_weights_are_read() {
    let bytes = vec![7u8; NUMBERS * 4];
    let view = || {
        let dtype = safetensors::Dtype::F32;
        safetensors::tensor::TensorView::new(dtype, vec![NUMBERS], &bytes).unwrap()
    };
    let views: BTreeMap<_, _> = (0..TENSORS).map(|n| (format!("t{n}"), view())).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs_err::write(path, safetensors::serialize(views, None).unwrap()).unwrap();

    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let before = mapped_kib();
    for key in checkpoint.keys() {
        checkpoint.read_f32(key, &[NUMBERS]).unwrap();
        let grown = mapped_kib().saturating_sub(before);
        assert!(grown <= ALLOWED_KIB, "{grown} KiB stay mapped after {key}");
    }
    checkpoint.content_hash();
    let grown = mapped_kib().saturating_sub(before);
    assert!(
        grown <= ALLOWED_KIB,
        "{grown} KiB stay mapped after the hash"
    );
}

//! Damage between writing and reading back: every export must notice it, and leave nothing.

use std::path::{Path, PathBuf};

use super::*;

fn golden(family: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    root.join(family)
}

fn order(family: &str, form: Form, dtype: Dtype, out: &Path) -> Order {
    let base = golden(family);
    let belt = match form {
        Form::AdapterHub => "adapters/seq_bn",
        _ => "adapters/lora_qv",
    };
    Order {
        belt: (form != Form::GgufBase).then(|| base.join(belt)),
        base,
        form,
        out: out.to_owned(),
        dtype,
        force: true,
        shard_bytes: MAX_SHARD_BYTES,
    }
}

/// Changes the upper bits of a number at a share of the way through the only large file.
fn damage(path: &Path, share: f64) {
    let mut path = path.to_owned();
    if path.is_dir() {
        let entries = fs_err::read_dir(&path).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        path = files
            .max_by_key(|file| fs_err::metadata(file).unwrap().len())
            .unwrap();
    }
    let mut bytes = fs_err::read(&path).unwrap();
    let at = (bytes.len() as f64 * share) as usize / 4 * 4 + 3;
    bytes[at] ^= 0x41;
    fs_err::write(&path, bytes).unwrap();
}

const FORMS: [(Form, Dtype); 6] = [
    (Form::Merged, Dtype::F32),
    (Form::Gguf, Dtype::F32),
    (Form::Gguf, Dtype::Bf16),
    (Form::GgufBase, Dtype::F32),
    (Form::GgufLora, Dtype::F32),
    (Form::Peft, Dtype::F32),
];

#[test]
fn a_number_that_changed_after_writing_is_noticed_and_nothing_is_left() {
    for family in ["llama", "roberta"] {
        for (form, dtype) in FORMS {
            for share in [0.6, 0.8, 0.95] {
                let folder = tempfile::tempdir().unwrap();
                let out = folder.path().join("out");
                let order = order(family, form, dtype, &out);
                let outcome = export_through(&order, &|path| damage(path, share));
                let error = outcome.expect_err("damage must be noticed");
                assert!(
                    matches!(error, Error::Mismatch(_) | Error::Model(_)),
                    "{error}"
                );
                assert_eq!(
                    fs_err::read_dir(folder.path()).unwrap().count(),
                    0,
                    "{form:?}"
                );
                export_through(&order, &|_| ()).unwrap();
            }
        }
    }
}

#[test]
fn a_number_that_changed_in_either_file_of_an_adapter_is_noticed() {
    for file in ["adapter.safetensors", "pytorch_adapter.bin"] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let order = order("bert", Form::AdapterHub, Dtype::F32, &out);
        let outcome = export_through(&order, &|path| damage(&path.join(file), 0.6));
        let error = outcome.expect_err("damage must be noticed");
        assert!(
            matches!(error, Error::Mismatch(_) | Error::Model(_)),
            "{error}"
        );
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_stood_at_the_target_survives_an_export_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs_err::create_dir(&out).unwrap();
    fs_err::write(out.join("mine"), "mine").unwrap();
    let order = order("qwen2", Form::Merged, Dtype::F32, &out);
    export_through(&order, &|path| damage(path, 0.7)).unwrap_err();
    assert_eq!(fs_err::read_to_string(out.join("mine")).unwrap(), "mine");
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
}

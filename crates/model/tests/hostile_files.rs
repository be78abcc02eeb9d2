//! Files made to do harm: what would leave the folder, run code or ask for any amount of memory is
//! refused by an error that says what it was.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod torch_writer;

use skillbelt_model::{Checkpoint, Error};
use torch_writer::Style;

fn write(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(folder.path().join(name), bytes).unwrap();
    folder
}

#[test]
fn an_index_that_leads_out_of_its_folder_is_refused() {
    for name in ["../model.safetensors", "/etc/passwd", "a/../../b", ".."] {
        let index = format!(r#"{{"weight_map":{{"a":"{name}"}}}}"#);
        let folder = write("model.safetensors.index.json", index.as_bytes());
        let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("index's own folder") && error.contains("`a`"),
            "{error}"
        );
    }
}

#[test]
fn a_shard_that_is_missing_is_named() {
    let index = br#"{"weight_map":{"a":"model-00003-of-00003.safetensors"}}"#;
    let folder = write("model.safetensors.index.json", index);
    let error = Checkpoint::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("model-00003-of-00003.safetensors"),
        "{error}"
    );
}

#[test]
fn a_pickle_that_would_run_code_is_refused_and_the_code_is_not_run() {
    let mark = tempfile::tempdir().unwrap();
    let trace = mark.path().join("ran");
    let command = format!("touch {}", trace.display());
    let mut bytes = torch_writer::legacy_head();
    bytes.extend(b"\x80\x02cposix\nsystem\nX");
    bytes.extend((command.len() as u32).to_le_bytes());
    bytes.extend(command.as_bytes());
    bytes.extend(b"\x85R.");
    let folder = write("pytorch_model.bin", &bytes);
    let error = Checkpoint::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("the name `posix system`"),
        "{error}"
    );
    assert!(error.hint().is_some() && !trace.exists());
}

#[test]
fn tensors_that_outgrow_their_storage_are_refused_by_name() {
    let (tensors, storages) = torch_writer::sample();
    for change in 0..4 {
        let mut tensors = tensors.clone();
        let tensor = &mut tensors[0];
        match change {
            0 => tensor.offset = 1,
            1 => tensor.shape = vec![7, 4],
            2 => tensor.strides = vec![5, 1],
            _ => (tensor.shape, tensor.strides) = (vec![1000, 1000], vec![0, 0]),
        }
        for bytes in [
            torch_writer::zip(&tensors, &storages, Style::Plain),
            torch_writer::legacy(&tensors, &storages, Style::Plain),
        ] {
            let folder = write("pytorch_model.bin", &bytes);
            let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
            assert!(
                error.contains("`embed.weight`: expected a tensor within"),
                "{error}"
            );
        }
    }
}

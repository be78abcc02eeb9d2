//! Damaged and hostile files: each is read in full and must end in a value or in a typed error
//! that names the file, within a second and within a small multiple of the file's own size.
//!
//! Every failure names its seed or its place. The count of seeded mutations per test is 20,000;
//! `SKILLBELT_MUTATIONS=100000 cargo test -p skillbelt-model --test corrupt_files` reads more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod damage;
mod golden_root;
mod torch_writer;

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use damage::{Dice, damaged, endure, mutations};
use golden_root::golden_root;
use skillbelt_model::checkpoint::Dtype;
use skillbelt_model::{Checkpoint, ConfigFile, Error};
use torch_writer::STYLES;

/// Shape, kind and numbers (as bits) of every tensor that can be read as f32.
type Weights = BTreeMap<String, (Vec<usize>, Dtype, Vec<u32>)>;

/// Opens a folder's weights and reads every one of them.
fn read_all(folder: &Path) -> Result<Weights, Error> {
    let checkpoint = Checkpoint::open(folder)?;
    let mut weights = Weights::new();
    for key in checkpoint.keys() {
        let shape = checkpoint.shape(key).unwrap().to_vec();
        let dtype = checkpoint.dtype(key).unwrap();
        let bits = match checkpoint.read_f32(key, &shape) {
            Ok(numbers) => {
                assert_eq!(numbers.len(), shape.iter().product::<usize>());
                numbers.into_iter().map(f32::to_bits).collect()
            }
            Err(Error::WrongDtype { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        weights.insert(key.to_owned(), (shape, dtype, bits));
    }
    Ok(weights)
}

/// A folder with one file in it, which is damaged in place.
struct Scratch {
    folder: tempfile::TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Scratch {
    fn new(name: &str, bytes: Vec<u8>) -> Scratch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs_err::write(&path, &bytes).unwrap();
        Scratch {
            folder,
            path,
            bytes,
        }
    }

    fn copy_of(family: &str, name: &str) -> Scratch {
        let bytes = fs_err::read(golden_root().join(family).join(name)).unwrap();
        Scratch::new(name, bytes)
    }

    /// Overwrites bytes of the file. It is never emptied first: some file systems then wait for
    /// the disk at every closing.
    fn write_at(&self, at: usize, bytes: &[u8]) {
        let mut file = fs_err::OpenOptions::new()
            .write(true)
            .open(&self.path)
            .unwrap();
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn cut_to(&self, length: usize) {
        let file = fs_err::OpenOptions::new()
            .write(true)
            .open(&self.path)
            .unwrap();
        file.set_len(length as u64).unwrap();
    }

    /// Reads the folder's weights under watch.
    fn weights(&self, what: &str) -> Option<Weights> {
        let folder = self.folder.path();
        endure(what, folder, self.bytes.len(), || read_all(folder))
    }

    /// Cuts the file at each of the places, from behind; nothing that is cut may be readable.
    fn refuse_every_cut(&self, mut places: Vec<usize>) {
        places.sort_unstable();
        assert!(self.weights("whole").is_some());
        for length in places.into_iter().rev() {
            self.cut_to(length);
            let what = format!("{} cut to {length} bytes", self.path.display());
            assert!(self.weights(&what).is_none(), "{what}: accepted");
        }
    }

    /// Replaces the file by damaged ones, seed after seed.
    fn endure_mutations(&self, seeds: u64, read: impl Fn(&str)) {
        for seed in 0..seeds {
            let bytes = damaged(&self.bytes, &mut Dice::new(seed));
            self.write_at(0, &bytes);
            self.cut_to(bytes.len());
            read(&format!("{}, seed {seed}", self.path.display()));
        }
    }
}

/// Every place below `exact`, and a thousand more over the rest of the file.
fn places(exact: usize, length: usize) -> Vec<usize> {
    let beyond = (0..1000).map(|step| exact + step * (length - exact) / 1000);
    (0..exact).chain(beyond).collect()
}

/// First byte behind a safetensors header.
fn header_end(bytes: &[u8]) -> usize {
    8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize
}

#[test]
fn a_safetensors_file_cut_anywhere_is_refused() {
    let file = Scratch::copy_of("roberta", "model.safetensors");
    let end = header_end(&file.bytes);
    file.refuse_every_cut(places(end, file.bytes.len()));
}

#[test]
fn every_flipped_bit_of_a_safetensors_header_is_refused_or_changes_no_weight() {
    let shard = golden_root().join("t5/model-00007-of-00010.safetensors");
    let file = Scratch::new("model.safetensors", fs_err::read(shard).unwrap());
    let whole = file.weights("whole").unwrap();
    let mut refused = 0;
    for place in 0..header_end(&file.bytes) * 8 {
        let (byte, bit) = (place / 8, place % 8);
        file.write_at(byte, &[file.bytes[byte] ^ (1 << bit)]);
        let what = format!("bit {bit} of byte {byte} flipped");
        match file.weights(&what) {
            None => refused += 1,
            Some(weights) => {
                // At most a name may differ: every weight is still there, to the bit.
                assert_eq!(weights.len(), whole.len(), "{what}");
                let lost: Vec<_> = whole
                    .iter()
                    .filter(|w| !weights.iter().any(|v| v == *w))
                    .collect();
                assert!(lost.len() <= 1, "{what}: {} weights changed", lost.len());
                for (_, weight) in lost {
                    assert!(weights.values().any(|v| v == weight), "{what}");
                }
            }
        }
        file.write_at(byte, &file.bytes[byte..=byte]);
    }
    assert!(refused > 1000, "only {refused} flips were refused");
}

#[test]
fn mutations_of_a_safetensors_file_are_endured() {
    let (bytes, _) = small_shards();
    let file = Scratch::new("model.safetensors", bytes);
    file.endure_mutations(mutations(), |what| drop(file.weights(what)));
}

#[test]
fn pickled_files_cut_anywhere_are_refused() {
    for form in ["roberta-zip", "roberta-legacy"] {
        let file = Scratch::copy_of(&format!("pickled/{form}"), "pytorch_model.bin");
        file.refuse_every_cut(places(7000, file.bytes.len()));
    }
    let (tensors, storages) = torch_writer::sample();
    for style in STYLES {
        for bytes in [
            torch_writer::zip(&tensors, &storages, style),
            torch_writer::legacy(&tensors, &storages, style),
        ] {
            let all = (0..bytes.len()).collect();
            Scratch::new("pytorch_model.bin", bytes).refuse_every_cut(all);
        }
    }
}

#[test]
fn mutations_of_a_zip_pickle_are_endured() {
    let (tensors, storages) = torch_writer::sample();
    for style in STYLES {
        let bytes = torch_writer::zip(&tensors, &storages, style);
        let file = Scratch::new("pytorch_model.bin", bytes);
        file.endure_mutations(mutations() / STYLES.len() as u64, |what| {
            drop(file.weights(what))
        });
    }
}

#[test]
fn mutations_of_a_legacy_pickle_are_endured() {
    let (tensors, storages) = torch_writer::sample();
    for style in STYLES {
        let bytes = torch_writer::legacy(&tensors, &storages, style);
        let file = Scratch::new("pytorch_model.bin", bytes);
        file.endure_mutations(mutations() / STYLES.len() as u64, |what| {
            drop(file.weights(what))
        });
    }
}

#[test]
fn overwritten_parts_of_real_pickled_files_are_endured() {
    for form in ["roberta-zip", "roberta-legacy", "t5-zip", "t5-legacy"] {
        let file = Scratch::copy_of(&format!("pickled/{form}"), "pytorch_model.bin");
        for seed in 0..mutations() / 40 {
            let mut dice = Dice::new(seed);
            // The description in front, or (in the archive) the directory at the end.
            let at = match dice.below(2) {
                0 => dice.below(8000),
                _ => file.bytes.len() - 1 - dice.below(5000),
            };
            let end = file.bytes.len().min(at + 1 + dice.below(8));
            let noise: Vec<u8> = (at..end).map(|_| dice.next() as u8).collect();
            file.write_at(at, &noise);
            file.weights(&format!("{form}, seed {seed}"));
            file.write_at(at, &file.bytes[at..end]);
        }
    }
}

/// Two safetensors files of a few tensors each.
fn small_shards() -> (Vec<u8>, Vec<u8>) {
    let numbers: Vec<u8> = (0..96u8).collect();
    let shard = |names: [&str; 2]| {
        let view = |dtype, shape: &[usize]| {
            safetensors::tensor::TensorView::new(dtype, shape.to_vec(), &numbers).unwrap()
        };
        let tensors = [
            (names[0], view(safetensors::Dtype::F32, &[6, 4])),
            (names[1], view(safetensors::Dtype::BF16, &[48])),
        ];
        safetensors::serialize(tensors, None).unwrap()
    };
    (
        shard(["embed.weight", "embed.scale"]),
        shard(["layer.weight", "layer.bias"]),
    )
}

#[test]
fn mutations_of_an_index_are_endured() {
    let index = br#"{
  "metadata": {"total_size": 384},
  "weight_map": {
    "embed.scale": "model-00001-of-00002.safetensors",
    "embed.weight": "model-00001-of-00002.safetensors",
    "layer.bias": "model-00002-of-00002.safetensors",
    "layer.weight": "model-00002-of-00002.safetensors"
  }
}"#;
    let file = Scratch::new("model.safetensors.index.json", index.to_vec());
    let (first, second) = small_shards();
    let folder = file.folder.path();
    fs_err::write(folder.join("model-00001-of-00002.safetensors"), first).unwrap();
    fs_err::write(folder.join("model-00002-of-00002.safetensors"), second).unwrap();
    assert_eq!(file.weights("whole").unwrap().len(), 4);
    file.endure_mutations(mutations(), |what| drop(file.weights(what)));
}

#[test]
fn mutations_of_a_config_are_endured_and_sizes_stay_in_bounds() {
    let file = Scratch::copy_of("roberta", "config.json");
    let read = || {
        let config = ConfigFile::open(&file.path)?;
        config.bool_or("use_cache", true)?;
        config.positive_or("layer_norm_eps", 1e-5)?;
        config.strings("architectures")?;
        config.string("model_type")?;
        config.token_id("pad_token_id")?;
        let sizes = ["hidden_size", "vocab_size", "num_attention_heads"];
        sizes
            .map(|key| config.usize(key))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
    };
    file.endure_mutations(mutations(), |what| {
        let sizes = endure(what, file.folder.path(), file.bytes.len(), read);
        for size in sizes.unwrap_or_default() {
            assert!((1..=1 << 24).contains(&size), "{what}: {size}");
        }
    });
}

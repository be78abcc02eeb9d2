//! Every export of every golden family: what is written is opened again *here*, apart from the
//! export's own check, and compared with the base and its belt element by element.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod exported;
mod golden_root;

use std::path::{Path, PathBuf};

use exported::{FROZEN, SAME, apart, made, network, order, said};
use golden_root::golden_root;
use serde_json::{Value, json};
use skillbelt_model::base::{Network, Shape};
use skillbelt_model::export::{self, Dtype, Form, Order, gguf};

const BELTS: [&str; 2] = ["lora_qv", "lora_all_rslora"];

fn families() -> Vec<PathBuf> {
    let entries = fs_err::read_dir(golden_root()).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("adapters/lora_qv").exists());
    folders.sort();
    assert!(folders.len() >= 10, "{folders:?}");
    folders
}

/// A family's folder as llama.cpp can say it: T5's distances reach to 128 there.
fn sayable(family: &Path, scratch: &Path) -> PathBuf {
    let text = fs_err::read_to_string(family.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    if config["model_type"] != "t5" {
        return family.to_owned();
    }
    let folder = scratch.join("base");
    if !folder.exists() {
        fs_err::create_dir(&folder).unwrap();
        for entry in fs_err::read_dir(family).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs_err::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        config["relative_attention_max_distance"] = json!(128);
        fs_err::write(folder.join("config.json"), config.to_string()).unwrap();
    }
    folder
}

fn is_encoder(network: &dyn Network) -> bool {
    network.shape() == Shape::Encoder
}

#[test]
fn a_merged_folder_of_every_golden_family_says_what_base_and_belt_say() {
    for family in families() {
        for belt in BELTS {
            let scratch = tempfile::tempdir().unwrap();
            let out = scratch.path().join("merged");
            let belt = family.join("adapters").join(belt);
            let report = made(&order(
                &family,
                Some(belt.clone()),
                Form::Merged,
                out.clone(),
            ));
            assert_eq!(report.weights.unwrap().strain, 0.0);
            let expected = said(&*network(&family, Some(&belt)), false);
            let found = said(&*network(&out, None), false);
            let base = said(&*network(&family, None), false);
            assert!(apart(&expected, &found) <= SAME, "{}", belt.display());
            assert!(
                apart(&expected, &base) > 10.0 * SAME,
                "{}: no belt",
                belt.display()
            );
            assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 1);
            assert!(out.join("tokenizer.json").exists());
        }
    }
}

#[test]
fn a_gguf_of_every_golden_family_read_alone_says_what_base_and_belt_say() {
    for family in families() {
        let scratch = tempfile::tempdir().unwrap();
        let base = sayable(&family, scratch.path());
        for belt in BELTS {
            let out = scratch.path().join(format!("{belt}.gguf"));
            let belt = family.join("adapters").join(belt);
            made(&order(&base, Some(belt.clone()), Form::Gguf, out.clone()));
            let original = network(&base, Some(&belt));
            let expected = said(&*original, is_encoder(&*original));
            let read = gguf::open(&out, FROZEN).unwrap().network;
            let found = said(&*read, is_encoder(&*original));
            assert!(apart(&expected, &found) <= SAME, "{}", belt.display());
        }
    }
}

#[test]
fn a_gguf_of_a_base_alone_is_the_base_in_every_kind_of_number() {
    // Shares of the largest number that the networks of the references, 64 wide, really show.
    let kinds = [
        (Dtype::F32, 1e-6),
        (Dtype::F16, 5e-3),
        (Dtype::Bf16, 3e-2),
        (Dtype::Q8, 1.5e-1),
    ];
    for family in families() {
        let scratch = tempfile::tempdir().unwrap();
        let base = sayable(&family, scratch.path());
        let original = network(&base, None);
        let expected = said(&*original, is_encoder(&*original));
        for (dtype, bar) in kinds {
            let out = scratch.path().join(dtype.name());
            let order = order(&base, None, Form::GgufBase, out.clone());
            made(&Order { dtype, ..order });
            let read = gguf::open(&out, FROZEN).unwrap().network;
            // Its scores are not scaled, and sharp with random weights.
            let sharp = original.family() == "t5" && dtype != Dtype::F32;
            let bar = if sharp { 3.0 * bar } else { bar };
            let found = apart(&expected, &said(&*read, is_encoder(&*original)));
            assert!(
                found <= bar,
                "{} {}: {found}",
                family.display(),
                dtype.name()
            );
            assert!(dtype == Dtype::F32 || found > 1e-6, "{}", dtype.name());
        }
    }
}

#[test]
fn a_lora_alone_as_gguf_is_verified_for_every_golden_family() {
    for family in families() {
        let scratch = tempfile::tempdir().unwrap();
        let base = sayable(&family, scratch.path());
        for belt in BELTS {
            let out = scratch.path().join(belt);
            let folder = family.join("adapters").join(belt);
            let report = made(&order(&base, Some(folder), Form::GgufLora, out.clone()));
            let found = report.outputs.largest_difference / report.outputs.largest;
            assert!(found <= f64::from(SAME), "{}: {found}", family.display());
            let file = gguf::File::open(&out).unwrap();
            assert_eq!(file.text("adapter.type").unwrap(), "lora");
            assert!(
                file.names()
                    .all(|name| name.ends_with(".lora_a") || name.ends_with(".lora_b"))
            );
        }
    }
}

#[test]
fn a_belt_rewritten_in_its_own_form_says_the_same() {
    for family in families() {
        let scratch = tempfile::tempdir().unwrap();
        let out = scratch.path().join("belt");
        let belt = family.join("adapters/lora_qv");
        made(&order(&family, Some(belt.clone()), Form::Peft, out.clone()));
        let expected = said(&*network(&family, Some(&belt)), false);
        let found = said(&*network(&family, Some(&out)), false);
        assert_eq!(apart(&expected, &found), 0.0);
        let wrong = order(
            &family,
            Some(belt),
            Form::AdapterHub,
            scratch.path().join("wrong"),
        );
        let error = export::export(&wrong).unwrap_err();
        assert!(error.to_string().contains("`lora`"), "{error}");
        assert!(error.hint().unwrap().contains("--to peft"), "{error}");
        assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 1);
    }
}

#[test]
fn shards_of_a_merged_folder_are_read_as_the_whole() {
    let family = golden_root().join("qwen2");
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("merged");
    let belt = family.join("adapters/lora_qv");
    let order = order(&family, Some(belt.clone()), Form::Merged, out.clone());
    made(&Order {
        shard_bytes: 100_000,
        ..order
    });
    assert!(out.join("model.safetensors.index.json").exists());
    let shards = fs_err::read_dir(&out).unwrap();
    let shards = shards.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("model-0000")
    });
    assert!(shards.count() > 1);
    let expected = said(&*network(&family, Some(&belt)), false);
    assert!(apart(&expected, &said(&*network(&out, None), false)) <= SAME);
}

#[test]
fn what_llama_cpp_cannot_say_is_refused_by_name_and_leaves_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("out.gguf");
    let t5 = golden_root().join("t5");
    let error = export::export(&order(&t5, None, Form::GgufBase, out.clone())).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`relative_attention_max_distance`: 20") && text.contains("128"),
        "{text}"
    );
    assert!(error.hint().unwrap().contains("--to merged"));
    let llama = golden_root().join("llama");
    let lora = order(&llama, None, Form::GgufLora, out);
    assert!(
        export::export(&lora)
            .unwrap_err()
            .to_string()
            .contains("no LoRA")
    );
    assert_eq!(fs_err::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn what_stands_at_the_target_is_kept_unless_force_is_given_and_the_new_agrees() {
    let family = golden_root().join("llama");
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("base.gguf");
    fs_err::write(&out, "mine").unwrap();
    let plain = order(&family, None, Form::GgufBase, out.clone());
    assert!(matches!(
        export::export(&plain),
        Err(export::Error::Exists(_))
    ));
    assert_eq!(fs_err::read_to_string(&out).unwrap(), "mine");
    made(&Order {
        force: true,
        ..plain
    });
    assert!(gguf::open(&out, FROZEN).is_ok());
    let onto = order(&family, None, Form::GgufBase, family.clone());
    let refused = export::export(&Order {
        force: true,
        ..onto
    });
    assert!(matches!(refused, Err(export::Error::Irreplaceable { .. })));
}

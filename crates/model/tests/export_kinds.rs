//! What each kind of belt becomes: magnitudes and whole weights in a merged base, belts in their own
//! library's files, and every other wish refused by name.

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
use skillbelt_engine::ops::Linear;
use skillbelt_model::base::{self, Network, Purpose, Shape};
use skillbelt_model::belt::folder::{BeltFile, HeadShape, Limits, TaskRecord};
use skillbelt_model::belt::{
    Belt, BeltPlan, BottleneckConfig, Lora, LoraConfig, PrefixConfig, Targets, TaskLoraConfig,
};
use skillbelt_model::checkpoint::Checkpoint;
use skillbelt_model::checkpoint::write::{self, Stored, Tensor};
use skillbelt_model::export::{self, Form, gguf, merged_weight};

/// Moves every number a little off where a fresh belt starts, so that none of it is zero.
fn stir(belt: &Belt) {
    for (place, param) in belt.params().iter().enumerate() {
        param.update(|mat| {
            for (i, x) in mat.data_mut().iter_mut().enumerate() {
                *x += 0.02 * ((i * 7 + place * 3) as f32).sin();
            }
        });
    }
}

/// A stirred belt of a plan, in a folder of its own.
fn belt(family: &Path, plan: &BeltPlan, folder: &Path) -> PathBuf {
    let purpose = match plan {
        BeltPlan::Full => Purpose::full(),
        _ => FROZEN,
    };
    let mut network = base::open(family, purpose).unwrap().network;
    let belt = Belt::fresh(&mut *network, plan, 7).unwrap();
    stir(&belt);
    let path = folder.join(format!("the_{}", belt.kind_name()));
    belt.save(&path).unwrap();
    path
}

fn dora() -> BeltPlan {
    BeltPlan::Lora(LoraConfig {
        rank: 3,
        dora: true,
        targets: Targets::AllLinear,
        ..LoraConfig::default()
    })
}

fn is_encoder(network: &dyn Network) -> bool {
    network.shape() == Shape::Encoder
}

#[test]
fn magnitudes_are_in_the_merged_weights_of_folders_and_of_gguf_files() {
    for family in ["bert", "qwen2", "gpt_bigcode", "llama"] {
        let (family, scratch) = (golden_root().join(family), tempfile::tempdir().unwrap());
        let belt = belt(&family, &dora(), scratch.path());
        let out = scratch.path().join("merged");
        made(&order(
            &family,
            Some(belt.clone()),
            Form::Merged,
            out.clone(),
        ));
        let original = network(&family, Some(&belt));
        let found = apart(
            &said(&*original, false),
            &said(&*network(&out, None), false),
        );
        assert!(found <= SAME, "{}: {found}", family.display());
        let out = scratch.path().join("merged.gguf");
        made(&order(&family, Some(belt), Form::Gguf, out.clone()));
        let bare = is_encoder(&*original);
        let read = gguf::open(&out, FROZEN).unwrap().network;
        let found = apart(&said(&*original, bare), &said(&*read, bare));
        assert!(found <= SAME, "{}: {found}", family.display());
    }
}

/// The rows of `m / |W + s B A| (W + s B A)`, against a formula without magnitudes, which must fail.
#[test]
fn a_merged_row_has_the_length_of_its_magnitude() {
    let family = golden_root().join("llama");
    let scratch = tempfile::tempdir().unwrap();
    let belt = belt(&family, &dora(), scratch.path());
    let mut network = network(&family, Some(&belt));
    let linear: &Linear = network.linears_mut().unwrap().remove(0);
    let low_rank = linear.low_rank.clone().unwrap();
    let (n, k) = (linear.outputs(), linear.inputs());
    let key = format!("{}.weight", linear.name);
    let weight = Checkpoint::open(&family)
        .unwrap()
        .read_f32(&key, &[n, k])
        .unwrap();
    let lengths = |plain: bool| -> Vec<f64> {
        let mut low_rank = low_rank.clone();
        if plain {
            low_rank.magnitude = None;
        }
        let merged = merged_weight(weight.clone(), &export::Change { low_rank });
        let square = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        merged.chunks(k).map(|row| square(row).sqrt()).collect()
    };
    let meant = low_rank.magnitude.as_ref().unwrap().param().value();
    let off = |lengths: Vec<f64>| {
        let pairs = lengths.iter().zip(meant.data());
        pairs
            .map(|(a, b)| (a - f64::from(*b)).abs())
            .fold(0.0, f64::max)
    };
    assert!(off(lengths(false)) < 1e-6);
    assert!(off(lengths(true)) > 1e-3);
}

#[test]
fn a_full_fine_tuning_becomes_a_base_of_its_own() {
    for family in ["bert", "qwen2", "t5"] {
        let (family, scratch) = (golden_root().join(family), tempfile::tempdir().unwrap());
        let belt = belt(&family, &BeltPlan::Full, scratch.path());
        let mut original = base::open(&family, Purpose::full()).unwrap().network;
        Belt::attach(&belt, &mut *original, false).unwrap();
        let out = scratch.path().join("merged");
        let report = made(&order(
            &family,
            Some(belt.clone()),
            Form::Merged,
            out.clone(),
        ));
        assert_eq!(report.weights.unwrap().strain, 0.0);
        let expected = said(&*original, false);
        let found = said(&*network(&out, None), false);
        assert!(apart(&expected, &found) <= SAME, "{}", family.display());
        assert!(apart(&expected, &said(&*network(&family, None), false)) > 1e-3);
        let keys = |folder: &Path| Checkpoint::open(folder).unwrap().keys().count();
        assert_eq!(keys(&out), keys(&family));
        if !family.ends_with("t5") {
            let out = scratch.path().join("merged.gguf");
            made(&order(&family, Some(belt), Form::Gguf, out.clone()));
            let bare = is_encoder(&*original);
            let read = gguf::open(&out, FROZEN).unwrap().network;
            assert!(apart(&said(&*original, bare), &said(&*read, bare)) <= SAME);
        }
    }
}

#[test]
fn a_kind_without_a_form_is_refused_by_name_with_advice_and_leaves_nothing() {
    let family = golden_root().join("bert");
    let scratch = tempfile::tempdir().unwrap();
    let prefix = PrefixConfig::fitting(&*network(&family, None), 3);
    let task_lora = TaskLoraConfig {
        tasks: vec!["a".into(), "b".into()],
        ..TaskLoraConfig::default()
    };
    let cases = [
        (
            dora(),
            "dora",
            &[
                (Form::GgufLora, "--to gguf"),
                (Form::AdapterHub, "--to peft"),
            ][..],
        ),
        (
            BeltPlan::Full,
            "full",
            &[
                (Form::Peft, "--to merged"),
                (Form::AdapterHub, "--to merged"),
                (Form::GgufLora, "--to gguf"),
            ],
        ),
        (
            BeltPlan::Bottleneck(BottleneckConfig::par_bn(4.0)),
            "par_bn",
            &[
                (Form::Peft, "--to adapterhub"),
                (Form::Merged, "--to adapterhub"),
                (Form::Gguf, "--to adapterhub"),
                (Form::GgufLora, "--to adapterhub"),
            ],
        ),
        (
            BeltPlan::Prefix(prefix),
            "prefix",
            &[(Form::Merged, "--to adapterhub")],
        ),
        (
            BeltPlan::TaskLora(task_lora),
            "task_lora",
            &[
                (Form::Peft, "own folder"),
                (Form::AdapterHub, "own folder"),
                (Form::Merged, "own folder"),
                (Form::Gguf, "own folder"),
                (Form::GgufLora, "own folder"),
            ],
        ),
    ];
    for (plan, kind, forms) in cases {
        let belt = belt(&family, &plan, scratch.path());
        for (form, advice) in forms {
            let out = scratch.path().join("out");
            let error = export::export(&order(&family, Some(belt.clone()), *form, out.clone()));
            let error = error.unwrap_err();
            assert!(error.to_string().contains(&format!("`{kind}`")), "{error}");
            assert!(error.hint().unwrap().contains(advice), "{kind} {form:?}");
            assert!(!out.exists());
        }
    }
}

#[test]
fn an_adapter_is_written_in_both_files_that_its_library_opens() {
    for (family, adapter) in [
        ("bert", "seq_bn"),
        ("bert", "double_seq_bn"),
        ("bert", "par_bn"),
        ("bert", "ah_prefix"),
        ("t5", "ah_prefix"),
    ] {
        let (family, scratch) = (golden_root().join(family), tempfile::tempdir().unwrap());
        let (belt, out) = (
            family.join("adapters").join(adapter),
            scratch.path().join("out"),
        );
        made(&order(
            &family,
            Some(belt.clone()),
            Form::AdapterHub,
            out.clone(),
        ));
        let expected = said(&*network(&family, Some(&belt)), false);
        for other in ["pytorch_adapter.bin", "adapter.safetensors"] {
            let (held, aside) = (out.join(other), scratch.path().join(other));
            fs_err::rename(&held, &aside).unwrap();
            assert_eq!(
                apart(&expected, &said(&*network(&family, Some(&out)), false)),
                0.0
            );
            fs_err::rename(&aside, &held).unwrap();
        }
    }
}

#[test]
fn heads_stay_behind_with_a_note_and_another_base_is_refused() {
    let family = golden_root().join("bert");
    let scratch = tempfile::tempdir().unwrap();
    let belt = belt(&family, &dora(), scratch.path());
    let hash = Checkpoint::open(&family).unwrap().content_hash();
    let mut card = BeltFile::new("dora", "bert", "bert", &hash, "int8");
    card.tasks.push(TaskRecord {
        name: "defect".into(),
        objective: "classify".into(),
        labels: Vec::new(),
        pool: None,
        head: Some(HeadShape {
            outputs: 2,
            width: 64,
            bias: true,
        }),
        limits: Limits::default(),
        settings: serde_json::Value::Null,
        metrics: Default::default(),
        calibration: Vec::new(),
    });
    card.write(&belt).unwrap();
    let out = scratch.path().join("out");
    let report = made(&order(&family, Some(belt.clone()), Form::Peft, out.clone()));
    let notes = report.notes.join("\n");
    assert!(notes.contains("the heads of defect stay behind"), "{notes}");
    assert!(notes.contains("int8"), "{notes}");
    assert_eq!(fs_err::read_dir(&out).unwrap().count(), 2);
    card.base.content_hash = "0".repeat(64);
    card.write(&belt).unwrap();
    let other = order(
        &family,
        Some(belt),
        Form::Merged,
        scratch.path().join("other"),
    );
    assert!(export::export(&other).is_err());
}

/// A base's folder as its library writes it without the head: keys without their first part.
fn bare(family: &Path, root: &str, scratch: &Path) -> PathBuf {
    let folder = scratch.join("bare");
    fs_err::create_dir(&folder).unwrap();
    let whole = Checkpoint::open(family).unwrap();
    let keys: Vec<&str> = whole.keys().filter(|key| key.starts_with(root)).collect();
    let read = |key: &str| whole.read_f32(key, whole.shape(key).unwrap()).unwrap();
    let numbers: Vec<Vec<f32>> = keys.iter().map(|key| read(key)).collect();
    let pairs = keys.iter().zip(&numbers);
    let tensors: Vec<Tensor<'_>> = pairs
        .map(|(key, numbers)| Tensor {
            key: key.strip_prefix(root).unwrap(),
            shape: whole.shape(key).unwrap(),
            numbers,
        })
        .collect();
    write::safetensors(&folder.join("model.safetensors"), &tensors, Stored::F32).unwrap();
    fs_err::copy(family.join("config.json"), folder.join("config.json")).unwrap();
    folder
}

#[test]
fn keys_of_a_new_lora_follow_the_checkpoint_and_are_read_on_either_form_of_the_base() {
    let (family, scratch) = (golden_root().join("bert"), tempfile::tempdir().unwrap());
    let bare = bare(&family, "bert.", scratch.path());
    for (base, start) in [
        (&family, "bert.encoder.layer.0."),
        (&bare, "encoder.layer.0."),
    ] {
        let mut network = base::open(base, FROZEN).unwrap().network;
        let lora = Lora::fresh(&mut *network, LoraConfig::default(), 7).unwrap();
        let first = lora.params[0].name();
        assert!(
            first.starts_with(&format!("base_model.model.{start}")),
            "{first}"
        );
        let belt = Belt::Lora(lora);
        stir(&belt);
        let saved = scratch.path().join("saved");
        belt.save(&saved).unwrap();
        let expected = said(&*network, true);
        for base in [&family, &bare] {
            let found = said(&*exported::network(base, Some(&saved)), true);
            assert_eq!(apart(&expected, &found), 0.0);
        }
        let out = scratch.path().join(start);
        made(&order(base, Some(saved), Form::Merged, out.clone()));
        let found = said(&*exported::network(&out, None), true);
        assert!(apart(&expected, &found) <= SAME);
    }
}

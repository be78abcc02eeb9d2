//! Checkpoints that are less or more than the whole network: saved without the head, of an encoder
//! alone, with duplicates of tied weights, or with a weight missing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod golden_root;

use std::path::Path;

use golden_root::golden_root;
use skillbelt_engine::{Pass, Precision};
use skillbelt_model::base::{Batch, Loader, Network, Purpose, Shape, Source};
use skillbelt_model::{Checkpoint, ConfigFile, Error, Result, family};

/// A checkpoint whose keys are told otherwise.
struct Told {
    checkpoint: Checkpoint,
    /// What is told, and what it is in the file.
    keys: Vec<(String, String)>,
}

impl Told {
    fn stored(&self, key: &str) -> Option<&str> {
        let found = self.keys.iter().find(|(told, _)| told == key);
        found.map(|(_, stored)| stored.as_str())
    }
}

impl Source for Told {
    fn path(&self) -> &Path {
        self.checkpoint.path()
    }

    fn keys(&self) -> Vec<String> {
        self.keys.iter().map(|(told, _)| told.clone()).collect()
    }

    fn shape(&self, key: &str) -> Option<Vec<usize>> {
        Some(self.checkpoint.shape(self.stored(key)?)?.to_vec())
    }

    fn read_f32(&self, key: &str, expected: &[usize]) -> Result<Vec<f32>> {
        match self.stored(key) {
            Some(stored) => self.checkpoint.read_f32(stored, expected),
            None => Err(Error::MissingTensor {
                path: self.path().to_owned(),
                key: key.to_owned(),
                expected: expected.to_vec(),
            }),
        }
    }
}

/// Loads a reference with its keys told as `tell` wants (`None` hides one), and further pairs.
fn load(
    name: &str,
    tell: impl Fn(&str) -> Option<String>,
    more: &[(&str, &str)],
) -> Result<Box<dyn Network>> {
    let folder = golden_root().join(name);
    let config = ConfigFile::open(&folder.join("config.json")).unwrap();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let mut keys: Vec<(String, String)> = checkpoint
        .keys()
        .filter_map(|key| Some((tell(key)?, key.to_owned())))
        .collect();
    let more = more
        .iter()
        .map(|(told, stored)| (told.to_string(), stored.to_string()));
    keys.extend(more);
    let source = Told { checkpoint, keys };
    let loader = Loader::new(&source, Purpose::frozen(Precision::F32));
    family::load(loader, &config)
}

fn whole(key: &str) -> Option<String> {
    Some(key.to_owned())
}

fn hidden(network: &dyn Network) -> Vec<f32> {
    let batch = Batch::pack(&[vec![7, 8, 9, 10], vec![11, 12]]).unwrap();
    let hidden = network.hidden(&Pass::inference(), &batch, None).unwrap();
    hidden.value().data().to_vec()
}

/// Name of the reference, prefix of the network without its head, and what only the head has.
const BARE: [(&str, &str, &[&str]); 7] = [
    ("modernbert", "model.", &["head.", "decoder."]),
    ("llama", "model.", &["lm_head."]),
    ("mistral", "model.", &["lm_head."]),
    ("qwen2", "model.", &[]),
    ("starcoder2", "model.", &[]),
    ("gpt_bigcode", "transformer.", &[]),
    ("bert", "bert.", &["cls."]),
];

#[test]
fn a_network_saved_without_its_head_gives_the_same_hidden_states() {
    for (name, prefix, head) in BARE {
        let tell = |key: &str| match head.iter().any(|head| key.starts_with(head)) {
            true => None,
            false => Some(key.strip_prefix(prefix).unwrap_or(key).to_owned()),
        };
        let bare = load(name, tell, &[]).unwrap();
        let full = load(name, whole, &[]).unwrap();
        assert_eq!(hidden(&*bare), hidden(&*full), "{name}");
        let untied = ["modernbert", "llama", "mistral"].contains(&name);
        assert_eq!(bare.head().is_none(), untied, "{name}");
    }
}

#[test]
fn the_encoder_of_t5_alone_encodes_the_same_and_decodes_nothing() {
    let tell = |key: &str| (!key.starts_with("decoder.")).then(|| key.to_owned());
    let encoder = load("t5", tell, &[]).unwrap();
    let full = load("t5", whole, &[]).unwrap();
    assert_eq!(hidden(&*encoder), hidden(&*full));
    assert_eq!(encoder.shape(), Shape::Encoder);
    assert!(encoder.head().is_none());
    let (pass, batch) = (Pass::inference(), Batch::pack(&[[7, 8]]).unwrap());
    let states = full.hidden(&pass, &batch, None).unwrap();
    for (network, decodes) in [(&encoder, false), (&full, true)] {
        let decoded = network.decode(&pass, &states, &batch.spans, &batch, None);
        assert_eq!(decoded.is_ok(), decodes);
    }
}

#[test]
fn duplicates_of_tied_weights_are_forgiven_and_nothing_else_is() {
    let shared = "shared.weight";
    let tied = [
        ("t5", "lm_head.weight", shared),
        ("t5", "encoder.embed_tokens.weight", shared),
        ("t5_gated", "decoder.embed_tokens.weight", shared),
        ("qwen2", "lm_head.weight", "model.embed_tokens.weight"),
        ("starcoder2", "lm_head.weight", "model.embed_tokens.weight"),
        ("gpt_bigcode", "lm_head.weight", "transformer.wte.weight"),
        (
            "llama",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
            "model.norm.weight",
        ),
        (
            "modernbert",
            "decoder.weight",
            "model.embeddings.tok_embeddings.weight",
        ),
    ];
    for (name, told, stored) in tied {
        load(name, whole, &[(told, stored)]).unwrap();
        let further = format!("{told}.scale");
        match load(name, whole, &[(&further, stored)]).err().unwrap() {
            Error::SurplusTensors { keys, .. } => assert_eq!(keys, [further], "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn a_missing_weight_is_named() {
    let missing = [
        ("t5", "decoder.final_layer_norm.weight"),
        ("t5_gated", "lm_head.weight"),
        ("llama", "lm_head.weight"),
        ("qwen2", "model.layers.1.self_attn.q_proj.bias"),
        ("modernbert", "head.norm.weight"),
        ("starcoder2", "model.norm.bias"),
        ("gpt_bigcode", "transformer.h.1.attn.c_attn.bias"),
    ];
    for (name, key) in missing {
        let tell = |told: &str| (told != key).then(|| told.to_owned());
        match load(name, tell, &[]).err().unwrap() {
            Error::MissingTensor { key: named, .. } => assert_eq!(named, key, "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
}

//! Oracles for what is learnt and measured: plain formulas over the logits of one piece at a time.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use skillbelt_engine::{Grads, Keep, Pass};
use skillbelt_model::base::{Base, Batch, Loader, Purpose, logits};
use skillbelt_model::tokenizer::learn::{byte_lengths, learn};
use skillbelt_model::{ConfigFile, Tokenizer, family};

use super::causal::Causal;
use super::pieces::{Pieces, bits_per_byte};
use super::plan::{Aim, NetworkSettings, PlanFile};
use super::windows::Windows;
use super::{fresh, stock};
use crate::task::{Objective, Stage};

const TEXTS: [&str; 3] = [
    "fn area(width: u32, height: u32) -> u32 {\n    width * height\n}\n",
    "def total(values):\n    return sum(values) # caf\u{e9}\n",
    "int first(int a) { return a + 1; }\n",
];

fn tokenizer() -> Tokenizer {
    let recipe = learn(TEXTS.into_iter(), 300, &stock::roles(Aim::Causal)).unwrap();
    Tokenizer::from_json(Path::new("learnt.json"), recipe.to_string().as_bytes()).unwrap()
}

fn network(tokenizer: &Tokenizer) -> Base {
    let sizes = NetworkSettings {
        width: 16,
        layers: 2,
        heads: 2,
        kv_heads: Some(1),
        inner: 24,
        positions: 64,
    };
    let Value::Object(mut config) = fresh::config(Aim::Causal, &sizes, tokenizer) else {
        unreachable!()
    };
    // A tokenizer without settings beside it names no roles.
    config.insert("eos_token_id".into(), 0.into());
    let config = ConfigFile::from_object(Path::new("config.json"), config);
    let weights = fresh::FreshWeights { seed: 3, layers: 2 };
    let network = family::load(Loader::new(&weights, Purpose::full()), &config).unwrap();
    Base { network, config }
}

fn windows(length: usize) -> Windows {
    Windows {
        length,
        begin: 0,
        end: 0,
        every: false,
        told_last: true,
    }
}

/// Sum of the losses in nats of what each piece of the texts tells, piece by piece in f64.
fn nats(base: &Base, pieces: &[Vec<u32>], shift: usize) -> f64 {
    let pass = Pass::inference();
    let mut sum = 0.0;
    for piece in pieces {
        let read = &piece[..piece.len() - 1];
        let hidden = base
            .network
            .hidden(&pass, &Batch::pack(&[read]).unwrap(), None)
            .unwrap();
        let rows: Vec<usize> = (0..read.len()).collect();
        let logits = logits(&*base.network, &pass, &hidden, &rows).unwrap();
        for (row, target) in piece[1..].iter().enumerate() {
            let all: f64 = logits.row(row).iter().map(|x| f64::from(*x).exp()).sum();
            let target = (*target as usize + shift) % logits.cols();
            sum += all.ln() - f64::from(logits.row(row)[target]);
        }
    }
    sum
}

#[test]
fn bits_per_byte_and_the_loss_agree_with_the_plain_formula() {
    let tokenizer = tokenizer();
    let base = network(&tokenizer);
    let tokens = tokenizer.encode_batch(&TEXTS, false).unwrap();
    let objective = Causal {
        pieces: Pieces {
            bytes: byte_lengths(&tokenizer),
        },
    };
    for length in [7, 20, 64] {
        let set = windows(length).set(&tokens, 5, "texts").unwrap();
        let all: Vec<usize> = (0..set.items.len()).collect();
        let texts = Pieces::of(&set, &all);
        let pieces: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| set.shelf.get(*text).unwrap())
            .collect();
        let stage = Stage {
            network: &*base.network,
            tokenizer: &tokenizer,
            task: 0,
            seed: 0,
            step: 0,
            pack_tokens: 30,
            keep: Keep::Exact,
            recompute: false,
        };
        let answers = objective.answer(&stage, &set).unwrap();
        let bytes: usize = TEXTS.iter().map(|text| text.len()).sum();
        let told: usize = pieces.iter().map(|piece| piece.len() - 1).sum();
        let found = bits_per_byte(&answers);
        let bits = |shift| nats(&base, &pieces, shift) / std::f64::consts::LN_2 / bytes as f64;
        assert!((found - bits(0)).abs() < 1e-5, "{length}: {found}");
        // The control: what is told one token off is another number.
        assert!((found - bits(1)).abs() > 1e-5);
        let mut grads = Grads::new();
        let learnt = objective
            .learn(&stage, &set, &all, 1.0, &mut grads)
            .unwrap();
        let mean = nats(&base, &pieces, 0) / told as f64;
        assert!((learnt.loss - mean).abs() < 1e-5, "{} {mean}", learnt.loss);
        assert_eq!((learnt.units, grads.is_empty()), (told as u64, false));
    }
}

proptest! {
    #[test]
    fn windows_lose_no_token_keep_their_length_and_mix_no_texts(
        lengths in prop::collection::vec(1usize..120, 1..12),
        length in 4usize..70,
        masked in any::<bool>(),
    ) {
        // Token 0 begins, 1 ends; each text has numbers of its own.
        let texts: Vec<Vec<u32>> = lengths
            .iter()
            .enumerate()
            .map(|(text, length)| (0..*length).map(|at| (text * 1000 + at + 10) as u32).collect())
            .collect();
        let windows = Windows { length, begin: 0, end: 1, every: masked, told_last: !masked };
        let set = windows.set(&texts, 1, "texts").unwrap();
        let (mut seen, mut ends) = (Vec::new(), 0);
        for item in &set.items {
            let mut read = 0;
            for text in &item.texts {
                let ids = set.shelf.get(*text).unwrap();
                prop_assert_eq!(ids[0], 0);
                read += ids.len() - usize::from(!masked);
                ends += usize::from(ids[ids.len() - 1] == 1);
                let own: Vec<u32> = ids.into_iter().filter(|id| *id > 1).collect();
                prop_assert!(own.windows(2).all(|pair| pair[0] + 1 == pair[1]));
                seen.extend(own);
            }
            prop_assert!(read <= length.max(3), "{} of {}", read, length);
        }
        seen.sort_unstable();
        prop_assert_eq!(seen, texts.concat());
        if masked {
            prop_assert!(ends >= texts.len());
        }
    }
}

/// A corpus of three projects; what only `gamma` says, and a file of `beta` that is nearly one of its.
fn corpus(folder: &Path) {
    let program = |name: &str, more: &str| -> String {
        let function = |i: usize| {
            format!(
                "def {name}_{i}(first, second_{i}):\n    \"\"\"Gives the {name} of number {i} and another.\"\"\"\n    total_{i} = first * {i} + second_{i}\n    return total_{i}\n\n"
            )
        };
        (0..30).map(function).collect::<String>() + more
    };
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    };
    write("alpha/one.py", &program("alpha", ""));
    write("beta/two.py", &program("beta", ""));
    write("beta/copied.py", &program("gamma", "# a copy\n"));
    write("gamma/three.py", &program("gamma", ""));
}

fn plan(folder: &Path, held_out: Value) -> PlanFile {
    let plan = serde_json::json!({
        "sources": {"python": {"files": [folder.join("corpus")], "extensions": ["py"]}},
        "tokenizer": {"vocabulary": 400},
        "held_out": held_out,
        "documented": {},
    });
    serde_json::from_value(plan).unwrap()
}

/// All that a run of the plan could learn: the texts, and the pairs.
fn learnt(plan: &PlanFile, run: &Path, part: stock::Part) -> String {
    let disk = crate::disk::Disk::new(Default::default());
    let stock = stock::open(plan, None, run, &disk, &mut |_| ()).unwrap();
    let tokens = stock.tokens(0, part).unwrap();
    let texts = tokens
        .iter()
        .map(|ids| stock.tokenizer.decode(ids, false).unwrap());
    let pairs = stock.pairs(0, part);
    let pairs = pairs.map(|path| fs_err::read_to_string(path).unwrap());
    texts.chain(pairs).collect()
}

#[test]
fn what_is_held_out_is_never_learnt_nor_what_is_nearly_the_same() {
    let folder = tempfile::tempdir().unwrap();
    corpus(&folder.path().join("corpus"));
    let run = |name: &str| folder.path().join(name);
    let apart = plan(folder.path(), serde_json::json!({"projects": ["gamma"]}));
    let text = learnt(&apart, &run("apart"), stock::Part::Train);
    assert!(text.contains("alpha_29") && text.contains("beta_29"));
    assert!(text.contains("Gives the alpha of number 3 and another."));
    assert!(!text.contains("gamma"));
    let held = learnt(&apart, &run("apart"), stock::Part::HeldOut);
    assert!(held.contains("gamma_29") && !held.contains("alpha") && !held.contains("a copy"));
    // The control: with nothing held out the same words are learnt, and would have been found.
    let all = plan(folder.path(), serde_json::json!({"share": 0.0}));
    let text = learnt(&all, &run("all"), stock::Part::Train);
    assert!(text.contains("gamma_29") && text.contains("Gives the gamma of number 3 and another."));
}

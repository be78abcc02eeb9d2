//! Damaged tokenizer files: each seeded mutation is loaded or refused with an error that names the folder's file,
//! within a second and without a panic. `SKILLBELT_MUTATIONS=100000` makes the run as long as wanted.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::{Value, json};
use skillbelt_model::tokenizer::{Error, Tokenizer};

const DEFAULT_MUTATIONS: u64 = 20_000;
const SLOWEST: Duration = Duration::from_secs(1);

/// A stream of numbers from a seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Small recipes that between them hold every kind of component.
fn originals() -> Vec<Value> {
    let token = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": id == 1, "rstrip": false,
            "normalized": id == 2, "special": id < 2})
    };
    let pieces = json!({"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
        {"type": "Digits", "individual_digits": true},
        {"type": "Punctuation", "behavior": "MergedWithNext"},
        {"type": "FixedLength", "length": 3},
        {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]});
    let template = json!({"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
        {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}}]});
    let strips = json!({"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true}]});
    vec![
        json!({"version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [token(0, "<s>"), token(1, "</s>"), token(9, "new")],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
                {"type": "Prepend", "prepend": "\u{2581}"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
                {"type": "Strip", "strip_left": true, "strip_right": true}]},
            "pre_tokenizer": pieces, "post_processor": template, "decoder": strips,
            "model": {"type": "BPE", "dropout": null, "unk_token": "<s>", "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
                "vocab": {"<s>": 0, "</s>": 1, "a": 2, "b": 3, "ab": 4, "r": 5, "e": 6, "re": 7, "\u{120}": 8},
                "merges": [["a", "b"], ["r", "e"]]}}),
        json!({"version": "1.0", "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0},
            "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
            "added_tokens": [token(0, "[PAD]"), token(1, "[UNK]")],
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "d": 4, "##e": 5, "##f": 6, "return": 7}}}),
        json!({"version": "1.0", "added_tokens": [token(1, "</s>")],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}, {"type": "Lowercase"},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "UnicodeScripts"},
                {"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true}]},
            "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["</s>", 1], "trim_offsets": true, "add_prefix_space": true},
            "decoder": {"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true},
            "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
                "vocab": [["<unk>", 0.0], ["</s>", 0.0], ["\u{2581}", -2.5], ["a", -3.5], ["re", -4.0], ["turn", -5.0]]}}),
        json!({"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": null, "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
            "model": {"type": "WordLevel", "vocab": {"a": 0, "def": 1, "?": 2}, "unk_token": "?"}}),
    ]
}

/// Values that stand where others should.
fn intruder(draw: &mut Draw, donor: &Value) -> Value {
    match draw.below(14) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(4_294_967_295_u64),
        4 => json!(1.0e308),
        5 => json!(""),
        6 => json!("\u{2581}\u{120}\u{1F600}"),
        7 => json!([]),
        8 => json!({}),
        9 => json!("(a+)+(?=b)|\\s*\\s*\\s*$"),
        10 => json!(true),
        11 => json!(draw.below(12)),
        12 => json!("x".repeat(1 + draw.below(5000))),
        _ => donor.clone(),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// The node at a place in reading order.
fn node(value: &mut Value, place: usize) -> Option<&mut Value> {
    if place == 0 {
        return Some(value);
    }
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(entries) => entries.values_mut().collect(),
        _ => return None,
    };
    let mut place = place - 1;
    for child in children {
        let size = count(child);
        if place < size {
            return node(child, place);
        }
        place -= size;
    }
    None
}

/// A change of the structure, or two.
fn change_structure(draw: &mut Draw, original: &Value) -> Vec<u8> {
    let mut changed = original.clone();
    for _ in 0..1 + draw.below(5) / 3 {
        let size = count(&changed);
        let (from, to, way) = (draw.below(size), 1 + draw.below(size), draw.below(4));
        let donor = node(&mut changed, from)
            .map(|node| node.clone())
            .unwrap_or_default();
        let new = intruder(draw, &donor);
        let Some(target) = node(&mut changed, to) else {
            continue;
        };
        match (way, target) {
            (0, Value::Object(entries)) if !entries.is_empty() => {
                let key = entries.keys().nth(draw.below(entries.len())).cloned();
                entries.shift_remove(&key.expect("a key"));
            }
            (1, Value::Object(entries)) => {
                entries.insert("a".repeat(draw.below(3)), new);
            }
            (1, Value::Array(items)) => items.push(new),
            (_, target) => *target = new,
        }
    }
    changed.to_string().into_bytes()
}

/// One to four changes of the bytes.
fn change_bytes(draw: &mut Draw, original: &[u8]) -> Vec<u8> {
    const MARKS: &[u8] = b"{}[]\",:0123456789-.eEnultrfas\\ \x00\xff\xc3";
    let mut bytes = original.to_vec();
    for _ in 0..1 + draw.below(4) {
        let at = draw.below(bytes.len());
        let mark = MARKS[draw.below(MARKS.len())];
        match draw.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, mark),
            2 if !bytes.is_empty() => drop(bytes.remove(at)),
            3 if !bytes.is_empty() => bytes[at] ^= 1 << draw.below(8),
            4 if !bytes.is_empty() => bytes[at] = mark,
            _ => {
                let end = (at + draw.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = draw.below(bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
    bytes
}

/// Whether the bytes were loaded. One case in fifty goes through a folder; the others spare the disk.
fn judge(path: &Path, bytes: &[u8], seed: u64) -> bool {
    let through_folder = seed.is_multiple_of(50);
    let own = path.with_file_name(seed.to_string()).join("tokenizer.json");
    if through_folder {
        fs_err::create_dir_all(own.parent().expect("a folder")).expect("made");
        fs_err::write(&own, bytes).expect("written");
    }
    let begun = Instant::now();
    let result = if through_folder {
        Tokenizer::from_folder(own.parent().expect("a folder"))
    } else {
        Tokenizer::from_json(path, bytes)
    };
    let took = begun.elapsed();
    assert!(took < SLOWEST, "seed {seed}: {took:?}: {result:?}");
    match result {
        Ok(_) => true,
        Err(error) => {
            let named = error.to_string().contains("tokenizer.json");
            let text = matches!(error, Error::Text { .. });
            assert!(
                named && !text,
                "seed {seed}: does not name the file: {error}"
            );
            false
        }
    }
}

#[test]
fn damaged_tokenizer_files_are_loaded_or_refused_by_name_never_a_panic() {
    let mutations = std::env::var("SKILLBELT_MUTATIONS").ok();
    let mutations = mutations.map_or(DEFAULT_MUTATIONS, |count| count.parse().expect("a count"));
    let originals = originals();
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/roberta/tokenizer.json");
    let golden = fs_err::read(golden).expect("a golden tokenizer");
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("tokenizer.json");
    for original in &originals {
        fs_err::write(&path, original.to_string()).expect("written");
        Tokenizer::from_folder(folder.path()).expect("the original itself loads");
    }
    let one = |seed: u64| {
        let mut draw = Draw(seed);
        let original = &originals[draw.below(originals.len())];
        let bytes = match draw.below(10) {
            0 => change_bytes(&mut draw, &golden),
            1..=3 => change_bytes(&mut draw, original.to_string().as_bytes()),
            _ => change_structure(&mut draw, original),
        };
        u64::from(judge(&path, &bytes, seed))
    };
    let loaded: u64 = (0..mutations).into_par_iter().map(one).sum();
    assert!(
        loaded > 0 && loaded < mutations,
        "{loaded} of {mutations} loaded"
    );
    println!("{loaded} of {mutations} loaded, the others were refused");
}

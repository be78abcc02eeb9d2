//! Writes the `tokenizer.json` that a folder with only `vocab.json` + `merges.txt`, or only `vocab.txt`, stands for.
//! The family decides what surrounds a text: `tokenizer_class` if it is known, else `model_type`. It never guesses a
//! family from the vocabulary.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::error::{Error, Result};
use super::folder;
use super::limits::MAX_TOKENIZER_FILE;
use super::settings::{Added, Settings};

const QWEN2_SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How a byte-level vocabulary is used when no `tokenizer.json` says it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Family {
    /// `<s> x </s>`, a pair with two separators: RoBERTa, CodeBERT, UniXcoder, CodeT5.
    Roberta,
    /// Nothing around the text unless `add_bos_token` says so: GPT-2, CodeGen, StarCoder2.
    Gpt,
    /// As GPT, over composed characters and with digits one by one.
    Qwen2,
}

/// From `vocab.json` and `merges.txt`: byte-level pairs.
pub(super) fn byte_level(folder: &Path, settings: &mut Settings) -> Result<Value> {
    let path = folder.join("vocab.json");
    let family = family(settings)?;
    let vocab = folder::object(&path, MAX_TOKENIZER_FILE)?;
    let vocab = vocab.ok_or_else(|| missing(folder))?;
    let merges_path = folder.join("merges.txt");
    let merges = folder::text(&merges_path, MAX_TOKENIZER_FILE)?.ok_or_else(|| missing(folder))?;
    let merges = merge_lines(&merges_path, &merges)?;
    declare_roles(settings, family);
    let prefix = settings.add_prefix_space.unwrap_or(false);
    let byte_level = |use_regex: bool, trim: bool| json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": use_regex});
    let (normalizer, pre_tokenizer) = match family {
        Family::Qwen2 => (
            json!({"type": "NFC"}),
            json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": QWEN2_SPLIT}, "behavior": "Isolated", "invert": false},
                byte_level(false, true),
            ]}),
        ),
        Family::Roberta | Family::Gpt => (Value::Null, byte_level(true, true)),
    };
    let post_processor = match family {
        Family::Roberta => {
            let id = |role: &str| role_id(&path, &vocab, settings, role);
            json!({"type": "RobertaProcessing", "sep": id("sep_token")?, "cls": id("cls_token")?,
                "trim_offsets": true, "add_prefix_space": prefix})
        }
        Family::Gpt | Family::Qwen2 => byte_level(true, false),
    };
    Ok(json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges},
    }))
}

/// From `vocab.txt`, a token a line: BERT's word pieces.
pub(super) fn word_pieces(folder: &Path, settings: &mut Settings) -> Result<Value> {
    let path = folder.join("vocab.txt");
    let lines = folder::text(&path, MAX_TOKENIZER_FILE)?.ok_or_else(|| missing(folder))?;
    for (role, content) in BERT_ROLES {
        let declared = settings.special.entry(role);
        declared.or_insert_with(|| Added::plain(content));
    }
    let mut vocab = Map::new();
    for (id, token) in lines.split_terminator('\n').enumerate() {
        let token = token.strip_suffix('\r').unwrap_or(token);
        vocab.insert(token.to_owned(), json!(id));
    }
    let vocab = Value::Object(vocab);
    let unk = settings.special["unk_token"].content.clone();
    let sep = role_id(&path, &vocab, settings, "sep_token")?;
    let cls = role_id(&path, &vocab, settings, "cls_token")?;
    Ok(json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": settings.tokenize_chinese_chars.unwrap_or(true),
            "strip_accents": settings.strip_accents,
            "lowercase": settings.do_lower_case.unwrap_or(true)},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": sep, "cls": cls},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": unk, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab},
    }))
}

fn missing(folder: &Path) -> Error {
    Error::Missing {
        folder: folder.to_owned(),
        looked_for: "tokenizer.json, vocab.json with merges.txt, vocab.txt".to_owned(),
    }
}

fn class_family(settings: &Settings) -> Option<Family> {
    match settings.class_stem().unwrap_or_default() {
        "RobertaTokenizer" | "BartTokenizer" | "LongformerTokenizer" => Some(Family::Roberta),
        "GPT2Tokenizer" | "CodeGenTokenizer" => Some(Family::Gpt),
        "Qwen2Tokenizer" => Some(Family::Qwen2),
        _ => None,
    }
}

/// The class decides; a class of no meaning here (or none) leaves it to the model's family.
fn family(settings: &Settings) -> Result<Family> {
    let by_model = match settings.model_type.as_deref().unwrap_or_default() {
        "roberta" | "t5" | "bart" | "longformer" | "codet5p" => Some(Family::Roberta),
        "gpt2" | "gpt_bigcode" | "starcoder2" | "codegen" => Some(Family::Gpt),
        "qwen2" => Some(Family::Qwen2),
        _ => None,
    };
    class_family(settings).or(by_model).ok_or_else(|| {
        let class = settings.class.as_deref().unwrap_or("none");
        let model = settings.model_type.as_deref().unwrap_or("none");
        Error::entry(
            &settings.path,
            "tokenizer_class",
            "a byte-level class, or a known model_type in config.json, to tell what vocab.json is for",
            format!("class {class}, model_type {model}"),
        )
    })
}

/// The tokens that a family's class declares on its own where no file names them.
fn usual_roles(family: Family) -> &'static [(&'static str, &'static str)] {
    match family {
        Family::Roberta => &[
            ("bos_token", "<s>"),
            ("eos_token", "</s>"),
            ("sep_token", "</s>"),
            ("cls_token", "<s>"),
            ("unk_token", "<unk>"),
            ("pad_token", "<pad>"),
            ("mask_token", "<mask>"),
        ],
        Family::Gpt => &[
            ("unk_token", "<|endoftext|>"),
            ("bos_token", "<|endoftext|>"),
            ("eos_token", "<|endoftext|>"),
        ],
        Family::Qwen2 => &[
            ("unk_token", "<|endoftext|>"),
            ("eos_token", "<|endoftext|>"),
            ("pad_token", "<|endoftext|>"),
        ],
    }
}

const BERT_ROLES: [(&str, &str); 5] = [
    ("unk_token", "[UNK]"),
    ("sep_token", "[SEP]"),
    ("pad_token", "[PAD]"),
    ("cls_token", "[CLS]"),
    ("mask_token", "[MASK]"),
];

/// The token that has the role by the class's custom, for a `tokenizer.json` beside which no file names it.
pub(super) fn usual_role(settings: &Settings, role: &str) -> Option<&'static str> {
    let roles = match settings.class_stem() {
        Some("BertTokenizer") => &BERT_ROLES[..],
        Some(_) => usual_roles(class_family(settings)?),
        None => return None,
    };
    let found = roles.iter().find(|(known, _)| *known == role);
    found.map(|(_, content)| *content)
}

fn declare_roles(settings: &mut Settings, family: Family) {
    for (role, content) in usual_roles(family) {
        let declared = settings.special.entry(role);
        declared.or_insert_with(|| Added::plain(content));
    }
    // A mask stands for a word with its space before it, so it takes the space in.
    if family == Family::Roberta
        && let Some(mask) = settings.special.get_mut("mask_token")
        && !settings
            .added
            .iter()
            .any(|added| added.content == mask.content)
    {
        mask.lstrip = true;
    }
}

/// `[token, id]` of a role that frames every text, so it must be in the vocabulary.
fn role_id(path: &Path, vocab: &Value, settings: &Settings, role: &str) -> Result<Value> {
    let content = &settings.special[role].content;
    let added = settings
        .added
        .iter()
        .find(|added| &added.content == content);
    let id = vocab[content.as_str()].as_u64();
    let id = id.or(added.and_then(|added| added.id).map(u64::from));
    id.map(|id| json!([content, id]))
        .ok_or_else(|| Error::Token {
            path: path.to_owned(),
            token: content.clone(),
            needed_for: "framing a text",
        })
}

/// A merge a line, two tokens and a space; a first line may name the version.
fn merge_lines(path: &Path, text: &str) -> Result<Value> {
    let mut merges = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || (number == 0 && line.starts_with("#version")) {
            continue;
        }
        match line.split(' ').collect::<Vec<_>>()[..] {
            [left, right] if !left.is_empty() && !right.is_empty() => {
                merges.push(json!([left, right]));
            }
            _ => {
                let key = format!("line {}", number + 1);
                return Err(Error::entry(path, key, "two tokens and a space", "other"));
            }
        }
    }
    Ok(Value::Array(merges))
}

//! How a tokenizer cuts a text before merging, and llama.cpp's name for that.

use serde_json::Value as Json;

use crate::export::error::{Error, GGUF, Result};
use crate::export::gguf::names::Architecture;

/// A way of cutting in llama.cpp's words.
pub struct Cut {
    pub name: &'static str,
    /// A space is put before a text.
    pub space_before: bool,
}

/// Qwen2's cuts: digits one by one.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// LLaMA 3's: digits by threes.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The first of DeepSeek-Coder's steps; no other tokenizer here begins so.
const DEEPSEEK_CODER: [&str; 3] = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+"];

/// llama.cpp's name for the cuts of a byte-level tokenizer.
pub fn name(recipe: &Json, architecture: Architecture) -> Result<Cut> {
    let pre = &recipe["pre_tokenizer"];
    let steps: Vec<&Json> = match pre["type"].as_str() {
        Some("Sequence") => pre["pretokenizers"]
            .as_array()
            .into_iter()
            .flatten()
            .collect(),
        _ => vec![pre],
    };
    let kinds: Vec<&str> = steps
        .iter()
        .map(|step| step["type"].as_str().unwrap_or(""))
        .collect();
    let pattern = |step: &Json| step["pattern"]["Regex"].as_str().map(unescaped);
    let patterns: Vec<String> = steps.iter().filter_map(|step| pattern(step)).collect();
    let last = steps.last().copied().unwrap_or(&Json::Null);
    let own_pattern = last["use_regex"] != false;
    let name = match (&kinds[..], own_pattern) {
        (["ByteLevel"], true) => plain(architecture),
        (["Digits", "ByteLevel"], true) if steps[0]["individual_digits"] == true => "starcoder",
        (["Split", "ByteLevel"], false) if patterns == [QWEN2] => "qwen2",
        (["Split", "ByteLevel"], false) if patterns == [LLAMA3] => "llama-bpe",
        ([.., "Digits", "ByteLevel"], false)
            if patterns.starts_with(&DEEPSEEK_CODER.map(String::from)) =>
        {
            "deepseek-coder"
        }
        _ => {
            let what = format!(
                "the tokenizer's way of cutting texts ({})",
                kinds.join(", ")
            );
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp has no name for it that is known here",
            ));
        }
    };
    Ok(Cut {
        name,
        space_before: last["add_prefix_space"] == true,
    })
}

/// The oldest way, GPT-2's, goes by several names, which say what else the tokenizer does.
fn plain(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Bert => "roberta-bpe",
        Architecture::ModernBert => "modern-bert",
        _ => "gpt-2",
    }
}

/// Line ends are written as they are or as escapes, from one file to the next.
fn unescaped(pattern: &str) -> String {
    pattern.replace('\n', r"\n").replace('\r', r"\r")
}

/// Whether pieces of characters begin with a space that the text does not have.
pub fn space_before(recipe: &Json) -> bool {
    let prepends = |part: &Json| match part["type"].as_str() {
        Some("Prepend") => true,
        Some("Metaspace") => match part["prepend_scheme"].as_str() {
            Some(scheme) => scheme != "never",
            None => part["add_prefix_space"] != false,
        },
        _ => false,
    };
    let parts = |part: &Json, list: &str| -> bool {
        let inner = part[list].as_array();
        prepends(part) || inner.into_iter().flatten().any(prepends)
    };
    parts(&recipe["normalizer"], "normalizers") || parts(&recipe["pre_tokenizer"], "pretokenizers")
}

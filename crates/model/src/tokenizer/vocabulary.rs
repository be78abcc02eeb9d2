//! The model of a `tokenizer.json`: its vocabulary and what must hold of it. No splitting, no added tokens.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use super::check::Known;
use super::error::{Error, Result};
use super::folder::kind;
use super::limits::{MAX_TOKEN_BYTES, MAX_TOKEN_ID};

const MAX_WORD_CHARS: u64 = 1 << 20;

/// Files of the first years do not name their model's type; what they hold tells it.
pub(super) fn name_type(path: &Path, model: &mut Value) -> Result<()> {
    if !model.is_object() {
        return Err(Error::entry(path, "model", "an object", kind(model)));
    }
    if model.get("type").is_none() {
        let guess = if model.get("merges").is_some() {
            "BPE"
        } else if model["vocab"].is_array() {
            "Unigram"
        } else if model.get("max_input_chars_per_word").is_some() {
            "WordPiece"
        } else {
            "WordLevel"
        };
        model["type"] = json!(guess);
    }
    match model["type"].as_str() {
        Some("BPE" | "WordPiece" | "WordLevel" | "Unigram") => Ok(()),
        _ => Err(Error::entry(
            path,
            "model.type",
            "BPE, WordPiece, WordLevel or Unigram",
            kind(&model["type"]),
        )),
    }
}

/// Token to id; tokens bounded in length, ids unique and in range.
pub(super) fn ids(path: &Path, model: &Value) -> Result<HashMap<String, u32>> {
    let key = "model.vocab";
    let vocab = &model["vocab"];
    let pairs: Vec<(&str, &Value)> = match (vocab, model["type"] == "Unigram") {
        (Value::Object(entries), false) => entries
            .iter()
            .map(|(token, id)| (token.as_str(), id))
            .collect(),
        (Value::Array(pieces), true) => return unigram_ids(path, pieces),
        _ => return Err(Error::entry(path, key, "a vocabulary", kind(vocab))),
    };
    let mut taken = HashSet::with_capacity(pairs.len());
    let mut ids = HashMap::with_capacity(pairs.len());
    for (token, value) in pairs {
        if token.len() > MAX_TOKEN_BYTES {
            let expected = format!("tokens of at most {MAX_TOKEN_BYTES} bytes");
            return Err(Error::entry(path, key, expected, token.len().to_string()));
        }
        let id = value.as_u64().filter(|id| *id < MAX_TOKEN_ID);
        let id = id.ok_or_else(|| {
            let at = format!("{key}.{token:?}");
            Error::entry(path, at, format!("an id below {MAX_TOKEN_ID}"), kind(value))
        })? as u32;
        if !taken.insert(id) {
            let at = format!("{key}.{token:?}");
            return Err(Error::entry(path, at, "an id of its own", id.to_string()));
        }
        ids.insert(token.to_owned(), id);
    }
    Ok(ids)
}

/// `[[piece, score], ...]`: the place is the id.
fn unigram_ids(path: &Path, pieces: &[Value]) -> Result<HashMap<String, u32>> {
    let mut ids = HashMap::with_capacity(pieces.len());
    if pieces.len() as u64 > MAX_TOKEN_ID {
        let expected = format!("at most {MAX_TOKEN_ID} pieces");
        return Err(Error::entry(
            path,
            "model.vocab",
            expected,
            pieces.len().to_string(),
        ));
    }
    for (id, piece) in pieces.iter().enumerate() {
        let token = piece[0]
            .as_str()
            .filter(|token| token.len() <= MAX_TOKEN_BYTES);
        let score = piece[1].as_f64().filter(|score| score.is_finite());
        let (Some(token), Some(_), Some(2)) = (token, score, piece.as_array().map(Vec::len)) else {
            let at = format!("model.vocab.{id}");
            return Err(Error::entry(path, at, "a piece and its score", kind(piece)));
        };
        if ids.insert(token.to_owned(), id as u32).is_some() {
            let at = format!("model.vocab.{id}");
            return Err(Error::entry(
                path,
                at,
                "a piece listed once",
                format!("{token:?}"),
            ));
        }
    }
    Ok(ids)
}

/// The rest of the model, against its vocabulary.
pub(super) fn check_model(known: &Known, model: &Value) -> Result<()> {
    match model["type"].as_str().unwrap_or_default() {
        "BPE" => pairs(known, model),
        "Unigram" => {
            let size = model["vocab"].as_array().map_or(0, Vec::len) as u64;
            let unk = &model["unk_id"];
            let outside = !unk.is_null() && unk.as_u64().is_none_or(|id| id >= size);
            if size == 0 || outside {
                return Err(known.refuse("model.unk_id", format!("an id below {size}"), unk));
            }
            Ok(())
        }
        kind => {
            let unk = &model["unk_token"];
            if unk.as_str().and_then(|token| known.id(token)).is_none() {
                let expected = "a token of the vocabulary";
                return Err(known.refuse("model.unk_token", expected, unk));
            }
            let longest = &model["max_input_chars_per_word"];
            let fits = longest
                .as_u64()
                .is_some_and(|chars| chars <= MAX_WORD_CHARS);
            if kind == "WordPiece" && !fits {
                let expected = format!("a number up to {MAX_WORD_CHARS}");
                return Err(known.refuse("model.max_input_chars_per_word", expected, longest));
            }
            Ok(())
        }
    }
}

/// Merges refer to tokens and make tokens; nothing is left to chance at encoding.
fn pairs(known: &Known, model: &Value) -> Result<()> {
    let dropout = &model["dropout"];
    if !dropout.is_null() && dropout.as_f64() != Some(0.0) {
        return Err(known.refuse("model.dropout", "none: ids must not be random", dropout));
    }
    let unk = &model["unk_token"];
    if !unk.is_null() && unk.as_str().is_none() {
        return Err(known.refuse("model.unk_token", "a string", unk));
    }
    let prefix = match &model["continuing_subword_prefix"] {
        Value::Null => "",
        Value::String(prefix) => prefix,
        other => return Err(known.refuse("model.continuing_subword_prefix", "a string", other)),
    };
    let Value::Array(merges) = &model["merges"] else {
        return Err(known.refuse("model.merges", "an array", &model["merges"]));
    };
    let mut joined = String::new();
    for (index, merge) in merges.iter().enumerate() {
        let parts = match merge {
            Value::String(line) => line.split_once(' '),
            Value::Array(parts) if parts.len() == 2 => parts[0].as_str().zip(parts[1].as_str()),
            _ => None,
        };
        let made = parts.and_then(|(left, right)| {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right.strip_prefix(prefix)?);
            known.id(left).and(known.id(right)).and(known.id(&joined))
        });
        if made.is_none() {
            let at = format!("model.merges.{index}");
            return Err(known.refuse(&at, "two tokens that make a token", merge));
        }
    }
    Ok(())
}

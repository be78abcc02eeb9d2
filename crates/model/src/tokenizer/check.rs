//! Judges a `tokenizer.json` before the library sees it: sizes, types, ids, and that everything referred to exists.
//! The library trusts its file and panics (or works without end) where it should refuse; this module refuses first.
//! It changes nothing but the wording of regular expressions and a model's missing type.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::components;
use super::error::{Error, Result};
use super::folder::kind;
use super::limits::{MAX_ADDED_TOKENS, MAX_TOKEN_BYTES, MAX_TOKEN_ID};
use super::vocabulary;

/// What the file's parts are checked against: where it is, and which token has which id.
pub(super) struct Known<'p> {
    pub path: &'p Path,
    ids: HashMap<String, u32>,
}

impl Known<'_> {
    /// The refusal of the entry at `key`.
    pub(super) fn refuse(&self, key: &str, expected: impl Into<String>, found: &Value) -> Error {
        Error::entry(self.path, key, expected, kind(found))
    }

    /// The id of a token of the vocabulary or an added one.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// `token` must exist and have this id.
    pub(super) fn must_be(&self, key: &str, token: &Value, id: &Value) -> Result<()> {
        let real = token.as_str().and_then(|token| self.id(token));
        let real = real.ok_or_else(|| self.refuse(key, "a token of the vocabulary", token))?;
        if id.as_u64() == Some(u64::from(real)) {
            Ok(())
        } else {
            Err(self.refuse(key, format!("id {real}"), id))
        }
    }
}

/// Checks every part of `recipe`. After `Ok`, ids are unique and in range, merges and templates refer to tokens that
/// exist, every component is of a known type with numbers in range, and no regular expression can run away.
pub(super) fn check(path: &Path, recipe: &mut Value) -> Result<()> {
    let version = &recipe["version"];
    if *version != "1.0" {
        return Err(Error::entry(path, "version", "\"1.0\"", kind(version)));
    }
    vocabulary::name_type(path, &mut recipe["model"])?;
    let mut known = Known {
        path,
        ids: vocabulary::ids(path, &recipe["model"])?,
    };
    vocabulary::check_model(&known, &recipe["model"])?;
    added_tokens(&mut known, &recipe["added_tokens"])?;
    let mut budget = components::Budget::default();
    for part in ["normalizer", "pre_tokenizer", "decoder"] {
        budget.check(&known, part, &mut recipe[part])?;
    }
    components::post_processor(&known, "post_processor", &recipe["post_processor"], 0)
}

/// Contents and ids unique; an added token that the vocabulary holds too has the vocabulary's id, and one that it does
/// not hold has an id that is free.
fn added_tokens(known: &mut Known, listed: &Value) -> Result<()> {
    let listed = match listed {
        Value::Null => return Ok(()),
        Value::Array(listed) if listed.len() <= MAX_ADDED_TOKENS => listed,
        other => {
            let expected = format!("an array of at most {MAX_ADDED_TOKENS}");
            return Err(known.refuse("added_tokens", expected, other));
        }
    };
    let mut owner: HashMap<u32, String> = HashMap::with_capacity(known.ids.len());
    for (token, id) in &known.ids {
        owner.insert(*id, token.clone());
    }
    let mut seen = std::collections::HashSet::new();
    for (index, entry) in listed.iter().enumerate() {
        let key = format!("added_tokens.{index}");
        let content = entry["content"].as_str();
        let content = content.filter(|text| !text.is_empty() && text.len() <= MAX_TOKEN_BYTES);
        let content = content
            .ok_or_else(|| known.refuse(&format!("{key}.content"), "a token", &entry["content"]))?;
        if !seen.insert(content) {
            return Err(known.refuse(&key, "a token listed once", &entry["content"]));
        }
        for flag in ["single_word", "lstrip", "rstrip", "normalized", "special"] {
            if !entry[flag].is_boolean() {
                let at = format!("{key}.{flag}");
                return Err(known.refuse(&at, "true or false", &entry[flag]));
            }
        }
        let id = entry["id"].as_u64().filter(|id| *id < MAX_TOKEN_ID);
        let id = id.ok_or_else(|| known.refuse(&format!("{key}.id"), "a token id", &entry["id"]))?
            as u32;
        let other = owner.insert(id, content.to_owned());
        let real = known.id(content);
        if other.is_some_and(|other| other != content) || real.is_some_and(|real| real != id) {
            let expected = format!("an id that only {content:?} has");
            return Err(known.refuse(&format!("{key}.id"), expected, &entry["id"]));
        }
        known.ids.insert(content.to_owned(), id);
    }
    Ok(())
}

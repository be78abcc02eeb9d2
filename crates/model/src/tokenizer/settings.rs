//! What the files beside the vocabulary declare: special tokens, added tokens, the tokenizer's class and its switches.
//! It reads `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json` and the family in `config.json`;
//! it knows no vocabulary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::{Error, Result};
use super::folder::{kind, object};
use super::limits::{MAX_ADDED_TOKENS, MAX_SIDE_FILE, MAX_TOKEN_ID};

/// The names under which the reference declares its special tokens.
pub(super) const ROLES: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// A token that is matched before any splitting.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Added {
    pub content: String,
    pub id: Option<u32>,
    pub single_word: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub normalized: bool,
    pub special: bool,
}

impl Added {
    /// A special token without surroundings, as a plain string declares it.
    pub(super) fn plain(content: &str) -> Self {
        Added {
            content: content.to_owned(),
            id: None,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        }
    }
}

/// Everything declared beside the vocabulary. Switches are `None` where no file sets them.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// The file to blame for a setting.
    pub path: PathBuf,
    pub class: Option<String>,
    pub model_type: Option<String>,
    pub special: BTreeMap<&'static str, Added>,
    /// In the order in which they join the vocabulary.
    pub added: Vec<Added>,
    pub add_prefix_space: Option<bool>,
    pub add_bos_token: Option<bool>,
    pub add_eos_token: Option<bool>,
    pub do_lower_case: Option<bool>,
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: Option<bool>,
    pub clean_up: bool,
    pub chat_template: Option<Value>,
}

impl Settings {
    /// Reads the files of `folder`; absent files leave their entries unset.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("tokenizer_config.json");
        let config = object(&path, MAX_SIDE_FILE)?.unwrap_or_default();
        let mut settings = Settings {
            class: text(&path, &config, "tokenizer_class")?,
            add_prefix_space: flag(&path, &config, "add_prefix_space")?,
            add_bos_token: flag(&path, &config, "add_bos_token")?,
            add_eos_token: flag(&path, &config, "add_eos_token")?,
            do_lower_case: flag(&path, &config, "do_lower_case")?,
            strip_accents: flag(&path, &config, "strip_accents")?,
            tokenize_chinese_chars: flag(&path, &config, "tokenize_chinese_chars")?,
            clean_up: flag(&path, &config, "clean_up_tokenization_spaces")?.unwrap_or(false),
            chat_template: config.get("chat_template").cloned(),
            ..Settings::default()
        };
        settings.numbered(&path, &config)?;
        settings.unnumbered(&folder.join("added_tokens.json"))?;
        settings.roles(&folder.join("special_tokens_map.json"), None)?;
        settings.roles(&path, Some(&config))?;
        settings.family(&folder.join("config.json"))?;
        settings.path = path;
        Ok(settings)
    }

    /// `added_tokens_decoder`: id to token, taken in the order of the ids.
    fn numbered(&mut self, path: &Path, config: &Value) -> Result<()> {
        let Some(entries) = optional(config, "added_tokens_decoder") else {
            return Ok(());
        };
        let key = "added_tokens_decoder";
        let entries = entries
            .as_object()
            .ok_or_else(|| Error::entry(path, key, "an object", kind(entries)))?;
        let mut by_id = BTreeMap::new();
        for (number, entry) in entries {
            let at = format!("{key}.{number}");
            let id = number
                .parse()
                .ok()
                .filter(|id| u64::from(*id) < MAX_TOKEN_ID);
            let id: u32 =
                id.ok_or_else(|| Error::entry(path, &at, "a token id as key", number.clone()))?;
            let mut added = token(path, &at, entry)?;
            added.id = Some(id);
            by_id.insert(id, added);
        }
        if by_id.len() > MAX_ADDED_TOKENS {
            let expected = format!("at most {MAX_ADDED_TOKENS} tokens");
            return Err(Error::entry(path, key, expected, by_id.len().to_string()));
        }
        self.added.extend(by_id.into_values());
        Ok(())
    }

    /// `added_tokens.json`: token to id, the older form; a token already declared keeps its first declaration.
    fn unnumbered(&mut self, path: &Path) -> Result<()> {
        let Some(Value::Object(entries)) = object(path, MAX_SIDE_FILE)? else {
            return Ok(());
        };
        let mut by_id = BTreeMap::new();
        for (content, id) in entries {
            let number = id.as_u64().filter(|id| *id < MAX_TOKEN_ID);
            let number =
                number.ok_or_else(|| Error::entry(path, &content, "a token id", kind(&id)))?;
            let added = Added {
                id: Some(number as u32),
                special: false,
                ..Added::plain(&content)
            };
            by_id.insert(number, added);
        }
        for added in by_id.into_values() {
            if !self
                .added
                .iter()
                .any(|known| known.content == added.content)
            {
                self.added.push(added);
            }
        }
        Ok(())
    }

    /// The roles and the further special tokens of one file; `special_tokens_map.json` first, so that
    /// `tokenizer_config.json` has the last word.
    fn roles(&mut self, path: &Path, given: Option<&Value>) -> Result<()> {
        let read;
        let config = match given {
            Some(config) => config,
            None => {
                read = object(path, MAX_SIDE_FILE)?.unwrap_or_default();
                &read
            }
        };
        for role in ROLES {
            if let Some(entry) = optional(config, role) {
                let declared = token(path, role, entry)?;
                self.special.insert(role, declared);
            }
        }
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            let entries: Vec<&Value> = match optional(config, key) {
                None => continue,
                Some(Value::Array(items)) => items.iter().collect(),
                Some(Value::Object(items)) => items.values().collect(),
                Some(other) => return Err(Error::entry(path, key, "a list", kind(other))),
            };
            for entry in entries {
                self.further(Added {
                    special: true,
                    ..token(path, key, entry)?
                });
            }
        }
        Ok(())
    }

    /// A special token without a role; a declaration with an id keeps its flags.
    fn further(&mut self, added: Added) {
        match self
            .added
            .iter_mut()
            .find(|known| known.content == added.content)
        {
            Some(known) => known.special = true,
            None => self.added.push(added),
        }
    }

    fn family(&mut self, path: &Path) -> Result<()> {
        if let Some(config) = object(path, MAX_SIDE_FILE)? {
            self.model_type = text(path, &config, "model_type")?;
            if self.class.is_none() {
                self.class = text(path, &config, "tokenizer_class")?;
            }
        }
        Ok(())
    }

    /// The tokenizer's class without the suffix that only says how the reference implements it.
    pub(super) fn class_stem(&self) -> Option<&str> {
        let class = self.class.as_deref()?;
        Some(class.strip_suffix("Fast").unwrap_or(class))
    }
}

fn optional<'v>(config: &'v Value, key: &str) -> Option<&'v Value> {
    config.get(key).filter(|value| !value.is_null())
}

fn text(path: &Path, config: &Value, key: &str) -> Result<Option<String>> {
    match optional(config, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(Error::entry(path, key, "a string", kind(other))),
    }
}

fn flag(path: &Path, config: &Value, key: &str) -> Result<Option<bool>> {
    match optional(config, key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(Error::entry(path, key, "true or false", kind(other))),
    }
}

/// A token as a plain string or as an object with its flags.
fn token(path: &Path, key: &str, entry: &Value) -> Result<Added> {
    let fields: &Map<String, Value> = match entry {
        Value::String(content) => return Ok(Added::plain(content)),
        Value::Object(fields) => fields,
        other => return Err(Error::entry(path, key, "a token", kind(other))),
    };
    let content = fields.get("content").and_then(Value::as_str);
    let content =
        content.ok_or_else(|| Error::entry(path, format!("{key}.content"), "a string", "none"))?;
    let mut added = Added::plain(content);
    added.special = flag(path, entry, "special")?.unwrap_or(key_is_role(key));
    added.single_word = flag(path, entry, "single_word")?.unwrap_or(false);
    added.lstrip = flag(path, entry, "lstrip")?.unwrap_or(false);
    added.rstrip = flag(path, entry, "rstrip")?.unwrap_or(false);
    added.normalized = flag(path, entry, "normalized")?.unwrap_or(!added.special);
    Ok(added)
}

fn key_is_role(key: &str) -> bool {
    ROLES.contains(&key)
}

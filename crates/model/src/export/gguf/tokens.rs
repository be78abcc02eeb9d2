//! A tokenizer in llama.cpp's settings: its kind, its tokens, their types, and which of them stand
//! at the beginning and end of a text.
//!
//! llama.cpp knows a fixed list of ways to cut a text before byte-pair merging, by name. A tokenizer
//! that cuts in another way is refused: written under a name that is nearly right, every text would
//! become slightly other tokens, and nobody would notice.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::names::Architecture;
use super::settings::Description;
use super::value::Value;
use crate::checkpoint::json::{self, MAX_CONFIG_BYTES};
use crate::export::error::{Error, GGUF, Result};
use crate::tokenizer::Tokenizer;

mod cuts;
mod scores;

/// llama.cpp's types of tokens.
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

/// Settings while they are gathered.
struct Gathered<'r> {
    recipe: &'r Json,
    texts: Vec<String>,
    types: Vec<i32>,
    settings: Vec<(String, Value)>,
}

/// All settings of a tokenizer, with as many tokens as the base's table has rows.
pub fn settings(
    tokenizer: &Tokenizer,
    about: &Description,
    base: &Path,
) -> Result<Vec<(String, Value)>> {
    let recipe = tokenizer.recipe()?;
    let vocabulary = vocabulary(&recipe["model"]);
    let mut gathered = Gathered {
        recipe: &recipe,
        texts: (0..about.vocabulary)
            .map(|id| format!("[PAD{id}]"))
            .collect(),
        types: vec![UNUSED; about.vocabulary],
        settings: Vec::new(),
    };
    for (text, id) in &vocabulary {
        gathered.token(*id, text, NORMAL)?;
    }
    let added = recipe["added_tokens"].as_array();
    for token in added.into_iter().flatten() {
        let text = token["content"].as_str().unwrap_or_default();
        let special = token["special"].as_bool() == Some(true) || looks_special(text);
        let kind = if special { CONTROL } else { USER_DEFINED };
        gathered.token(token["id"].as_u64().unwrap_or(u64::MAX), text, kind)?;
    }
    match recipe["model"]["type"].as_str() {
        Some("BPE") if recipe["model"]["byte_fallback"] == true => gathered.pieces_by_merges()?,
        Some("BPE") => gathered.byte_pairs(about.architecture)?,
        Some("WordPiece") => gathered.word_pieces()?,
        Some("Unigram") => gathered.unigram()?,
        other => {
            let what = format!("a tokenizer of kind {}", other.unwrap_or("unknown"));
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp reads BPE, WordPiece and Unigram",
            ));
        }
    }
    gathered.roles(tokenizer);
    gathered.chat(base)?;
    let (texts, types) = (gathered.texts, gathered.types);
    let mut settings = gathered.settings;
    let list = |list: Vec<Value>| Value::List(list);
    settings.push((
        "tokenizer.ggml.tokens".into(),
        list(texts.into_iter().map(Value::Text).collect()),
    ));
    settings.push((
        "tokenizer.ggml.token_type".into(),
        list(types.into_iter().map(Value::I32).collect()),
    ));
    Ok(settings)
}

/// Tokens of a model by text, or by place in its list.
fn vocabulary(model: &Json) -> Vec<(String, u64)> {
    match &model["vocab"] {
        Json::Object(entries) => {
            let id = |id: &Json| id.as_u64().unwrap_or(u64::MAX);
            entries
                .iter()
                .map(|(text, number)| (text.clone(), id(number)))
                .collect()
        }
        Json::Array(list) => {
            let text = |entry: &Json| entry[0].as_str().unwrap_or_default().to_owned();
            list.iter().map(text).zip(0..).collect()
        }
        _ => Vec::new(),
    }
}

/// Some bases declare tokens with a role as ordinary ones.
fn looks_special(text: &str) -> bool {
    let within = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    text == "<pad>" || text == "<mask>" || within("<|", "|>") || within("<｜", "｜>")
}

impl Gathered<'_> {
    fn token(&mut self, id: u64, text: &str, kind: i32) -> Result<()> {
        let rows = self.texts.len();
        let place = usize::try_from(id).ok().filter(|id| *id < rows);
        let Some(place) = place else {
            let what = format!("the token {text:?} with the id {id}");
            let reason = format!("the base's table has {rows} rows");
            return Err(Error::no_form(what, GGUF, reason));
        };
        self.texts[place] = text.to_owned();
        self.types[place] = kind;
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) {
        self.settings
            .push((format!("tokenizer.ggml.{name}"), value));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.set(name, Value::Text(text.to_owned()));
    }

    /// Byte-level pairs.
    fn byte_pairs(&mut self, architecture: Architecture) -> Result<()> {
        let cut = cuts::name(self.recipe, architecture)?;
        self.text("model", "gpt2");
        self.text("pre", cut.name);
        if cut.space_before {
            self.set("add_space_prefix", Value::Bool(true));
        }
        let merges = scores::merges(&self.recipe["model"]);
        let written = merges.iter().map(|(a, b)| {
            // A space divides the two; one inside a part is written as byte-level text writes it.
            let part = |part: &str| part.replace(' ', "\u{120}");
            Value::Text(format!("{} {}", part(a), part(b)))
        });
        self.set("merges", Value::List(written.collect()));
        Ok(())
    }

    /// Pieces of characters with a token for each byte, merged by rank: llama.cpp merges by score,
    /// so the score of a piece falls with the rank of the merge that makes it.
    fn pieces_by_merges(&mut self) -> Result<()> {
        self.text("model", "llama");
        self.text("pre", "default");
        self.set(
            "add_space_prefix",
            Value::Bool(cuts::space_before(self.recipe)),
        );
        let scores = scores::by_merges(&self.recipe["model"], &self.texts);
        self.mark_bytes_and_unknown(self.recipe["model"]["unk_token"].as_str());
        self.set(
            "scores",
            Value::List(scores.into_iter().map(Value::F32).collect()),
        );
        Ok(())
    }

    fn unigram(&mut self) -> Result<()> {
        self.text("model", "t5");
        self.text("pre", "default");
        self.set(
            "add_space_prefix",
            Value::Bool(cuts::space_before(self.recipe)),
        );
        let normal = scores::normal_form(&self.recipe["normalizer"])?;
        self.set("remove_extra_whitespaces", Value::Bool(normal.one_space));
        if let Some(map) = normal.map {
            let bytes = map.into_iter().map(Value::U8).collect();
            self.set("precompiled_charsmap", Value::List(bytes));
        }
        let unknown = self.recipe["model"]["unk_id"].as_u64();
        let unknown = unknown.and_then(|id| self.texts.get(id as usize)).cloned();
        self.mark_bytes_and_unknown(unknown.as_deref());
        let scores = scores::listed(&self.recipe["model"], self.texts.len());
        self.set(
            "scores",
            Value::List(scores.into_iter().map(Value::F32).collect()),
        );
        Ok(())
    }

    fn mark_bytes_and_unknown(&mut self, unknown: Option<&str>) {
        for (text, kind) in self.texts.iter().zip(&mut self.types) {
            let is_byte = text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
            if is_byte && *kind == NORMAL {
                *kind = BYTE;
            }
            if Some(text.as_str()) == unknown {
                *kind = UNKNOWN;
            }
        }
    }

    /// llama.cpp marks the beginnings of words where the hub marks their continuations.
    fn word_pieces(&mut self) -> Result<()> {
        let normalizer = &self.recipe["normalizer"];
        if normalizer["type"] == "BertNormalizer" && normalizer["lowercase"] == false {
            let what = "a word-piece tokenizer that keeps capitals";
            return Err(Error::no_form(
                what,
                GGUF,
                "llama.cpp makes every text lower case",
            ));
        }
        self.text("model", "bert");
        self.text("pre", "default");
        let model = &self.recipe["model"];
        let mark = model["continuing_subword_prefix"].as_str().unwrap_or("##");
        for (text, kind) in self.texts.iter_mut().zip(&self.types) {
            if *kind == NORMAL {
                *text = match text.strip_prefix(mark) {
                    Some(rest) => rest.to_owned(),
                    None => format!("\u{2581}{text}"),
                };
            }
        }
        Ok(())
    }

    /// Tokens with a role; what the template puts around a text decides over what is declared.
    fn roles(&mut self, tokenizer: &Tokenizer) {
        let declared = tokenizer.special();
        let (first, last) = around(&self.recipe["post_processor"]);
        let id = |text: &Option<String>| text.as_deref().and_then(|text| tokenizer.token_id(text));
        let (first, last) = (id(&first), id(&last));
        let roles = [
            ("bos", first.or(declared.bos).or(declared.cls)),
            ("eos", last.or(declared.eos).or(declared.sep)),
            ("unknown", declared.unk),
            // The name is spelt so in the files.
            ("seperator", declared.sep),
            ("padding", declared.pad),
            ("mask", declared.mask),
        ];
        for (role, id) in roles {
            if let Some(id) = id {
                self.set(&format!("{role}_token_id"), Value::U32(id));
            }
        }
        self.set("add_bos_token", Value::Bool(first.is_some()));
        self.set("add_eos_token", Value::Bool(last.is_some()));
    }

    /// The chat template, in the newer place or the older.
    fn chat(&mut self, base: &Path) -> Result<()> {
        let (newer, older) = (
            base.join("chat_template.jinja"),
            base.join("tokenizer_config.json"),
        );
        let template = if newer.is_file() {
            String::from_utf8(json::read_bytes(&newer, MAX_CONFIG_BYTES)?).ok()
        } else if older.is_file() {
            let config = json::read(&older, MAX_CONFIG_BYTES)?;
            config["chat_template"].as_str().map(str::to_owned)
        } else {
            None
        };
        if let Some(template) = template {
            self.settings
                .push(("tokenizer.chat_template".into(), Value::Text(template)));
        }
        Ok(())
    }
}

/// The tokens that a post-processor puts before and after a single text.
fn around(processor: &Json) -> (Option<String>, Option<String>) {
    let token = |entry: &Json| entry["SpecialToken"]["id"].as_str().map(str::to_owned);
    match processor["type"].as_str() {
        Some("TemplateProcessing") => {
            let single = processor["single"].as_array();
            let first = single.and_then(|list| list.first()).and_then(token);
            (first, single.and_then(|list| list.last()).and_then(token))
        }
        Some("RobertaProcessing" | "BertProcessing") => {
            let text = |key: &str| processor[key][0].as_str().map(str::to_owned);
            (text("cls"), text("sep"))
        }
        Some("Sequence") => {
            let all = processor["processors"].as_array();
            let found = all.into_iter().flatten().map(around);
            found.fold((None, None), |all, one| (all.0.or(one.0), all.1.or(one.1)))
        }
        _ => (None, None),
    }
}

/// The model's merges by rank, for whoever wants to find a piece.
type Ranks = BTreeMap<String, usize>;

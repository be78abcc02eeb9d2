//! Lays the settings of the files beside it over a `tokenizer.json`, as the reference does when it opens a folder:
//! further special and added tokens, the switches of the normalizer and the splitter, what surrounds a text. Padding
//! and truncation are taken out: a batch here is never padded, and who truncates says so in the call.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::{Error, Result};
use super::folder::kind;
use super::settings::{Added, Settings};
use std::path::Path;

/// The recipe with the settings in it. `path` is the vocabulary's file, for errors.
pub(super) fn apply(path: &Path, recipe: &mut Value, settings: &Settings) -> Result<()> {
    let Some(entries) = recipe.as_object_mut() else {
        return Err(Error::entry(path, "the file", "an object", kind(recipe)));
    };
    entries.shift_remove("padding");
    entries.shift_remove("truncation");
    switches(recipe, settings);
    join_tokens(path, recipe, settings)?;
    surround(recipe, settings);
    Ok(())
}

/// The switches that the configuration overrides where the recipe has the component they belong to.
fn switches(recipe: &mut Value, settings: &Settings) {
    if let (Some(prefix), Some(splitter)) =
        (settings.add_prefix_space, recipe.get_mut("pre_tokenizer"))
        && splitter["type"] == "ByteLevel"
    {
        splitter["add_prefix_space"] = json!(prefix);
    }
    if let Some(normalizer) = recipe.get_mut("normalizer")
        && normalizer["type"] == "BertNormalizer"
    {
        let overrides = [
            ("lowercase", settings.do_lower_case),
            ("strip_accents", settings.strip_accents),
            ("handle_chinese_chars", settings.tokenize_chinese_chars),
        ];
        for (key, value) in overrides {
            if let Some(value) = value {
                normalizer[key] = json!(value);
            }
        }
    }
}

/// Appends the tokens that the settings declare and the recipe does not, in the reference's order: those with ids
/// first, by id, then further ones, then the roles. A token of the vocabulary keeps its id; another gets the next.
fn join_tokens(path: &Path, recipe: &mut Value, settings: &Settings) -> Result<()> {
    let vocab = recipe["model"]["vocab"].take();
    let mut listed = match recipe["added_tokens"].take() {
        Value::Null => Vec::new(),
        Value::Array(listed) => listed,
        other => return Err(Error::entry(path, "added_tokens", "an array", kind(&other))),
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (index, entry) in listed.iter().enumerate() {
        if let Some(content) = entry["content"].as_str() {
            known.insert(content.to_owned(), index);
        }
    }
    let mut next = next_id(&vocab, &listed);
    let roles = super::settings::ROLES;
    let roles = roles.iter().filter_map(|role| settings.special.get(role));
    for added in settings.added.iter().chain(roles) {
        if added.content.is_empty() {
            continue;
        }
        if let Some(&index) = known.get(&added.content) {
            if added.special {
                listed[index]["special"] = json!(true);
            }
            agree(path, settings, added, listed[index]["id"].as_u64())?;
            continue;
        }
        let id = id_in(&vocab, &added.content).unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        agree(path, settings, added, Some(id))?;
        known.insert(added.content.clone(), listed.len());
        listed.push(entry(added, id));
    }
    recipe["model"]["vocab"] = vocab;
    recipe["added_tokens"] = Value::Array(listed);
    Ok(())
}

/// A declared id and the id that the token really has must be one.
fn agree(path: &Path, settings: &Settings, added: &Added, real: Option<u64>) -> Result<()> {
    let (Some(declared), Some(real)) = (added.id.map(u64::from), real) else {
        return Ok(());
    };
    if declared == real {
        return Ok(());
    }
    Err(Error::entry(
        &settings.path,
        format!("added token {:?}", added.content),
        format!("id {real}, as {} gives it", path.display()),
        format!("id {declared}"),
    ))
}

fn entry(added: &Added, id: u64) -> Value {
    json!({"id": id, "content": added.content, "single_word": added.single_word, "lstrip": added.lstrip,
        "rstrip": added.rstrip, "normalized": added.normalized, "special": added.special})
}

fn id_in(vocab: &Value, content: &str) -> Option<u64> {
    match vocab {
        Value::Object(entries) => entries.get(content)?.as_u64(),
        Value::Array(pieces) => pieces
            .iter()
            .position(|piece| piece[0] == content)
            .map(|at| at as u64),
        _ => None,
    }
}

/// The id that the library gives to the next token that is not in the vocabulary.
fn next_id(vocab: &Value, listed: &[Value]) -> u64 {
    let size = match vocab {
        Value::Object(entries) => entries.len(),
        Value::Array(pieces) => pieces.len(),
        _ => 0,
    } as u64;
    let highest = listed.iter().filter_map(|entry| entry["id"].as_u64()).max();
    highest.map_or(size, |highest| size.max(highest.saturating_add(1)))
}

/// The beginning and end of a text, where the configuration decides them and not the recipe.
fn surround(recipe: &mut Value, settings: &Settings) {
    let llama = matches!(
        settings.class_stem(),
        Some("LlamaTokenizer" | "CodeLlamaTokenizer")
    );
    let asked = settings.add_bos_token.is_some() || settings.add_eos_token.is_some();
    let present = recipe["post_processor"]["type"].as_str().unwrap_or("");
    if !(llama || asked) || matches!(present, "RobertaProcessing" | "BertProcessing") {
        return;
    }
    let id = |role: &str| {
        let content = &settings.special.get(role)?.content;
        let listed = recipe["added_tokens"].as_array()?;
        let entry = listed.iter().find(|entry| entry["content"] == **content)?;
        Some((content.clone(), entry["id"].clone()))
    };
    let bos = id("bos_token").filter(|_| settings.add_bos_token.unwrap_or(llama));
    let eos = id("eos_token").filter(|_| settings.add_eos_token.unwrap_or(false));
    if bos.is_none() && eos.is_none() && present != "TemplateProcessing" {
        return;
    }
    let mut special = serde_json::Map::new();
    for (content, id) in [&bos, &eos].into_iter().flatten() {
        let entry = json!({"id": content, "ids": [id], "tokens": [content]});
        special.insert(content.clone(), entry);
    }
    let text = |name: &str, type_id: u32| {
        let token = |token: &Option<(String, Value)>| {
            let (content, _) = token.as_ref()?;
            Some(json!({"SpecialToken": {"id": content, "type_id": type_id}}))
        };
        let body = json!({"Sequence": {"id": name, "type_id": type_id}});
        let pieces = [token(&bos), Some(body), token(&eos)];
        pieces.into_iter().flatten().collect::<Vec<_>>()
    };
    let single = text("A", 0);
    let pair = [text("A", 0), text("B", 1)].concat();
    recipe["post_processor"] = json!({"type": "TemplateProcessing", "single": single, "pair": pair,
        "special_tokens": special});
}

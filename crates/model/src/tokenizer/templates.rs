//! Where chat templates lie and under which names. It reads their text and runs none.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::error::{Error, Result};
use super::folder;
use super::limits::MAX_SIDE_FILE;
use super::settings::Settings;

/// The name of a template that has none.
pub(super) const DEFAULT: &str = "default";

/// The templates of a folder by name, and the file to blame for them: `chat_template.jinja` goes before the entry of
/// `tokenizer_config.json`.
pub(super) fn find(
    folder: &Path,
    settings: &Settings,
) -> Result<(PathBuf, BTreeMap<String, String>)> {
    let mut found = BTreeMap::new();
    let mut path = settings.path.clone();
    if let Some(value) = &settings.chat_template {
        named(&path, value, &mut found)?;
    }
    let file = folder.join("chat_template.jinja");
    if let Some(source) = folder::text(&file, MAX_SIDE_FILE)? {
        found.insert(DEFAULT.to_owned(), source);
        path = file;
    }
    additional(&folder.join("additional_chat_templates"), &mut found)?;
    Ok((path, found))
}

/// `chat_template`: one template, or a list of `{"name": ..., "template": ...}`.
fn named(path: &Path, value: &Value, found: &mut BTreeMap<String, String>) -> Result<()> {
    let key = "chat_template";
    match value {
        Value::Null => {}
        Value::String(source) => {
            found.insert(DEFAULT.to_owned(), source.clone());
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                let (Some(name), Some(source)) =
                    (entry["name"].as_str(), entry["template"].as_str())
                else {
                    let at = format!("{key}.{index}");
                    return Err(Error::entry(
                        path,
                        at,
                        "a name and a template",
                        folder::kind(entry),
                    ));
                };
                found.insert(name.to_owned(), source.to_owned());
            }
        }
        other => {
            let found = folder::kind(other);
            return Err(Error::entry(
                path,
                key,
                "a template or a list of them",
                found,
            ));
        }
    }
    Ok(())
}

/// Further templates, each a file; the file's name is the template's.
fn additional(folder: &Path, found: &mut BTreeMap<String, String>) -> Result<()> {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return Ok(());
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let jinja = path
            .extension()
            .is_some_and(|extension| extension == "jinja");
        let name = path.file_stem().and_then(|name| name.to_str());
        if let (true, Some(name)) = (jinja, name)
            && let Some(source) = folder::text(&path, MAX_SIDE_FILE)?
        {
            found.insert(name.to_owned(), source);
        }
    }
    Ok(())
}

/// `{% generation %}` marks what the assistant said, for training masks; for the text it means nothing.
pub(super) fn without_generation_marks(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find("{%") {
        let (before, tag) = rest.split_at(open);
        plain.push_str(before);
        let Some(close) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(close + 2);
        let word = tag[2..close].trim_matches(['-', '+', ' ', '\n', '\t']);
        match word {
            "generation" => plain.push_str(&tag.replace(word, "if true")),
            "endgeneration" => plain.push_str(&tag.replace(word, "endif")),
            _ => plain.push_str(tag),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

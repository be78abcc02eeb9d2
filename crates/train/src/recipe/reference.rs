//! The reference of all keys, as text for `docs/recipes.md`: from the same shapes that read recipes,
//! so that it can say neither more nor less than what is understood.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::recipe::preset::PRESETS;
use crate::recipe::shape::{Key, Shape, Shaped};
use crate::recipe::{EndpointSettings, Evaluation, Prompting, Recipe, Training};

/// Tables of keys, one for each section, and of presets.
pub fn markdown() -> String {
    let mut text = String::new();
    let whole = Recipe::shape();
    heading(&mut text, "The recipe", "");
    rows(&mut text, whole.keys(), &Json::Null);
    for key in whole.keys() {
        let (title, defaults) = match key.name {
            "training" => ("`training`", serde_json::to_value(Training::default())),
            "evaluation" => ("`evaluation`", serde_json::to_value(Evaluation::default())),
            "prompting" => ("`prompting`", serde_json::to_value(Prompting::default())),
            "base" => ("`base`", Ok(Json::Null)),
            "belt" => ("`belt`", Ok(Json::Null)),
            "tasks" => ("`tasks.NAME`", Ok(Json::Null)),
            _ => continue,
        };
        heading(&mut text, title, &key.meaning);
        rows(&mut text, key.shape.keys(), &defaults.unwrap_or(Json::Null));
        if key.name == "prompting" {
            inner(&mut text, key.shape.keys());
        }
    }
    heading(&mut text, "Words", "");
    text += "| key | word | meaning |\n|---|---|---|\n";
    for section in whole.keys() {
        for key in section.shape.keys() {
            words(&mut text, key);
            key.shape
                .keys()
                .iter()
                .for_each(|key| words(&mut text, key));
        }
    }
    heading(&mut text, "Presets", "");
    text += "| preset | asks | sets |\n|---|---|---|\n";
    for preset in &PRESETS {
        let sets: Vec<String> = preset
            .sets
            .iter()
            .map(|(k, v)| format!("`{k}: {v}`"))
            .collect();
        let sets = sets.join(", ");
        let _infallible = writeln!(text, "| `{}` | {} | {sets} |", preset.name, preset.meaning);
    }
    text
}

/// The sections within `prompting`.
fn inner(text: &mut String, keys: &[Key]) {
    for key in keys {
        let (title, defaults) = match key.name {
            "endpoint" => (
                "`prompting.endpoint`",
                serde_json::to_value(EndpointSettings::default()),
            ),
            "tasks" => ("`prompting.tasks.NAME`", Ok(Json::Null)),
            _ => continue,
        };
        heading(text, title, &key.meaning);
        rows(text, key.shape.keys(), &defaults.unwrap_or(Json::Null));
    }
}

pub(crate) fn words(text: &mut String, key: &Key) {
    if let Shape::Words(words) = &key.shape {
        for (word, meaning) in words {
            let _infallible = writeln!(text, "| `{}` | `{word}` | {meaning} |", key.name);
        }
    }
}

pub(crate) fn heading(text: &mut String, title: &str, meaning: &str) {
    let _infallible = writeln!(text, "\n### {title}\n");
    // What holds without the section stands in its row.
    let plain = meaning.split(" [").next().unwrap_or(meaning);
    if !plain.is_empty() {
        let _infallible = writeln!(text, "{}.\n", plain.trim_end_matches('.'));
    }
}

pub(crate) fn rows(text: &mut String, keys: &[Key], defaults: &Json) {
    *text += "| key | value | meaning [without it] |\n|---|---|---|\n";
    for key in keys {
        let kind = match &key.shape {
            Shape::Words(_) => "a word, see *Words*".to_owned(),
            shape => shape.expected(),
        };
        let default = match defaults.get(key.name) {
            Some(Json::String(word)) => format!(" [{word}]"),
            Some(Json::Null) => String::new(),
            Some(value) => format!(" [{value}]"),
            None => String::new(),
        };
        let _infallible = writeln!(
            text,
            "| `{}` | {kind} | {}{default} |",
            key.name, key.meaning
        );
    }
}

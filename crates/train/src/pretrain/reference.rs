//! The reference of a plan's keys, as text for `docs/pretraining.md`: from the same shapes that read
//! plans.

use serde_json::Value as Json;

use super::plan::{Course, Documented, HeldOut, NetworkSettings, PlanFile, TokenizerSettings};
use crate::recipe::reference::{heading, rows, words};
use crate::recipe::shape::Shaped;

/// Tables of keys, one for each section.
pub fn markdown() -> String {
    let mut text = String::new();
    let whole = PlanFile::shape();
    heading(&mut text, "The plan", "");
    rows(&mut text, whole.keys(), &Json::Null);
    for key in whole.keys() {
        let (title, defaults) = match key.name {
            "network" => (
                "`network`",
                serde_json::to_value(NetworkSettings::default()),
            ),
            "tokenizer" => (
                "`tokenizer`",
                serde_json::to_value(TokenizerSettings::default()),
            ),
            "held_out" => ("`held_out`", serde_json::to_value(HeldOut::default())),
            "documented" => ("`documented`", serde_json::to_value(Documented::default())),
            "training" => ("`training`", serde_json::to_value(Course::default())),
            "sources" => ("`sources.NAME`", Ok(Json::Null)),
            _ => continue,
        };
        heading(&mut text, title, &key.meaning);
        rows(&mut text, key.shape.keys(), &defaults.unwrap_or(Json::Null));
    }
    heading(&mut text, "Words", "");
    text += "| key | word | meaning |\n|---|---|---|\n";
    for key in whole.keys() {
        words(&mut text, key);
        if key.name != "contrast" {
            key.shape
                .keys()
                .iter()
                .for_each(|key| words(&mut text, key));
        }
    }
    text
}

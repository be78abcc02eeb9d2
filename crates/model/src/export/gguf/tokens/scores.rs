//! Merges, scores of pieces, and the normal form of texts before they are cut into pieces.

use serde_json::Value as Json;

use super::Ranks;
use crate::export::error::{Error, GGUF, Result};

/// The score of tokens that no merge makes.
const NEVER: f32 = -1e6;

/// The merges of a model, in either of the two ways in which files write them.
pub fn merges(model: &Json) -> Vec<(String, String)> {
    let pair = |entry: &Json| match entry {
        Json::String(text) => text
            .split_once(' ')
            .map(|(a, b)| (a.to_owned(), b.to_owned())),
        _ => Some((entry[0].as_str()?.to_owned(), entry[1].as_str()?.to_owned())),
    };
    model["merges"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(pair)
        .collect()
}

/// A score for every token, falling with the rank of the first merge that makes it.
pub fn by_merges(model: &Json, texts: &[String]) -> Vec<f32> {
    let mut ranks = Ranks::new();
    for (rank, (a, b)) in merges(model).into_iter().enumerate() {
        ranks.entry(a + &b).or_insert(rank);
    }
    let score = |text: &String| ranks.get(text).map_or(NEVER, |rank| -(*rank as f32) - 1.0);
    texts.iter().map(score).collect()
}

/// The scores that a list of pieces gives itself.
pub fn listed(model: &Json, count: usize) -> Vec<f32> {
    let list = model["vocab"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let score = |place: usize| list.get(place).and_then(|entry| entry[1].as_f64());
    (0..count)
        .map(|place| score(place).unwrap_or(-10_000.0) as f32)
        .collect()
}

/// What is done to a text before it is cut.
#[derive(Default)]
pub struct NormalForm {
    /// Runs of spaces become one.
    pub one_space: bool,
    /// Replacements of characters, in the form that sentencepiece compiles them to.
    pub map: Option<Vec<u8>>,
}

pub fn normal_form(normalizer: &Json) -> Result<NormalForm> {
    let steps: Vec<&Json> = match normalizer["type"].as_str() {
        Some("Sequence") => normalizer["normalizers"]
            .as_array()
            .into_iter()
            .flatten()
            .collect(),
        Some(_) => vec![normalizer],
        None => Vec::new(),
    };
    let mut form = NormalForm::default();
    for step in steps {
        match step["type"].as_str() {
            Some("Precompiled") => {
                let text = step["precompiled_charsmap"].as_str().unwrap_or_default();
                form.map = Some(base64(text)?).filter(|map| !map.is_empty());
            }
            Some("Replace" | "Strip") => form.one_space = true,
            Some("Prepend") => {}
            other => {
                let what = format!("the tokenizer's step {}", other.unwrap_or("without a type"));
                return Err(Error::no_form(
                    what,
                    GGUF,
                    "llama.cpp does nothing of that kind",
                ));
            }
        }
    }
    Ok(form)
}

/// Bytes written in the usual alphabet of 64 characters.
fn base64(text: &str) -> Result<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0u32, 0);
    for character in text.bytes().filter(|byte| *byte != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => {
                let what = "`precompiled_charsmap`";
                return Err(Error::no_form(what, GGUF, "it is not written in base 64"));
            }
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn base_64_gives_the_bytes_back() {
        assert_eq!(base64("AAH/gA==").unwrap(), [0, 1, 255, 128]);
        assert_eq!(base64("c2tpbGw=").unwrap(), b"skill");
        assert!(base64("a b").is_err());
    }

    #[test]
    fn a_piece_scores_by_the_first_merge_that_makes_it() {
        let model = json!({"merges": [["a", "b"], "ab c", ["a", "bc"]]});
        let texts = ["ab", "abc", "z"].map(String::from);
        assert_eq!(by_merges(&model, &texts), [-1.0, -2.0, NEVER]);
    }
}

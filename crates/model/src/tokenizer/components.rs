//! The parts of a `tokenizer.json` around its model: normalizer, splitter, decoder, and what surrounds a text. Known
//! types only, numbers in range, regular expressions admitted or refused. It runs none of them.

use serde_json::{Value, json};

use super::check::Known;
use super::error::Result;
use super::limits::{
    MAX_COMPONENT_DEPTH, MAX_COMPONENTS, MAX_LITERAL_BYTES, MAX_STRIP, MAX_TEMPLATE_PIECES,
};
use super::pattern;

const NORMALIZERS: &[&str] = &[
    "BertNormalizer",
    "Strip",
    "StripAccents",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Sequence",
    "Lowercase",
    "Nmt",
    "Precompiled",
    "Replace",
    "Prepend",
    "ByteLevel",
];
const SPLITTERS: &[&str] = &[
    "BertPreTokenizer",
    "ByteLevel",
    "CharDelimiterSplit",
    "Delimiter",
    "Metaspace",
    "Whitespace",
    "Sequence",
    "Split",
    "Punctuation",
    "WhitespaceSplit",
    "Digits",
    "UnicodeScripts",
    "FixedLength",
];
const DECODERS: &[&str] = &[
    "BPEDecoder",
    "ByteLevel",
    "WordPiece",
    "Metaspace",
    "CTC",
    "Sequence",
    "Replace",
    "Fuse",
    "Strip",
    "ByteFallback",
];

/// How many components the file has shown so far, through all sequences.
#[derive(Default)]
pub(super) struct Budget {
    seen: usize,
}

impl Budget {
    /// Checks the normalizer, splitter or decoder `part`, which may be absent.
    pub(super) fn check(&mut self, known: &Known, part: &str, value: &mut Value) -> Result<()> {
        let (types, list) = match part {
            "normalizer" => (NORMALIZERS, "normalizers"),
            "pre_tokenizer" => (SPLITTERS, "pretokenizers"),
            _ => (DECODERS, "decoders"),
        };
        if value.is_null() {
            return Ok(());
        }
        self.component(known, part, value, (types, list), 0)
    }

    fn component(
        &mut self,
        known: &Known,
        key: &str,
        value: &mut Value,
        part: (&[&str], &str),
        depth: usize,
    ) -> Result<()> {
        self.seen += 1;
        if self.seen > MAX_COMPONENTS || depth > MAX_COMPONENT_DEPTH {
            let expected =
                format!("at most {MAX_COMPONENTS} components, {MAX_COMPONENT_DEPTH} deep");
            return Err(known.refuse(key, expected, value));
        }
        let (types, list) = part;
        let named = value.get("type").and_then(Value::as_str).unwrap_or("");
        if !types.contains(&named) {
            let found = value.get("type").cloned().unwrap_or_default();
            return Err(known.refuse(&format!("{key}.type"), "a known type", &found));
        }
        if named != "Sequence" {
            return single(known, key, value);
        }
        let at = format!("{key}.{list}");
        let Some(Value::Array(children)) = value.get_mut(list) else {
            return Err(known.refuse(&at, "an array", &value[list]));
        };
        for (index, child) in children.iter_mut().enumerate() {
            self.component(known, &format!("{at}.{index}"), child, part, depth + 1)?;
        }
        Ok(())
    }
}

/// A component that holds no others.
fn single(known: &Known, key: &str, value: &mut Value) -> Result<()> {
    if let Some(given) = value.get_mut("pattern") {
        match given {
            Value::Object(choice) if choice.len() == 1 => {
                if let Some(expression) = choice.get_mut("Regex") {
                    let at = format!("{key}.pattern.Regex");
                    let text = expression.as_str();
                    let text = text.ok_or_else(|| known.refuse(&at, "a string", expression))?;
                    let said = pattern::admit(text).map_err(|reason| {
                        super::Error::entry(
                            known.path,
                            &at,
                            "a pattern that cannot run away",
                            reason,
                        )
                    })?;
                    *expression = json!(said);
                }
            }
            other => {
                let at = format!("{key}.pattern");
                return Err(known.refuse(&at, "a String or a Regex", other));
            }
        }
    }
    for literal in ["content", "prepend", "replacement", "prefix", "suffix"] {
        let long = value.get(literal).and_then(Value::as_str);
        if long.is_some_and(|text| text.len() > MAX_LITERAL_BYTES) {
            let at = format!("{key}.{literal}");
            let expected = format!("at most {MAX_LITERAL_BYTES} bytes");
            return Err(known.refuse(&at, expected, &value[literal]));
        }
    }
    for count in ["start", "stop", "length"] {
        let Some(number) = value.get(count) else {
            continue;
        };
        let least = u64::from(count == "length");
        if !number
            .as_u64()
            .is_some_and(|number| (least..=MAX_STRIP).contains(&number))
        {
            let at = format!("{key}.{count}");
            return Err(known.refuse(&at, format!("{least} to {MAX_STRIP}"), number));
        }
    }
    Ok(())
}

/// What surrounds a text: every token it names must exist under the id it names.
pub(super) fn post_processor(known: &Known, key: &str, value: &Value, depth: usize) -> Result<()> {
    match value.get("type").and_then(Value::as_str).unwrap_or("") {
        _ if value.is_null() && depth == 0 => Ok(()),
        "ByteLevel" => Ok(()),
        "RobertaProcessing" | "BertProcessing" => {
            for role in ["sep", "cls"] {
                known.must_be(&format!("{key}.{role}"), &value[role][0], &value[role][1])?;
            }
            Ok(())
        }
        "TemplateProcessing" => template(known, key, value),
        "Sequence" if depth < MAX_COMPONENT_DEPTH => {
            let at = format!("{key}.processors");
            let children = value["processors"].as_array();
            let children = children.filter(|list| list.len() <= MAX_COMPONENTS);
            let children =
                children.ok_or_else(|| known.refuse(&at, "an array", &value["processors"]))?;
            for (index, child) in children.iter().enumerate() {
                post_processor(known, &format!("{at}.{index}"), child, depth + 1)?;
            }
            Ok(())
        }
        _ => Err(known.refuse(&format!("{key}.type"), "a known type", &value["type"])),
    }
}

fn template(known: &Known, key: &str, value: &Value) -> Result<()> {
    let at = format!("{key}.special_tokens");
    let Value::Object(special) = &value["special_tokens"] else {
        return Err(known.refuse(&at, "an object", &value["special_tokens"]));
    };
    for (name, entry) in special {
        let at = format!("{at}.{name:?}");
        let (Value::Array(ids), Value::Array(tokens)) = (&entry["ids"], &entry["tokens"]) else {
            return Err(known.refuse(&at, "ids and tokens", entry));
        };
        if ids.len() != tokens.len() || ids.len() > MAX_TEMPLATE_PIECES {
            return Err(known.refuse(&at, "as many ids as tokens", entry));
        }
        for (token, id) in tokens.iter().zip(ids) {
            known.must_be(&at, token, id)?;
        }
    }
    for (form, sequences) in [("single", &["A"][..]), ("pair", &["A", "B"][..])] {
        let at = format!("{key}.{form}");
        let pieces = value[form].as_array();
        let pieces = pieces.filter(|pieces| pieces.len() <= MAX_TEMPLATE_PIECES);
        let pieces = pieces.ok_or_else(|| known.refuse(&at, "an array", &value[form]))?;
        let mut held = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            let at = format!("{at}.{index}");
            let sequence = piece["Sequence"]["id"].as_str();
            let token = piece["SpecialToken"]["id"].as_str();
            match (sequence, token) {
                (Some(sequence), None) => held.push(sequence),
                (None, Some(token)) if special.contains_key(token) => {}
                _ => return Err(known.refuse(&at, "A, B or a declared token", piece)),
            }
        }
        if held != sequences {
            let expected = format!("each of {sequences:?} once, in this order");
            return Err(known.refuse(&at, expected, &value[form]));
        }
    }
    Ok(())
}

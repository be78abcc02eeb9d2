//! What several of OpenAI's requests have in common: texts in their four forms, and fields that may be
//! there as long as they ask for nothing.

use axum::body::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::serve::refusal::Refusal;

/// The body of a request.
pub fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::wrong(format_args!("the body of the request: {error}")))
}

/// A text, texts, the tokens of a text, or those of texts.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a text, a list of texts, a list of token ids, or a list of those"
)]
pub enum Input {
    Text(String),
    Texts(Vec<String>),
    Ids(Vec<u32>),
    ManyIds(Vec<Vec<u32>>),
}

/// One text of an input.
#[derive(Debug, Clone)]
pub enum One {
    Text(String),
    Ids(Vec<u32>),
}

impl One {
    /// About how much it is.
    pub fn bytes(&self) -> usize {
        match self {
            One::Text(text) => text.len(),
            One::Ids(ids) => ids.len(),
        }
    }
}

impl Input {
    /// Its texts, at least one and at most `most`.
    pub fn each(self, param: &str, most: usize) -> Result<Vec<One>, Refusal> {
        let all: Vec<One> = match self {
            Input::Text(text) => vec![One::Text(text)],
            Input::Texts(texts) => texts.into_iter().map(One::Text).collect(),
            Input::Ids(ids) if ids.is_empty() => Vec::new(),
            Input::Ids(ids) => vec![One::Ids(ids)],
            Input::ManyIds(many) => many.into_iter().map(One::Ids).collect(),
        };
        check_count(param, all.len(), most)?;
        Ok(all)
    }
}

/// Refuses no texts, and too many.
pub fn check_count(param: &str, count: usize, most: usize) -> Result<(), Refusal> {
    match count {
        0 => Err(Refusal::field(
            param,
            format_args!("`{param}` has no texts"),
        )),
        _ if count > most => {
            let message = format!("`{param}` has {count} texts, at most {most} go into a request");
            Err(Refusal::too_large(message).of(param))
        }
        _ => Ok(()),
    }
}

/// Refuses fields that ask for what cannot be done here. `null` and values that change nothing pass.
pub fn refuse(rest: &Map<String, Value>, fields: &[&str]) -> Result<(), Refusal> {
    for name in fields {
        let asks = match rest.get(*name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(map)) => {
                let plain = map.get("type").and_then(Value::as_str) == Some("text");
                !map.is_empty() && !plain
            }
            Some(Value::String(word)) => !matches!(word.as_str(), "" | "none" | "auto"),
            Some(Value::Bool(true)) => true,
        };
        if asks {
            let message = format!("`{name}` is not supported here");
            let refusal = Refusal {
                code: "unsupported_parameter",
                ..Refusal::field(name, message)
            };
            return Err(refusal);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(value: Value) -> Result<Vec<One>, Refusal> {
        let input: Input =
            serde_json::from_value(value).map_err(|error| Refusal::wrong(error.to_string()))?;
        input.each("input", 3)
    }

    #[test]
    fn all_four_forms_of_texts_are_read_and_nothing_else() {
        assert!(matches!(&input(json!("a")).unwrap()[..], [One::Text(_)]));
        assert!(matches!(
            &input(json!(["a", "b"])).unwrap()[..],
            [One::Text(_), One::Text(_)]
        ));
        assert!(matches!(&input(json!([1, 2])).unwrap()[..], [One::Ids(ids)] if ids == &[1, 2]));
        assert!(matches!(
            &input(json!([[1], [2]])).unwrap()[..],
            [One::Ids(_), One::Ids(_)]
        ));
        for wrong in [
            json!([]),
            json!(3),
            json!(["a", 1]),
            json!([-1]),
            json!(["a", "b", "c", "d"]),
        ] {
            assert!(input(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_field_that_asks_for_something_is_refused_by_its_name() {
        let rest = |value: Value| value.as_object().unwrap().clone();
        let fields = &["logprobs", "tools", "response_format", "presence_penalty"];
        for harmless in [
            json!({}),
            json!({"logprobs": null, "tools": [], "presence_penalty": 0}),
            json!({"logprobs": false, "response_format": {"type": "text"}}),
        ] {
            refuse(&rest(harmless), fields).unwrap();
        }
        for (asking, name) in [
            (json!({"logprobs": 1}), "logprobs"),
            (json!({"tools": [{}]}), "tools"),
            (
                json!({"response_format": {"type": "json_object"}}),
                "response_format",
            ),
            (json!({"presence_penalty": 0.5}), "presence_penalty"),
        ] {
            let refusal = refuse(&rest(asking), fields).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(name));
            assert_eq!(refusal.status.as_u16(), 400);
        }
    }
}

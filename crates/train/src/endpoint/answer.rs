//! From an endpoint's JSON to an answer, or to the reason why there is none.
//!
//! Nothing is guessed: a field of another type, an empty text, a text that was cut are failures.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::request::Request;
use crate::error::{Error, Result};

/// Tokens as the endpoint counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub read: u64,
    pub written: u64,
}

/// Why a text ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// By its own end or a stop text.
    Stop,
    /// The endpoint does not say.
    Unsaid,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Text {
        text: String,
        finish: Finish,
    },
    /// The log-probabilities of the tokens of a continuation.
    Scores(Vec<f64>),
    Vector(Vec<f32>),
    /// Counted, and never an answer. The text before the first colon is the same for all failures of
    /// one kind.
    Failed(String),
}

/// An outcome with what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    pub outcome: Outcome,
    /// Nothing if the endpoint did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Answered {
    pub fn failed(reason: impl Into<String>) -> Answered {
        Answered {
            outcome: Outcome::Failed(reason.into()),
            usage: None,
        }
    }
}

/// An answer of the wrong shape: what was expected where.
type Shape = std::result::Result<Outcome, String>;

/// Reads an answer. An error is what makes all further requests senseless.
pub fn read(request: &Request, body: &Value) -> Result<Answered> {
    let found = match request {
        Request::Chat { .. } => written(body, |choice| choice.get("message")?.get("content")),
        Request::Complete { .. } => written(body, |choice| choice.get("text")),
        Request::Score {
            prompt,
            continuation,
        } => scores(body, prompt, continuation)?,
        Request::Embed { .. } => vector(body),
    };
    let outcome = found.unwrap_or_else(|what| Outcome::Failed(format!("wrong shape: {what}")));
    let count = |name: &str| body.get("usage")?.get(name)?.as_u64();
    let usage = count("prompt_tokens").map(|read| Usage {
        read,
        written: count("completion_tokens").unwrap_or(0),
    });
    Ok(Answered { outcome, usage })
}

fn choice(body: &Value) -> std::result::Result<&Value, String> {
    let choices = body.get("choices").and_then(Value::as_array);
    let choices = choices.ok_or("expected a list `choices`")?;
    choices.first().ok_or_else(|| "no choice".to_owned())
}

fn written(body: &Value, text: impl Fn(&Value) -> Option<&Value>) -> Shape {
    let choice = choice(body)?;
    let finish = match choice.get("finish_reason") {
        None | Some(Value::Null) => Finish::Unsaid,
        Some(Value::String(word)) => match word.as_str() {
            "stop" => Finish::Stop,
            "length" => return Ok(Outcome::Failed("cut by the limit on tokens".into())),
            "content_filter" => return Ok(Outcome::Failed("withheld by a filter".into())),
            other => {
                let other: String = other.chars().take(40).collect();
                return Ok(Outcome::Failed(format!("ended strangely: {other}")));
            }
        },
        Some(_) => return Err("`finish_reason` is no text".into()),
    };
    match text(choice) {
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Outcome::Failed("empty".into())),
        Some(Value::String(text)) => Ok(Outcome::Text {
            text: text.clone(),
            finish,
        }),
        Some(Value::Null) => Ok(Outcome::Failed("empty".into())),
        Some(_) => Err("the text of a choice is no text".into()),
        None => Err("a choice without a text".into()),
    }
}

/// The tokens of the continuation are those that begin where the prompt ends, or after. A token that
/// holds the end of the prompt and the beginning of the continuation makes it a failure.
fn scores(body: &Value, prompt: &str, continuation: &str) -> Result<Shape> {
    let choice = match choice(body) {
        Ok(choice) => choice,
        Err(what) => return Ok(Err(what)),
    };
    let logprobs = choice.get("logprobs").unwrap_or(&Value::Null);
    if logprobs.is_null() {
        let told = Error::told("the endpoint gives no log-probabilities of a prompt's tokens");
        return Err(told.with_hint(
            "set `prompting.labels: generation`, or serve the model where `echo` and `logprobs` \
             are offered",
        ));
    }
    Ok(tokens_after(logprobs, prompt, continuation))
}

fn tokens_after(logprobs: &Value, prompt: &str, continuation: &str) -> Shape {
    let list = |name: &str| {
        let list = logprobs.get(name).and_then(Value::as_array);
        list.ok_or_else(|| format!("expected a list `logprobs.{name}`"))
    };
    let (offsets, scores) = (list("text_offset")?, list("token_logprobs")?);
    if offsets.len() != scores.len() {
        return Err("`text_offset` and `token_logprobs` of unequal length".into());
    }
    let start = prompt.chars().count() as u64;
    let end = start + continuation.chars().count() as u64;
    let mut found = Vec::new();
    let mut first = None;
    for (offset, score) in offsets.iter().zip(scores) {
        let offset = offset.as_u64().ok_or("`text_offset` holds no number")?;
        if (start..end).contains(&offset) {
            first = first.or(Some(offset));
            let score = score.as_f64().filter(|score| *score <= 1e-6);
            found.push(score.ok_or("`token_logprobs` holds no log-probability")?);
        }
    }
    match first {
        Some(first) if first == start => Ok(Outcome::Scores(found)),
        _ => Ok(Outcome::Failed(
            "a token holds the end of the prompt and the beginning of the answer".into(),
        )),
    }
}

fn vector(body: &Value) -> Shape {
    let data = body.get("data").and_then(Value::as_array);
    let first = data.and_then(|data| data.first()).ok_or("no `data`")?;
    let numbers = first.get("embedding").and_then(Value::as_array);
    let numbers = numbers.ok_or("expected a list `embedding`")?;
    let number = |value: &Value| {
        let number = value.as_f64()? as f32;
        number.is_finite().then_some(number)
    };
    let vector: Option<Vec<f32>> = numbers.iter().map(number).collect();
    let vector = vector.ok_or("`embedding` holds what is no finite number")?;
    match vector.iter().all(|number| *number == 0.0) {
        true => Ok(Outcome::Failed("a vector of zeros".into())),
        false => Ok(Outcome::Vector(vector)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::endpoint::Writing;

    fn complete() -> Request {
        Request::Complete {
            prompt: "p".into(),
            writing: Writing {
                max_tokens: 1,
                temperature: 0.0,
                seed: 0,
                stop: Vec::new(),
            },
        }
    }

    fn failed(request: &Request, body: Value) -> String {
        match read(request, &body).unwrap().outcome {
            Outcome::Failed(reason) => reason,
            other => panic!("{other:?} of {body}"),
        }
    }

    #[test]
    fn what_is_cut_empty_or_of_another_shape_is_a_failure() {
        let of = |choice: Value| failed(&complete(), json!({"choices": [choice]}));
        assert_eq!(
            of(json!({"text": "yes", "finish_reason": "length"})),
            "cut by the limit on tokens"
        );
        assert_eq!(of(json!({"text": " \n", "finish_reason": "stop"})), "empty");
        assert_eq!(of(json!({"text": null})), "empty");
        assert!(of(json!({"text": "yes", "finish_reason": 3})).starts_with("wrong shape: "));
        assert!(of(json!({"text": ["yes"]})).starts_with("wrong shape: "));
        assert!(of(json!({})).starts_with("wrong shape: "));
        for body in [
            json!(3),
            json!({"choices": {}}),
            json!({"choices": []}),
            json!([]),
        ] {
            assert!(failed(&complete(), body).starts_with("wrong shape: "));
        }
        let good = json!({"choices": [{"text": "yes", "finish_reason": "stop"}],
                          "usage": {"prompt_tokens": 4, "completion_tokens": 1}});
        let good = read(&complete(), &good).unwrap();
        assert_eq!(
            good.usage,
            Some(Usage {
                read: 4,
                written: 1
            })
        );
        assert!(matches!(good.outcome, Outcome::Text { text, .. } if text == "yes"));
    }

    #[test]
    fn the_scores_of_a_continuation_begin_where_the_prompt_ends() {
        let request = Request::Score {
            prompt: "is ä it".into(),
            continuation: " yes".into(),
        };
        let body = |offsets: Value, scores: Value| {
            json!({"choices": [{"text": "", "logprobs":
                {"text_offset": offsets, "token_logprobs": scores}}]})
        };
        let good = body(
            json!([0, 3, 4, 7, 9, 11]),
            json!([null, -1.0, -2.0, -0.5, -0.25, -9.0]),
        );
        let good = read(&request, &good).unwrap().outcome;
        assert_eq!(good, Outcome::Scores(vec![-0.5, -0.25]));
        let merged = body(json!([0, 5, 9]), json!([null, -1.0, -0.5]));
        assert!(failed(&request, merged).starts_with("a token holds the end"));
        let positive = body(json!([0, 7]), json!([null, 0.5]));
        assert!(failed(&request, positive).starts_with("wrong shape: "));
        let none = json!({"choices": [{"text": "", "logprobs": null}]});
        let error = read(&request, &none).unwrap_err();
        assert!(
            error.to_string().contains("no log-probabilities"),
            "{error}"
        );
    }

    #[test]
    fn a_vector_is_finite_numbers_and_not_all_zero() {
        let request = Request::Embed { text: "x".into() };
        let body = |vector: Value| json!({"data": [{"embedding": vector}]});
        let good = read(&request, &body(json!([0.5, -1]))).unwrap().outcome;
        assert_eq!(good, Outcome::Vector(vec![0.5, -1.0]));
        for wrong in [json!([1e60]), json!(["a"]), json!("AAAA"), json!({})] {
            assert!(failed(&request, body(wrong)).starts_with("wrong shape: "));
        }
        assert_eq!(failed(&request, body(json!([0, 0]))), "a vector of zeros");
    }
}

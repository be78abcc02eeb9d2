//! What completions and conversations have in common: how a text is to be written, and the orders that
//! are handed in for it.

use serde::Deserialize;
use serde_json::{Map, Value};
use skillbelt_model::generate::{Choice, Finish, Options, Prompt, Sampling, Writer};
use tokio::sync::mpsc;

use super::asked::refuse;
use crate::serve::house::House;
use crate::serve::limits::Limits;
use crate::serve::refusal::Refusal;
use crate::serve::work::order::{Ear, Heard, Writing};

/// How many texts for one prompt.
const MOST_CHOICES: usize = 16;
/// How many stop strings, and how long.
const MOST_STOPS: usize = 16;
const MOST_STOP_BYTES: usize = 1024;
/// Tokens where a request names no number.
const TOKENS: usize = 128;

/// What a request may say about the writing.
#[derive(Debug, Deserialize)]
pub struct Manner {
    pub model: Option<String>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    /// Not of OpenAI.
    top_k: Option<usize>,
    n: Option<usize>,
    stop: Option<Stop>,
    seed: Option<i64>,
    #[serde(default)]
    pub stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum Stop {
    One(String),
    Many(Vec<String>),
}

/// Fields whose wish nobody here can fulfil.
const UNSUPPORTED: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "modalities",
    "presence_penalty",
    "prediction",
    "response_format",
    "suffix",
    "tool_choice",
    "tools",
    "top_logprobs",
];

impl Manner {
    /// How many texts for each prompt.
    pub fn choices(&self) -> Result<usize, Refusal> {
        let most = self.rest.get("best_of").and_then(Value::as_u64);
        let n = self.n.unwrap_or(1);
        if most.is_some_and(|most| most != n as u64) {
            return Err(Refusal::field("best_of", "`best_of` must be `n` here"));
        }
        match (1..=MOST_CHOICES).contains(&n) {
            true => Ok(n),
            false => Err(Refusal::field(
                "n",
                format_args!("`n` is from 1 to {MOST_CHOICES}, not {n}"),
            )),
        }
    }

    pub fn wants_usage(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.is_some_and(|options| options.include_usage == Some(true))
    }

    /// The settings of the writing. Without a temperature the likeliest token is taken, always; with
    /// one, the same seed gives the same text.
    pub fn options(&self, limits: &Limits) -> Result<Options, Refusal> {
        refuse(&self.rest, UNSUPPORTED)?;
        let (param, tokens) = match self.max_completion_tokens {
            Some(tokens) => ("max_completion_tokens", tokens),
            None => ("max_tokens", self.max_tokens.unwrap_or(TOKENS)),
        };
        if !(1..=limits.new_tokens).contains(&tokens) {
            let most = limits.new_tokens;
            let message = format!("`{param}` is from 1 to {most}, not {tokens}");
            return Err(Refusal::field(param, message));
        }
        Ok(Options {
            choice: self.choice()?,
            max_new_tokens: tokens,
            stop: self.stops()?,
            ..Options::default()
        })
    }

    fn choice(&self) -> Result<Choice, Refusal> {
        let temperature = self.temperature;
        if temperature.is_some_and(|value| !(0.0..=2.0).contains(&value)) {
            return Err(Refusal::field(
                "temperature",
                "`temperature` is from 0 to 2",
            ));
        }
        if self
            .top_p
            .is_some_and(|value| !(value > 0.0 && value <= 1.0))
        {
            return Err(Refusal::field("top_p", "`top_p` is above 0 and at most 1"));
        }
        if self.top_k == Some(0) {
            return Err(Refusal::field("top_k", "`top_k` is at least 1"));
        }
        let chance = self.top_p.is_some_and(|p| p < 1.0) || self.top_k.is_some();
        match temperature {
            Some(value) if value < 1e-4 => Ok(Choice::Greedy),
            None if !chance => Ok(Choice::Greedy),
            temperature => Ok(Choice::Sample(Sampling {
                temperature: temperature.unwrap_or(1.0),
                top_k: self.top_k,
                top_p: self.top_p.unwrap_or(1.0),
                seed: self.seed.unwrap_or(0) as u64,
            })),
        }
    }

    fn stops(&self) -> Result<Vec<String>, Refusal> {
        let stops = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(one)) => vec![one.clone()],
            Some(Stop::Many(many)) => many.clone(),
        };
        let wrong = |message: String| Err(Refusal::field("stop", message));
        if stops.len() > MOST_STOPS {
            return wrong(format!("`stop` has at most {MOST_STOPS} texts"));
        }
        let length = |stop: &String| (1..=MOST_STOP_BYTES).contains(&stop.len());
        match stops.iter().all(length) {
            true => Ok(stops),
            false => wrong(format!("texts of `stop` have 1 to {MOST_STOP_BYTES} bytes")),
        }
    }
}

/// What is heard of the texts of one request.
pub type Hearing = mpsc::UnboundedReceiver<(usize, Heard)>;

/// Prompts of one request, checked.
pub struct Orders {
    /// The model's place, and the task.
    pub writer: (usize, Option<usize>),
    pub prompts: Vec<Vec<u32>>,
    /// Texts for each prompt.
    pub choices: usize,
    pub options: Options,
}

impl Orders {
    /// Refuses prompts that could not be answered.
    pub fn check(&self, writer: &Writer<'_>) -> Result<(), Refusal> {
        for ids in &self.prompts {
            let prompt = Prompt {
                ids: ids.clone(),
                number: 0,
            };
            writer.check(&prompt).map_err(|error| Refusal {
                code: "context_length_exceeded",
                ..Refusal::wrong(error)
            })?;
        }
        Ok(())
    }

    /// Hands them in: text `i` of prompt `p` has the number `p * choices + i`.
    pub fn hand_in(self, house: &House) -> Result<Hearing, Refusal> {
        let (heard, hearing) = mpsc::unbounded_channel();
        let mut writings = Vec::new();
        for (place, ids) in self.prompts.into_iter().enumerate() {
            for choice in 0..self.choices {
                let number = place * self.choices + choice;
                writings.push(Writing {
                    writer: self.writer,
                    prompt: Prompt {
                        ids: ids.clone(),
                        number: number as u64,
                    },
                    options: self.options.clone(),
                    ear: Ear {
                        number,
                        heard: heard.clone(),
                    },
                });
            }
        }
        house.desk.write(writings)?;
        Ok(hearing)
    }
}

/// Waits until all of so many texts are written.
pub async fn all(
    house: &House,
    mut hearing: Hearing,
    count: usize,
) -> Result<Vec<skillbelt_model::generate::Written>, Refusal> {
    let gathering = async {
        let mut texts: Vec<_> = (0..count).map(|_| None).collect();
        let mut left = count;
        while left > 0 {
            match hearing.recv().await {
                Some((number, Heard::End(written))) => {
                    texts[number] = Some(written);
                    left -= 1;
                }
                Some((_, Heard::Failed(refusal))) => return Err(refusal),
                Some((_, Heard::Piece(_))) => {}
                None => return Err(Refusal::failed("the thread that computes is gone")),
            }
        }
        Ok(texts.into_iter().flatten().collect())
    };
    match tokio::time::timeout(house.limits.writing_time, gathering).await {
        Ok(found) => found,
        Err(_) => Err(Refusal::timed_out()),
    }
}

/// OpenAI's word for why a text ended.
pub fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length | Finish::Context => "length",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn manner(value: Value) -> Manner {
        serde_json::from_value(value).unwrap()
    }

    fn options(value: Value) -> Result<Options, Refusal> {
        manner(value).options(&Limits::default())
    }

    #[test]
    fn nothing_said_is_greedy_and_a_temperature_draws() {
        assert_eq!(options(json!({})).unwrap().choice, Choice::Greedy);
        assert_eq!(
            options(json!({"temperature": 0})).unwrap().choice,
            Choice::Greedy
        );
        let drawn = options(json!({"temperature": 0.5, "seed": -1, "top_p": 0.9})).unwrap();
        let expected = Sampling {
            temperature: 0.5,
            top_k: None,
            top_p: 0.9,
            seed: u64::MAX,
        };
        assert_eq!(drawn.choice, Choice::Sample(expected));
        let both = options(json!({"max_tokens": 3, "max_completion_tokens": 5, "stop": "x"}));
        let both = both.unwrap();
        assert_eq!(
            (both.max_new_tokens, &both.stop[..]),
            (5, &["x".to_owned()][..])
        );
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_by_its_name() {
        for (value, param) in [
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_tokens": 4097}), "max_tokens"),
            (json!({"temperature": 2.5}), "temperature"),
            (json!({"temperature": -0.5}), "temperature"),
            (json!({"top_p": 0}), "top_p"),
            (json!({"top_k": 0}), "top_k"),
            (json!({"stop": [""]}), "stop"),
            (json!({"stop": vec!["a"; 17]}), "stop"),
            (json!({"logprobs": 5}), "logprobs"),
            (json!({"frequency_penalty": 1}), "frequency_penalty"),
        ] {
            let refusal = options(value).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param));
        }
        for (value, param) in [
            (json!({"n": 0}), "n"),
            (json!({"n": 17}), "n"),
            (json!({"best_of": 3}), "best_of"),
        ] {
            assert_eq!(
                manner(value).choices().unwrap_err().param.as_deref(),
                Some(param)
            );
        }
    }
}

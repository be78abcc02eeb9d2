//! `/v1/completions`: prompts are continued (of an encoder-decoder: answered).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Input, One, body};
use super::stream::{self, Telling};
use super::writing::{self, Manner, Orders};
use crate::serve::house::House;
use crate::serve::http::attend::RequestId;
use crate::serve::model::Model;
use crate::serve::refusal::Refusal;
use crate::serve::work::order::Heard;

#[derive(Debug, Deserialize)]
struct Completion {
    prompt: Input,
    /// Give the prompt back in front of the text.
    echo: Option<bool>,
    #[serde(flatten)]
    manner: Manner,
}

/// Continues prompts.
pub async fn completions(
    State(house): State<Arc<House>>,
    Extension(id): Extension<RequestId>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let asked: Completion = body(&bytes)?;
    let (place, model, task) = house.model(asked.manner.model.as_deref())?;
    let task = task.map(|task| model.task(task)).transpose()?;
    let task = task.map(|task| task.place).filter(|task| {
        // Only tasks that write have a writer of their own.
        model.writing_tasks().contains(&Some(*task))
    });
    let writer = model.expect_writer(task)?;
    let prompts = asked.prompt.each("prompt", house.limits.writings)?;
    let prompts = prompts.into_iter().map(|one| prompt(model, one));
    let prompts = prompts.collect::<Result<Vec<_>, _>>()?;
    let echo = asked.echo == Some(true);
    let orders = Orders {
        writer: (place, task),
        choices: asked.manner.choices()?,
        options: asked.manner.options(&house.limits)?,
        prompts: prompts.iter().map(|(ids, _)| ids.clone()).collect(),
    };
    orders.check(&writer)?;
    let count = prompts.len() * orders.choices;
    let frame = Frame {
        id: format!("cmpl-{}", id.0),
        created: now(),
        model: asked.manner.model.clone().unwrap_or(model.name.clone()),
        openings: prompts
            .iter()
            .flat_map(|(_, text)| {
                let opening = if echo { text.clone() } else { String::new() };
                std::iter::repeat_n(opening, orders.choices)
            })
            .collect(),
        prompt_tokens: prompts.iter().map(|(ids, _)| ids.len()).sum(),
        new_tokens: 0,
        usage: asked.manner.wants_usage(),
        begun: BTreeSet::new(),
    };
    let hearing = orders.hand_in(&house)?;
    if asked.manner.stream == Some(true) {
        let time = house.limits.writing_time;
        return Ok(stream::response(hearing, count, time, frame));
    }
    let texts = writing::all(&house, hearing, count).await?;
    Ok(Json(frame.whole(&texts)).into_response())
}

fn prompt(model: &Model, one: One) -> Result<(Vec<u32>, String), Refusal> {
    let tokenizer = model.reader().tokenizer();
    match one {
        One::Text(text) => {
            let ids = tokenizer.encode(&text, true).map_err(Refusal::wrong)?;
            Ok((ids, text))
        }
        One::Ids(ids) => {
            model.check_ids(&ids)?;
            let text = tokenizer.decode(&ids, true).map_err(Refusal::wrong)?;
            Ok((ids, text))
        }
    }
}

/// Seconds since 1970, as these answers say when they were made.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// `usage` of an answer.
pub(super) fn usage(prompt: usize, new: usize) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": new, "total_tokens": prompt + new})
}

/// What stands around the texts of an answer.
struct Frame {
    id: String,
    created: u64,
    model: String,
    /// Of each text, what it begins with.
    openings: Vec<String>,
    prompt_tokens: usize,
    new_tokens: usize,
    usage: bool,
    begun: BTreeSet<usize>,
}

impl Frame {
    fn around(&self, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    fn whole(&self, texts: &[skillbelt_model::generate::Written]) -> Value {
        let choice = |(index, text): (usize, &skillbelt_model::generate::Written)| {
            json!({
                "index": index,
                "text": format!("{}{}", self.openings[index], text.text),
                "logprobs": null,
                "finish_reason": writing::finish(text.finish),
            })
        };
        let choices = texts.iter().enumerate().map(choice).collect();
        let new = texts.iter().map(|text| text.ids.len()).sum();
        let mut answer = self.around(choices);
        answer["usage"] = usage(self.prompt_tokens, new);
        answer
    }

    fn piece(&self, index: usize, text: &str, finish: Option<&str>) -> Value {
        let choice = json!({
            "index": index, "text": text, "logprobs": null, "finish_reason": finish,
        });
        self.around(json!([choice]))
    }
}

impl Telling for Frame {
    fn tell(&mut self, number: usize, heard: Heard) -> Vec<Value> {
        let mut events = Vec::new();
        let opening = &self.openings[number];
        if self.begun.insert(number) && !opening.is_empty() {
            events.push(self.piece(number, opening, None));
        }
        match heard {
            Heard::Piece(text) => events.push(self.piece(number, &text, None)),
            Heard::End(written) => {
                self.new_tokens += written.ids.len();
                let finish = writing::finish(written.finish);
                events.push(self.piece(number, "", Some(finish)));
            }
            Heard::Failed(_) => {}
        }
        events
    }

    fn last(&mut self) -> Option<Value> {
        let mut last = self.around(json!([]));
        last["usage"] = usage(self.prompt_tokens, self.new_tokens);
        self.usage.then_some(last)
    }
}

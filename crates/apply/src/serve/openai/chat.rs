//! `/v1/chat/completions`: a conversation is laid out by the base's own template and continued. A base
//! without a template has no form for conversations, and none is made up.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use skillbelt_model::generate::Written;
use skillbelt_model::tokenizer::chat::Conversation;

use super::asked::body;
use super::completions::{now, usage};
use super::stream::{self, Telling};
use super::writing::{self, Manner, Orders};
use crate::serve::house::House;
use crate::serve::http::attend::RequestId;
use crate::serve::model::Model;
use crate::serve::refusal::Refusal;
use crate::serve::work::order::Heard;

#[derive(Debug, Deserialize)]
struct Chat {
    messages: Vec<Message>,
    #[serde(flatten)]
    manner: Manner,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of parts")]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

/// Continues a conversation.
pub async fn chat(
    State(house): State<Arc<House>>,
    Extension(id): Extension<RequestId>,
    bytes: Bytes,
) -> Result<Response, Refusal> {
    let asked: Chat = body(&bytes)?;
    let (place, model, _) = house.model(asked.manner.model.as_deref())?;
    let writer = model.expect_writer(None)?;
    let ids = prompt(model, &asked.messages)?;
    let frame = Frame {
        id: format!("chatcmpl-{}", id.0),
        created: now(),
        model: asked.manner.model.clone().unwrap_or(model.name.clone()),
        prompt_tokens: ids.len(),
        new_tokens: 0,
        usage: asked.manner.wants_usage(),
        begun: BTreeSet::new(),
    };
    let orders = Orders {
        writer: (place, None),
        choices: asked.manner.choices()?,
        options: asked.manner.options(&house.limits)?,
        prompts: vec![ids],
    };
    orders.check(&writer)?;
    let count = orders.choices;
    let hearing = orders.hand_in(&house)?;
    if asked.manner.stream == Some(true) {
        let time = house.limits.writing_time;
        return Ok(stream::response(hearing, count, time, frame));
    }
    let texts = writing::all(&house, hearing, count).await?;
    Ok(Json(frame.whole(&texts)).into_response())
}

/// The tokens of a conversation.
fn prompt(model: &Model, messages: &[Message]) -> Result<Vec<u32>, Refusal> {
    let wrong = |message: String| Refusal::field("messages", message);
    if messages.is_empty() {
        return Err(wrong("`messages` is empty".to_owned()));
    }
    let templates = model.chat().ok_or_else(|| {
        let message = format!(
            "the base of `{}` has no chat template; /v1/completions continues a text",
            model.name
        );
        Refusal {
            code: "no_chat_template",
            ..Refusal::wrong(message).of("model")
        }
    })?;
    let messages = messages.iter().map(plain).collect::<Result<Vec<_>, _>>()?;
    let conversation = Conversation {
        messages: &Value::Array(messages),
        tools: None,
        add_generation_prompt: true,
        template: None,
    };
    let text = templates.render(&conversation);
    let text = text.map_err(|error| wrong(error.to_string()))?;
    let ids = model.reader().tokenizer().encode(&text, false);
    ids.map_err(Refusal::wrong)
}

/// A message with its parts laid end to end.
fn plain(message: &Message) -> Result<Value, Refusal> {
    let text = match &message.content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => {
            let texts = parts.iter().map(|part| match (&part.kind[..], &part.text) {
                ("text", Some(text)) => Ok(text.as_str()),
                _ => Err(Refusal::field(
                    "messages",
                    "parts of messages other than texts are not read here",
                )),
            });
            texts.collect::<Result<Vec<_>, _>>()?.concat()
        }
    };
    Ok(json!({"role": message.role, "content": text}))
}

/// What stands around the messages of an answer.
struct Frame {
    id: String,
    created: u64,
    model: String,
    prompt_tokens: usize,
    new_tokens: usize,
    usage: bool,
    begun: BTreeSet<usize>,
}

impl Frame {
    fn around(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }

    fn whole(&self, texts: &[Written]) -> Value {
        let choice = |(index, text): (usize, &Written)| {
            json!({
                "index": index,
                "message": {"role": "assistant", "content": text.text, "refusal": null},
                "logprobs": null,
                "finish_reason": writing::finish(text.finish),
            })
        };
        let choices = texts.iter().enumerate().map(choice).collect();
        let new = texts.iter().map(|text| text.ids.len()).sum();
        let mut answer = self.around("chat.completion", choices);
        answer["usage"] = usage(self.prompt_tokens, new);
        answer
    }

    fn piece(&self, index: usize, delta: Value, finish: Option<&str>) -> Value {
        let choice = json!({
            "index": index, "delta": delta, "logprobs": null, "finish_reason": finish,
        });
        self.around("chat.completion.chunk", json!([choice]))
    }
}

impl Telling for Frame {
    fn tell(&mut self, number: usize, heard: Heard) -> Vec<Value> {
        let mut events = Vec::new();
        if self.begun.insert(number) {
            let delta = json!({"role": "assistant", "content": ""});
            events.push(self.piece(number, delta, None));
        }
        match heard {
            Heard::Piece(text) => events.push(self.piece(number, json!({"content": text}), None)),
            Heard::End(written) => {
                self.new_tokens += written.ids.len();
                let finish = writing::finish(written.finish);
                events.push(self.piece(number, json!({}), Some(finish)));
            }
            Heard::Failed(_) => {}
        }
        events
    }

    fn last(&mut self) -> Option<Value> {
        let mut last = self.around("chat.completion.chunk", json!([]));
        last["usage"] = usage(self.prompt_tokens, self.new_tokens);
        self.usage.then_some(last)
    }
}

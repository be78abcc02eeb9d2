//! What an endpoint can be asked, and the bytes that ask it.

use serde_json::{Value, json};

use super::limits::foreseen_tokens;

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

impl Message {
    pub fn user(content: String) -> Message {
        let role = "user";
        Message { role, content }
    }

    pub fn system(content: String) -> Message {
        let role = "system";
        Message { role, content }
    }
}

/// How an answer is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    pub max_tokens: usize,
    pub temperature: f64,
    pub seed: u64,
    /// Texts that end the writing.
    pub stop: Vec<String>,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// The next part of a conversation.
    Chat {
        messages: Vec<Message>,
        writing: Writing,
    },
    /// A text that goes on from a prompt.
    Complete { prompt: String, writing: Writing },
    /// The log-probabilities of a continuation's tokens after a prompt; nothing is written.
    Score {
        prompt: String,
        continuation: String,
    },
    /// A vector of a text.
    Embed { text: String },
}

impl Request {
    /// Where it goes, after the endpoint's address.
    pub fn path(&self) -> &'static str {
        match self {
            Request::Chat { .. } => "/chat/completions",
            Request::Complete { .. } | Request::Score { .. } => "/completions",
            Request::Embed { .. } => "/embeddings",
        }
    }

    /// The body; keys always in the same order, because answers are kept under its hash.
    pub fn body(&self, model: &str) -> Value {
        match self {
            Request::Chat { messages, writing } => {
                let message = |m: &Message| json!({"role": m.role, "content": m.content});
                let messages: Vec<Value> = messages.iter().map(message).collect();
                with_writing(json!({"model": model, "messages": messages}), writing)
            }
            Request::Complete { prompt, writing } => {
                with_writing(json!({"model": model, "prompt": prompt}), writing)
            }
            Request::Score {
                prompt,
                continuation,
            } => {
                let whole = [prompt.as_str(), continuation].concat();
                json!({
                    "model": model,
                    "prompt": whole,
                    "max_tokens": 1,
                    "temperature": 0.0,
                    "echo": true,
                    "logprobs": 1,
                })
            }
            Request::Embed { text } => {
                json!({"model": model, "input": text, "encoding_format": "float"})
            }
        }
    }

    /// Tokens that it will take, read and written, as far as can be foreseen.
    pub fn tokens(&self) -> u64 {
        let count = match self {
            Request::Chat { messages, writing } => {
                let read = messages.iter().map(|m| foreseen_tokens(&m.content));
                read.sum::<usize>() + writing.max_tokens
            }
            Request::Complete { prompt, writing } => foreseen_tokens(prompt) + writing.max_tokens,
            Request::Score {
                prompt,
                continuation,
            } => foreseen_tokens(prompt) + foreseen_tokens(continuation) + 1,
            Request::Embed { text } => foreseen_tokens(text),
        };
        count as u64
    }
}

fn with_writing(mut body: Value, writing: &Writing) -> Value {
    body["max_tokens"] = json!(writing.max_tokens);
    body["temperature"] = json!(writing.temperature);
    body["seed"] = json!(writing.seed);
    if !writing.stop.is_empty() {
        body["stop"] = json!(writing.stop);
    }
    body
}

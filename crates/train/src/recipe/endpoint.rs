//! Section `prompting.endpoint`: where a model is served, and what may be asked of it how fast.
//!
//! It holds no secret: an API key is named by the variable of the environment that holds it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::recipe::shape::{section, words};

words! {
    /// Which part of an OpenAI-compatible endpoint answers prompts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Api {
        /// `/chat/completions`: the prompt is a message of the user.
        Chat,
        /// `/completions`: the prompt is continued as it is.
        Completions,
    }
}

section! {
    /// An OpenAI-compatible endpoint.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct EndpointSettings {
        /// Its address up to `/v1`, without `/chat/completions`.
        pub url: String,
        /// The model's name there.
        pub model: String,
        /// Which part of it answers prompts.
        pub api: Api,
        /// The variable of the environment that holds the API key; the key itself is never written down [no key is sent].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub api_key_env: Option<String>,
        /// Tokens that the model reads and writes together; prompts are made to fit, with three bytes taken for a token [no bound].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub context: Option<usize>,
        /// Requests that are under way at once.
        pub concurrent: usize,
        /// At most so many requests a minute [no bound].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub requests_per_minute: Option<u64>,
        /// At most so many tokens a minute, read and written [no bound].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tokens_per_minute: Option<u64>,
        /// Seconds for a connection to stand.
        pub connect_seconds: f64,
        /// Seconds for an answer.
        pub answer_seconds: f64,
        /// Attempts in a row that bring nothing, before the endpoint is taken for dead.
        pub attempts: u64,
        /// Seconds before the second attempt; doubles each time. `Retry-After` goes before it.
        pub back_off_seconds: f64,
        /// Longest wait in seconds; an endpoint that asks for more ends the work, to be gone on with later.
        pub longest_wait_seconds: f64,
        /// Price of a million tokens read, in any currency.
        pub price_in: f64,
        /// Price of a million tokens written.
        pub price_out: f64,
        /// The file that keeps every answer, so that nothing is asked twice [`endpoint-cache.jsonl` beside the answers].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub cache: Option<PathBuf>,
    }
}

impl Default for EndpointSettings {
    fn default() -> EndpointSettings {
        EndpointSettings {
            url: String::new(),
            model: String::new(),
            api: Api::Chat,
            api_key_env: None,
            context: None,
            concurrent: 4,
            requests_per_minute: None,
            tokens_per_minute: None,
            connect_seconds: 15.0,
            answer_seconds: 120.0,
            attempts: 6,
            back_off_seconds: 1.0,
            longest_wait_seconds: 120.0,
            price_in: 0.0,
            price_out: 0.0,
            cache: None,
        }
    }
}

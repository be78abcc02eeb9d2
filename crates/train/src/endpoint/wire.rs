//! One HTTP request: bytes out, bytes in, and what its status means. It neither repeats nor keeps
//! anything.

use std::io::Read;
use std::time::{Duration, SystemTime};

use ureq::Agent;

use super::date::retry_after;
use super::limits::{MAX_ANSWER_BYTES, Patience, SHOWN_CHARS};
use crate::error::{Error, Result};
use crate::recipe::EndpointSettings;

/// A way to one endpoint.
pub struct Wire {
    agent: Agent,
    url: String,
    key: Option<String>,
}

/// Why a request brought no bytes that can be read.
#[derive(Debug)]
pub enum Trouble {
    /// Trying again may help; the endpoint may have said when.
    Passing {
        reason: String,
        wait: Option<Duration>,
    },
    /// This request is refused; others may not be.
    Refused(String),
    /// The answer cannot be used, and would be no other the next time.
    Useless(String),
    /// No request will succeed.
    Final(Error),
}

impl Wire {
    /// Reads the key from the environment. A key is not sent over an unprotected connection but to
    /// this very machine.
    pub fn new(settings: &EndpointSettings, patience: &Patience) -> Result<Wire> {
        let url = settings.url.trim_end_matches('/').to_owned();
        let is_local = is_loopback(&url);
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let told = Error::told(format_args!("`{url}` is no address of an endpoint"));
            return Err(told.with_hint("give it up to `/v1`, as `http://127.0.0.1:8080/v1`"));
        }
        let key = match &settings.api_key_env {
            None => None,
            Some(name) => Some(key(name)?),
        };
        if key.is_some() && !is_local && !url.starts_with("https://") {
            let told = Error::told("an API key is not sent over an unprotected connection");
            return Err(told.with_hint("use an address that begins with `https://`"));
        }
        let mut config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("skillbelt/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(patience.connect))
            .timeout_global(Some(patience.answer));
        if is_local {
            config = config.proxy(None);
        }
        Ok(Wire {
            agent: config.build().new_agent(),
            url,
            key,
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a body and gives the answer's.
    pub fn send(&self, path: &str, body: &[u8]) -> std::result::Result<Vec<u8>, Trouble> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Content-Type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let answer = request.send(body).map_err(|e| passing(&e))?;
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after");
        let wait = wait.and_then(|text| retry_after(text.to_str().ok()?, SystemTime::now()));
        let mut bytes = Vec::new();
        let mut limited = answer.into_body().into_reader().take(MAX_ANSWER_BYTES + 1);
        let read = limited.read_to_end(&mut bytes);
        if bytes.len() as u64 > MAX_ANSWER_BYTES {
            return Err(Trouble::Useless(format!(
                "too long: more than {MAX_ANSWER_BYTES} bytes"
            )));
        }
        match status {
            200 => {
                read.map_err(|e| passing(&e))?;
                Ok(bytes)
            }
            408 | 409 | 425 | 429 | 500..=599 => Err(Trouble::Passing {
                reason: format!("status {status}"),
                wait,
            }),
            400 | 413 | 422 => {
                let told = self.shown(&bytes);
                Err(Trouble::Refused(format!("refused: status {status} {told}")))
            }
            _ => Err(Trouble::Final(self.closed(path, status, &bytes))),
        }
    }

    /// A status after which no request can be hoped to succeed.
    fn closed(&self, path: &str, status: u16, body: &[u8]) -> Error {
        let told = Error::told(format_args!(
            "{}{path}: status {status} {}",
            self.url,
            self.shown(body)
        ));
        match (status, &self.key) {
            (401 | 403, None) => {
                told.with_hint("name the variable that holds the API key: `api_key_env`")
            }
            (401 | 403, Some(_)) => told.with_hint("the API key is not accepted"),
            (404, _) => told.with_hint("is the address right up to `/v1`, and the model's name?"),
            (300..=399, _) => {
                told.with_hint("redirects are not followed; give the address they lead to")
            }
            _ => told,
        }
    }

    /// The beginning of what the endpoint said, on one line, without the key.
    fn shown(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        if let Some(key) = self.key.as_deref().filter(|key| !key.is_empty()) {
            text = text.replace(key, "***");
        }
        let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(SHOWN_CHARS).collect()
    }
}

fn key(name: &str) -> Result<String> {
    match std::env::var(name) {
        Ok(key) if !key.trim().is_empty() => Ok(key.trim().to_owned()),
        _ => {
            let told = Error::told(format_args!(
                "the environment has no `{name}` with an API key"
            ));
            Err(told.with_hint("set it, or leave `api_key_env` out where none is needed"))
        }
    }
}

fn passing(error: &impl std::fmt::Display) -> Trouble {
    Trouble::Passing {
        reason: error.to_string(),
        wait: None,
    }
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.strip_prefix("[::1]").map_or(host, |_| "[::1]");
    let name = host.split(':').next().unwrap_or_default();
    matches!(name, "127.0.0.1" | "localhost") || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for url in [
            "http://127.0.0.1:8080/v1",
            "http://localhost/v1",
            "http://[::1]:80/v1",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "http://127.0.0.1.evil.org/",
            "http://127.0.0.1@evil.org/",
            "https://a.b/localhost",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}

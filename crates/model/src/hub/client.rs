//! Requests to the hub's server: redirects, tokens, retries. It keeps nothing on disk.
//!
//! Written on `ureq` rather than taken from the `hf-hub` crate: that crate brings tokio, reqwest and a chunk store
//! (some two hundred crates) for what is here a loop over blocking requests, and checks no hash of what it fetched.

use std::io::Read;
use std::time::Duration;

use ureq::http::{HeaderMap, Response};
use ureq::{Agent, Body};

use super::error::{Error, Result};
use super::limits::{MAX_REDIRECTS, Patience};

/// An answer, its status being one that means success.
pub(super) type Answer = Response<Body>;

/// Speaks to one server on behalf of one base.
pub(super) struct Client<'o> {
    agent: Agent,
    endpoint: &'o str,
    token: Option<&'o str>,
    pub patience: Patience,
    /// The base's name, for errors.
    pub name: String,
}

/// How one attempt ended that did not succeed.
pub(super) enum Failure {
    /// Trying again may help; the server may have said when.
    Passing {
        reason: String,
        wait: Option<Duration>,
    },
    /// Trying again will not help.
    Final(Error),
}

/// Whether the body is asked for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Want {
    /// Only the head, of the server's own first answer: where the file lies elsewhere, its facts stand there.
    Facts,
    /// The body from this byte on.
    BodyFrom(u64),
}

impl<'o> Client<'o> {
    pub(super) fn new(
        endpoint: &'o str,
        token: Option<&'o str>,
        patience: Patience,
        name: String,
    ) -> Self {
        let mut config = Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("skillbelt/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.answer))
            .timeout_per_read(Some(patience.silence));
        if is_loopback(endpoint) {
            config = config.proxy(None);
        }
        Client {
            agent: config.build().new_agent(),
            endpoint,
            token,
            patience,
            name,
        }
    }

    /// Asks until it succeeds, fails for good, or patience ends. `what` names the wanted thing in errors.
    pub(super) fn ask(&self, path: &str, what: &str, want: Want) -> Result<Answer> {
        self.patiently(what, |_| self.attempt(path, what, want))
    }

    /// Repeats `attempt` with growing waits. An attempt gets the number of fruitless ones before it.
    pub(super) fn patiently<T>(
        &self,
        what: &str,
        mut attempt: impl FnMut(u32) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let mut wait = self.patience.back_off;
        let mut tried = 0;
        loop {
            let (reason, asked) = match attempt(tried) {
                Ok(done) => return Ok(done),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { reason, wait }) => (reason, wait),
            };
            tried += 1;
            if tried >= self.patience.attempts {
                return Err(Error::Network {
                    name: self.name.clone(),
                    what: what.to_owned(),
                    attempts: tried,
                    last: reason,
                });
            }
            std::thread::sleep(asked.unwrap_or(wait).min(self.patience.longest_wait));
            wait = (wait * 2).min(self.patience.longest_wait);
        }
    }

    /// One attempt, redirects followed. The token goes to the endpoint's own origin and nowhere else.
    pub(super) fn attempt(
        &self,
        path: &str,
        what: &str,
        want: Want,
    ) -> std::result::Result<Answer, Failure> {
        let mut url = format!("{}{path}", self.endpoint.trim_end_matches('/'));
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.send(&url, want)?;
            let status = answer.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return self.judged(answer, what);
            }
            let elsewhere = header(answer.headers(), "location");
            let elsewhere = elsewhere.and_then(|place| resolve(&url, &place));
            let next = elsewhere.ok_or_else(|| {
                Failure::Final(self.senseless(what, "a redirect to an address", "none"))
            })?;
            if want == Want::Facts && origin(&next) != origin(&url) {
                return Ok(answer);
            }
            if origin(&url).starts_with("https:") && !origin(&next).starts_with("https:") {
                let found = "a redirect to an unprotected one";
                return Err(Failure::Final(self.senseless(
                    what,
                    "a protected address",
                    found,
                )));
            }
            url = next;
        }
        let found = "more".to_owned();
        let expected = format!("at most {MAX_REDIRECTS} redirects");
        Err(Failure::Final(self.senseless(what, &expected, &found)))
    }

    fn send(&self, url: &str, want: Want) -> std::result::Result<Answer, Failure> {
        let mut request = match want {
            Want::Facts => self.agent.head(url),
            Want::BodyFrom(_) => self.agent.get(url),
        };
        if let Some(token) = self.token.filter(|_| origin(url) == origin(self.endpoint)) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Want::BodyFrom(start @ 1..) = want {
            request = request.header("Range", format!("bytes={start}-"));
        }
        request.call().map_err(|error| passing(error.to_string()))
    }

    /// Sorts an answer's status.
    fn judged(&self, answer: Answer, what: &str) -> std::result::Result<Answer, Failure> {
        let status = answer.status().as_u16();
        let name = self.name.clone();
        let what = what.to_owned();
        Err(match status {
            200 | 206 | 416 => return Ok(answer),
            429 | 500 | 502 | 503 | 504 => Failure::Passing {
                reason: format!("status {status}"),
                wait: header(answer.headers(), "retry-after")
                    .and_then(|seconds| seconds.parse().ok())
                    .map(Duration::from_secs),
            },
            401 | 403 => {
                let code = header(answer.headers(), "x-error-code");
                if code.as_deref() == Some("RepoNotFound") && self.token.is_some() {
                    return Err(Failure::Final(Error::Absent { name, what }));
                }
                Failure::Final(Error::Denied {
                    name,
                    what,
                    status,
                    code: code.map(|code| format!(", {code}")).unwrap_or_default(),
                    token_given: self.token.is_some(),
                })
            }
            404 => Failure::Final(Error::Absent { name, what }),
            _ => Failure::Final(self.senseless(&what, "status 200", &format!("status {status}"))),
        })
    }

    /// An answer that makes no sense.
    pub(super) fn senseless(&self, what: &str, expected: &str, found: &str) -> Error {
        Error::Answer {
            name: self.name.clone(),
            what: what.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    /// A small body as text.
    pub(super) fn text(&self, path: &str, what: &str, limit: u64) -> Result<String> {
        self.patiently(what, |_| {
            let answer = self.attempt(path, what, Want::BodyFrom(0))?;
            let mut text = String::new();
            let mut body = answer.into_body().into_reader().take(limit + 1);
            body.read_to_string(&mut text)
                .map_err(|error| passing(error.to_string()))?;
            if text.len() as u64 > limit {
                let expected = format!("at most {limit} bytes");
                return Err(Failure::Final(self.senseless(what, &expected, "more")));
            }
            Ok(text)
        })
    }
}

/// A failure that may pass, with no wish of the server.
pub(super) fn passing(reason: String) -> Failure {
    Failure::Passing { reason, wait: None }
}

/// A header as text.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// `scheme://host:port` of an address, in lower case, with the scheme's own port written out.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    let has_port = host.rsplit(':').next().is_some_and(|port| {
        host.contains(':') && !port.is_empty() && port.bytes().all(|mark| mark.is_ascii_digit())
    });
    let port = if scheme == "https" { ":443" } else { ":80" };
    let port = if has_port { "" } else { port };
    format!("{scheme}://{}{port}", host.to_ascii_lowercase())
}

/// Where a redirect leads.
fn resolve(from: &str, place: &str) -> Option<String> {
    if place.starts_with("http://") || place.starts_with("https://") {
        return Some(place.to_owned());
    }
    let absolute = place.starts_with('/') && !place.starts_with("//");
    let (scheme, rest) = from.split_once("://")?;
    let authority = rest.split('/').next()?;
    absolute.then(|| format!("{scheme}://{authority}{place}"))
}

fn is_loopback(endpoint: &str) -> bool {
    let origin = origin(endpoint);
    origin.contains("//127.0.0.1:") || origin.contains("//localhost:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        assert_eq!(origin("https://Hub.co/a/b"), origin("https://hub.co:443"));
        assert_ne!(origin("https://hub.co"), origin("http://hub.co"));
        assert_ne!(origin("http://127.0.0.1:1/"), origin("http://127.0.0.1:2/"));
        assert_ne!(
            origin("https://hub.co@evil.org/"),
            origin("https://hub.co/")
        );
        assert_ne!(
            origin("https://hub.co.evil.org/"),
            origin("https://hub.co/")
        );
    }

    #[test]
    fn redirects_lead_to_whole_addresses_or_places_of_the_same_host() {
        let from = "https://hub.co/a?x=1";
        assert_eq!(resolve(from, "/b/c").as_deref(), Some("https://hub.co/b/c"));
        assert_eq!(resolve(from, "http://x/y").as_deref(), Some("http://x/y"));
        assert_eq!(resolve(from, "//evil.org/y"), None);
        assert_eq!(resolve(from, "file:///etc/passwd"), None);
    }
}

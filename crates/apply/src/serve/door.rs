//! Who may ask: those who know the key, where there is one, and only under names of this server.
//!
//! The second matters on a loopback address: a page of another site can make a browser send requests to
//! it under that site's name, and would read the answers.

use axum::http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;
use super::routes;

/// What is asked of whoever comes.
pub struct Door {
    /// The hash of the key: hashes are compared in constant time, and one says nothing of the key's length.
    key: Option<blake3::Hash>,
    /// Names under which the server may be asked; none means any.
    hosts: Option<Vec<String>>,
}

impl Door {
    /// `loopback` says that only this machine can reach the server: then it answers to the names of
    /// this machine and to `hosts`, else to `hosts` where there are some, and to any name where not.
    pub fn new(key: Option<&str>, loopback: bool, hosts: &[String]) -> Door {
        let named: Vec<String> = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        Door {
            key: key.map(|key| blake3::hash(key.as_bytes())),
            hosts: match (loopback, named.is_empty()) {
                (true, _) => Some(own.into_iter().chain(named).collect()),
                (false, false) => Some(named),
                (false, true) => None,
            },
        }
    }

    /// Whether a key is asked for.
    pub fn is_locked(&self) -> bool {
        self.key.is_some()
    }

    /// Lets a request in, or says why not.
    pub fn admit(&self, route: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        self.admit_host(headers)?;
        let Some(key) = self.key.filter(|_| !routes::is_open(route)) else {
            return Ok(());
        };
        let given = match headers.get(header::AUTHORIZATION) {
            Some(value) => value
                .as_bytes()
                .split_at_checked(7)
                .and_then(|(word, key)| {
                    word.eq_ignore_ascii_case(b"bearer ")
                        .then(|| key.trim_ascii())
                }),
            None => headers.get("x-api-key").map(|value| value.as_bytes()),
        };
        if given.is_some_and(|given| blake3::hash(given) == key) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "this server asks for its key: Authorization: Bearer KEY",
        ))
    }

    fn admit_host(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let (Some(hosts), Some(host)) = (&self.hosts, headers.get(header::HOST)) else {
            return Ok(());
        };
        let host = host.to_str().unwrap_or_default().to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &host,
        };
        if hosts.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            "this server is not known under that name (--host-name NAME makes it known)",
        ))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = header::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn only_the_whole_key_opens_and_open_routes_need_none() {
        let door = Door::new(Some("secret"), true, &[]);
        for (pairs, opens) in [
            (&[("authorization", "Bearer secret")][..], true),
            (&[("authorization", "bearer  secret ")], true),
            (&[("x-api-key", "secret")], true),
            (&[("authorization", "Bearer secre")], false),
            (&[("authorization", "Bearer secrets")], false),
            (&[("authorization", "Basic secret")], false),
            (&[("authorization", "secret")], false),
            (&[("authorization", "Bearer ")], false),
            (&[], false),
        ] {
            assert_eq!(
                door.admit("/embed", &headers(pairs)).is_ok(),
                opens,
                "{pairs:?}"
            );
        }
        assert!(door.admit("/health", &headers(&[])).is_ok());
        assert!(door.admit("other", &headers(&[])).is_err());
        assert!(
            Door::new(None, true, &[])
                .admit("/embed", &headers(&[]))
                .is_ok()
        );
    }

    #[test]
    fn another_sites_name_is_refused_on_a_loopback_address() {
        let door = Door::new(None, true, &["Box.local".to_owned()]);
        for (host, opens) in [
            ("localhost", true),
            ("LOCALHOST:8642", true),
            ("127.0.0.1:1", true),
            ("[::1]:8642", true),
            ("[::1]", true),
            ("box.local", true),
            ("evil.example", false),
            ("localhost.evil.example:8642", false),
            ("", false),
        ] {
            let found = door.admit("/embed", &headers(&[("host", host)]));
            assert_eq!(found.is_ok(), opens, "{host}");
        }
        let open = Door::new(None, false, &[]);
        assert!(
            open.admit("/embed", &headers(&[("host", "any.example")]))
                .is_ok()
        );
    }
}

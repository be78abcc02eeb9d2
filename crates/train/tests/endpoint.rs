//! The client of OpenAI-compatible endpoints against a server that misbehaves.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod endpoint_server;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use endpoint_server::{Reply, Server};
use skillbelt_train::Result;
use skillbelt_train::endpoint::{Answered, Client, Message, Outcome, Request, Writing};
use skillbelt_train::recipe::EndpointSettings;

fn settings(server: &Server) -> EndpointSettings {
    EndpointSettings {
        url: server.url(),
        model: "tiny".into(),
        back_off_seconds: 0.01,
        longest_wait_seconds: 2.0,
        attempts: 3,
        answer_seconds: 3.0,
        ..EndpointSettings::default()
    }
}

fn chat(text: &str) -> Request {
    Request::Chat {
        messages: vec![Message::user(text.into())],
        writing: Writing {
            max_tokens: 4,
            temperature: 0.0,
            seed: 1,
            stop: vec!["\n".into()],
        },
    }
}

fn chats(count: usize) -> Vec<Request> {
    (0..count)
        .map(|number| chat(&format!("row {number}")))
        .collect()
}

fn ask(settings: &EndpointSettings, cache: &Path, requests: &[Request]) -> Result<Vec<Answered>> {
    Client::open(settings, cache)?.ask(requests, &|_, _| ())
}

fn texts(answers: &[Answered]) -> Vec<&str> {
    let text = |answered: &Answered| match &answered.outcome {
        Outcome::Text { text, .. } => Some(text.clone()),
        _ => None,
    };
    answers
        .iter()
        .map(|a| text(a).map_or("failed", |t| Box::leak(t.into_boxed_str())))
        .collect()
}

fn failure(answered: &Answered) -> String {
    match &answered.outcome {
        Outcome::Failed(reason) => reason.clone(),
        other => panic!("{other:?} is no failure"),
    }
}

/// One request to a server with this script.
fn one(
    script: impl Fn(&endpoint_server::Request) -> Reply + Send + Sync + 'static,
) -> (Result<Vec<Answered>>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(script);
    let found = ask(
        &settings(&server),
        &folder.path().join("c.jsonl"),
        &[chat("x")],
    );
    (found, server.requests().len())
}

#[test]
fn answers_come_in_the_order_of_the_requests_and_nothing_is_asked_twice() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.jsonl");
    let server = Server::start(|request| {
        let quick = request.prompt().ends_with('3');
        Reply {
            after: Duration::from_millis(if quick { 0 } else { 20 }),
            ..Reply::said(&format!("to {}", request.prompt()))
        }
    });
    let mut requests = chats(8);
    requests.push(chat("row 2"));
    let settings = settings(&server);
    let client = Client::open(&settings, &cache).unwrap();
    let found = client.ask(&requests, &|_, _| ()).unwrap();
    let expected: Vec<String> = [0, 1, 2, 3, 4, 5, 6, 7, 2]
        .map(|n| format!("to row {n}"))
        .to_vec();
    assert_eq!(texts(&found), expected);
    assert_eq!(server.requests().len(), 8);
    let costs = client.costs();
    assert_eq!((costs.answers, costs.from_cache, costs.sent), (8, 0, 8));
    assert_eq!((costs.tokens_read, costs.tokens_written), (80, 16));
    drop(client);
    assert_eq!(ask(&settings, &cache, &requests).unwrap(), found);
    assert_eq!(server.requests().len(), 8, "everything was in the cache");
    let other = EndpointSettings {
        model: "other".into(),
        ..settings
    };
    ask(&other, &cache, &requests).unwrap();
    assert_eq!(
        server.requests().len(),
        16,
        "another model is another question"
    );
}

#[test]
fn an_endpoint_that_is_busy_is_asked_again_when_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.repeated {
        0 => Reply::status(429).header("Retry-After", "1"),
        _ => Reply::said("yes"),
    });
    let before = Instant::now();
    let found = ask(&settings(&server), &folder.path().join("c"), &[chat("x")]).unwrap();
    assert_eq!(texts(&found), ["yes"]);
    assert!(
        before.elapsed() >= Duration::from_secs(1),
        "it was not waited for"
    );
    let (found, requests) = one(|request| match request.repeated {
        0 => Reply::status(429),
        1 => Reply::status(500),
        _ => Reply::said("yes"),
    });
    assert_eq!((texts(&found.unwrap()), requests), (vec!["yes"], 3));
}

#[test]
fn an_endpoint_that_wants_too_long_a_wait_ends_the_work() {
    let (found, requests) = one(|_| Reply::status(429).header("Retry-After", "3600"));
    let error = found.unwrap_err();
    assert!(error.to_string().contains("3600 s"), "{error}");
    assert!(error.hint().unwrap().contains("goes on from there"));
    assert_eq!(requests, 1);
}

#[test]
fn an_endpoint_that_never_works_is_given_up_with_the_reason() {
    let (found, requests) = one(|_| Reply::status(500));
    let error = found.unwrap_err().to_string();
    assert!(
        error.contains("3 attempts") && error.contains("status 500"),
        "{error}"
    );
    assert_eq!(requests, 3);
    let (found, requests) = one(|_| Reply {
        cut: Some(20),
        ..Reply::said("yes")
    });
    assert!(found.unwrap_err().to_string().contains("3 attempts"));
    assert_eq!(requests, 3, "a cut connection may pass");
    let (found, requests) = one(|_| Reply {
        cut: Some(0),
        ..Reply::said("yes")
    });
    assert!(found.is_err() && requests == 3);
}

#[test]
fn a_slow_endpoint_is_not_waited_for_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| Reply {
        after: Duration::from_secs(if request.repeated == 0 { 3 } else { 0 }),
        ..Reply::said("yes")
    });
    let settings = EndpointSettings {
        answer_seconds: 0.5,
        ..settings(&server)
    };
    let before = Instant::now();
    let found = ask(&settings, &folder.path().join("c"), &[chat("x")]).unwrap();
    assert_eq!(texts(&found), ["yes"]);
    assert!(before.elapsed() < Duration::from_secs(3));
}

#[test]
fn nonsense_is_a_counted_failure_and_never_an_answer() {
    let (found, requests) = one(|_| Reply::body("<html>yes</html>"));
    let reason = failure(&found.unwrap()[0]);
    assert!(reason.starts_with("no JSON: "), "{reason}");
    assert_eq!(requests, 2, "nonsense may pass once");
    let (found, _) = one(|request| match request.repeated {
        0 => Reply::body("{\"choices\": [{"),
        _ => Reply::said("yes"),
    });
    assert_eq!(texts(&found.unwrap()), ["yes"]);
    for (body, expected) in [
        (
            r#"{"choices": [{"message": {"content": 7}}]}"#,
            "wrong shape: ",
        ),
        (r#"{"choices": "yes"}"#, "wrong shape: "),
        (r#"["yes"]"#, "wrong shape: "),
        (r#"{"choices": [{"message": {"content": ""}}]}"#, "empty"),
        (
            r#"{"choices": [{"message": {"content": "yes"}, "finish_reason": "length"}]}"#,
            "cut ",
        ),
    ] {
        let (found, requests) = one(move |_| Reply::body(body));
        let reason = failure(&found.unwrap()[0]);
        assert!(reason.starts_with(expected), "{body}: {reason}");
        assert_eq!(requests, 1);
    }
    let (found, requests) = one(|_| Reply::body(vec![b' '; 9 << 20]));
    assert!(failure(&found.unwrap()[0]).starts_with("too long: "));
    assert_eq!(requests, 1);
}

#[test]
fn a_failure_is_kept_like_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| Reply::body("{}"));
    let settings = settings(&server);
    let cache = folder.path().join("c");
    let found = ask(&settings, &cache, &chats(3)).unwrap();
    assert_eq!(ask(&settings, &cache, &chats(3)).unwrap(), found);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_refused_request_is_a_failure_but_a_refusal_of_the_first_ends_the_work() {
    let (found, requests) = one(|_| Reply {
        body: b"{\"error\": \"no such model\"}".to_vec(),
        ..Reply::status(400)
    });
    let error = found.unwrap_err().to_string();
    assert!(error.contains("no such model"), "{error}");
    assert_eq!(requests, 1);
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|request| match request.prompt().ends_with('4') {
        true => Reply::status(413),
        false => Reply::said("yes"),
    });
    let found = ask(&settings(&server), &folder.path().join("c"), &chats(6)).unwrap();
    assert_eq!(texts(&found), ["yes", "yes", "yes", "yes", "failed", "yes"]);
}

#[test]
fn what_died_halfway_goes_on_with_no_request_made_twice() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache.jsonl");
    let dead = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let (is_dead, count) = (Arc::clone(&dead), Arc::clone(&answered));
    let server = Server::start(move |request| {
        if is_dead.load(Ordering::SeqCst) || count.load(Ordering::SeqCst) >= 20 {
            is_dead.store(true, Ordering::SeqCst);
            return Reply::status(503);
        }
        count.fetch_add(1, Ordering::SeqCst);
        Reply::said(&request.prompt())
    });
    let settings = settings(&server);
    let error = ask(&settings, &cache, &chats(50)).unwrap_err();
    assert!(error.to_string().contains("status 503"), "{error}");
    let kept = fs_err::read_to_string(&cache).unwrap().lines().count();
    assert_eq!(
        kept,
        answered.load(Ordering::SeqCst),
        "every answer is kept"
    );
    let seen = server.requests().len();
    dead.store(false, Ordering::SeqCst);
    answered.store(0, Ordering::SeqCst);
    // Another 20, then dead again; and to the end.
    assert!(ask(&settings, &cache, &chats(50)).is_err());
    dead.store(false, Ordering::SeqCst);
    answered.store(0, Ordering::SeqCst);
    let found = ask(&settings, &cache, &chats(50)).unwrap();
    let expected: Vec<String> = (0..50).map(|n| format!("row {n}")).collect();
    assert_eq!(texts(&found), expected);
    let mut good = Vec::new();
    for line in fs_err::read_to_string(&cache).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        good.push(line["key"].as_str().unwrap().to_owned());
    }
    good.sort();
    good.dedup();
    assert_eq!(good.len(), 50);
    assert!(seen >= 20);
}

#[test]
fn no_more_requests_are_under_way_than_allowed_and_the_pace_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (at_once, seen) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_| {
        let count = at_once.fetch_add(1, Ordering::SeqCst) + 1;
        seen.fetch_max(count, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(30));
        at_once.fetch_sub(1, Ordering::SeqCst);
        Reply::said("yes")
    });
    let two = EndpointSettings {
        concurrent: 2,
        ..settings(&server)
    };
    ask(&two, &folder.path().join("a"), &chats(9)).unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 2);
    let paced = EndpointSettings {
        concurrent: 4,
        requests_per_minute: Some(600),
        ..settings(&server)
    };
    let before = Instant::now();
    ask(&paced, &folder.path().join("b"), &chats(6)).unwrap();
    assert!(
        before.elapsed() >= Duration::from_millis(500),
        "ten a second"
    );
}

#[test]
fn the_api_key_is_sent_and_stands_in_no_file_and_no_message() {
    // The variable is one that every process has; its value plays the key.
    let name = "PATH";
    let key = std::env::var(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("c");
    let server = Server::start(move |request| match request.number {
        0 => Reply::said("yes"),
        _ => Reply {
            body: format!("bad {}", request.headers["authorization"]).into_bytes(),
            ..Reply::status(401)
        },
    });
    let settings = EndpointSettings {
        api_key_env: Some(name.into()),
        concurrent: 1,
        ..settings(&server)
    };
    let error = ask(&settings, &cache, &chats(2)).unwrap_err();
    assert_eq!(
        server.requests()[0].headers["authorization"],
        format!("Bearer {}", key.trim())
    );
    assert!(error.to_string().contains("bad Bearer ***"), "{error}");
    assert!(!format!("{error:?}").contains(&key));
    assert!(!fs_err::read_to_string(&cache).unwrap().contains(&key));
    let unset = EndpointSettings {
        api_key_env: Some("SKILLBELT_NO_SUCH_KEY".into()),
        ..settings.clone()
    };
    assert!(
        Client::open(&unset, &folder.path().join("d"))
            .err()
            .unwrap()
            .to_string()
            .contains("SKILLBELT_NO_SUCH_KEY")
    );
    let open = EndpointSettings {
        url: "http://example.org/v1".into(),
        ..settings
    };
    assert!(
        Client::open(&open, &folder.path().join("e"))
            .err()
            .unwrap()
            .to_string()
            .contains("unprotected")
    );
}

#[test]
fn redirects_are_not_followed() {
    let (found, requests) = one(|_| Reply::status(307).header("Location", "http://127.0.0.1:1/"));
    assert!(found.unwrap_err().to_string().contains("status 307"));
    assert_eq!(requests, 1);
}

//! `skillbelt serve` under clients that mean no good, or simply too many; and told to stop.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;
mod served;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use asked::golden;
use serde_json::{Value, json};
use served::{Server, read, request};

fn bare(family: &str, rest: &[&str]) -> Server {
    let base = golden(family);
    Server::start(&[&["--base", base.to_str().unwrap()], rest].concat())
}

fn texts(count: usize) -> Value {
    let texts: Vec<String> = (0..count)
        .map(|n| format!("word {n} of many {}", n * n))
        .collect();
    json!({"inputs": texts})
}

#[test]
fn what_is_too_much_gets_429_and_when_to_come_again_and_what_was_taken_is_answered() {
    let server = bare("bert", &["--batch-tokens", "1", "--max-waiting", "8"]);
    std::thread::scope(|scope| {
        let large = scope.spawn(|| server.post("/embed", &texts(1000)));
        let until = Instant::now() + Duration::from_secs(20);
        let waiting = || {
            server.get("/health").json()["waiting"]["texts"]
                .as_u64()
                .unwrap()
        };
        while waiting() < 100 {
            assert!(Instant::now() < until && !large.is_finished());
        }
        let refused = server.post("/embed", &texts(1));
        assert_eq!(refused.status, 429, "{}", refused.body);
        assert!(
            refused
                .header("retry-after")
                .unwrap()
                .parse::<u64>()
                .unwrap()
                >= 1
        );
        assert_eq!(refused.json()["error_type"], "Overloaded");
        let refused = server.post("/v1/embeddings", &json!({"input": "a"}));
        assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
        let large = large.join().unwrap();
        assert_eq!(large.status, 200);
        assert_eq!(large.json().as_array().unwrap().len(), 1000);
    });
    assert_eq!(server.post("/embed", &texts(1)).status, 200);
}

#[test]
fn a_long_text_that_is_written_does_not_hold_up_one_that_is_read() {
    let server = bare("t5", &[]);
    let body = json!({"prompt": "a long story", "max_tokens": 4000, "stream": true});
    let mut writing = server.connect();
    writing
        .write_all(request("/v1/completions", &body.to_string(), "").as_bytes())
        .unwrap();
    let mut some = [0; 512];
    let first = writing.read(&mut some).unwrap();
    assert!(first > 0);
    for _ in 0..3 {
        assert_eq!(
            server.post("/embed", &json!({"inputs": "short"})).status,
            200
        );
    }
    let writings = server.get("/health").json()["waiting"]["writings"].clone();
    assert_eq!(writings, 1, "the story was over before");
    // Who hears no more is not written for.
    drop(writing);
    let until = Instant::now() + Duration::from_secs(10);
    while server.get("/health").json()["waiting"]["writings"] != 0 {
        assert!(Instant::now() < until);
    }
}

#[test]
fn half_open_connections_end_in_time_and_never_keep_others_out() {
    let server = bare(
        "bert",
        &[
            "--max-connections",
            "8",
            "--head-timeout",
            "2",
            "--body-timeout",
            "1",
        ],
    );
    let begun = Instant::now();
    let open = |bytes: &str| {
        let mut stream = server.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    };
    let half = "POST /embed HTTP/1.1\r\nHost: loc";
    let mut idle: Vec<TcpStream> = (0..40).map(|n| open(["", half][n % 2])).collect();
    for _ in 0..5 {
        assert_eq!(server.post("/embed", &texts(2)).status, 200);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "somebody waited for them"
    );
    // Those that came last are still there, and are closed when their time is over.
    let mut last = idle.pop().unwrap();
    assert!(last.read_to_end(&mut Vec::new()).is_ok());
    assert!(begun.elapsed() >= Duration::from_millis(1500));

    let late = "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 100\r\n\r\n{\"inputs\"";
    let mut late = open(late);
    let answer = read(&mut late);
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (408, &json!("body_timeout"))
    );
    let kept = server.get("/metrics").body;
    assert!(kept.contains("skillbelt_connections_gave_way_total"));
}

#[test]
fn malformed_requests_are_refused_or_closed_and_change_nothing() {
    let server = bare("bert", &["--head-timeout", "1", "--body-timeout", "1"]);
    let expected = server.post("/embed", &texts(2)).json();
    let head = "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let deep = "[".repeat(100_000);
    let whole = |body: &str| request("/embed", body, "");
    let cases = [
        "\r\n\r\n\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}client hello".to_owned() + "\r\n\r\n",
        format!(
            "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "a".repeat(100_000)
        ),
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
            "A: b\r\n".repeat(5000)
        ),
        "GET / HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n".to_owned(),
        format!("{head}Content-Length: -1\r\n\r\n"),
        format!("{head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n"),
        format!("{head}Content-Length: 999999999\r\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        whole(""),
        whole("{"),
        whole("null"),
        whole("{\"inputs\": \"\u{0}\"}"),
        whole("{\"inputs\": \"\\ud800\"}"),
        whole("{\"inputs\": [[4294967295]]}"),
        whole("{\"inputs\": [1e999]}"),
        whole(&deep),
        whole(&format!("{{\"inputs\": {deep}")),
    ];
    for bytes in &cases {
        let mut stream = server.connect();
        // The server may close before all is sent.
        let _early = stream.write_all(bytes.as_bytes());
        let answer = read(&mut stream);
        let shown: String = bytes.chars().take(80).collect();
        assert!(answer.status < 500, "{shown:?}: {answer:?}");
    }
    assert_eq!(server.post("/embed", &texts(2)).json(), expected);
    assert!(!server.log().contains("a defect"), "{}", server.log());
}

#[test]
fn told_to_stop_it_answers_what_it_has_taken_and_takes_no_more() {
    let mut server = bare("t5", &[]);
    let body = json!({"prompt": "a long story", "max_tokens": 400, "stream": true});
    let mut writing = server.connect();
    writing
        .write_all(request("/v1/completions", &body.to_string(), "").as_bytes())
        .unwrap();
    let mut some = [0; 64];
    let first = writing.read(&mut some).unwrap();
    let mut idle = server.connect();
    server.ask_to_stop();
    let answer = {
        let mut rest = String::new();
        writing.read_to_string(&mut rest).unwrap();
        String::from_utf8_lossy(&some[..first]).into_owned() + &rest
    };
    assert!(answer.contains("data: [DONE]"), "{answer}");
    // Closed, or never accepted.
    assert!(!matches!(idle.read(&mut some), Ok(1..)));
    assert_eq!(
        server.ended(Duration::from_secs(10)),
        Some(0),
        "{}",
        server.log()
    );
    assert!(TcpStream::connect(&server.address).is_err());
}

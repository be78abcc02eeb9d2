//! `skillbelt serve` as its clients see it: what is read, and answers that are those of the other
//! commands, whoever asks at the same time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;
mod served;

use std::time::Duration;

use asked::{command, golden, run};
use serde_json::{Value, json};
use served::{Server, code, encoder};

/// What `skillbelt predict` says of the same inputs: the label and probabilities of each.
fn predicted(task: &str, rows: &[Value]) -> Vec<(Value, Value)> {
    let trained = encoder();
    let base = trained.base.to_str().unwrap();
    let belt = trained.path("one/belt");
    let stdin: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let arguments = ["predict", &belt, "--base", base, "--task", task, "-"];
    let answer = run(&mut command(&arguments), stdin.as_bytes());
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let rows = answer.rows().into_iter();
    rows.map(|row| (row["prediction"].clone(), row["probabilities"].clone()))
        .collect()
}

#[test]
fn every_task_answers_as_predict_does_however_many_are_asked_at_once() {
    let server = encoder().serve(&[]);
    let texts: Vec<String> = (0..7).map(code).collect();
    let answer = server.asked("/predict", &json!({"texts": texts}));
    assert_eq!(answer["belt"], "one");
    for task in ["sort", "three"] {
        let rows: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
        for (row, (label, shares)) in predicted(task, &rows).into_iter().enumerate() {
            let found = &answer["results"][row]["tasks"][task];
            assert_eq!(found["label"], label);
            assert_eq!(found["probabilities"], shares);
            let largest = shares[label.as_str().unwrap()].clone();
            assert_eq!(found["confidence"], largest);
        }
    }
    let pairs: Vec<(String, String)> = (0..20).map(|n| (code(n), code(n * 3))).collect();
    let answer = server.asked("/predict", &json!({"pairs": pairs, "belt": "one"}));
    for task in ["joint", "apart"] {
        let rows: Vec<Value> = pairs
            .iter()
            .map(|(a, b)| json!({"func1": a, "func2": b}))
            .collect();
        for (row, (label, shares)) in predicted(task, &rows).into_iter().enumerate() {
            let found = &answer["results"][row]["tasks"][task];
            assert_eq!(
                (&found["label"], &found["probabilities"]),
                (&label, &shares),
                "{task}"
            );
        }
    }
    // Control: the other belt was trained with another seed and says something else.
    let other = server.asked("/predict", &json!({"pairs": pairs, "belt": "two"}));
    assert_ne!(other["results"], answer["results"]);
}

#[test]
fn batched_with_many_others_each_text_gets_to_the_bit_what_it_gets_alone() {
    let server = encoder().serve(&["--batch-tokens", "96"]);
    let bodies: Vec<(&str, Value)> = (0..24)
        .map(|n| match n % 4 {
            0 => (
                "/embed",
                json!({"inputs": [code(n), code(n + 50)], "truncate": true}),
            ),
            1 => (
                "/predict",
                json!({"texts": [code(n)], "belt": (["one", "two"][n / 4 % 2])}),
            ),
            2 => (
                "/v1/embeddings",
                json!({"input": code(n), "model": "two", "truncate": true}),
            ),
            _ => ("/predict", json!({"pairs": [[code(n), code(n + 1)]]})),
        })
        .collect();
    let alone: Vec<Value> = bodies
        .iter()
        .map(|(path, body)| server.asked(path, body))
        .collect();
    let together: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = bodies
            .iter()
            .map(|(path, body)| scope.spawn(|| server.asked(path, body)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(together, alone);
    assert_ne!(alone[0], alone[4]);
}

#[test]
fn vectors_come_in_both_shapes_and_both_encodings_and_are_the_same() {
    let server = encoder().serve(&[]);
    let texts = [code(1), code(2)];
    let plain = server.asked("/embed", &json!({"inputs": texts}));
    let float = server.asked(
        "/v1/embeddings",
        &json!({"input": texts, "model": "one:find"}),
    );
    assert_eq!(float["data"][0]["embedding"], plain[0]);
    assert_eq!(float["data"][1]["embedding"], plain[1]);
    assert_eq!(float["data"][1]["index"], 1);
    assert!(float["usage"]["prompt_tokens"].as_u64().unwrap() > 4);
    let coded = server.asked(
        "/v1/embeddings",
        &json!({"input": texts[0], "encoding_format": "base64"}),
    );
    let coded = coded["data"][0]["embedding"].as_str().unwrap().to_owned();
    assert_eq!(
        coded.len(),
        (4 * plain[0].as_array().unwrap().len()).div_ceil(3) * 4
    );
    let length: f64 = numbers(&plain[0]).iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-5);
    let whole = server.asked("/embed", &json!({"inputs": texts[0], "normalize": false}));
    let length: f64 = numbers(&whole[0]).iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() > 1e-3);

    let answer = server.asked(
        "/rerank",
        &json!({"query": "adds 7 to f1", "texts": [code(1), code(2), code(5)], "raw_scores": true, "return_text": true}),
    );
    let ranked = answer.as_array().unwrap();
    assert_eq!(ranked.len(), 3);
    let query = server.asked(
        "/embed",
        &json!({"inputs": "adds 7 to f1", "prompt_name": "query"}),
    );
    let texts = server.asked("/embed", &json!({"inputs": [code(1), code(2), code(5)]}));
    let mut last = f64::INFINITY;
    for one in ranked {
        let place = one["index"].as_u64().unwrap() as usize;
        let both = numbers(&query[0]).into_iter().zip(numbers(&texts[place]));
        let cosine: f64 = both.map(|(a, b)| a * b).sum();
        let score = one["score"].as_f64().unwrap();
        assert!((score - cosine).abs() < 1e-6 && score <= last);
        assert_eq!(one["text"], code([1, 2, 5][place]));
        last = score;
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn what_cannot_be_done_is_refused_by_name_in_the_shape_of_each_interface() {
    let server = encoder().serve(&["--max-texts", "4", "--max-body", "4096"]);
    let many = vec!["x"; 5];
    let long = "x ".repeat(300);
    for (path, body, status, code) in [
        (
            "/v1/completions",
            json!({"prompt": "a"}),
            400,
            "model_does_not_write",
        ),
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user"}]}),
            400,
            "model_does_not_write",
        ),
        (
            "/v1/embeddings",
            json!({"input": "a", "model": "none"}),
            404,
            "model_not_found",
        ),
        (
            "/v1/embeddings",
            json!({"input": "a", "model": "one:none"}),
            404,
            "task_not_found",
        ),
        (
            "/v1/embeddings",
            json!({"input": long}),
            400,
            "context_length_exceeded",
        ),
        (
            "/v1/embeddings",
            json!({"input": [999999]}),
            400,
            "invalid_request",
        ),
        (
            "/v1/embeddings",
            json!({"input": ""}),
            400,
            "invalid_request",
        ),
        (
            "/v1/embeddings",
            json!({"input": "a", "dimensions": 3}),
            400,
            "invalid_request",
        ),
        ("/v1/embeddings", json!({"input": many}), 413, "too_large"),
        (
            "/predict",
            json!({"texts": ["a"], "tasks": ["none"]}),
            404,
            "task_not_found",
        ),
        (
            "/predict",
            json!({"texts": ["a"], "tasks": ["apart"]}),
            400,
            "invalid_request",
        ),
        (
            "/predict",
            json!({"texts": ["a"], "pairs": [["a", "b"]]}),
            400,
            "invalid_request",
        ),
        (
            "/predict",
            json!({"texts": ["a"], "surplus": 1}),
            400,
            "invalid_request",
        ),
        ("/predict", json!({"texts": []}), 400, "invalid_request"),
        (
            "/predict",
            json!({"texts": ["y".repeat(5000)]}),
            413,
            "too_large",
        ),
        ("/search", json!({"query": "a"}), 404, "no_index"),
        ("/nowhere", json!({}), 404, "no_such_path"),
    ] {
        let answer = server.post(path, &body);
        assert_eq!(answer.status, status, "{path} {}", answer.body);
        assert_eq!(
            answer.json()["error"]["code"],
            code,
            "{path} {}",
            answer.body
        );
        assert!(answer.json()["error"]["message"].is_string());
    }
    let answer = server.post("/embed", &json!({"inputs": long}));
    assert_eq!(
        (answer.status, &answer.json()["error_type"]),
        (413, &json!("Validation"))
    );
    assert_eq!(server.get("/embed").status, 405);
    let form = server.send("POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    assert_eq!(form.status, 415);
    let elsewhere =
        server.send("GET /tasks HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(elsewhere.status, 421);
}

#[test]
fn the_server_tells_of_itself() {
    let server = encoder().serve(&[]);
    let told = server.get("/tasks").json();
    let names = |value: &Value| -> Vec<String> {
        let all = value.as_array().unwrap().iter();
        all.map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&told["belts"]), ["one", "two"]);
    assert_eq!(
        names(&told["belts"][0]["tasks"]),
        ["sort", "three", "joint", "apart", "find"]
    );
    let alike = |task: usize| told["belts"][0]["tasks"][task]["reads_alike"].clone();
    assert_eq!(alike(0), alike(1));
    let models = server.get("/v1/models").json();
    assert_eq!(models["data"].as_array().unwrap().len(), 12);
    assert_eq!(server.get("/v1/models/two:find").json()["id"], "two:find");
    assert_eq!(server.get("/v1/models/three").status, 404);
    assert_eq!(server.get("/health").json()["status"], "ok");
    server.asked("/predict", &json!({"texts": [code(1), code(1)]}));
    let numbers = server.get("/metrics").body;
    for line in [
        "skillbelt_requests_total{route=\"/predict\",status=\"200\"} 1",
        "skillbelt_read_texts_total 2",
        "skillbelt_same_texts_total 1",
        "skillbelt_belts 2",
    ] {
        assert!(
            numbers.lines().any(|found| found == line),
            "{line}\n{numbers}"
        );
    }
    let told = server.get("/openapi.json").json();
    assert!(told["paths"]["/predict"]["post"].is_object());
    assert_eq!(told["info"]["version"], env!("CARGO_PKG_VERSION"));
    let page = server.get("/");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    for file in ["/page.css", "/page.js"] {
        assert!(page.body.contains(file));
        assert_eq!(server.get(file).status, 200);
    }
}

#[test]
fn requests_have_numbers_and_logs_have_no_texts() {
    let server = encoder().serve(&[]);
    let body = json!({"texts": ["int secretword() { return 1; }"]});
    let own = server.post_with("/predict", &body, "X-Request-Id: mine-7\r\n");
    assert_eq!(own.header("x-request-id"), Some("mine-7"));
    let wrong = server.post_with(
        "/predict",
        &json!({"texts": "secretword"}),
        "X-Request-Id: a\"b\r\n",
    );
    let made = wrong.header("x-request-id").unwrap().to_owned();
    assert_ne!(made, "a\"b");
    server.get("/secretword");
    std::thread::sleep(Duration::from_millis(200));
    let log = server.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |id: &str| {
        lines
            .iter()
            .find(|line| line["request_id"] == id)
            .unwrap()
            .clone()
    };
    let first = of("mine-7");
    assert_eq!(
        (&first["route"], &first["status"]),
        (&json!("/predict"), &json!(200))
    );
    assert!(first["milliseconds"].is_number() && first["bytes_in"].is_number());
    assert_eq!(of(&made)["status"], 400);
    assert!(lines.iter().any(|line| line["route"] == "other"));
    assert!(!log.contains("secretword"), "{log}");
}

#[test]
fn with_a_key_only_its_owners_ask() {
    let base = golden("bert");
    let server = Server::start(&["--base", base.to_str().unwrap(), "--api-key", "k-1"]);
    let body = json!({"inputs": "a b c", "truncate": true});
    let without = server.post("/embed", &body);
    assert_eq!(without.status, 401);
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    let wrong = server.post_with("/embed", &body, "Authorization: Bearer k-2\r\n");
    assert_eq!(wrong.status, 401);
    for header in ["Authorization: Bearer k-1\r\n", "X-Api-Key: k-1\r\n"] {
        assert_eq!(server.post_with("/embed", &body, header).status, 200);
    }
    assert_eq!(server.get("/metrics").status, 401);
    assert_eq!(server.get("/health").status, 200);
    // Others than this machine are let in with a key only.
    let arguments = [
        "serve",
        "--base",
        base.to_str().unwrap(),
        "--address",
        "0.0.0.0:0",
    ];
    let refused = run(command(&arguments).env_remove("SKILLBELT_API_KEY"), b"");
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("no key"), "{}", refused.err);
}

//! `skillbelt prompt` with tiny bases and with an endpoint that misbehaves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;
#[path = "../../train/tests/endpoint_server/mod.rs"]
mod endpoint_server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asked::{Answer, command, golden, run};
use endpoint_server::{Reply, Request, Server};
use serde_json::{Value, json};

/// A folder with rows of every type and a recipe.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(base: &str, prompting: &str) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for (split, rows) in [("train", 20), ("test", 12)] {
            let mark = |n: usize| json!({"id": format!("{split}-{n}"), "text": format!("fn {split}{n}"), "label": n.is_multiple_of(3) as u8});
            let pair = |n: usize| json!({"id": format!("{split}-{n}"), "text": format!("a {n}"), "text_b": format!("b {n}"), "label": n % 2});
            let find = |n: usize| json!({"id": format!("{split}-{n}"), "query": format!("query word{n}"), "candidate": format!("def word{n}(): {split}")});
            let write = |n: usize| json!({"id": format!("{split}-{n}"), "source": format!("in {n}"), "target": format!("out {n}")});
            let lines = |row: &dyn Fn(usize) -> Value| {
                (0..rows)
                    .map(|n| row(n).to_string() + "\n")
                    .collect::<String>()
            };
            for (task, text) in [
                ("mark", lines(&mark)),
                ("pair", lines(&pair)),
                ("find", lines(&find)),
                ("write", lines(&write)),
            ] {
                fs_err::write(path.join(format!("{task}-{split}.jsonl")), text).unwrap();
            }
        }
        let files = |task: &str| format!("train: {task}-train.jsonl, test: {task}-test.jsonl");
        let recipe = format!(
            "base: {}\ntasks:\n  mark: {{type: classify, max_length: 24, {}}}\n  pair: {{type: pair, max_length: 24, {}}}\n  find: {{type: retrieve, max_length: 24, max_query_length: 16, {}}}\n  \
             write: {{type: generate, max_length: 24, max_target_length: 8, {}}}\nprompting: {{{prompting}}}\noutput: run\n",
            golden(base).display(),
            files("mark"),
            files("pair"),
            files("find"),
            files("write"),
        );
        fs_err::write(path.join("recipe.yaml"), recipe).unwrap();
        Bench { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ask(&self, out: &str, rest: &[&str]) -> Answer {
        let (recipe, out) = (self.path("recipe.yaml"), self.path(out));
        let fixed = [
            "prompt",
            recipe.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
            "--draws",
            "50",
        ];
        run(&mut command(&[&fixed, rest].concat()), b"")
    }

    fn rows(&self, out: &str, task: &str) -> Vec<Value> {
        rows(&self.path(out).join(format!("{task}.test.jsonl")))
    }

    fn json(&self, out: &str, file: &str) -> Value {
        let text = fs_err::read_to_string(self.path(out).join(file)).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Settings for a server.
fn served(server: &Server, api: &str, more: &str) -> String {
    format!(
        "labels: generation, {more} endpoint: {{url: \"{}\", model: tiny, api: {api}, attempts: 2, \
         back_off_seconds: 0.01, price_in: 1, price_out: 2}}",
        server.url()
    )
}

/// Whether the row that is asked last in a prompt is of the class 1.
fn truth(prompt: &str) -> bool {
    let last = prompt.rsplit("fn test").next().unwrap_or_default();
    let number: String = last.chars().take_while(char::is_ascii_digit).collect();
    number.parse::<usize>().is_ok_and(|n| n % 3 == 0)
}

#[test]
fn a_decoder_answers_every_type_of_task_the_same_on_any_number_of_threads() {
    let bench = Bench::new(
        "qwen2",
        "shots: 2, pack_tokens: 300, search: rerank_embeddings, top: 3",
    );
    let told = bench.ask("a", &[]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let marks = bench.rows("a", "mark");
    assert_eq!(marks.len(), 12);
    for (n, row) in marks.iter().enumerate() {
        assert_eq!(row["name"], format!("test-{n}"));
        let likely = row["scores"].as_array().unwrap();
        assert!(
            likely.iter().all(|score| score.as_f64().unwrap() < 0.0),
            "{row}"
        );
        let most = usize::from(likely[1].as_f64() > likely[0].as_f64());
        assert_eq!(row["prediction"], most.to_string());
    }
    let found = bench.rows("a", "find");
    assert!(
        found
            .iter()
            .all(|row| row["pool"] == 12 && row["best"].as_array().unwrap().len() == 10)
    );
    let writes = bench.rows("a", "write");
    for row in &writes {
        assert!(row["written"].is_null() != row["failed"].is_null(), "{row}");
    }
    let record = bench.json("a", "prompting.json");
    assert_eq!(record["tasks"][0]["prompts"], 12);
    assert_eq!(record["tasks"][2]["prompts"], 12 + 12 + 36);
    let again = bench.ask(
        "b",
        &["--threads", "1", "--set", "prompting.pack_tokens=5000"],
    );
    assert_eq!(again.code, Some(0), "{}", again.err);
    for task in ["mark", "pair", "find", "write"] {
        let file =
            |out: &str| fs_err::read(bench.path(out).join(format!("{task}.test.jsonl"))).unwrap();
        assert_eq!(file("a"), file("b"), "{task}");
    }
    let again = bench.ask("a", &[]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.err.contains("summary.json is there already"),
        "{}",
        again.err
    );
}

#[test]
fn an_encoder_decoder_answers_too_and_an_encoder_only_searches() {
    let bench = Bench::new("t5", "normalised: true");
    let told = bench.ask("a", &["--tasks", "mark,write"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert_eq!(bench.rows("a", "mark").len(), 12);
    let bench = Bench::new("bert", "shots: 0");
    let told = bench.ask("a", &["--tasks", "find"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(
        bench
            .rows("a", "find")
            .iter()
            .all(|row| row["cosines"].as_array().unwrap().len() == 10)
    );
    let told = bench.ask("b", &["--tasks", "mark"]);
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("writes no text"), "{}", told.err);
}

#[test]
fn a_served_model_that_knows_is_right_and_one_that_babbles_is_wrong_and_never_yes() {
    let knows = Server::start(|request| {
        Reply::said(if truth(&request.prompt()) {
            " Yes."
        } else {
            "no\n"
        })
    });
    let bench = Bench::new("bert", &served(&knows, "chat", ""));
    let told = bench.ask("good", &["--tasks", "mark", "--json"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    let good = told.rows().remove(0);
    assert_eq!(good["tasks"][0]["measures"]["accuracy"], 1.0);
    assert_eq!(good["endpoint"]["tokens_read"], 120);
    assert!(
        (good["endpoint"]["cost"].as_f64().unwrap() - (120.0 + 2.0 * 24.0) / 1e6).abs() < 1e-12
    );
    // A parser whose default is yes would find every row of class 1 here.
    let babbles = Server::start(|_| Reply::said("As a model I cannot say; perhaps yes."));
    let bench_b = Bench::new("bert", &served(&babbles, "chat", ""));
    let told = bench_b.ask("bad", &["--tasks", "mark"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(
        told.err.contains("12 of 12 prompts without an answer"),
        "{}",
        told.err
    );
    for row in bench_b.rows("bad", "mark") {
        assert!(
            row.get("prediction").is_none() && row["scores"] == json!([null, null]),
            "{row}"
        );
        assert!(
            row["failed"]
                .as_str()
                .unwrap()
                .starts_with("more than a label word")
        );
    }
    let summary = bench_b.json("bad", "summary.json");
    for measure in ["accuracy", "f1", "recall", "auc"] {
        assert_eq!(summary["tasks"][0]["measures"][measure], 0.0, "{measure}");
    }
    assert_eq!(
        bench_b.json("bad", "prompting.json")["tasks"][0]["failure_rate"],
        1.0
    );
    let (a, b) = (
        bench.path("good/mark.test.jsonl"),
        bench_b.path("bad/mark.test.jsonl"),
    );
    let told = run(
        &mut command(&[
            "eval",
            "--compare",
            a.to_str().unwrap(),
            b.to_str().unwrap(),
            "--measure",
            "accuracy",
        ]),
        b"",
    );
    assert!(
        told.out.contains("1.0000 against 0.0000"),
        "{} {}",
        told.out,
        told.err
    );
}

#[test]
fn an_endpoint_that_dies_halfway_is_gone_on_with_and_asked_nothing_twice() {
    let alive = Arc::new(AtomicUsize::new(7));
    let left = Arc::clone(&alive);
    let server = Server::start(move |request: &Request| {
        let take = |left: usize| left.checked_sub(1);
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(_) => Reply::said(if truth(&request.prompt()) {
                "yes"
            } else {
                "no"
            }),
            Err(_) => Reply::status(503),
        }
    });
    let bench = Bench::new("bert", &served(&server, "chat", "shots: 3,"));
    let told = bench.ask("a", &["--tasks", "mark"]);
    assert_eq!(told.code, Some(2));
    assert!(
        told.err.contains("status 503") && told.err.contains("7 answers are kept"),
        "{}",
        told.err
    );
    assert!(!bench.path("a/summary.json").exists());
    let good = |server: &Server| server.requests().len();
    let before = good(&server);
    alive.store(1000, Ordering::SeqCst);
    let told = bench.ask("a", &["--tasks", "mark"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert_eq!(good(&server) - before, 5, "7 of 12 were answered before");
    assert_eq!(bench.json("a", "summary.json")["tasks"][0]["value"], 1.0);
    assert_eq!(
        bench.json("a", "prompting.json")["endpoint"]["from_cache"],
        7
    );
    let prompt = server.requests()[0].prompt();
    assert_eq!(prompt.matches("\nAnswer: ").count(), 3, "{prompt}");
    assert!(!prompt.contains("{{"), "{prompt}");
}

#[test]
fn likelihood_vectors_and_reranking_come_from_endpoints_too() {
    let server = Server::start(|request| {
        let text = request.prompt();
        if request.path.ends_with("/embeddings") {
            let text = request.body["input"].as_str().unwrap().to_owned();
            let number: String = text.chars().filter(char::is_ascii_digit).collect();
            let angle = number.parse::<f64>().unwrap() / 10.0;
            return Reply::body(
                json!({"data": [{"embedding": [angle.cos(), angle.sin()]}]}).to_string(),
            );
        }
        let word = if text.ends_with(" yes") { 4 } else { 3 };
        let start = text.chars().count() - word;
        let right = (word == 4) == truth(&text);
        let score = if right { -0.5 } else { -2.0 };
        Reply::body(
            json!({"choices": [{"text": text, "logprobs": {
            "text_offset": [0, start], "token_logprobs": [null, score]}}]})
            .to_string(),
        )
    });
    let bench = Bench::new("bert", &served(&server, "completions", ""));
    let told = bench.ask(
        "a",
        &[
            "--tasks",
            "mark,find",
            "--set",
            "prompting.labels=likelihood",
        ],
    );
    assert_eq!(told.code, Some(0), "{}", told.err);
    let summary = bench.json("a", "summary.json");
    assert_eq!(summary["tasks"][0]["measures"]["auc"], 1.0);
    assert_eq!(summary["tasks"][1]["measures"]["mrr"], 1.0);
    assert_eq!(bench.rows("a", "mark")[0]["scores"], json!([-2.0, -0.5]));
    let silent = Server::start(|_| Reply::said("yes"));
    let bench = Bench::new("bert", &served(&silent, "completions", ""));
    let told = bench.ask(
        "a",
        &["--tasks", "mark", "--set", "prompting.labels=likelihood"],
    );
    assert_eq!(told.code, Some(2));
    assert!(told.err.contains("no log-probabilities"), "{}", told.err);
    let told = bench.ask(
        "b",
        &[
            "--tasks",
            "mark",
            "--set",
            "prompting.labels=likelihood",
            "--set",
            "prompting.endpoint.api=chat",
        ],
    );
    assert_eq!(told.code, Some(2));
    assert!(
        told.err
            .contains("`prompting.labels`: a conversation gives no"),
        "{}",
        told.err
    );
    let picks = Server::start(|request| {
        let prompt = request.prompt();
        let word = |text: &str| {
            text.split("word").nth(1).map(|t| {
                t.chars()
                    .take_while(char::is_ascii_digit)
                    .collect::<String>()
            })
        };
        let (query, candidate) = prompt.rsplit_once("Candidate:").unwrap();
        Reply::said(
            if word(query.rsplit("Query:").next().unwrap()) == word(candidate) {
                "yes"
            } else {
                "no"
            },
        )
    });
    let bench = Bench::new(
        "bert",
        &served(&picks, "chat", "search: rerank_bm25, top: 4, shots: 2,"),
    );
    let told = bench.ask("a", &["--tasks", "find"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert_eq!(bench.json("a", "summary.json")["tasks"][0]["value"], 1.0);
}

#[test]
fn a_prompt_that_does_not_fit_loses_examples_first_and_its_text_last() {
    let server = Server::start(|_| Reply::said("no"));
    let bench = Bench::new(
        "bert",
        &served(&server, "chat", "shots: 4, system: Be short.,"),
    );
    let told = bench.ask(
        "a",
        &["--tasks", "mark", "--set", "prompting.endpoint.context=80"],
    );
    assert_eq!(told.code, Some(0), "{}", told.err);
    let left = bench.json("a", "prompting.json")["tasks"][0]["left_out"].clone();
    assert!(
        left["examples_dropped"].as_u64().unwrap() > 0 && left["texts_cut"] == 0,
        "{left}"
    );
    let prompts = server.requests();
    assert!(
        prompts
            .iter()
            .all(|r| r.body["messages"][0]["role"] == "system")
    );
    assert!(
        prompts
            .iter()
            .all(|r| r.prompt().len().div_ceil(3) <= 80 - 16)
    );
    assert!(
        prompts
            .iter()
            .all(|r| r.prompt().starts_with("Which of these is the following?"))
    );
    let told = bench.ask(
        "b",
        &["--tasks", "mark", "--set", "prompting.endpoint.context=40"],
    );
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert_eq!(
        bench.json("b", "prompting.json")["tasks"][0]["failures"]["no room"],
        12
    );
}

#[test]
fn a_check_shows_the_first_prompt_and_asks_nothing() {
    let server = Server::start(|_| Reply::said("no"));
    let bench = Bench::new("bert", &served(&server, "chat", ""));
    let told = bench.ask("a", &["--check"]);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(
        told.out
            .contains("mark test: 12 rows, 0 rejected, 12 prompts"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains("Code:\nfn test0\nAnswer:"),
        "{}",
        told.out
    );
    assert!(server.requests().is_empty() && !bench.path("a").exists());
    for (set, expected) in [
        ("prompting.shot=3", "did you mean `shots`"),
        ("prompting.tasks.mark.template=x {{ text", "template"),
        ("prompting.tasks.mark.words={1: no}", "have one word"),
        ("prompting.tasks.marc.question=x", "no task `marc`"),
        (
            "prompting.endpoint.url=ftp://x",
            "no address of an endpoint",
        ),
        (
            "prompting.endpoint.api_key_env=SKILLBELT_NO_SUCH_KEY",
            "SKILLBELT_NO_SUCH_KEY",
        ),
    ] {
        let told = bench.ask("x", &["--set", set]);
        assert_eq!(told.code, Some(2), "{set}: {}", told.out);
        assert!(told.err.contains(expected), "{set}: {}", told.err);
    }
}

#[test]
fn the_rows_and_names_are_those_that_a_belt_is_asked() {
    let bench = Bench::new("qwen2", "search: bm25");
    let set = [
        "--set",
        "tasks.find.max_eval_rows=5",
        "--set",
        "tasks.write.max_eval_rows=4",
        "--set",
        "tasks.write.max_target_length=30",
    ];
    let told = bench.ask("a", &[&["--tasks", "find,write"], &set[..]].concat());
    assert_eq!(told.code, Some(0), "{}", told.err);
    let recipe = bench.path("recipe.yaml");
    let output = bench.path("run");
    let train = [
        "train",
        recipe.to_str().unwrap(),
        "-o",
        output.to_str().unwrap(),
        "--tasks",
        "find,write",
        "--max-steps",
        "1",
    ];
    let trained = run(&mut command(&[&train, &set[..]].concat()), b"");
    assert_eq!(trained.code, Some(0), "{}", trained.err);
    let (belt, out) = (output.join("belt"), bench.path("e"));
    let told = run(
        &mut command(&[
            "eval",
            belt.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ]),
        b"",
    );
    assert_eq!(told.code, Some(0), "{}", told.err);
    for task in ["find", "write"] {
        let names = |out: &str| -> Vec<Value> {
            bench
                .rows(out, task)
                .iter()
                .map(|row| row["name"].clone())
                .collect()
        };
        assert_eq!(names("a"), names("e"), "{task}");
        let pools = |out: &str| -> Vec<Value> {
            bench
                .rows(out, task)
                .iter()
                .map(|row| row["pool"].clone())
                .collect()
        };
        assert_eq!(pools("a"), pools("e"), "{task}");
    }
}

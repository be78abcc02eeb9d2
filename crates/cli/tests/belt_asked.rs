//! From training to answers, by the commands alone: `train`, `eval`, `predict`, `eval --compare` on
//! tiny bases, one belt for every kind of task.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use asked::{Answer, command, golden, run};
use serde_json::{Value, json};

/// A run of a few steps on a tiny base, with its data.
struct Trained {
    folder: tempfile::TempDir,
    base: PathBuf,
}

/// An encoder with a task of every kind that it answers.
fn encoder() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        Trained::new(
            "bert",
            "belt: {kind: lora, lora_r: 4}
tasks:
  sort: {type: classify, train: sort.jsonl, valid: sort.jsonl, test: sort.jsonl, fields: {text: code}, max_length: 24, metric: accuracy, class_weights: balanced}
  three: {type: classify, train: three.jsonl, test: three.jsonl, max_length: 24}
  joint: {type: pair, train: pair.jsonl, test: pair.jsonl, max_length: 40}
  apart: {type: pair, train: pair.jsonl, test: pair.jsonl, max_length: 24, encoding: separate}
  find: {type: retrieve, train: find.jsonl, test: find.jsonl, max_length: 24, max_query_length: 16, max_eval_rows: 7}
  same: {type: retrieve, format: poj104, train: same.jsonl, test: same.jsonl, max_length: 24}
",
        )
    })
}

/// A decoder with parts of its own for each of two tasks.
fn decoder() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        Trained::new(
            "qwen2",
            "belt: {kind: task_lora, lora_r: 4}
tasks:
  sort: {type: classify, train: sort.jsonl, test: sort.jsonl, fields: {text: code}, max_length: 24}
  write: {type: generate, train: write.jsonl, test: write.jsonl, max_length: 40, max_target_length: 24}
",
        )
    })
}

impl Trained {
    fn new(base: &str, recipe: &str) -> Trained {
        let folder = tempfile::tempdir().unwrap();
        let base = golden(base).canonicalize().unwrap();
        rows(folder.path());
        let text = format!(
            "base: {}\n{recipe}training: {{max_steps: 3, batch_size: 4, learning_rate: 1e-2, seed: 3}}\noutput: run\n",
            base.display()
        );
        fs_err::write(folder.path().join("recipe.yaml"), text).unwrap();
        let trained = Trained { folder, base };
        let answer = trained.run(&["train", &trained.path("recipe.yaml"), "-q"]);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        trained
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Answer {
        run(command(arguments).current_dir(self.folder.path()), stdin)
    }

    fn predict(&self, task: &str, rest: &[&str]) -> Answer {
        let base = self.base.to_str().unwrap();
        let start = ["predict", "run/belt", "--base", base, "--task", task];
        self.run(&[&start, rest].concat())
    }
}

/// Rows for every kind of task.
fn rows(folder: &Path) {
    let write = |name: &str, count: usize, row: &dyn Fn(usize) -> Value| {
        let lines: Vec<String> = (0..count).map(|n| row(n).to_string()).collect();
        fs_err::write(folder.join(name), lines.join("\n") + "\n").unwrap();
    };
    let code = |n: usize| format!("int f{n}(int a) {{ return a + {}; }}", n * 7 % 13);
    write(
        "sort.jsonl",
        11,
        &|n| json!({"id": format!("s{n}"), "code": code(n), "label": n % 3 == 0}),
    );
    write(
        "three.jsonl",
        9,
        &|n| json!({"text": code(n), "label": (["low", "mid", "high"][n % 3])}),
    );
    write(
        "pair.jsonl",
        10,
        &|n| json!({"id": format!("{n}\t{}", n + 1), "func1": code(n), "func2": code(n + n % 2), "label": 1 - n % 2}),
    );
    write(
        "find.jsonl",
        12,
        &|n| json!({"id": format!("q{n}"), "query": format!("adds {} to f{n}", n * 7 % 13), "code": code(n), "candidate_id": format!("c{n}")}),
    );
    write(
        "pool.jsonl",
        12,
        &|n| json!({"id": format!("c{n}"), "code": code(n)}),
    );
    write(
        "same.jsonl",
        12,
        &|n| json!({"index": format!("{}", 100 + n), "label": format!("{}", n % 5 / 2), "code": code(n)}),
    );
    write(
        "write.jsonl",
        8,
        &|n| json!({"id": n, "source": format!("say {n}"), "target": format!("it is {n}\nand {}", n + 1)}),
    );
}

/// Asks the whole belt of a run through its recipe; the summary by task.
fn asked_again(trained: &Trained, out: &str, rest: &[&str]) -> BTreeMap<String, Value> {
    let answer = trained.run(&[&["eval", "run/belt", "--out", out, "-q"], rest].concat());
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let summary = trained.json(&format!("{out}/summary.json"));
    let tasks = summary["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| (task["task"].as_str().unwrap().to_owned(), task.clone()))
        .collect()
}

#[test]
fn a_shipped_belt_gives_to_the_bit_the_numbers_and_answers_of_its_run() {
    for (trained, count) in [(encoder(), 6), (decoder(), 2)] {
        let report = trained.json("run/report.json");
        for (out, rest) in [
            ("again", vec![]),
            ("small", vec!["--batch-tokens", "30", "--threads", "1"]),
        ] {
            let found = asked_again(trained, out, &rest);
            assert_eq!(found.len(), count);
            for (task, found) in found {
                assert_eq!(
                    found["measures"], report["tasks"][&task]["test"],
                    "{task} {out}"
                );
                let name = format!("{task}.test.jsonl");
                assert_eq!(
                    trained.read(&format!("{out}/{name}")),
                    trained.read(&format!("run/answers/{name}")),
                    "{task} {out}"
                );
            }
        }
    }
    let found = encoder().json("again/summary.json");
    assert_eq!(found["tasks"][0]["measure"], "accuracy");
    assert_eq!(found["tasks"][4]["examples"], 7);
    assert_eq!(found["tasks"][4]["rejected"], 5);
}

#[test]
fn the_table_shows_each_task_with_its_interval_and_answers_compare_with_themselves() {
    let trained = encoder();
    let arguments = ["eval", "run/belt", "--out", "table", "--draws", "50"];
    let answer = trained.run(&arguments);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(answer.out.starts_with("task "), "{}", answer.out);
    for part in ["sort ", "find ", " .. ", "pool 7", "accuracy", "mrr"] {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
    assert!(
        answer.err.contains("find (test): 5 rows not used"),
        "{}",
        answer.err
    );
    let again = trained.run(&arguments);
    assert_eq!(again.code, Some(2));
    assert!(again.err.contains("is there already"), "{}", again.err);
    for (file, measure) in [("sort", "auc"), ("joint", "accuracy"), ("find", "mrr")] {
        let file = format!("{file}.test.jsonl");
        let (a, b) = (format!("table/{file}"), format!("run/answers/{file}"));
        let compare = ["eval", "--compare", &a, &b, "--measure", measure, "--json"];
        let answer = trained.run(&compare);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        assert_eq!(answer.rows()[0]["difference"], 0.0);
    }
}

#[test]
fn files_may_come_from_flags_and_tasks_without_files_are_told() {
    let trained = encoder();
    let moved = trained.path("moved");
    copy(&trained.folder.path().join("run/belt"), Path::new(&moved));
    let base = trained.base.to_str().unwrap();
    let start = ["eval", "moved", "--base", base];
    let rest = [
        "--set",
        "tasks.sort.valid=sort.jsonl",
        "--split",
        "valid",
        "--json",
        "--out",
        "flags",
    ];
    let answer = trained.run(&[&start[..], &rest].concat());
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    assert!(
        answer.err.contains("`joint` has no valid files"),
        "{}",
        answer.err
    );
    let report = trained.json("run/report.json");
    assert_eq!(
        answer.rows()[0]["tasks"][0]["measures"],
        report["tasks"]["sort"]["test"]
    );
    for (rest, told) in [
        (vec![], "there are no test files for sort, three"),
        (vec!["--tasks", "sorts"], "the belt has no task `sorts`"),
        (
            vec!["--set", "tasks.sorts.test=sort.jsonl"],
            "the belt has no task `sorts`",
        ),
        (
            vec!["--set", "tasks.sort.tset=sort.jsonl"],
            "did you mean `test`?",
        ),
        (vec!["--set", "tasks.sort.test=none.jsonl"], "no such file"),
    ] {
        let answer = trained.run(&[&start[..], &["--out", "refused"], &rest].concat());
        assert_eq!(answer.code, Some(2), "{}", answer.out);
        assert!(answer.err.contains(told), "{told} in {}", answer.err);
    }
}

fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs_err::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_wrong_base_and_a_folder_that_is_no_belt_are_refused() {
    let trained = encoder();
    let other = golden("roberta").canonicalize().unwrap();
    let other = other.to_str().unwrap();
    let answer = trained.run(&["eval", "run/belt", "--base", other, "--out", "wrong"]);
    assert_eq!(answer.code, Some(2));
    let card = trained.json("run/belt/belt.json");
    let own = card["base"]["content_hash"].as_str().unwrap();
    let digits = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let hashes: Vec<&str> = answer
        .err
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(digits)
        .collect();
    assert!(
        hashes.contains(&own) && hashes.iter().any(|hash| *hash != own),
        "{}",
        answer.err
    );
    assert!(!Path::new(&trained.path("wrong")).exists());
    let answer = trained.run(&["eval", "run", "--out", "wrong"]);
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("no belt.json") && answer.err.contains("its belt is"),
        "{}",
        answer.err
    );
    let answer = trained.predict("sortt", &["sort.jsonl"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("no task `sortt`"),
        "{}",
        answer.err
    );
}

#[test]
fn predictions_for_rows_with_a_truth_are_the_answers_of_an_evaluation() {
    for (trained, tasks) in [
        (encoder(), &["sort", "three", "joint", "apart"][..]),
        (decoder(), &["sort", "write"]),
    ] {
        for task in tasks {
            let file = match *task {
                "joint" | "apart" => "pair.jsonl".to_owned(),
                task => format!("{task}.jsonl"),
            };
            // Rows without an id are named by their place: the same path as in the run.
            let answer = trained.predict(task, &[&trained.path(&file)]);
            assert_eq!(answer.code, Some(0), "{}", answer.err);
            let expected = trained.read(&format!("run/answers/{task}.test.jsonl"));
            assert_eq!(answer.out, expected, "{task}");
        }
    }
    let trained = encoder();
    let base = trained.base.to_str().unwrap();
    let start = ["predict", "run/belt", "--base", base, "--task", "sort"];
    let rows = trained.read("sort.jsonl").replace("\"code\"", "\"body\"");
    let piped = trained.run_with(
        &[&start[..], &["--field", "text=body", "-"]].concat(),
        rows.as_bytes(),
    );
    assert_eq!(
        (piped.code, piped.out),
        (Some(0), trained.read("run/answers/sort.test.jsonl")),
        "{}",
        piped.err
    );
}

#[test]
fn rows_that_cannot_be_used_are_told_and_the_others_answered() {
    let trained = encoder();
    let text = "{\"id\": 1, \"code\": \"int a;\"}\nno json\n\n{\"id\": 3}\n{\"id\": 4, \"code\": \"int b;\", \"label\": null}\n";
    fs_err::write(trained.path("new.txt"), text).unwrap();
    let answer = trained.predict("sort", &["--jsonl", "new.txt", "--out", "new.out"]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""));
    let told: Vec<&str> = answer.err.lines().collect();
    assert_eq!(told.len(), 3, "{}", answer.err);
    for (line, number) in [(told[0], 2), (told[1], 4)] {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["file"], &line["line"]),
            (&json!("new.txt"), &json!(number))
        );
        assert!(line["error"].is_string());
    }
    assert_eq!(told[2], "error: 2 of 4 inputs were rejected, as told above");
    let written = trained.read("new.out");
    let rows: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&Value> = rows.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["1", "4"]);
    for row in &rows {
        let chances = row["probabilities"].as_object().unwrap();
        let sum: f64 = chances
            .values()
            .map(|chance| chance.as_f64().unwrap())
            .sum();
        assert!(
            (sum - 1.0).abs() < 1e-12 && row.get("label").is_none(),
            "{row}"
        );
    }
    let answer = trained.predict("sort", &["none.jsonl", "--out", "none.out"]);
    assert_eq!(answer.code, Some(2));
    assert!(!Path::new(&trained.path("none.out")).exists());
}

#[test]
fn answers_are_written_as_codexglue_reads_them() {
    let classed = |task: &str, file: &str| {
        let numbers: BTreeMap<&str, usize> = [("false", 0), ("true", 1), ("0", 0), ("1", 1)].into();
        let expected: Vec<String> = encoder()
            .predict(task, &[file])
            .rows()
            .iter()
            .map(|row| {
                let prediction = row["prediction"].as_str().unwrap();
                format!("{}\t{}", row["name"].as_str().unwrap(), numbers[prediction])
            })
            .collect();
        let found = encoder().predict(task, &[file, "--format", "codexglue"]);
        assert_eq!(found.out.lines().collect::<Vec<_>>(), expected);
        found.out
    };
    let sort = classed("sort", "sort.jsonl");
    assert!(sort.starts_with("s0\t"), "{sort}");
    let pairs = classed("joint", "pair.jsonl");
    assert!(pairs.starts_with("0\t1\t"), "{pairs}");
    let found = encoder().predict("find", &["find.jsonl", "--format", "codexglue"]);
    let first = &found.rows()[0];
    assert_eq!(first["url"], "q0");
    assert_eq!(first["answers"].as_array().unwrap().len(), 10);
    let written = decoder().predict("write", &["write.jsonl", "--format", "codexglue"]);
    assert_eq!(written.code, Some(0), "{}", written.err);
    assert_eq!(written.out.lines().count(), 8, "{}", written.out);
}

/// POJ-104's evaluator wants as many names as the class has other members, here 5, 3 and 1.
#[test]
fn a_search_by_class_is_written_as_its_evaluator_reads_it_and_scores_as_it_was_measured() {
    let trained = encoder();
    let found = trained.predict(
        "same",
        &["same.jsonl", "--format", "codexglue", "--out", "same.said"],
    );
    assert_eq!(found.code, Some(0), "{}", found.err);
    let rows: Vec<Value> = trained
        .read("same.said")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lengths: Vec<usize> = rows
        .iter()
        .map(|row| row["answers"].as_array().unwrap().len())
        .collect();
    let of_class = |n: usize| [5, 3, 1][n % 5 / 2];
    assert_eq!(lengths, (0..12).map(of_class).collect::<Vec<_>>());
    assert_eq!(
        (&rows[3]["index"], rows[3].get("url")),
        (&json!("103"), None)
    );
    let arguments = [
        "score",
        "--task",
        "poj104",
        "--answers",
        "same.jsonl",
        "--predictions",
        "same.said",
        "--json",
    ];
    let scored = trained.run(&arguments);
    assert_eq!(scored.code, Some(0), "{}", scored.err);
    let value = scored.rows().remove(0)["measures"]["map@R"]["value"]
        .as_f64()
        .unwrap();
    let report = trained.json("run/report.json");
    let measured = report["tasks"]["same"]["test"]["map@R"].as_f64().unwrap();
    assert!((value - measured).abs() < 1e-12, "{value} {measured}");
    // As JSON lines the usual few are told.
    let usual = trained.predict("same", &["same.jsonl"]).rows();
    assert_eq!(usual[0]["best"].as_array().unwrap().len(), 10);
}

#[test]
fn words_alone_answer_the_rows_that_a_belt_is_asked_and_compare_with_it() {
    for (trained, tasks) in [
        (
            encoder(),
            &["sort", "three", "joint", "apart", "find", "same"][..],
        ),
        (decoder(), &["sort", "write"]),
    ] {
        let recipe = trained.path("recipe.yaml");
        let answer = |out: &str, rest: &[&str]| {
            trained.run(&[&["baseline", &recipe, "--out", out, "-q"], rest].concat())
        };
        let told = answer("words", &[]);
        assert_eq!((told.code, told.err.as_str()), (Some(0), ""));
        assert!(told.out.starts_with("task "), "{}", told.out);
        let alone = answer("words-1", &["--threads", "1", "--json"]);
        let summary = alone.rows().remove(0);
        assert_eq!(summary["tasks"].as_array().unwrap().len(), tasks.len());
        for (place, task) in tasks.iter().enumerate() {
            let names = |folder: &str| -> Vec<String> {
                let text = trained.read(&format!("{folder}/{task}.test.jsonl"));
                let name = |line: &str| {
                    let row: Value = serde_json::from_str(line).unwrap();
                    row["name"].as_str().unwrap().to_owned()
                };
                text.lines().map(name).collect()
            };
            assert_eq!(names("words"), names("run/answers"), "{task}");
            let read = |out: &str| trained.read(&format!("{out}/{task}.test.jsonl"));
            assert_eq!(read("words"), read("words-1"), "{task}");
            let measured = &summary["tasks"][place];
            assert_eq!(measured["task"], *task);
            let measure = measured["measure"].as_str().unwrap();
            let files = ["words", "run/answers"].map(|from| format!("{from}/{task}.test.jsonl"));
            let compared = [
                "eval",
                "--compare",
                &files[0],
                &files[1],
                "--measure",
                measure,
            ];
            assert_eq!(trained.run(&compared).code, Some(0), "{task}");
            // Every query names its function, and every source stands among the training rows.
            if ["find", "write"].contains(task) {
                let own = if *task == "find" {
                    "mrr"
                } else {
                    "exact_match"
                };
                assert_eq!(measured["measures"][own], 1.0, "{measured}");
            }
        }
        assert!(summary["baseline"][0]["weights"].as_u64().unwrap() > 10);
        let again = answer("words", &[]);
        assert_eq!(again.code, Some(2));
        assert!(again.err.contains("is there already"), "{}", again.err);
    }
}

#[test]
fn queries_are_ranked_over_a_pool_by_the_vectors_that_are_told() {
    let trained = encoder();
    let text = "{\"id\": \"new\", \"query\": \"adds 7\"}\n{\"id\": \"old\", \"query\": \"adds 0 to f0\"}\n";
    fs_err::write(trained.path("ask.jsonl"), text).unwrap();
    let answer = trained.predict("find", &["ask.jsonl", "--pool", "pool.jsonl"]);
    assert_eq!(answer.code, Some(0), "{}", answer.err);
    let vectors = |arguments: &[&str]| -> BTreeMap<String, Vec<f64>> {
        let answer = trained.predict("find", arguments);
        assert_eq!(answer.code, Some(0), "{}", answer.err);
        let row = |row: Value| {
            let numbers = row["vector"].as_array().unwrap().iter();
            let numbers: Vec<f64> = numbers.map(|x| x.as_f64().unwrap()).collect();
            let length: f64 = numbers.iter().map(|x| x * x).sum();
            assert!(numbers.len() == 64 && (length - 1.0).abs() < 1e-5);
            (row["name"].as_str().unwrap().to_owned(), numbers)
        };
        answer.rows().into_iter().map(row).collect()
    };
    let queries = vectors(&["--embed", "ask.jsonl"]);
    let pool = vectors(&["--embed=candidate", "pool.jsonl"]);
    assert_eq!((queries.len(), pool.len()), (2, 12));
    for row in answer.rows() {
        assert!(row["pool"] == 12 && row.get("rank").is_none(), "{row}");
        let query = &queries[row["name"].as_str().unwrap()];
        let best = row["best"].as_array().unwrap();
        let cosines = row["cosines"].as_array().unwrap();
        assert_eq!((best.len(), cosines.len()), (10, 10));
        let mut last = f64::INFINITY;
        for (name, cosine) in best.iter().zip(cosines) {
            let candidate = &pool[name.as_str().unwrap()];
            let product: f64 = query.iter().zip(candidate).map(|(a, b)| a * b).sum();
            let cosine = cosine.as_f64().unwrap();
            assert!((product - cosine).abs() < 1e-5 && cosine <= last);
            last = cosine;
        }
    }
    let answer = trained.predict("find", &["ask.jsonl"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("--pool"),
        "{}",
        answer.err
    );
    let answer = trained.predict("sort", &["--embed", "sort.jsonl"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("no vectors"),
        "{}",
        answer.err
    );
}

#[test]
fn a_recipe_can_be_looked_at_with_the_tokens_of_its_base() {
    let trained = encoder();
    let answer = trained.run(&[
        "data",
        "check",
        "recipe.yaml",
        "--tasks",
        "sort,find",
        "--json",
    ]);
    assert!(matches!(answer.code, Some(0 | 1)), "{}", answer.err);
    let found = &answer.rows()[0];
    let tasks: Vec<&String> = found["tasks"].as_object().unwrap().keys().collect();
    assert_eq!(tasks, ["sort", "find"]);
    assert!(answer.out.contains("tokens"), "{}", answer.out);
    let answer = trained.run(&["data", "check", "recipe.yaml", "--tasks", "none"]);
    assert!(
        answer.code == Some(2) && answer.err.contains("no such task"),
        "{}",
        answer.err
    );
}

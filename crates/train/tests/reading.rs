//! Every layout of files gives the rows that it says, in its order, with places that a person finds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod laid_files;

use laid_files::{Folder, settings};
use skillbelt_train::data::{Content, Source, Split};
use skillbelt_train::recipe::task::LaidOut;
use skillbelt_train::recipe::{Format, SplitFiles, TaskType};

fn text_rows(folder: &Folder, name: &str) -> Vec<(u64, String, String)> {
    let task = settings(TaskType::Classify, folder, &[name]);
    let rows = folder.read(&task).rows;
    rows.into_iter()
        .map(|row| match row.content {
            Content::Text { text, label } => (row.place.line, text, label.unwrap()),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn three() -> Vec<(u64, String, String)> {
    let row = |line, text: &str, label: &str| (line, text.to_owned(), label.to_owned());
    vec![
        row(1, "int a;", "1"),
        row(2, "ü, \"b\"\nc", "0"),
        row(3, "x", "1"),
    ]
}

const LINES: &str = "{\"func\":\"int a;\",\"target\":1}\n{\"func\":\"ü, \\\"b\\\"\\nc\",\"target\":false}\n{\"func\":\"x\",\"target\":\"1.0\"}\n";

#[test]
fn one_set_is_the_same_in_every_layout() {
    let folder = Folder::new();
    folder.write("a.jsonl", LINES);
    folder.write("bom.jsonl", format!("\u{feff}{LINES}"));
    folder.write("crlf.jsonl", LINES.replace('\n', "\r\n"));
    folder.write("lines.json", LINES);
    let array = format!("[{}]", LINES.trim().replace('\n', ",\n"));
    folder.write("array.json", &array);
    folder.write(
        "object.json",
        format!("{{\"version\": \"[1]\", \"data\": {array}, \"n\": 3}}"),
    );
    folder.write("a.jsonl.gz", folder.gzip(LINES.as_bytes()));
    folder.write(
        "a.jsonl.zst",
        zstd::encode_all(LINES.as_bytes(), 3).unwrap(),
    );
    for name in [
        "a.jsonl",
        "bom.jsonl",
        "crlf.jsonl",
        "lines.json",
        "array.json",
        "object.json",
        "a.jsonl.gz",
        "a.jsonl.zst",
    ] {
        assert_eq!(text_rows(&folder, name), three(), "{name}");
    }
    let table = "func,target\nint a;,1.0\n\"ü, \"\"b\"\"\nc\",False\nx,1\n";
    folder.write("a.csv", table);
    folder.write(
        "crlf.csv",
        table
            .replace("\n\"ü", "\r\n\"ü")
            .replace("False\n", "False\r\n"),
    );
    folder.write(
        "a.tsv",
        "func\ttarget\nint a;\t1\n\"ü, \"\"b\"\"\nc\"\t0\nx\t1",
    );
    for name in ["a.csv", "crlf.csv", "a.tsv"] {
        let mut expected = three();
        for (row, line) in expected.iter_mut().zip([2, 3, 5]) {
            row.0 = line;
        }
        assert_eq!(text_rows(&folder, name), expected, "{name}");
    }
    folder.write(
        "a.parquet",
        laid_files::parquet(&[("int a;", "1"), ("ü, \"b\"\nc", "0"), ("x", "1")]),
    );
    assert_eq!(text_rows(&folder, "a.parquet"), three());
}

#[test]
fn parallel_lines_belong_together() {
    let folder = Folder::new();
    folder.write("t.java", "a\nb\r\n");
    folder.write("t.cs", "A\nB\n");
    let task = settings(TaskType::Generate, &folder, &["t.java", "t.cs"]);
    let rows = folder.read(&task).rows;
    let writing = |source: &str, target: &str| Content::Writing {
        source: Source::Text(source.to_owned()),
        target: Some(target.to_owned()),
    };
    let contents: Vec<Content> = rows.into_iter().map(|row| row.content).collect();
    assert_eq!(contents, [writing("a", "A"), writing("b", "B")]);
}

#[test]
fn pairs_find_their_functions_by_number() {
    let folder = Folder::new();
    folder.write(
        "data.jsonl",
        "{\"idx\": \"7\", \"func\": \"f\"}\n{\"idx\": 9, \"func\": \"g\"}\n",
    );
    folder.write("train.txt", "7\t9\t1\n9\t7\t0\n9\t8\t0\n7\n");
    let mut task = settings(TaskType::Pair, &folder, &["train.txt"]);
    task.format = Some(Format::Bigclonebench);
    let read = folder.read(&task);
    let pair = |first: &str, second: &str, label: &str| Content::Pair {
        first: first.to_owned(),
        second: second.to_owned(),
        label: Some(label.to_owned()),
    };
    let contents: Vec<&Content> = read.rows.iter().map(|row| &row.content).collect();
    assert_eq!(contents, [&pair("f", "g", "1"), &pair("g", "f", "0")]);
    let reasons: Vec<(u64, &str)> = read
        .rejections
        .iter()
        .map(|r| (r.place.line, r.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            (3, "no such number in the data file"),
            (4, "not a pair of numbers and a label")
        ]
    );
}

#[test]
fn classes_are_members_or_make_pairs_that_never_change() {
    let folder = Folder::new();
    let lines: Vec<String> = (0..12)
        .map(|n| {
            format!(
                "{{\"label\":\"{}\",\"index\":\"{n}\",\"code\":\"c{n}\"}}",
                n % 3
            )
        })
        .collect();
    folder.write("poj.jsonl", lines.join("\n"));
    let mut task = settings(TaskType::Retrieve, &folder, &["poj.jsonl"]);
    task.format = Some(Format::Poj104);
    let rows = folder.read(&task).rows;
    assert_eq!(
        rows[4].content,
        Content::Member {
            text: "c4".into(),
            class: "1".into()
        }
    );
    task.kind = Some(TaskType::Pair);
    let rows = folder.read(&task).rows;
    assert_eq!(rows.len(), 24);
    for row in &rows {
        let Content::Pair {
            first,
            second,
            label,
        } = &row.content
        else {
            panic!()
        };
        let class = |text: &str| text[1..].parse::<u32>().unwrap() % 3;
        assert_ne!(first, second);
        assert_eq!(class(first) == class(second), label.as_deref() == Some("1"));
    }
    assert_eq!(rows, folder.read(&task).rows);
}

#[test]
fn queries_of_cosqa_name_their_code_in_the_map() {
    let folder = Folder::new();
    folder.write(
        "code_idx_map.txt",
        "{\n \"def a():\\n  \\\"{\\\"\": 0,\n \"def b()\": 1\n}",
    );
    folder.write("dev.json", "[{\"idx\":\"q1\",\"doc\":\"find b\",\"code\":\"def b()\",\"retrieval_idx\":1},\n{\"idx\":\"q2\",\"doc\":\"none\",\"code\":\"z\",\"retrieval_idx\":5}]");
    let mut task = settings(TaskType::Retrieve, &folder, &["dev.json"]);
    task.format = Some(Format::Cosqa);
    let read = folder.read(&task);
    assert!(
        matches!(&read.rows[0].content, Content::Candidate(c) if c.name.as_deref() == Some("0") && c.text == "def a():\n  \"{\"")
    );
    let Content::Query { query, answer, .. } = &read.rows[2].content else {
        panic!()
    };
    let answer = answer.as_ref().unwrap();
    assert_eq!(
        (query.as_str(), answer.name.as_deref(), answer.text.as_str()),
        ("find b", Some("1"), "def b()")
    );
    assert_eq!((read.rows.len(), read.rejections.len()), (3, 1));
}

#[test]
fn pools_may_be_rows_with_names() {
    let folder = Folder::new();
    folder.write("queries.jsonl", "{\"query\":\"find b\",\"answer_id\":1}\n");
    let lines = "{\"idx\":0,\"code\":\"a\"}\n{\"idx\":1,\"code\":\"b\"}\n";
    folder.write("pool.jsonl", lines);
    folder.write("pool.json", lines);
    folder.write("pool.txt", lines);
    for name in ["pool.jsonl", "pool.json", "pool.txt"] {
        let mut task = settings(TaskType::Retrieve, &folder, &[]);
        task.train = Some(SplitFiles::Laid(LaidOut {
            files: vec![folder.path("queries.jsonl")],
            format: None,
            data: Some(folder.path(name)),
        }));
        let rows = folder.read(&task).rows;
        let Content::Query { answer, .. } = &rows[2].content else {
            panic!()
        };
        let answer = answer.as_ref().unwrap();
        assert_eq!(
            (rows.len(), answer.name.as_deref(), answer.text.as_str()),
            (3, Some("1"), "b"),
            "{name}"
        );
        let hashed = skillbelt_train::data::read::file_hashes("t", &task, Split::Train).unwrap();
        assert_eq!((hashed.len(), hashed[1].2), (2, lines.len() as u64));
        assert_eq!(
            hashed[1].1,
            blake3::hash(lines.as_bytes()).to_hex().to_string()
        );
    }
}

#[test]
fn conversations_end_in_the_last_answer() {
    let folder = Folder::new();
    folder.write("chat.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"yes\"}]}\n{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}\n");
    let task = settings(TaskType::Generate, &folder, &["chat.jsonl"]);
    let read = folder.read(&task);
    let source = Source::Messages(serde_json::json!([{"role": "user", "content": "hi"}]));
    assert_eq!(
        read.rows[0].content,
        Content::Writing {
            source,
            target: Some("yes".into())
        }
    );
    assert_eq!(read.rejections[0].reason, "conversation without an answer");
}

#[test]
fn names_are_found_in_their_order_or_by_the_map() {
    let folder = Folder::new();
    folder.write("adv.jsonl", "{\"code\":\"def f(): 'doc'\",\"code_tokens\":[\"def\",\"f\"],\"docstring\":\"doc\",\"docstring_tokens\":[\"the\",\"doc\"],\"url\":\"u\",\"meta\":{\"hard\":[\"n1\",\"n2\"]}}\n");
    let mut task = settings(TaskType::Retrieve, &folder, &["adv.jsonl"]);
    let query = |task: &_| match folder.read(task).rows.remove(0).content {
        Content::Query {
            query,
            answer,
            negatives,
        } => (query, answer.unwrap().text, negatives),
        other => panic!("{other:?}"),
    };
    assert_eq!(query(&task), ("the doc".into(), "def f".into(), vec![]));
    for (ours, theirs) in [
        ("query", "docstring"),
        ("candidate", "code"),
        ("negatives", "meta.hard"),
    ] {
        task.fields.insert(ours.into(), theirs.into());
    }
    assert_eq!(
        query(&task),
        (
            "doc".into(),
            "def f(): 'doc'".into(),
            vec!["n1".into(), "n2".into()]
        )
    );

    folder.write("nl.jsonl", "{\"code\":\"c\",\"nl\":\"words\"}\n{\"code\":\"c\",\"docstring\":\"words\"}\n{\"title\":\"words\",\"code\":\"c\"}\n");
    let directions = |preset: Option<&str>| -> Vec<String> {
        let mut task = settings(TaskType::Generate, &folder, &["nl.jsonl"]);
        task.preset = preset.map(str::to_owned);
        let rows = folder.read(&task).rows;
        rows.into_iter()
            .map(|row| format!("{:?}", row.content))
            .map(|text| text.split('"').nth(1).unwrap().to_owned())
            .collect()
    };
    assert_eq!(directions(None), ["words", "c", "c"]);
    assert_eq!(directions(Some("generate")), ["words", "words", "words"]);
}

#[test]
fn a_split_without_files_is_refused() {
    let folder = Folder::new();
    let mut task = settings(TaskType::Classify, &folder, &["a.jsonl"]);
    task.valid = Some(SplitFiles::Many(Vec::new()));
    let read = |split| {
        skillbelt_train::data::read::rows("t", &task, split, &mut |_| Ok(()))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        read(Split::Test),
        "task `t` has no files for its split `test`"
    );
    assert_eq!(read(Split::Valid), "task `t` names an empty list of files");
}

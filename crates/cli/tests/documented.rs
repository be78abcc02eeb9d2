//! The commands of the documentation, run as they stand there. Every block of shell is either run
//! (`sh run`) or says why not (`sh skip: REASON`); one that says neither fails.
//!
//! Each document has a home of its own with a small repository at `~/src/project` and, as the current
//! folder, a copy of that; its blocks run one after another. `skillbelt` is the program with less to do:
//! few steps and rows, and for training a base of a few thousand weights in place of `pocket`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod asked;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A block of shell in a document.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    what: What,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Run,
    Skip(String),
    Unmarked,
}

/// Blocks that a reader would copy into a shell: by their mark, or by the words that begin a line.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, &str, String)> = None;
    for (at, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => open = Some((at + 1, info.trim(), String::new())),
            (Some(_), Some((line, info, text))) => {
                let (language, mark) = info.split_once(' ').unwrap_or((info, ""));
                let command = |line: &str| {
                    ["skillbelt ", "cargo ", "$ "]
                        .iter()
                        .any(|it| line.starts_with(it))
                };
                let shell = ["sh", "console", "bash", "shell"].contains(&language);
                if shell || text.lines().any(command) {
                    let what = match mark.trim().split_once(':') {
                        _ if mark.trim() == "run" => What::Run,
                        Some(("skip", why)) if why.split_whitespace().count() >= 2 => {
                            What::Skip(why.trim().to_owned())
                        }
                        _ => What::Unmarked,
                    };
                    blocks.push(Block { line, what, text });
                }
            }
            (None, Some((from, info, text))) => open = Some((from, info, text + line + "\n")),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn a_block_is_known_by_its_mark_or_by_its_commands() {
    let document = "text\n```sh run\nls\n```\n```\nskillbelt train x\n```\n```yaml\na: 1\n```\n```console skip: needs a network\n$ ls\n```\n```sh skip: no\nls\n```\n";
    let found: Vec<(usize, What)> = blocks(document)
        .into_iter()
        .map(|block| (block.line, block.what))
        .collect();
    let skip = What::Skip("needs a network".into());
    assert_eq!(
        found,
        [
            (2, What::Run),
            (5, What::Unmarked),
            (11, skip),
            // One word is no reason.
            (14, What::Unmarked)
        ]
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let docs = fs_err::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().path());
    documents.extend(docs.filter(|path| path.extension().is_some_and(|it| it == "md")));
    documents.sort();
    documents
}

#[test]
fn every_block_of_shell_is_run_or_says_why_not() {
    let mut unmarked = Vec::new();
    for path in documents() {
        let text = fs_err::read_to_string(&path).unwrap();
        for block in blocks(&text) {
            if block.what == What::Unmarked {
                unmarked.push(format!("{}:{}", path.display(), block.line));
            }
        }
    }
    assert!(
        unmarked.is_empty(),
        "neither `run` nor `skip: REASON`: {unmarked:?}"
    );
}

/// Sixty documented functions of Python, each in a file of its own, and one of Rust.
fn project(folder: &Path) {
    fs_err::create_dir_all(folder.join("src")).unwrap();
    let parts = ["ka", "ro", "mi", "tel", "sun", "vor", "pid"];
    for number in 0..60 {
        let word = |at: usize| {
            let number = number * 31 + at * 17;
            let part = |divided: usize| parts[(number / divided) % 7];
            format!("{}{}{}", part(1), part(7), part(49))
        };
        let (a, b, c, d) = (word(0), word(1), word(2), word(3));
        let text = format!(
            "def {a}_{b}(rows, limit):\n    \"\"\"Counts the {a} rows of a {b} below {c} and {d}.\"\"\"\n    {c} = {number}\n    {d} = []\n    for row in rows:\n        if row.{a} > limit and row.{b} != {c}:\n            {d}.append(row.{c})\n    return {d}, {c}\n"
        );
        fs_err::write(folder.join(format!("src/m{number}.py")), text).unwrap();
    }
    let rust = "/// Adds one to a number that may be large.\npub fn more(number: u64) -> u64 {\n    number.wrapping_add(1)\n}\n";
    fs_err::write(folder.join("src/m1.rs"), rust).unwrap();
}

/// `skillbelt` with less to do.
const SMALL: &str = r#"#!/bin/sh
command=$1
shift
count=$#
before=
for word in "$@"; do
    case "$before $word" in
        "--max-steps "*) word=2 ;;
        "--base pocket") word=$SMALL_BASE ;;
    esac
    before=$word
    set -- "$@" "$word"
done
shift $count
case " $* " in
    *" --base "*) base= ;;
    *) base="--base $SMALL_BASE" ;;
esac
case "$command" in
    quickstart) set -- "$@" --steps 2 --rows 120 $base ;;
    scan | search) case " $* " in *" --belt "*) set -- "$@" $base ;; esac ;;
esac
exec "$PROGRAM" --threads 1 "$command" "$@"
"#;

/// Runs the blocks of a document; what the first that fails has said.
fn ran(document: &Path) -> Result<usize, String> {
    let text = fs_err::read_to_string(document).unwrap();
    let blocks = blocks(&text);
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    project(&home.path().join("src/project"));
    project(&here);
    let small = home.path().join("bin/skillbelt");
    fs_err::create_dir_all(small.parent().unwrap()).unwrap();
    fs_err::write(&small, SMALL).unwrap();
    fs_err::set_permissions(&small, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", small.parent().unwrap().display());
    let mut count = 0;
    for block in blocks.iter().filter(|block| block.what == What::Run) {
        let output = Command::new("sh")
            .args(["-e", "-c", &block.text])
            .current_dir(&here)
            .env("HOME", home.path())
            .env("HF_HOME", home.path().join("hub"))
            .env("HF_HUB_OFFLINE", "1")
            .env_remove("HF_HUB_CACHE")
            .env_remove("SKILLBELT_KERNEL")
            .env("PATH", &path)
            .env("PROGRAM", env!("CARGO_BIN_EXE_skillbelt"))
            .env("SMALL_BASE", asked::golden("qwen2"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            return Err(format!(
                "{}:{}: {}\n{}\n{}",
                document.display(),
                block.line,
                output.status,
                block.text,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        count += 1;
    }
    Ok(count)
}

#[test]
fn what_the_documents_tell_to_run_runs() {
    let mut count = 0;
    for document in documents() {
        match ran(&document) {
            Ok(blocks) => count += blocks,
            Err(told) => std::panic::panic_any(told),
        }
    }
    assert!(count >= 12, "only {count} blocks were run");
}

#[test]
fn a_block_that_fails_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("wrong.md");
    fs_err::write(
        &document,
        "# Wrong\n\n```sh run\nskillbelt train nowhere.yaml\n```\n",
    )
    .unwrap();
    let told = ran(&document).unwrap_err();
    assert!(
        told.contains("wrong.md:3") && told.contains("nowhere.yaml"),
        "{told}"
    );
}

//! What every keeper of an index must do. `SKILLBELT_POSTGRES` names a server that is asked instead of a
//! file: `tests/postgres/run.sh` starts one.

use std::path::Path;
use std::time::Duration;

use super::encoder::Encoder;
use super::error::Result;
use super::{Asked, Filter, Found, Index, Like, Mode, Patience, Place, Question, measure};
use crate::checkout::{Language, Parsers};

/// Counts letters: no understanding, but vectors that differ, and texts of like words are alike.
struct Letters(String);

/// An encoder of this name; on a server, where texts are everybody's, of this folder alone.
fn letters(folder: &tempfile::TempDir, name: &str) -> Letters {
    let root = fs_err::canonicalize(folder.path()).unwrap();
    Letters(format!("{name} {}", root.display()))
}

impl Letters {
    fn vector(text: &str) -> Option<Vec<f32>> {
        let mut counts = vec![0.0f32; 26 * 26];
        let letters: Vec<usize> = text
            .bytes()
            .filter(u8::is_ascii_alphabetic)
            .map(|letter| usize::from(letter.to_ascii_lowercase() - b'a'))
            .collect();
        for pair in letters.windows(2) {
            counts[pair[0] * 26 + pair[1]] += 1.0;
        }
        let length = counts.iter().map(|x| x * x).sum::<f32>().sqrt();
        counts.iter_mut().for_each(|x| *x /= length);
        (length > 0.0).then_some(counts)
    }
}

impl Encoder for Letters {
    fn identity(&self) -> &str {
        &self.0
    }

    fn functions(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>> {
        Ok(texts.iter().map(|text| Letters::vector(text)).collect())
    }

    fn question(&self, text: &str) -> Result<Option<Vec<f32>>> {
        Ok(Letters::vector(text))
    }
}

const NET: &str = "def open_connection(host):\n    \"\"\"Opens a socket to a machine.\"\"\"\n    return socket(host)\n\n\ndef closeConnection(it):\n    it.close()\n";
const FILES: &str = "import os\n\n\ndef read_lines(path):\n    with open(path) as text:\n        return text.readlines()\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs_err::create_dir_all(folder.path().join("net")).unwrap();
    fs_err::write(folder.path().join("net/http.py"), NET).unwrap();
    fs_err::write(folder.path().join("files.py"), FILES).unwrap();
    fs_err::write(
        folder.path().join("sum.go"),
        "package a\n\nfunc SumAll(xs []int) int {\n\treturn 0\n}\n",
    )
    .unwrap();
    folder
}

fn server() -> Option<String> {
    std::env::var("SKILLBELT_POSTGRES").ok()
}

fn opened(path: &Path) -> Index {
    let place = Place::parse(server().as_deref(), None);
    let mut index = Index::open(&place, path, Parsers::here()).unwrap();
    index.refresh(&mut |_| {}).unwrap();
    index
}

fn found(index: &mut Index, words: &str, mode: Mode, filter: &Filter) -> Found {
    let asked = Asked {
        words,
        mode,
        most: 5,
        filter,
    };
    let letters = Letters(format!("letters {}", index.root().display()));
    index.search(Some(&letters), &asked).unwrap()
}

fn names(index: &mut Index, words: &str) -> Vec<String> {
    let found = found(index, words, Mode::Lexical, &Filter::all());
    found.hits.into_iter().map(|hit| hit.name).collect()
}

#[test]
fn functions_are_found_by_parts_of_names_by_documentation_and_by_code() {
    let folder = folder();
    let mut index = opened(folder.path());
    assert_eq!(
        names(&mut index, "close connection"),
        ["closeConnection", "open_connection"]
    );
    assert_eq!(
        names(&mut index, "sockets of machines"),
        ["open_connection"]
    );
    assert_eq!(names(&mut index, "readlines"), ["read_lines"]);
    assert_eq!(names(&mut index, "SumAll"), ["SumAll"]);
    assert_eq!(names(&mut index, "nothing like it"), [""; 0]);
    let found = found(&mut index, "read lines", Mode::Lexical, &Filter::all());
    let hit = &found.hits[0];
    assert_eq!(
        (hit.path.as_str(), hit.line, hit.last_line),
        ("files.py", 4, 6)
    );
    assert_eq!(hit.signature, "def read_lines(path):");
    assert_eq!((hit.lexical_rank, hit.vector_rank), (Some(1), None));
}

#[test]
fn hostile_questions_are_answered_like_any_other() {
    let folder = folder();
    let mut index = opened(folder.path());
    let hostile = [
        "\"",
        "\"\"",
        "*",
        "a*",
        "NEAR(",
        "AND OR NOT",
        "name:x",
        "^",
        "-",
        "(((",
        "'; DROP TABLE files; --",
        "\0",
        "\u{202e}",
        "é\u{301}",
        "{a b}:c",
        "💥",
        "",
    ];
    for words in hostile {
        for mode in [Mode::Lexical, Mode::Fused, Mode::Vector] {
            found(&mut index, words, mode, &Filter::all());
        }
    }
    let long = "read ".repeat(100_000);
    assert_eq!(names(&mut index, &long), ["read_lines"]);
}

#[test]
fn languages_and_paths_narrow_every_ranking() {
    let folder = folder();
    let mut index = opened(folder.path());
    index
        .embed(&letters(&folder, "letters"), Patience::Endless, &mut |_| {})
        .unwrap();
    let python = Filter::new(&[Language::Python], &[], "").unwrap();
    let net = Filter::new(&[], &["net/".to_owned()], "").unwrap();
    let below = Filter::new(&[], &[], "net").unwrap();
    for mode in [Mode::Fused, Mode::Vector, Mode::Lexical] {
        let paths = |index: &mut Index, filter: &Filter| -> Vec<String> {
            let hits = found(index, "open sum all lines", mode, filter).hits;
            hits.into_iter().map(|hit| hit.path).collect()
        };
        assert!(paths(&mut index, &Filter::all()).contains(&"sum.go".to_owned()));
        assert!(
            paths(&mut index, &python)
                .iter()
                .all(|path| path.ends_with(".py"))
        );
        assert_eq!(paths(&mut index, &net), paths(&mut index, &below));
        assert!(
            paths(&mut index, &net)
                .iter()
                .all(|path| path == "net/http.py")
        );
    }
}

#[test]
fn changed_moved_and_removed_files_leave_nothing_behind() {
    let folder = folder();
    let path = folder.path();
    let mut index = opened(path);
    let twin = letters(&folder, "letters");
    index.embed(&twin, Patience::Endless, &mut |_| {}).unwrap();
    // Before it is brought up to date nothing is told of a file that has changed.
    fs_err::write(path.join("net/http.py"), NET.replace("close", "drop")).unwrap();
    let stale = found(&mut index, "connection", Mode::Fused, &Filter::all());
    assert!(
        stale.hits.iter().all(|hit| hit.path != "net/http.py"),
        "{stale:?}"
    );
    assert_eq!(stale.changed, 2);
    let refreshed = index.refresh(&mut |_| {}).unwrap();
    assert_eq!(
        (refreshed.files, refreshed.parsed, refreshed.gone),
        (3, 1, 0)
    );
    assert_eq!(names(&mut index, "close"), [""; 0]);
    assert_eq!(names(&mut index, "drop"), ["dropConnection"]);
    // Only what is new is made anew.
    let coverage = index.coverage(&twin).unwrap();
    assert_eq!((coverage.functions, coverage.with_vector), (4, 3));

    fs_err::rename(path.join("files.py"), path.join("texts.py")).unwrap();
    fs_err::remove_file(path.join("sum.go")).unwrap();
    let refreshed = index.refresh(&mut |_| {}).unwrap();
    assert_eq!(
        (refreshed.files, refreshed.parsed, refreshed.gone),
        (2, 1, 2)
    );
    let all = found(
        &mut index,
        "read sum all lines",
        Mode::Fused,
        &Filter::all(),
    );
    assert!(
        all.hits
            .iter()
            .all(|hit| hit.path != "files.py" && hit.path != "sum.go")
    );
    assert_eq!(all.hits[0].path, "texts.py");
    assert!(
        all.hits[0].vector_rank.is_some(),
        "a text that was moved keeps its vector"
    );
    let again = index.refresh(&mut |_| {}).unwrap();
    assert_eq!((again.parsed, again.gone), (0, 0));
}

#[test]
fn a_file_of_the_same_size_and_time_but_other_content_is_seen() {
    let folder = folder();
    let file = folder.path().join("files.py");
    let mut index = opened(folder.path());
    let time = fs_err::metadata(&file).unwrap().modified().unwrap();
    fs_err::write(&file, FILES.replace("read_lines", "rend_limes")).unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_eq!(index.refresh(&mut |_| {}).unwrap().parsed, 1);
    assert_eq!(names(&mut index, "limes"), ["rend_limes"]);
}

#[test]
fn another_encoder_makes_its_own_vectors_and_the_one_before_is_kept() {
    let folder = folder();
    let mut index = opened(folder.path());
    let covered = |index: &mut Index, name: &str| {
        index.coverage(&letters(&folder, name)).unwrap().with_vector
    };
    for name in ["one", "two"] {
        assert_eq!(covered(&mut index, name), 0);
        let coverage = index
            .embed(&letters(&folder, name), Patience::Endless, &mut |_| {})
            .unwrap();
        assert!(coverage.is_complete() && coverage.functions == 4);
    }
    assert_eq!(covered(&mut index, "one"), 4);
    if server().is_some() {
        // There all are kept: others may be using them.
        return;
    }
    // A third one takes the place of the one that was used longest ago.
    assert_eq!(covered(&mut index, "three"), 0);
    assert_eq!(covered(&mut index, "two"), 0);
}

#[test]
fn without_patience_no_vector_is_made_and_words_answer() {
    let folder = folder();
    let mut index = opened(folder.path());
    let patience = Patience::For(Duration::ZERO);
    let coverage = index
        .embed(&letters(&folder, "letters"), patience, &mut |_| {})
        .unwrap();
    assert_eq!(coverage.with_vector, 0);
    let hits = found(&mut index, "close", Mode::Fused, &Filter::all()).hits;
    assert_eq!(hits[0].name, "closeConnection");
}

#[test]
fn what_is_like_a_function_is_found_without_itself() {
    let folder = folder();
    let copy = NET.replace("open_connection", "connect_to");
    fs_err::write(folder.path().join("net/copy.py"), copy).unwrap();
    let mut index = opened(folder.path());
    let letters = letters(&folder, "letters");
    index
        .embed(&letters, Patience::Endless, &mut |_| {})
        .unwrap();
    let like = Like::At {
        path: "net/http.py".to_owned(),
        line: 3,
    };
    for (encoder, mode) in [
        (None, Mode::Lexical),
        (Some(&letters as &dyn Encoder), Mode::Vector),
        (Some(&letters as &dyn Encoder), Mode::Fused),
    ] {
        let found = index
            .similar(encoder, &like, mode, 5, &Filter::all())
            .unwrap();
        assert_eq!(found.hits[0].name, "connect_to", "{mode:?}");
        let own = |hit: &super::Hit| hit.path == "net/http.py" && hit.name == "open_connection";
        assert!(!found.hits.iter().any(own));
    }
    let text = Like::Text("with open(name) as text: return text.readlines()".to_owned());
    let found = index
        .similar(None, &text, Mode::Fused, 1, &Filter::all())
        .unwrap();
    assert_eq!(found.hits[0].name, "read_lines");
    let nowhere = Like::At {
        path: "files.py".to_owned(),
        line: 1,
    };
    let error = index
        .similar(None, &nowhere, Mode::Fused, 5, &Filter::all())
        .unwrap_err();
    assert!(error.to_string().contains("files.py:1") && error.hint().is_some());
}

#[test]
fn questions_with_known_answers_are_measured_in_every_mode() {
    let folder = folder();
    let mut index = opened(folder.path());
    let letters = letters(&folder, "letters");
    index
        .embed(&letters, Patience::Endless, &mut |_| {})
        .unwrap();
    let question = |query: &str, path: &str, name: Option<&str>| Question {
        query: query.to_owned(),
        path: path.to_owned(),
        name: name.map(str::to_owned),
    };
    let questions = [
        question("close a connection", "net/http.py", Some("closeConnection")),
        question("read lines", "files.py", None),
    ];
    let measured = measure(&mut index, Some(&letters), &questions).unwrap();
    let modes: Vec<&str> = measured.iter().map(|one| one.mode).collect();
    assert_eq!(modes, ["lexical", "vector", "fused"]);
    assert_eq!(measured[0].mrr, 1.0);
    assert!(measure(&mut index, None, &[question("x", "none.py", None)]).is_err());
    // Control: the other function of the file is not the answer.
    let wrong = [question("close", "net/http.py", Some("open_connection"))];
    assert!(measure(&mut index, None, &wrong).unwrap()[0].mrr < 1.0);
}

#[test]
fn a_file_that_is_no_index_is_refused_and_left_as_it_is() {
    let folder = folder();
    for (name, content) in [
        (
            "text",
            &b"no database at all, but long enough to be one"[..],
        ),
        ("a.db", &b""[..]),
    ] {
        let path = folder.path().join(name);
        fs_err::write(&path, content).unwrap();
        if content.is_empty() {
            let other = rusqlite::Connection::open(&path).unwrap();
            other
                .execute_batch("CREATE TABLE mine (x); PRAGMA user_version = 7")
                .unwrap();
        }
        let before = fs_err::read(&path).unwrap();
        let place = Place::parse(path.to_str(), None);
        let Err(error) = Index::open(&place, folder.path(), Parsers::here()) else {
            panic!("{name} was taken for an index")
        };
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.hint().is_some(), "{error}");
        if !content.is_empty() {
            assert_eq!(fs_err::read(&path).unwrap(), before);
        }
    }
}

#[test]
fn the_cache_folder_keeps_itself_out_of_the_history() {
    let folder = folder();
    Index::open(&Place::Cache, folder.path(), Parsers::here()).unwrap();
    let ignore = folder.path().join(".skillbelt/.gitignore");
    assert_eq!(fs_err::read_to_string(ignore).unwrap(), "*\n");
}

//! Scans of repositories: what is found, what is kept, what is told again, what is new.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../harvest/tests/repository/mod.rs"]
mod repository;
mod scanned;

use repository::Repository;
use scanned::{Words, function, plan, scanned, scanned_by, told};
use skillbelt_apply::scan::report::{json, sarif, text};
use skillbelt_apply::scan::{Keep, Kind, Level};

/// Two files with a defect, a pair of clones, a flaky test and a short function.
fn seeded() -> Repository {
    let repository = Repository::new();
    repository.write(
        "a.py",
        &format!("{}\n{}", function("first", "BUG"), "def short(): pass\n"),
    );
    repository.write("b.py", &function("second", "fine").replace("limit", "most"));
    repository.write(
        "c/b.py",
        &function("second", "fine").replace("limit", "most"),
    );
    let test =
        "def test_it():\n    sleep(1)\n    assert first(1, 2) == 3\n    assert first(2, 2) == 4\n";
    repository.write("test_a.py", test);
    repository
}

type Row = (&'static str, &'static str, usize, &'static str);

fn rows(report: &skillbelt_apply::scan::Report) -> Vec<(String, String, usize, String)> {
    told(report)
}

fn expected(rows: &[Row]) -> Vec<(String, String, usize, String)> {
    let own = |row: &Row| (row.0.into(), row.1.into(), row.2, row.3.into());
    rows.iter().map(own).collect()
}

const SEEDED: [Row; 3] = [
    ("defect", "a.py", 1, "first"),
    ("clone", "b.py", 1, "second"),
    ("flaky", "test_a.py", 1, "test_it"),
];

#[test]
fn every_function_is_read_once_and_an_unchanged_repository_not_again() {
    let repository = seeded();
    let (report, read) = scanned(&plan(repository.path()));
    assert_eq!(rows(&report), expected(&SEEDED));
    assert_eq!(read, 3, "the two clones are one text");
    assert_eq!(report.counts.functions, 4);
    assert_eq!(
        (
            report.counts.tests,
            report.counts.asked,
            report.counts.files
        ),
        (1, 4, 4)
    );
    assert_eq!(report.left_out["too short to say anything of"], 1);
    let clone = &report.findings[1];
    assert_eq!(clone.others[0].path, "c/b.py");
    assert_eq!(report.rule(clone).kind, Kind::Clone);
    let again = scanned(&plan(repository.path()));
    assert_eq!((again.1, again.0.counts.parsed), (0, 0));
    assert_eq!(again.0.findings, report.findings);
    // The control: without a cache everything is read again, and the same is found.
    let mut bare = plan(repository.path());
    bare.keep = Keep::Nothing;
    let without = scanned(&bare);
    assert_eq!((without.1, without.0.counts.parsed), (3, 4));
    assert_eq!(without.0.findings, report.findings);
}

#[test]
fn only_what_changed_is_read_and_another_belt_reads_everything() {
    let repository = seeded();
    scanned(&plan(repository.path()));
    repository.write("c/b.py", &function("third", "BUG"));
    let (report, read) = scanned(&plan(repository.path()));
    assert_eq!((read, report.counts.parsed), (1, 1));
    let names: Vec<String> = rows(&report).into_iter().map(|row| row.3).collect();
    assert!(names.contains(&"third".to_owned()), "{names:?}");
    let mut other = Words::default();
    scanned_by(&mut other, &plan(repository.path()), "another belt").unwrap();
    assert_eq!(other.read.borrow().len(), 4);
}

#[test]
fn a_scan_that_dies_loses_at_most_what_it_was_at() {
    let repository = Repository::plain();
    for file in 0..6 {
        let functions: Vec<String> = (0..100)
            .map(|at| function(&format!("f{file}_{at}"), &format!("word{}", at * 7 + file)))
            .collect();
        repository.write(&format!("f{file}.py"), &functions.join("\n"));
    }
    let mut dying = Words {
        dies_after: Some(300),
        ..Words::default()
    };
    let error = scanned_by(&mut dying, &plan(repository.path()), "belt").unwrap_err();
    assert!(error.to_string().contains("has died"), "{error}");
    let before = dying.read.borrow().len();
    let (report, read) = scanned(&plan(repository.path()));
    assert_eq!(before + read, 600);
    assert_eq!(report.counts.functions, 600);
}

#[test]
fn a_comment_with_a_reason_takes_a_finding_out_and_one_without_is_told() {
    let repository = seeded();
    let ignored = function("first", "BUG skillbelt: ignore[defect] looked at");
    repository.write("a.py", &ignored);
    let bare = format!(
        "# skillbelt: ignore\n{}",
        function("second", "fine").replace("limit", "most")
    );
    repository.write("b.py", &bare);
    let (report, _) = scanned(&plan(repository.path()));
    assert_eq!(report.ignored.len(), 1);
    assert_eq!(report.ignored[0].reason, "looked at");
    assert!(!rows(&report).iter().any(|row| row.0 == "defect"));
    assert!(rows(&report).iter().any(|row| row.0 == "clone"));
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("b.py:1: the comment gives no reason"))
    );
    // Of two clones one leaves the group, and the other is alone.
    let left = format!(
        "# skillbelt: ignore[clone] on purpose\n{}",
        function("second", "fine").replace("limit", "most")
    );
    repository.write("b.py", &left);
    let (report, _) = scanned(&plan(repository.path()));
    assert_eq!(report.ignored.len(), 2);
    assert!(!rows(&report).iter().any(|row| row.0 == "clone"));
}

#[test]
fn a_diff_asks_what_is_new_and_nothing_that_only_moved() {
    let repository = seeded();
    repository.commit("First", 1_000);
    scanned(&plan(repository.path()));
    let mut diff = plan(repository.path());
    diff.diff = Some("HEAD".into());
    let (report, read) = scanned(&diff);
    assert_eq!(rows(&report), []);
    assert_eq!(read, 0);
    // Moved into another file and further down: nothing new.
    repository.write("d.py", &format!("x = 1\n\n{}", function("first", "BUG")));
    repository.write("a.py", "y = 2\n");
    assert_eq!(rows(&scanned(&diff).0), []);
    // Edited, and a third clone.
    repository.write("d.py", &function("first", "BUG BUG"));
    let copied = function("second", "finer").replace("limit", "most");
    repository.write("e.py", &copied);
    // Without an earlier scan nothing old is read, and that is told.
    let mut cold = diff.clone();
    cold.keep = Keep::Nothing;
    let (report, read) = scanned(&cold);
    assert_eq!(read, 2);
    let note = &report.notes[0];
    assert!(note.contains("not looked for among 1 functions"), "{note}");
    let found = rows(&scanned(&diff).0);
    assert!(
        found.contains(&("defect".into(), "d.py".into(), 1, "first".into())),
        "{found:?}"
    );
    assert!(
        found.iter().any(|row| row.0 == "clone" && row.1 == "e.py"),
        "{found:?}"
    );
    diff.diff = Some("nowhere".into());
    let error = scanned_by(&mut Words::default(), &diff, "belt").unwrap_err();
    assert!(
        error.to_string().contains("`nowhere` names no commit"),
        "{error}"
    );
}

#[test]
fn a_baseline_commit_knows_findings_that_moved_or_were_edited() {
    let repository = seeded();
    let first = repository.commit("First", 1_000);
    let since = |revision: &str| {
        let mut since = plan(repository.path());
        since.baseline_commit = Some(revision.to_owned());
        scanned(&since).0
    };
    let report = since("HEAD");
    assert_eq!((rows(&report), report.counts.known), (vec![], 3));
    // An edited function that still has its finding, in its place; a moved one; a new one.
    repository.write(
        "a.py",
        &format!("import x\n\n\n{}", function("first", "BUG again")),
    );
    repository.write(
        "moved.py",
        "def test_it():\n    sleep(1)\n    assert first(1, 2) == 3\n    assert first(2, 2) == 4\n",
    );
    fs_err::remove_file(repository.path().join("test_a.py")).unwrap();
    repository.write(
        "new.py",
        &function("brandnew", "BUG")
            .replace("rows", "columns")
            .replace("total", "amount"),
    );
    let report = since(&first[..10]);
    let defects: Vec<_> = rows(&report)
        .into_iter()
        .filter(|row| row.0 != "clone")
        .collect();
    assert_eq!(defects, expected(&[("defect", "new.py", 1, "brandnew")]));
    repository.commit("Second", 2_000);
    assert_eq!(since("HEAD~1").findings, report.findings);
    assert!(rows(&since("main")).is_empty());
}

#[test]
fn a_file_of_findings_is_a_baseline_in_both_forms() {
    let repository = seeded();
    let (report, _) = scanned(&plan(repository.path()));
    let forms = [
        ("a.json", json::json(&report)),
        ("a.sarif", sarif::sarif(&report)),
    ];
    for (name, value) in forms {
        let path = repository.beside(name);
        fs_err::write(&path, value.to_string()).unwrap();
        let mut against = plan(repository.path());
        against.baseline = Some(path.clone());
        let (again, _) = scanned(&against);
        assert_eq!((again.findings.len(), again.counts.known), (0, 3), "{name}");
    }
    for wrong in [
        "[]",
        "{\"runs\": [{\"results\": [{}]}]}",
        "{\"findings\": [1]}",
        "x",
    ] {
        let path = repository.beside("wrong");
        fs_err::write(&path, wrong).unwrap();
        let mut against = plan(repository.path());
        against.baseline = Some(path);
        let error = scanned_by(&mut Words::default(), &against, "belt").unwrap_err();
        assert!(error.to_string().contains("wrong"), "{error}");
    }
}

#[test]
fn fingerprints_survive_moving_and_reindenting_and_nothing_else() {
    let repository = Repository::plain();
    let print = |text: &str| {
        repository.write("a.py", text);
        let (report, _) = scanned(&plan(repository.path()));
        report.findings[0].fingerprint.clone()
    };
    let own = function("first", "BUG");
    let once = print(&own);
    assert_eq!(print(&format!("import os\n\n\n{own}")), once);
    assert_eq!(print(&own.replace("    ", "  ")), once);
    let described = own.replace("limit):\n", "limit):\n    \"\"\"Adds.\"\"\"\n");
    assert_eq!(print(&described), once);
    assert_ne!(print(&own.replace("total + row", "total - row")), once);
    assert_ne!(print(&own.replace("first", "other")), once);
}

#[test]
fn the_text_tells_findings_their_worth_and_what_was_not_read() {
    let repository = seeded();
    fs_err::write(repository.path().join("latin.py"), b"# caf\xe9\n").unwrap();
    let (report, _) = scanned(&plan(repository.path()));
    let plain = text(&report, false);
    for part in [
        "a.py\n     1  warning defect  0.90  def first(rows, limit):",
        "        = ",
        "3 findings in 4 functions and 1 test of 4 files",
        "precision 0.90, recall 0.45 on 400 validation rows, of which 50% are such",
        "not read: 1 file: not UTF-8",
        "functions not asked: 1 too short",
    ] {
        assert!(plain.contains(part), "{part}\n{plain}");
    }
    assert!(!plain.contains('\x1b') && text(&report, true).contains('\x1b'));
    assert_eq!(report.rule(&report.findings[0]).level, Level::Warning);
}

#[test]
fn without_a_place_for_a_cache_a_scan_goes_on_and_says_so() {
    let repository = seeded();
    repository.write(".skillbelt", "in the way");
    let (report, read) = scanned(&plan(repository.path()));
    assert_eq!(read, 3);
    assert!(
        report.notes[0].contains("nothing is kept"),
        "{:?}",
        report.notes
    );
}

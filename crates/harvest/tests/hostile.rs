//! Repositories that nobody would wish for: each is gone through to its end, and what cannot be used
//! is counted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;

use std::path::Path;

use repository::{Repository, source};
use skillbelt_harvest::{LANGUAGES, Plan, Report, Seed, SplitBy, Task, harvest};

fn harvested(repository: &Repository) -> Report {
    let plan = Plan {
        paths: vec![repository.path().to_owned()],
        out: repository.beside("out"),
        tasks: Task::ALL
            .into_iter()
            .filter(|task| *task != Task::Flaky)
            .collect(),
        languages: LANGUAGES.into_iter().collect(),
        split: SplitBy::File,
        seed: Seed(0),
        max_rows: None,
        junit: Vec::new(),
        base: "pocket".into(),
        commits: 50,
        force: true,
    };
    let report = harvest(&plan, &|_| {}).unwrap();
    for census in [
        &report.files,
        &report.functions,
        &report.folders,
        &report.commits,
    ] {
        assert!(census.closes(), "{report}");
    }
    report
}

fn left(report: &Report, reason: &str) -> u64 {
    let found = report
        .files
        .left_out
        .get(reason)
        .or_else(|| report.folders.left_out.get(reason));
    found.map_or(0, |left| left.count)
}

/// With one good file, so that there is something to harvest.
fn with_one_good_file() -> Repository {
    let repository = Repository::plain();
    repository.write("good.py", &source(1));
    repository
}

#[cfg(unix)]
#[test]
fn links_pipes_sockets_and_what_may_not_be_read_are_left_out_unopened() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let repository = with_one_good_file();
    let at = |name: &str| repository.path().join(name);
    fs_err::create_dir_all(at("a/b")).unwrap();
    symlink("..", at("a/b/up")).unwrap();
    symlink(".", at("a/self")).unwrap();
    symlink("/", at("root")).unwrap();
    symlink("nowhere", at("broken.py")).unwrap();
    symlink("good.py", at("again.py")).unwrap();
    let pipe = std::ffi::CString::new(at("pipe.py").to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string that lives through the call.
    assert_eq!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o600) }, 0);
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.py")).unwrap();
    repository.write("closed.py", &source(2));
    repository.write("shut/inner.py", &source(3));
    fs_err::set_permissions(at("closed.py"), std::fs::Permissions::from_mode(0o000)).unwrap();
    fs_err::set_permissions(at("shut"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let report = harvested(&repository);
    fs_err::set_permissions(at("shut"), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(left(&report, "symbolic link"), 5, "{report}");
    assert_eq!(left(&report, "no regular file"), 2, "{report}");
    // Who may read everything reads these too.
    let unreadable = left(&report, "cannot be read");
    assert!(unreadable == 1 || report.files.used == 3, "{report}");
}

#[test]
fn long_lines_huge_files_and_what_is_no_text_are_left_out_by_reason() {
    let repository = with_one_good_file();
    repository.write("line.js", &format!("x = '{}';\n", "a".repeat(900_000)));
    repository.write(
        "minified.js",
        &format!("{}\n", "f(1);".repeat(60)).repeat(8),
    );
    repository.write("empty.go", "");
    let write =
        |name: &str, bytes: &[u8]| fs_err::write(repository.path().join(name), bytes).unwrap();
    // A line of a hundred megabytes, which takes no room on the disk.
    fs_err::File::create(repository.path().join("huge.c"))
        .unwrap()
        .set_len(100 << 20)
        .unwrap();
    write("latin.py", b"# caf\xe9\nx = 1\n");
    write("nul.c", b"int a;\0int b;\n");
    let report = harvested(&repository);
    for reason in [
        "a line longer than 5,000 bytes",
        "lines too long to be written by hand",
        "larger than 1 MiB",
        "not UTF-8",
        "not a text",
        "empty",
    ] {
        assert_eq!(left(&report, reason), 1, "{reason}\n{report}");
    }
}

#[test]
fn a_hundred_thousand_brackets_and_broken_programs_end() {
    let repository = with_one_good_file();
    let lines = |sign: &str| format!("{}\n", sign.repeat(1_000)).repeat(100);
    repository.write("open.c", &format!("int x = {};", lines("(")));
    repository.write("list.py", &format!("x = {}{}", lines("["), lines("]")));
    repository.write("nested.rs", &format!("fn f() {}{}", lines("{"), lines("}")));
    repository.write(
        "blocks.java",
        &format!("class A {{ void f() {}{} }}", lines("{"), lines("}")),
    );
    repository.write(
        "functions.js",
        &format!(
            "{}{}",
            "function f() {\n".repeat(5_000),
            "}\n".repeat(5_000)
        ),
    );
    repository.write(
        "ifs.go",
        &format!(
            "package p\nfunc f() {{\n{}{}}}\n",
            "if x {\n".repeat(10_000),
            "}\n".repeat(10_000)
        ),
    );
    repository.write("broken.py", "def f(:\n    return (\n\nclass\n");
    repository.write("cut.cs", "class A { void F() { if (x) { ");
    let report = harvested(&repository);
    assert!(report.functions.used >= 1, "{report}");
}

#[test]
fn odd_names_submodules_and_foreign_folders_are_told_as_they_are() {
    let repository = with_one_good_file();
    repository.write("--out=x.py", &source(2));
    repository.write("-rf.py", &source(3));
    repository.write("a\nb.py", &source(4));
    repository.write("sub/.git", "gitdir: ../../../etc\n");
    repository.write("sub/inner.py", &source(5));
    repository.write("node_modules/x/index.js", "function f() { return 1 }");
    repository.write("gen/a.py", &source(6));
    repository.write("a.pb.go", "package p\n");
    repository.write(
        "made.go",
        "// Code generated by x. DO NOT EDIT.\npackage p\n",
    );
    let report = harvested(&repository);
    assert_eq!(report.files.used, 4, "{report}");
    assert_eq!(left(&report, "submodule"), 1);
    assert_eq!(left(&report, "vendored folder, by its name"), 1);
    assert_eq!(left(&report, "built or generated folder, by its name"), 1);
    assert_eq!(left(&report, "generated, by its name"), 1);
    assert_eq!(left(&report, "generated, by a mark in its first lines"), 1);
    assert!(!report.to_string().contains("a\nb.py"));
}

#[test]
fn what_gitignore_names_is_counted_and_a_pattern_that_is_none_is_passed_over() {
    let repository = Repository::new();
    repository.write("good.py", &source(1));
    repository.write("local/a.py", &source(2));
    repository.write("b.local.py", &source(3));
    repository.write("keep.local.py", &source(4));
    repository.write(".gitignore", "/local\n*.local.py\n!keep.local.py\n[\n\\\n");
    repository.commit("Add", 1_000);
    let report = harvested(&repository);
    assert_eq!(report.files.used, 2, "{report}");
    assert_eq!(report.files.left_out["named in .gitignore"].count, 1);
    assert_eq!(report.folders.left_out["named in .gitignore"].count, 1);
}

/// Harvests after something was done to `.git`, and says how many warnings there were.
fn damaged(harm: impl Fn(&Path)) -> Report {
    let repository = Repository::new();
    repository.write("good.py", &source(1));
    repository.commit("Add", 1_000);
    repository.write("good.py", &source(2));
    repository.commit("Fix crash", 2_000);
    harm(&repository.path().join(".git"));
    let report = harvested(&repository);
    assert_eq!(report.files.used, 1);
    report
}

#[test]
fn a_broken_git_folder_is_told_and_gone_on_without() {
    let warned = |harm: &dyn Fn(&Path)| damaged(harm).warnings.len();
    assert_eq!(warned(&|_| {}), 0);
    assert_eq!(
        warned(&|git| fs_err::write(git.join("HEAD"), "nonsense").unwrap()),
        1
    );
    assert_eq!(
        warned(&|git| fs_err::write(git.join("config"), "[core\n=\u{0}").unwrap()),
        1
    );
    assert_eq!(
        warned(&|git| fs_err::remove_dir_all(git.join("objects")).unwrap()),
        1
    );
    let every_object = |change: &dyn Fn(&[u8]) -> Vec<u8>, git: &Path| {
        for folder in fs_err::read_dir(git.join("objects")).unwrap() {
            for object in fs_err::read_dir(folder.unwrap().path()).unwrap() {
                let path = object.unwrap().path();
                let bytes = fs_err::read(&path).unwrap();
                fs_err::write(&path, change(&bytes)).unwrap();
            }
        }
    };
    assert_eq!(
        warned(&|git| every_object(&|bytes| bytes[..bytes.len() / 2].to_vec(), git)),
        1
    );
    assert_eq!(warned(&|git| every_object(&|_| Vec::new(), git)), 1);
    assert_eq!(warned(&|git| every_object(&|_| vec![0xff; 100], git)), 1);
    // No commit at all is no damage.
    assert_eq!(
        warned(&|git| fs_err::remove_file(git.join("refs/heads/main")).unwrap()),
        0
    );
}

//! Traps of folders and names.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::repository::{Repository, source};

pub fn make_pipe(at: &Path) {
    let name = CString::new(at.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a C string that lives through the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// A file that is said to have so many bytes and takes no room.
pub fn make_sparse(at: &Path, bytes: u64) {
    fs_err::create_dir_all(at.parent().unwrap()).unwrap();
    fs_err::File::create(at).unwrap().set_len(bytes).unwrap();
}

pub fn link_up(r: &Repository) {
    fs_err::create_dir_all(r.path().join("a/b/c")).unwrap();
    symlink("../../..", r.path().join("a/b/c/up")).unwrap();
}

pub fn link_to_itself(r: &Repository) {
    symlink("self.py", r.path().join("self.py")).unwrap();
    symlink(".", r.path().join("here")).unwrap();
}

pub fn links_in_a_ring(r: &Repository) {
    symlink("two.py", r.path().join("one.py")).unwrap();
    symlink("one.py", r.path().join("two.py")).unwrap();
}

pub fn link_to_root(r: &Repository) {
    symlink("/", r.path().join("root")).unwrap();
    symlink("/proc", r.path().join("src")).unwrap();
}

pub fn link_to_zero(r: &Repository) {
    symlink("/dev/zero", r.path().join("zero.c")).unwrap();
    symlink("/dev/zero", r.path().join("zero.xml")).unwrap();
}

pub fn many_links(r: &Repository) {
    for number in 0..1_000 {
        symlink(".", r.path().join(format!("link{number}"))).unwrap();
    }
}

pub fn pipe(r: &Repository) {
    make_pipe(&r.path().join("pipe.py"));
    make_pipe(&r.path().join("runs.xml"));
}

pub fn socket(r: &Repository) {
    let _listens = std::os::unix::net::UnixListener::bind(r.path().join("s.rs")).unwrap();
}

pub fn pipe_as_gitignore(r: &Repository) {
    make_pipe(&r.path().join(".gitignore"));
}

pub fn link_as_gitignore(r: &Repository) {
    symlink("/dev/zero", r.path().join(".gitignore")).unwrap();
}

pub fn many_patterns(r: &Repository) {
    let lines: Vec<String> = (0..100_000).map(|n| format!("*.x{n}")).collect();
    r.write(".gitignore", &lines.join("\n"));
    many_files(r);
}

pub fn costly_patterns(r: &Repository) {
    let stars = format!("{}b\n", "a*".repeat(100));
    let both = format!("{}\n{}\n", "**/".repeat(500), "[a-z]".repeat(2_000));
    r.write(
        ".gitignore",
        &format!("{stars}{both}{{{}}}\n", "a,".repeat(5_000)),
    );
    r.write(&format!("{}.py", "a".repeat(200)), &source(5));
}

pub fn binary_patterns(r: &Repository) {
    let bytes: Vec<u8> = (0..60_000u32).map(|n| (n * 37 % 251) as u8).collect();
    fs_err::write(r.path().join(".gitignore"), bytes).unwrap();
}

pub fn folder_as_gitignore(r: &Repository) {
    r.write(".gitignore/a.py", &source(5));
}

pub fn deep(r: &Repository) {
    // Deeper than a path may be long: each folder is made from inside of the last one.
    let mut at = r.path().join("deep");
    for _ in 0..1_000 {
        at.push("d");
    }
    fs_err::create_dir_all(&at).unwrap();
    fs_err::write(at.join("a.py"), source(5)).unwrap();
}

pub fn many_empty(r: &Repository) {
    for number in 0..3_000 {
        fs_err::create_dir_all(r.path().join(format!("e/{number}"))).unwrap();
    }
}

pub fn many_files(r: &Repository) {
    for number in 0..3_000 {
        r.write(&format!("f/{number}.py"), "x = 1\n");
    }
}

pub fn flags(r: &Repository) {
    for (number, name) in ["-rf.py", "--force.py", "--out=x.py", "-", "--"]
        .iter()
        .enumerate()
    {
        r.write(name, &source(10 + number));
    }
}

pub fn odd_names(r: &Repository) {
    let names = [
        "a\nb.py",
        "a\"b'.py",
        "\u{1b}[31mred.py",
        "$(touch x).py",
        "a\tb.py",
        " .py",
        "%s.py",
    ];
    for (number, name) in names.iter().enumerate() {
        r.write(name, &source(10 + number));
    }
}

pub fn names_without_encoding(r: &Repository) {
    let name = OsStr::from_bytes(b"caf\xe9.py");
    fs_err::write(r.path().join(name), source(5)).unwrap();
    let folder = r.path().join(OsStr::from_bytes(b"\xff\xfe"));
    fs_err::create_dir(&folder).unwrap();
    fs_err::write(folder.join("a.py"), source(6)).unwrap();
}

pub fn long_name(r: &Repository) {
    r.write(&format!("{}.py", "n".repeat(252)), &source(5));
}

pub fn sparse(r: &Repository) {
    make_sparse(&r.path().join("huge.c"), 1 << 40);
    make_sparse(&r.path().join("huge.xml"), 1 << 40);
}

pub fn many_sparse(r: &Repository) {
    for number in 0..100 {
        make_sparse(&r.path().join(format!("s/{number}.java")), 1 << 20);
    }
}

pub fn empty_files(r: &Repository) {
    for ending in [
        "c", "h", "cpp", "cs", "go", "java", "js", "py", "rs", "ts", "tsx", "xml",
    ] {
        r.write(&format!("empty.{ending}"), "");
    }
}

pub fn folder_as_source(r: &Repository) {
    r.write("source.py/inner.py", &source(5));
    r.write("runs.xml/inner.py", &source(6));
}

pub fn submodule(r: &Repository) {
    r.write("sub/.git", "gitdir: ../../../../../../etc\n");
    r.write("sub/a.py", &source(5));
}

pub fn inner_repositories(r: &Repository) {
    let mut name = String::new();
    for number in 0..30 {
        name.push_str("in/");
        r.write(&format!("{name}.git/HEAD"), "ref: refs/heads/main\n");
        r.write(&format!("{name}a.py"), &source(20 + number));
    }
}

pub fn outer_entities(r: &Repository) {
    r.write("runs.xml", "<!DOCTYPE t [<!ENTITY e SYSTEM \"file:///dev/zero\">]><testsuite><testcase name=\"&e;\">&e;</testcase></testsuite>");
}

pub fn entities(r: &Repository) {
    let level = |n: usize| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10));
    let all: String = (0..30).map(level).collect();
    r.write("runs.xml", &format!("<!DOCTYPE t [<!ENTITY e0 \"boom\">{all}]><testsuite><testcase name=\"&e30;\">&e30;</testcase></testsuite>"));
}

pub fn deep_xml(r: &Repository) {
    let (open, close) = (
        "<testsuite>".repeat(200_000),
        "</testsuite>".repeat(200_000),
    );
    r.write("runs.xml", &format!("{open}<testcase name=\"a\"/>{close}"));
    r.write("open.xml", &open);
}

//! Traps of git's own folder, and of what its objects hold.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::folders::{make_pipe, make_sparse};
use crate::repository::{Repository, source};

fn git(r: &Repository) -> PathBuf {
    r.path().join(".git")
}

fn pipe_instead(at: &Path) {
    let _was_there = fs_err::remove_file(at);
    make_pipe(at);
}

pub fn pipe_as_head(r: &Repository) {
    pipe_instead(&git(r).join("HEAD"));
}

pub fn pipe_as_packed_refs(r: &Repository) {
    pipe_instead(&git(r).join("packed-refs"));
}

pub fn pipe_as_config(r: &Repository) {
    pipe_instead(&git(r).join("config"));
}

fn objects(r: &Repository) -> Vec<PathBuf> {
    let folders = fs_err::read_dir(git(r).join("objects")).unwrap();
    let inner = folders.flat_map(|folder| fs_err::read_dir(folder.unwrap().path()).unwrap());
    inner.map(|entry| entry.unwrap().path()).collect()
}

pub fn pipe_as_object(r: &Repository) {
    for object in objects(r) {
        pipe_instead(&object);
    }
}

pub fn device_as_branch(r: &Repository) {
    let branch = git(r).join("refs/heads/main");
    fs_err::remove_file(&branch).unwrap();
    symlink("/dev/zero", branch).unwrap();
}

fn without_git(r: &Repository) -> PathBuf {
    fs_err::remove_dir_all(git(r)).unwrap();
    git(r)
}

pub fn pipe_as_git(r: &Repository) {
    make_pipe(&without_git(r));
}

pub fn link_as_git(r: &Repository) {
    symlink(".git", without_git(r)).unwrap();
}

pub fn elsewhere(r: &Repository) {
    fs_err::write(without_git(r), "gitdir: ../nowhere/at/all\n").unwrap();
}

pub fn names_itself(r: &Repository) {
    fs_err::write(without_git(r), "gitdir: .git\n").unwrap();
}

pub fn own_alternate(r: &Repository) {
    r.write(
        ".git/objects/info/alternates",
        "../objects\n.\n../../.git/objects\n/dev\n",
    );
}

pub fn branch_of_itself(r: &Repository) {
    r.write(".git/refs/heads/main", "ref: refs/heads/main\n");
}

pub fn sparse_packed_refs(r: &Repository) {
    make_sparse(&git(r).join("packed-refs"), 1 << 40);
}

/// A branch whose commit is an object with this content.
fn head_is(r: &Repository, kind: &str, content: &[u8]) {
    let id = r.object(kind, content);
    fs_err::write(git(r).join("refs/heads/main"), format!("{id}\n")).unwrap();
}

pub fn growing_object(r: &Repository) {
    head_is(r, "commit", &vec![b' '; 80 << 20]);
}

pub fn cut_objects(r: &Repository) {
    for object in objects(r) {
        let bytes = fs_err::read(&object).unwrap();
        fs_err::write(&object, &bytes[..bytes.len() - 3]).unwrap();
    }
}

fn entry(mode: &str, name: &str, id: &str) -> Vec<u8> {
    let mut line = format!("{mode} {name}\0").into_bytes();
    line.extend((0..20).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap()));
    line
}

fn commit_of(r: &Repository, tree: &str, parent: &str, number: usize) -> String {
    let who = format!("A B <a@b.c> {number} +0000");
    let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\nFix bug {number}\n");
    r.object("commit", text.as_bytes())
}

pub fn folders_without_end(r: &Repository) {
    // Every folder holds the one below forty times: forty to the power of thirty files.
    let below = |content: &str| {
        let blob = r.object("blob", content.as_bytes());
        let mut id = r.object("tree", &entry("100644", "a.py", &blob));
        for _ in 0..30 {
            let lines: Vec<u8> = (10..50)
                .flat_map(|n| entry("40000", &format!("d{n}"), &id))
                .collect();
            id = r.object("tree", &lines);
        }
        id
    };
    let mut parent = String::new();
    for number in 0..40 {
        let tree = below(&format!("x = {number}\n"));
        let id = commit_of(r, &tree, &parent, 3_000 + number);
        parent = format!("parent {id}\n");
        fs_err::write(git(r).join("refs/heads/main"), format!("{id}\n")).unwrap();
    }
}

pub fn commit_without_folder(r: &Repository) {
    let id = commit_of(r, &"1".repeat(40), "", 9);
    fs_err::write(git(r).join("refs/heads/main"), id).unwrap();
}

pub fn commit_without_time(r: &Repository) {
    let tree = r.object("tree", b"");
    let text = format!(
        "tree {tree}\nauthor A <a> x\ncommitter A <a> 99999999999999999999999 +9999\n\nFix\n"
    );
    head_is(r, "commit", text.as_bytes());
}

pub fn large_commit(r: &Repository) {
    let blob = r.object("blob", source(5).as_bytes());
    let lines: Vec<u8> = (10_000..20_000)
        .flat_map(|n| entry("100644", &format!("f{n}.py"), &blob))
        .collect();
    let tree = r.object("tree", &lines);
    let id = commit_of(r, &tree, "", 9_000);
    fs_err::write(git(r).join("refs/heads/main"), id).unwrap();
}

pub fn paths_out(r: &Repository) {
    let blob = r.object("blob", source(5).as_bytes());
    let names = [
        "..",
        ".",
        ".git",
        "/etc",
        "../../x.py",
        "a\\b.py",
        "good0.py",
    ];
    let lines: Vec<u8> = names
        .iter()
        .flat_map(|name| entry("100644", name, &blob))
        .collect();
    let tree = r.object("tree", &lines);
    let id = commit_of(r, &tree, "", 9_000);
    fs_err::write(git(r).join("refs/heads/main"), id).unwrap();
}

pub fn including_settings(r: &Repository) {
    let text = "[core]\n\trepositoryformatversion = 0\n\tfsmonitor = touch x\n\thooksPath = /\n[include]\n\tpath = config\n\tpath = /dev/zero\n[includeIf \"gitdir:/\"]\n\tpath = /dev/zero\n";
    r.write(".git/config", text);
}

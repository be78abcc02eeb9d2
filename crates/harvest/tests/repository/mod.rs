//! Repositories for tests: files, and commits written as git writes them, without git.

// What one test does not ask, another does.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

pub struct Repository {
    folder: tempfile::TempDir,
    head: std::cell::RefCell<Option<String>>,
    git: bool,
}

impl Repository {
    /// An empty one, with `.git`.
    pub fn new() -> Repository {
        let made = Repository::plain();
        let git = made.path().join(".git");
        for folder in ["objects", "refs/heads"] {
            fs_err::create_dir_all(git.join(folder)).unwrap();
        }
        fs_err::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs_err::write(
            git.join("config"),
            "[core]\n\trepositoryformatversion = 0\n",
        )
        .unwrap();
        Repository { git: true, ..made }
    }

    /// A folder without a history.
    pub fn plain() -> Repository {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(folder.path().join("repo")).unwrap();
        Repository {
            folder,
            head: None.into(),
            git: false,
        }
    }

    pub fn path(&self) -> &Path {
        static NAME: &str = "repo";
        Box::leak(self.folder.path().join(NAME).into_boxed_path())
    }

    /// A place outside of the repository.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    /// A commit of all that lies there, made at a second of the epoch.
    pub fn commit(&self, message: &str, time: i64) -> String {
        assert!(self.git);
        let tree = self.tree(self.path());
        let head = self.head.borrow().clone();
        let parent = head.map(|id| format!("parent {id}\n")).unwrap_or_default();
        let who = format!("A B <a@b.c> {time} +0000");
        let text = format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{message}\n");
        let id = self.object("commit", text.as_bytes());
        fs_err::write(self.path().join(".git/refs/heads/main"), format!("{id}\n")).unwrap();
        *self.head.borrow_mut() = Some(id.clone());
        id
    }

    fn tree(&self, folder: &Path) -> String {
        let mut entries: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for entry in fs_err::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name == ".git" || entry.file_type().unwrap().is_symlink() {
                continue;
            }
            let is_folder = entry.file_type().unwrap().is_dir();
            let id = match is_folder {
                true => self.tree(&entry.path()),
                false => self.object("blob", &fs_err::read(entry.path()).unwrap()),
            };
            let mode = if is_folder { "40000" } else { "100644" };
            let mut line = format!("{mode} {name}\0").into_bytes();
            line.extend((0..20).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap()));
            // Git sorts a folder as if its name ended in a slash.
            let key = if is_folder { format!("{name}/") } else { name };
            entries.insert(key.into_bytes(), line);
        }
        self.object(
            "tree",
            &entries.into_values().flatten().collect::<Vec<u8>>(),
        )
    }

    pub fn object(&self, kind: &str, content: &[u8]) -> String {
        use sha1::Digest;
        let mut bytes = format!("{kind} {}\0", content.len()).into_bytes();
        bytes.extend(content);
        let hash = sha1::Sha1::digest(&bytes);
        let id: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self
            .path()
            .join(".git/objects")
            .join(&id[..2])
            .join(&id[2..]);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        fs_err::write(path, packed.finish().unwrap()).unwrap();
        id
    }
}

/// A file with one documented function that is like no other.
pub fn source(number: usize) -> String {
    let word = |at: usize| {
        let parts = [
            "ka", "ro", "mi", "tel", "sun", "vor", "pid", "lem", "gra", "dos", "nix", "fel", "bur",
        ];
        let number = number * 31 + at * 17 + 7;
        format!(
            "{}{}{}",
            parts[number % 13],
            parts[(number / 13) % 13],
            parts[(number / 169 + at) % 13]
        )
    };
    let w: Vec<String> = (0..10).map(word).collect();
    format!(
        "def {0}_{1}(rows, {2}, {3}):\n    \"\"\"Collects what is {4} and {5} from the {0} of a {6}, number {number}.\"\"\"\n    kept = []\n    {7} = {number}\n    for {8} in rows:\n        if {8}.{4} > {2} and {7} != {3}:\n            kept.append({8}.{5}({2}, {7}))\n        else:\n            {7} = {7} + {8}.{6}\n    while len(kept) > {number}:\n        kept.pop({3}.{9}({7}))\n    return kept\n",
        w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9]
    )
}

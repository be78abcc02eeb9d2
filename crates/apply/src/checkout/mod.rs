//! The functions of a repository, as scan, search and serve see them.
//!
//! It knows no model, keeps nothing on a disk and judges no function. Nothing is dropped silently: a
//! file or folder is an [`Entry`], or an [`Unread`] with its reason, or counted as of another language.
//!
//! How it is used:
//! - [`find`] with a [`Wish`] says which files there are ([`Checkout::entries`], in the order of
//!   [`Entry::inside`]) without opening one of them. Symbolic links are not followed; `.gitignore` and
//!   `.skillbeltignore` are respected.
//! - [`Checkout::read`] reads and parses them side by side, and hands each to a sink in order. Who has
//!   kept what a content held (an index, a cache) says so by its [`Hash`] before it is parsed.
//!   [`Checkout::read_all`] is the same for who keeps nothing.
//! - [`Parsers::here`] parses in this process. [`Parsers::apart`] parses in processes of their own
//!   (`skillbelt __parse`, see [`serve_parser`]), so that a grammar that dies on a file costs that file.
//! - [`content`] is for texts that come from elsewhere, such as another commit.

mod content;
mod function;
mod parsers;
mod read;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use skillbelt_harvest::walk::{Rules, known, walk_by};

pub use content::{Hash, content};
pub use function::{Function, Functions, MARK, Mark};
pub use parsers::{Parsers, serve as serve_parser};
pub use read::{Content, File, Read};
pub use skillbelt_harvest::{LANGUAGES, Language};

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Folders and files.
    pub paths: Vec<PathBuf>,
    pub languages: BTreeSet<Language>,
    /// Bytes of a file.
    pub most_bytes: u64,
    /// Also what tools wrote, by its name or by its text.
    pub generated: bool,
    /// Also what lies in folders of others' sources.
    pub vendored: bool,
}

impl Wish {
    /// All languages, files of up to a mebibyte, and only what the project itself wrote.
    pub fn of(paths: Vec<PathBuf>) -> Wish {
        Wish {
            paths,
            languages: LANGUAGES.into_iter().collect(),
            most_bytes: skillbelt_harvest::limits::FILE_BYTES,
            generated: false,
            vendored: false,
        }
    }
}

/// Why nothing could be looked at: a path that is not there, or may not be read.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] skillbelt_harvest::Error);

impl Error {
    /// What could be done about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint()
    }
}

/// A file that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As it is opened.
    pub path: PathBuf,
    /// As a person knows it: below the path that was given, with `/`.
    pub shown: String,
    /// Below its root, with `/`: the same wherever the repository lies and whatever path was given.
    pub inside: String,
    /// Which of [`Checkout::roots`] it lies in.
    pub root: usize,
    /// By its name; a header of C may turn out to be of C++ when it is read.
    pub language: Language,
}

/// A file or folder that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unread {
    pub shown: String,
    /// A few words without names and numbers.
    pub reason: String,
    pub is_folder: bool,
    pub cause: Cause,
}

/// Who is to blame that something is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The rules of what is looked at: ignored, generated, vendored, a link.
    Rule,
    /// What it holds: too large, no text, too much to parse.
    Unfit,
    /// The machine: it may not be read, or the parser died on it.
    Failed,
}

/// What the paths hold.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub wish: Wish,
    /// In the order of `root` and `inside`.
    pub entries: Vec<Entry>,
    /// What is known to be left out before any file is opened.
    pub unread: Vec<Unread>,
    /// Files of no language that is asked for; they are counted, not listed.
    pub others: u64,
    /// Repositories, or folders that were given and lie in none.
    pub roots: Vec<PathBuf>,
}

/// Finds the files of the paths.
///
/// # Errors
/// A path that is not there. What lies below a path and cannot be read stops nothing.
pub fn find(wish: &Wish) -> Result<Checkout, Error> {
    let rules = Rules {
        languages: wish.languages.clone(),
        most_bytes: wish.most_bytes,
        generated: wish.generated,
        vendored: wish.vendored,
        listed: true,
    };
    let mut checkout = Checkout {
        wish: wish.clone(),
        entries: Vec::new(),
        unread: Vec::new(),
        others: 0,
        roots: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for given in &wish.paths {
        let walk = walk_by(std::slice::from_ref(given), &rules)?;
        let real = fs_err::canonicalize(given).map_err(skillbelt_harvest::Error::from)?;
        let root = checkout.root(&real);
        let told = |shown: &str| told(given, shown);
        for file in walk.files {
            let shown = told(&file.shown);
            if !seen.insert(file.path.clone()) {
                checkout
                    .unread
                    .push(Unread::new(shown, "reached a second time", false));
                continue;
            }
            let inside = inside(&checkout.roots[root], &file.path);
            checkout.entries.push(Entry {
                path: file.path,
                shown,
                inside,
                root,
                language: file.language,
            });
        }
        for (census, is_folder) in [(walk.census, false), (walk.folders, true)] {
            for (reason, left) in census.left_out {
                if reason == known::OTHER_LANGUAGE {
                    checkout.others += left.count;
                    continue;
                }
                let places = left.such_as.iter();
                checkout
                    .unread
                    .extend(places.map(|shown| Unread::new(told(shown), reason, is_folder)));
            }
        }
    }
    checkout
        .entries
        .sort_by(|one, other| (one.root, &one.inside).cmp(&(other.root, &other.inside)));
    checkout.unread.sort();
    Ok(checkout)
}

impl Checkout {
    /// The number of the root that a path lies in, which is a repository if there is one around it.
    fn root(&mut self, real: &Path) -> usize {
        let repository = real
            .ancestors()
            .find(|folder| fs_err::symlink_metadata(folder.join(".git")).is_ok());
        let own = match real.is_dir() {
            true => real,
            false => real.parent().unwrap_or(real),
        };
        let root = repository.unwrap_or(own).to_owned();
        match self.roots.iter().position(|known| *known == root) {
            Some(at) => at,
            None => {
                self.roots.push(root);
                self.roots.len() - 1
            }
        }
    }
}

/// A path as the walk tells it, which begins with the name of what was given, in a person's words.
fn told(given: &Path, shown: &str) -> String {
    let rest = shown.split_once('/').map(|(_, rest)| rest);
    let given = given.to_string_lossy();
    let given = given.strip_prefix("./").unwrap_or(&given);
    let given = given.trim_end_matches('/');
    match (given, rest) {
        ("" | ".", Some(rest)) => rest.to_owned(),
        (_, Some(rest)) => format!("{given}/{rest}"),
        ("", None) => ".".to_owned(),
        (_, None) => given.to_owned(),
    }
}

fn inside(root: &Path, path: &Path) -> String {
    let rest = path.strip_prefix(root).unwrap_or(path);
    let parts = rest.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

impl Unread {
    pub fn new(shown: String, reason: &str, is_folder: bool) -> Unread {
        Unread {
            shown,
            reason: reason.to_owned(),
            is_folder,
            cause: Cause::of(reason),
        }
    }
}

impl Cause {
    fn of(reason: &str) -> Cause {
        const RULES: &[&str] = &[
            "named in",
            "generated",
            "vendored",
            "built",
            "hidden",
            "submodule",
            "reached",
            "symbolic",
            "no regular file",
            "empty",
            "lines too long",
        ];
        const FAILED: &[&str] = &["cannot be read", "the parser"];
        let begins = |words: &[&str]| words.iter().any(|word| reason.starts_with(word));
        match (begins(RULES), begins(FAILED)) {
            (true, _) => Cause::Rule,
            (_, true) => Cause::Failed,
            _ => Cause::Unfit,
        }
    }
}

//! A repository as a store of commits, folders and files, read through `gix` with limits of our own.
//! What a revision's name means stands in `revision.rs`.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice;
use rayon::prelude::*;
use skillbelt_code::Language;

use super::changes::{Changed, ChangedFile};
use crate::limits::{FILE_BYTES, HISTORY_BYTES, HISTORY_ENTRIES};
use crate::plan::Plan;
use crate::sift::piece::Piece;
use crate::sift::{sift, spoken, text};
use crate::walk::known;

/// Bytes of a commit.
const COMMIT_BYTES: u64 = 1 << 20;

pub struct Objects {
    folder: PathBuf,
    pub(super) repository: gix::Repository,
    /// Entries of folders that may still be read, over all commits: a few small folders that name each
    /// other many times stand for more files than anything could walk through.
    pub(super) entries: Cell<usize>,
}

/// Functions of a file as it once was, by the name of its content.
pub type Versions = HashMap<(String, Language), Vec<Piece>>;

/// A content, the language it is in, and a path that it had.
type Wanted<'c> = ((String, Language), &'c str);

/// A commit, and the content that it has at each path.
pub type Head = (String, HashMap<String, String>);

impl Objects {
    pub fn open(folder: &Path) -> Result<Objects, String> {
        Ok(Objects {
            repository: opened(folder)?,
            folder: folder.to_owned(),
            entries: Cell::new(HISTORY_ENTRIES),
        })
    }

    /// Nothing for a repository without a commit.
    pub fn head(&self) -> Result<Option<Head>, String> {
        let repository = &self.repository;
        let mut head = repository.head().map_err(told)?;
        if head.is_unborn() {
            return Ok(None);
        }
        let Some(id) = head.try_peel_to_id().map_err(told)? else {
            return Ok(None);
        };
        self.files_of(id.detach()).map(Some)
    }

    /// A revision by the name that a person gives it, and the content that it has at each path.
    pub fn at(&self, revision: &str) -> Result<Head, String> {
        let id = super::revision::resolve(&self.repository, revision)?;
        self.files_of(id)
    }

    /// The bytes of a content, by its name.
    pub fn content(&self, name: &str, most: u64) -> Result<Vec<u8>, &'static str> {
        let id = ObjectId::from_hex(name.as_bytes()).map_err(|_| "cannot be read")?;
        object(&self.repository, id, most)
    }

    fn files_of(&self, commit: ObjectId) -> Result<Head, String> {
        let tree = tree_of(&self.repository, commit).map_err(str::to_owned)?;
        let mut files = HashMap::new();
        self.walk(None, Some(tree), &mut |path, _, new| {
            if let Some(new) = new {
                files.insert(path.to_owned(), new.to_string());
            }
        })
        .map_err(str::to_owned)?;
        Ok((commit.to_string(), files))
    }

    /// Commits from HEAD back, the newest first, at most so many.
    pub fn commits(&self, most: usize) -> Result<Vec<String>, String> {
        let repository = &self.repository;
        let head = repository.head_id().map_err(told)?.detach();
        // By time, then by name, so that the order is the same everywhere.
        let mut open: std::collections::BinaryHeap<(i64, ObjectId)> =
            std::collections::BinaryHeap::new();
        let mut seen = std::collections::HashSet::from([head]);
        open.push((i64::MAX, head));
        let mut commits = Vec::new();
        while let Some((_, id)) = open.pop() {
            if commits.len() == most {
                break;
            }
            commits.push(id.to_string());
            // A shallow clone ends where a parent is not there.
            let Ok((_, parents, _, _)) = commit(repository, id) else {
                continue;
            };
            for parent in parents {
                if seen.insert(parent)
                    && let Ok((_, _, time, _)) = commit(repository, parent)
                {
                    open.push((time, parent));
                }
            }
        }
        Ok(commits)
    }

    /// Which source files a commit changed.
    pub fn changed(&self, id: &str, plan: &Plan) -> Result<Changed, &'static str> {
        let repository = &self.repository;
        let id = ObjectId::from_hex(id.as_bytes()).map_err(|_| "cannot be read")?;
        let (tree, parents, time, message) = commit(repository, id)?;
        let mut changed = Changed {
            commit: id.to_string(),
            parent: parents.first().map(ToString::to_string),
            time,
            message,
            merge: parents.len() > 1,
            touched: Vec::new(),
            files: Vec::new(),
        };
        if changed.merge {
            return Ok(changed);
        }
        let before = match parents.first() {
            Some(parent) => Some(tree_of(repository, *parent)?),
            None => None,
        };
        self.walk(before, Some(tree), &mut |path, old, new| {
            let Some(language) = Language::of_file(path).filter(|of| plan.languages.contains(of))
            else {
                return;
            };
            changed.touched.push(path.to_owned());
            if known_path(path) {
                changed.files.push(ChangedFile {
                    path: path.to_owned(),
                    language,
                    old: old.map(|id| id.to_string()),
                    new: new.map(|id| id.to_string()),
                });
            }
        })?;
        Ok(changed)
    }

    /// The functions of every version that commits speak of, each content parsed once, and how many
    /// contents were not parsed because the newer ones were enough.
    pub fn versions(&self, commits: &[Changed]) -> (Versions, usize) {
        let mut wanted: BTreeMap<(String, Language), &str> = BTreeMap::new();
        let mut left = HISTORY_BYTES;
        let mut not_read = HashSet::new();
        for file in commits.iter().flat_map(|commit| &commit.files) {
            for id in [&file.old, &file.new].into_iter().flatten() {
                let key = (id.clone(), file.language);
                if wanted.contains_key(&key) {
                    continue;
                }
                match left.checked_sub(self.size(id)) {
                    Some(rest) => {
                        left = rest;
                        wanted.insert(key, &file.path);
                    }
                    None => {
                        not_read.insert(id);
                    }
                }
            }
        }
        let wanted: Vec<Wanted<'_>> = wanted.into_iter().collect();
        let folder = &self.folder;
        // A repository belongs to one thread, so each opens it for itself.
        let pieces = |repository: &mut Option<gix::Repository>, wanted: &Wanted<'_>| {
            let repository = repository.as_ref()?;
            let ((id, language), path) = wanted;
            let id = ObjectId::from_hex(id.as_bytes()).ok()?;
            let bytes = object(repository, id, FILE_BYTES).ok()?;
            let text = text(bytes).ok()?;
            let language = spoken(*language, path, &text);
            Some(sift(language, &text, path).ok()?.pieces)
        };
        let found: Vec<Option<Vec<Piece>>> = wanted
            .par_iter()
            .map_init(|| opened(folder).ok(), pieces)
            .collect();
        let known = wanted.into_iter().zip(found);
        let versions = known.filter_map(|((key, _), pieces)| Some((key, pieces?)));
        (versions.collect(), not_read.len())
    }

    /// What a content costs to parse: its bytes, or nothing if it will not be parsed.
    fn size(&self, id: &str) -> u64 {
        let header = ObjectId::from_hex(id.as_bytes())
            .ok()
            .and_then(|id| self.repository.find_header(id).ok());
        let size = header.map_or(0, |header| header.size());
        if size > FILE_BYTES { 0 } else { size }
    }
}

/// A file that somebody wrote, as far as its path tells.
fn known_path(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    known::file(name).is_none() && parts.all(|folder| known::folder(folder).is_none())
}

/// A repository without the settings of the machine.
fn opened(folder: &Path) -> Result<gix::Repository, String> {
    gix::open_opts(folder, gix::open::Options::isolated()).map_err(told)
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The bytes of an object, unless it is larger than the limit.
pub(super) fn object(
    repository: &gix::Repository,
    id: ObjectId,
    most: u64,
) -> Result<Vec<u8>, &'static str> {
    let header = repository
        .find_header(id)
        .map_err(|_| "an object is missing")?;
    if header.size() > most {
        return Err("an object is too large");
    }
    let object = repository
        .find_object(id)
        .map_err(|_| "an object cannot be read")?;
    Ok(object.detach().data)
}

pub(super) type Commit = (ObjectId, Vec<ObjectId>, i64, String);

/// Tree, parents, time and the first line of the message.
pub(super) fn commit(repository: &gix::Repository, id: ObjectId) -> Result<Commit, &'static str> {
    let data = object(repository, id, COMMIT_BYTES)?;
    let commit = gix::objs::CommitRef::from_bytes(&data, repository.object_hash())
        .map_err(|_| "a commit is broken")?;
    let time = commit
        .committer()
        .map_err(|_| "a commit is broken")?
        .seconds();
    let first = commit.message.lines().next().unwrap_or_default();
    let message: String = first.to_str_lossy().chars().take(200).collect();
    Ok((commit.tree(), commit.parents().collect(), time, message))
}

fn tree_of(repository: &gix::Repository, id: ObjectId) -> Result<ObjectId, &'static str> {
    commit(repository, id).map(|(tree, _, _, _)| tree)
}

/// The name that git gives to a content.
pub fn blob_name(content: &[u8]) -> Option<String> {
    let hash = gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, content);
    hash.ok().map(|id| id.to_string())
}

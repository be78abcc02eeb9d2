//! One folder after another, with what is known of each from those above it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ignored::{self, Ignored};
use super::known;
use super::project::Place;
use super::{Found, Repository, Rules, Walk, project};
use crate::census::Census;
use crate::limits::{FILE_BYTES, FOLDERS_DEEP};
use skillbelt_code::Language;

/// Goes through folders by rules.
pub(super) struct Walker<'p> {
    rules: &'p Rules,
    seen: BTreeSet<PathBuf>,
    pub walk: Walk,
}

/// A folder that is still to be looked into.
struct Open {
    folder: PathBuf,
    depth: usize,
    place: Place,
    ignored: Ignored,
    repository: Option<usize>,
}

impl<'p> Walker<'p> {
    pub fn new(rules: &'p Rules) -> Walker<'p> {
        let mut walk = Walk::default();
        if rules.listed {
            walk.census = Census::listed();
            walk.folders = Census::listed();
        }
        Walker {
            rules,
            seen: BTreeSet::new(),
            walk,
        }
    }

    /// Looks through a path and all below it, under the name that it is told by.
    pub fn root(&mut self, path: &Path, name: String) {
        let is_folder = path.is_dir();
        let mut place = Place::root(name.clone());
        let (repository, ignored) = self.around(path, is_folder, &mut place);
        if !is_folder {
            return self.file(path.to_owned(), name.clone(), &place, repository, &name);
        }
        let first = Open {
            folder: path.to_owned(),
            depth: 0,
            place,
            ignored,
            repository,
        };
        let mut open = vec![first];
        while let Some(next) = open.pop() {
            let mut inner = self.folder(next);
            inner.reverse();
            open.append(&mut inner);
        }
    }

    /// The repository that a given path lies in without being all of it, and what that ignores.
    fn around(
        &mut self,
        path: &Path,
        is_folder: bool,
        place: &mut Place,
    ) -> (Option<usize>, Ignored) {
        let is_root = |folder: &Path| fs_err::symlink_metadata(folder.join(".git")).is_ok();
        let whole = is_folder && is_root(path);
        let mut above = path.ancestors().skip(1);
        let Some(folder) = above.find(|folder| is_root(folder)).filter(|_| !whole) else {
            return (None, Ignored::none());
        };
        let inner = path.strip_prefix(folder).unwrap_or(path);
        let parts: Vec<String> = inner
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let name = folder.file_name().unwrap_or_default();
        place.belongs_to(name.to_string_lossy().into_owned());
        let mut ignored = Ignored::none();
        let between: Vec<&Path> = path
            .ancestors()
            .skip(1)
            .take_while(|between| between.starts_with(folder))
            .collect();
        for folder in between.into_iter().rev() {
            ignored = ignored.with(folder, true);
        }
        self.walk.repositories.push(Repository {
            folder: folder.to_owned(),
            shown: place.shown.clone(),
            below: parts.join("/"),
            project: place.project().to_owned(),
        });
        (Some(self.walk.repositories.len() - 1), ignored)
    }

    /// Takes the files of a folder, and says which folders are to be looked into.
    fn folder(&mut self, mut open: Open) -> Vec<Open> {
        let shown = open.place.shown.clone();
        if !self.seen.insert(open.folder.clone()) {
            self.walk.folders.left("reached a second time", || shown);
            return Vec::new();
        }
        if open.depth > FOLDERS_DEEP {
            self.walk.folders.left("nested too deep", || shown);
            return Vec::new();
        }
        let Ok(entries) = sorted(&open.folder) else {
            self.walk.folders.left("cannot be read", || shown);
            return Vec::new();
        };
        self.walk.folders.used(1);
        let has = |name: &str| {
            entries
                .iter()
                .any(|(entry, _)| entry.to_str() == Some(name))
        };
        if has(".git") {
            open.repository = Some(self.walk.repositories.len());
            open.place.is_project();
            self.walk.repositories.push(Repository {
                folder: open.folder.clone(),
                shown: open.place.shown.clone(),
                below: String::new(),
                project: open.place.project().to_owned(),
            });
        } else if project::MANIFESTS.iter().any(|name| has(name)) {
            open.place.is_project();
        }
        if has(".gitignore") || has(ignored::OURS) {
            let in_repository = open.repository.is_some();
            open.ignored = open.ignored.with(&open.folder, in_repository);
        }
        let mut inner = Vec::new();
        for (name, kind) in entries {
            let path = open.folder.join(&name);
            let name = name.to_string_lossy().into_owned();
            let place = open.place.inside(&name);
            match kind {
                Ok(kind) if kind.is_symlink() => {
                    self.walk.census.left("symbolic link", || place.shown);
                }
                Ok(kind) if kind.is_dir() => {
                    if let Some(reason) = self.unwanted_folder(&path, &name, &open.ignored) {
                        if reason != known::OWN {
                            self.walk.folders.left(reason, || place.shown);
                        }
                        continue;
                    }
                    inner.push(Open {
                        folder: path,
                        depth: open.depth + 1,
                        place,
                        ignored: open.ignored.clone(),
                        repository: open.repository,
                    });
                }
                Ok(kind) if kind.is_file() => {
                    if let Some(reason) = open.ignored.names(&path, false) {
                        self.walk.census.left(reason, || place.shown);
                    } else {
                        let shown = place.shown.clone();
                        self.file(path, shown, &open.place, open.repository, &name);
                    }
                }
                Ok(_) => self.walk.census.left("no regular file", || place.shown),
                Err(_) => self.walk.census.left("cannot be read", || place.shown),
            }
        }
        inner
    }

    fn unwanted_folder(&self, path: &Path, name: &str, ignored: &Ignored) -> Option<&'static str> {
        if name == ".git" {
            return Some(known::OWN);
        }
        if let Some(reason) = known::folder(name).filter(|reason| !self.taken(reason)) {
            return Some(reason);
        }
        if let Some(reason) = ignored.names(path, true) {
            return Some(reason);
        }
        let git = path.join(".git");
        let linked = fs_err::symlink_metadata(git).is_ok_and(|about| about.is_file());
        linked.then_some("submodule")
    }

    /// Whether the rules take what is otherwise left out for a reason.
    fn taken(&self, reason: &str) -> bool {
        match reason {
            known::VENDORED_FOLDER => self.rules.vendored,
            known::BUILT_FOLDER | known::WRITTEN_FILE => self.rules.generated,
            _ => false,
        }
    }

    fn file(
        &mut self,
        path: PathBuf,
        shown: String,
        place: &Place,
        repository: Option<usize>,
        name: &str,
    ) {
        let named = known::file(name).filter(|reason| !self.taken(reason));
        let census = &mut self.walk.census;
        let languages = &self.rules.languages;
        let language = Language::of_file(name).filter(|known| languages.contains(known));
        let Some(language) = language else {
            return census.left(known::OTHER_LANGUAGE, || shown);
        };
        if let Some(reason) = named {
            return census.left(reason, || shown);
        }
        if !self.seen.insert(path.clone()) {
            return census.left("reached a second time", || shown);
        }
        match fs_err::metadata(&path) {
            Err(_) => census.left("cannot be read", || shown),
            Ok(about) if !about.is_file() => census.left("no regular file", || shown),
            Ok(about) if about.len() > self.rules.most_bytes => {
                let usual = self.rules.most_bytes == FILE_BYTES;
                let reason = if usual {
                    "larger than 1 MiB"
                } else {
                    "larger than the limit"
                };
                census.left(reason, || shown);
            }
            Ok(_) => self.walk.files.push(Found {
                path,
                shown,
                project: place.project().to_owned(),
                language,
                repository,
            }),
        }
    }
}

type Entry = (std::ffi::OsString, std::io::Result<std::fs::FileType>);

/// The entries of a folder in the order of their names.
fn sorted(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        entries.push((entry.file_name(), entry.file_type()));
    }
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(entries)
}

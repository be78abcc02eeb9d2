//! What a repository held at another commit: which functions are new since, and what they were before.
//!
//! Functions are told again by their words, so one that only moved is not new.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use rayon::prelude::*;
use skillbelt_harvest::history::objects::{Objects, blob_name};
use skillbelt_harvest::history::sound;
use skillbelt_harvest::sift::bytes_within;
use skillbelt_harvest::walk::known;
use skillbelt_train::{Error, Result};

use super::subject::{Kept, Subject};
use crate::checkout::{Checkout, Function, Hash, Language, Parsers, content};

/// A repository as it was.
#[derive(Debug, Default)]
pub struct Past {
    /// The commit's full name.
    pub commit: String,
    /// Places of entries whose content is not that of the commit.
    pub changed: BTreeSet<usize>,
    /// Functions of the commit's files that are not there any more as they were.
    pub files: Vec<PastFile>,
    /// Files of the commit that cannot be read now.
    pub unread: Vec<(String, String)>,
}

/// A file as it was.
#[derive(Debug)]
pub struct PastFile {
    pub path: String,
    pub language: Language,
    pub kept: Kept,
    pub functions: Vec<Function>,
}

impl Past {
    /// Prints of all functions that were changed, moved or removed since.
    pub fn prints(&self) -> HashSet<Hash> {
        let subjects = self.files.iter().flat_map(|file| &file.kept.subjects);
        subjects.map(|subject| subject.print).collect()
    }

    /// Whether a function of an entry is one that the commit had.
    pub fn had(&self, entry: usize, subject: &Subject, prints: &HashSet<Hash>) -> bool {
        !self.changed.contains(&entry) || prints.contains(&subject.print)
    }
}

/// Looks up a revision of the repository that a checkout lies in.
///
/// # Errors
/// No repository, several ones, or no such revision.
pub fn past(checkout: &Checkout, parsers: &Parsers, revision: &str) -> Result<Past> {
    let [root] = &checkout.roots[..] else {
        return Err(Error::told(
            "a revision is asked for, and the paths lie in several repositories",
        )
        .with_hint("scan one repository at a time"));
    };
    if !root.join(".git").exists() {
        return Err(Error::told(format_args!(
            "{}: `{revision}` is asked for, and this is no git repository",
            root.display()
        )));
    }
    let told = |why: String| Error::told(format_args!("{}: {why}", root.display()));
    sound(root).map_err(told)?;
    let objects = Objects::open(root).map_err(told)?;
    let (commit, then) = objects.at(revision).map_err(told)?;
    let mut past = Past {
        commit,
        ..Past::default()
    };
    let now: Vec<Option<String>> = checkout
        .entries
        .par_iter()
        .map(|entry| blob_name(&bytes_within(&entry.path, checkout.wish.most_bytes).ok()?))
        .collect();
    let mut same: HashSet<&str> = HashSet::new();
    for (at, (entry, blob)) in checkout.entries.iter().zip(&now).enumerate() {
        match then.get(&entry.inside) == blob.as_ref() && blob.is_some() {
            true => {
                same.insert(entry.inside.as_str());
            }
            false => {
                past.changed.insert(at);
            }
        }
    }
    let within = scope(checkout, root);
    let mut gone: Vec<(&String, &String, Language)> = then
        .iter()
        .filter(|(path, _)| !same.contains(path.as_str()))
        .filter(|(path, _)| within.is_empty() || within.iter().any(|w| is_below(path, w)))
        .filter_map(|(path, blob)| Some((path, blob, wanted(checkout, path)?)))
        .collect();
    gone.sort();
    read(checkout, parsers, &objects, &gone, &mut past);
    Ok(past)
}

/// The given paths inside of the repository; none if all of it was given.
fn scope(checkout: &Checkout, root: &Path) -> Vec<String> {
    let inside = |path: &std::path::PathBuf| -> Option<String> {
        let real = fs_err::canonicalize(path).ok()?;
        let rest = real.strip_prefix(root).ok()?;
        Some(rest.to_string_lossy().replace('\\', "/"))
    };
    let all: Vec<String> = checkout.wish.paths.iter().filter_map(inside).collect();
    match all.iter().any(String::is_empty) {
        true => Vec::new(),
        false => all,
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The language of a path that would be read if it were there.
fn wanted(checkout: &Checkout, path: &str) -> Option<Language> {
    let language = Language::of_file(path)?;
    let wish = &checkout.wish;
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let own = wish.generated || known::file(name).is_none();
    let folders =
        wish.vendored && wish.generated || parts.all(|part| known::folder(part).is_none());
    (wish.languages.contains(&language) && own && folders).then_some(language)
}

fn read(
    checkout: &Checkout,
    parsers: &Parsers,
    objects: &Objects,
    gone: &[(&String, &String, Language)],
    past: &mut Past,
) {
    let most = checkout.wish.most_bytes;
    for (path, blob, language) in gone {
        let parsed = objects
            .content(blob, most)
            .and_then(|bytes| content(&checkout.wish, *language, path, bytes))
            .map_err(str::to_owned)
            .and_then(|(language, text)| Ok((language, parsers.parse(language, &text)?)));
        match parsed {
            Ok((language, found)) => past.files.push(PastFile {
                path: (*path).clone(),
                language,
                kept: Kept::of(language, &found),
                functions: found.functions,
            }),
            Err(why) => past.unread.push(((*path).clone(), why)),
        }
    }
}

/// Findings that were known before, by fingerprint and by place.
#[derive(Debug, Default)]
pub struct Known {
    /// How many findings of a print there were.
    prints: HashMap<String, usize>,
    /// Rule, path and function.
    places: HashSet<(String, String, String)>,
}

impl Known {
    pub fn add(&mut self, rule: &str, print: &str, path: &str, function: &str) {
        let print = print.split(':').next().unwrap_or(print);
        *self.prints.entry(print.to_owned()).or_default() += 1;
        self.places
            .insert((rule.to_owned(), path.to_owned(), function.to_owned()));
    }

    /// Whether a finding was known. Each known one answers for one of its print; a function that was
    /// edited and still has its finding is known by its place.
    pub fn takes(&mut self, rule: &str, print: &str, path: &str, function: &str) -> bool {
        let place = (rule.to_owned(), path.to_owned(), function.to_owned());
        if let Some(count) = self.prints.get_mut(print).filter(|count| **count > 0) {
            *count -= 1;
            return true;
        }
        self.places.contains(&place)
    }
}

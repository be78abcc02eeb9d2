//! The cache on disk, in the hub client's own layout, so that both find what the other fetched:
//! `models--owner--name/{refs/<revision>, blobs/<etag>, snapshots/<commit>/<file>}`. It talks to no one.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::limits::MAX_INDEX_BYTES;
use super::name::{Repo, is_commit};
use super::select::{Weights, shards};

/// One base's folder in the cache.
pub(super) struct Shelf {
    /// `models--owner--name`.
    pub folder: PathBuf,
    /// Where the locks of its files lie.
    pub locks: PathBuf,
}

/// The cache's folder by the hub client's variables; an empty variable counts as not set.
pub fn cache_folder(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<PathBuf> {
    let set = |name: &str| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = set("HF_HUB_CACHE") {
        return Ok(folder);
    }
    hub_home(&set)
        .map(|home| home.join("hub"))
        .ok_or(Error::NoCache)
}

/// `HF_HOME`, else `huggingface` in the user's cache.
pub(super) fn hub_home(set: &impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    set("HF_HOME").or_else(|| {
        let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
        cache.map(|cache| cache.join("huggingface"))
    })
}

impl Shelf {
    pub(super) fn new(cache: &Path, repo: &Repo) -> Shelf {
        Shelf {
            folder: cache.join(repo.folder()),
            locks: cache.join(".locks").join(repo.folder()),
        }
    }

    /// The snapshot of a revision, if it is complete: a configuration, and weights in one form with every shard.
    pub(super) fn complete(&self, revision: &str) -> Option<PathBuf> {
        let commit = if is_commit(revision) {
            revision.to_owned()
        } else {
            let reference = fs_err::read_to_string(self.folder.join("refs").join(revision)).ok()?;
            let commit = reference.trim();
            is_commit(commit).then(|| commit.to_owned())?
        };
        let snapshot = self.snapshot(&commit);
        snapshot_is_complete(&snapshot).then_some(snapshot)
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// Makes `file` of the snapshot stand for the blob: a link where links can be made, else a copy. A whole file is
    /// seen under its name or none.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<()> {
        let place = self.snapshot(commit).join(file);
        if let Some(parent) = place.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let depth = file.split('/').count() + 1;
        let target = PathBuf::from("../".repeat(depth)).join("blobs").join(etag);
        let aside = place.with_file_name(format!(".{etag}.{}", std::process::id()));
        if symlink(&target, &aside).is_err() {
            fs_err::copy(self.blob(etag), &aside)?;
        }
        fs_err::rename(&aside, &place)?;
        Ok(())
    }

    /// Says that the revision is this commit. Written last: who finds it finds a complete snapshot.
    pub(super) fn refer(&self, revision: &str, commit: &str) -> Result<()> {
        if is_commit(revision) {
            return Ok(());
        }
        let place = self.folder.join("refs").join(revision);
        if let Some(parent) = place.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let aside = place.with_extension(format!("{}.incomplete", std::process::id()));
        let mut file = fs_err::File::create(&aside)?;
        file.write_all(commit.as_bytes())?;
        file.sync_all()?;
        fs_err::rename(&aside, &place)?;
        Ok(())
    }
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> std::io::Result<()> {
    fs_err::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _place: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Whether a base can be loaded from the folder as far as its files' names tell.
fn snapshot_is_complete(snapshot: &Path) -> bool {
    let has = |name: &str| snapshot.join(name).is_file();
    if !has("config.json") {
        return false;
    }
    match Weights::choose(has) {
        None => false,
        Some(Weights::Whole(_)) => true,
        Some(Weights::Shards(index)) => {
            let path = snapshot.join(index);
            let small = fs_err::metadata(&path).is_ok_and(|facts| facts.len() <= MAX_INDEX_BYTES);
            let text = small.then(|| fs_err::read_to_string(&path).ok()).flatten();
            let names = text.and_then(|text| shards(&text));
            names.is_some_and(|names| names.iter().all(|name| has(name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_hub_client_keeps_it() {
        let with = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect();
            cache_folder(move |name| {
                pairs
                    .iter()
                    .find(|(key, _)| key == name)
                    .map(|(_, value)| value.into())
            })
        };
        let all = [
            ("HOME", "/h"),
            ("XDG_CACHE_HOME", "/x"),
            ("HF_HOME", "/f"),
            ("HF_HUB_CACHE", "/c"),
        ];
        let expected = [
            "/h/.cache/huggingface/hub",
            "/x/huggingface/hub",
            "/f/hub",
            "/c",
        ];
        for (known, place) in expected.iter().enumerate() {
            assert_eq!(with(&all[..=known]).unwrap(), Path::new(place));
        }
        assert_eq!(
            with(&[("HF_HUB_CACHE", ""), ("HOME", "/h")]).unwrap(),
            Path::new(expected[0])
        );
        assert!(matches!(with(&[]), Err(Error::NoCache)));
    }
}

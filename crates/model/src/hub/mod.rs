//! From what a person types to a folder that holds a base: a local folder as it is, else a name on the hub, from the
//! cache where it is complete, else fetched, checked and cached. It loads no weights and runs nothing it fetched.

mod cache;
mod client;
mod download;
mod error;
mod limits;
mod name;
mod select;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use cache::cache_folder;
pub use error::{Error, Result};
pub use limits::Patience;

use crate::pocket;
use cache::Shelf;
use client::Client;
use limits::{MAX_FILES, MAX_INDEX_BYTES, MAX_LIST_BYTES};
use name::Repo;
use select::Weights;

const PUBLIC_ENDPOINT: &str = "https://huggingface.co";

/// Told how a download goes; every method is called from the thread that called [`resolve`].
pub trait Progress {
    /// A file of `total` bytes, of which `have` are here already.
    fn begin(&self, _file: &str, _total: u64, _have: u64) {}
    /// So many more bytes of it arrived.
    fn advance(&self, _file: &str, _bytes: u64) {}
    /// The server starts the file over: nothing of it is here.
    fn restart(&self, _file: &str) {}
    /// It is whole and checked.
    fn end(&self, _file: &str) {}
}

/// Watches nothing.
pub struct Unwatched;

impl Progress for Unwatched {}

/// Where to look, whom to ask, and how patiently.
#[derive(Clone)]
pub struct Options {
    /// The hub client's cache (`models--*` folders).
    pub cache: PathBuf,
    /// The server, without a path.
    pub endpoint: String,
    /// Sent to the endpoint's origin only; in no error and no log.
    pub token: Option<String>,
    /// No request at all.
    pub offline: bool,
    pub patience: Patience,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("cache", &self.cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "(hidden)"))
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

impl Options {
    /// By the hub client's environment: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`, `HF_ENDPOINT`, `HF_TOKEN`
    /// (else the file `token` in the hub's home), `HF_HUB_OFFLINE`.
    pub fn from_env() -> Result<Options> {
        Options::from_variables(|name| std::env::var_os(name))
    }

    /// The same by any source of variables.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Options> {
        let text = |name: &str| {
            let value = variable(name)?.into_string().ok()?;
            let value = value.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let home = cache::hub_home(&|name: &str| text(name).map(PathBuf::from));
        let saved = || {
            let token = fs_err::read_to_string(home?.join("token")).ok()?;
            let token = token.trim().to_owned();
            (!token.is_empty()).then_some(token)
        };
        let offline = text("HF_HUB_OFFLINE")
            .unwrap_or_default()
            .to_ascii_lowercase();
        Ok(Options {
            cache: cache_folder(&variable)?,
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| PUBLIC_ENDPOINT.to_owned()),
            token: text("HF_TOKEN").or_else(saved),
            offline: matches!(offline.as_str(), "1" | "true" | "yes" | "on"),
            patience: Patience::default(),
        })
    }
}

/// The folder of a base: `name_or_path` itself if it is a folder, else that of the hub's `owner/name` (or
/// `owner/name@revision`).
///
/// The word `pocket` names the base that is built in, even beside a folder of that name (which is `./pocket`).
/// A cached base that is complete is used without asking anyone. Otherwise, unless offline, what a base needs is
/// fetched (see [`select`]), each file checked against the server's hash before it gets its name, and the revision
/// recorded last; killed anywhere, the next call goes on from there.
pub fn resolve(name_or_path: &str, options: &Options, progress: &dyn Progress) -> Result<PathBuf> {
    if name_or_path == pocket::NAME {
        return pocket::folder(&options.cache).map_err(|error| Error::Pocket {
            reason: error.to_string(),
        });
    }
    let path = Path::new(name_or_path);
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let repo = Repo::parse(name_or_path)?;
    let shelf = Shelf::new(&options.cache, &repo);
    if let Some(snapshot) = shelf.complete(&repo.revision) {
        return Ok(snapshot);
    }
    if options.offline {
        return Err(Error::Offline {
            name: name_or_path.to_owned(),
            cache: options.cache.clone(),
        });
    }
    let token = options.token.as_deref();
    let name = name_or_path.to_owned();
    let client = Client::new(&options.endpoint, token, options.patience, name);
    fetch(&client, &shelf, &repo, progress)
}

/// Small files first, then the weights, then the revision's name.
fn fetch(client: &Client, shelf: &Shelf, repo: &Repo, progress: &dyn Progress) -> Result<PathBuf> {
    let (commit, listed) = list(client, repo)?;
    let get = |file: &str| -> Result<PathBuf> {
        let etag = download::fetch(client, shelf, &repo.id, &commit, file, progress)?;
        shelf.link(&commit, file, &etag)?;
        Ok(shelf.snapshot(&commit).join(file))
    };
    let incomplete = |missing| Error::Incomplete {
        name: client.name.clone(),
        missing,
    };
    if !listed.contains("config.json") {
        return Err(incomplete("config.json"));
    }
    let weights = Weights::choose(|name| listed.contains(name));
    let weights = weights.ok_or_else(|| incomplete("model.safetensors or pytorch_model.bin"))?;
    for file in select::small_files(&listed) {
        get(&file)?;
    }
    let first = get(weights.file())?;
    if let Weights::Shards(index) = weights {
        let small = fs_err::metadata(&first)?.len() <= MAX_INDEX_BYTES;
        let text = small.then(|| fs_err::read_to_string(&first)).transpose()?;
        let names = text
            .and_then(|text| select::shards(&text))
            .unwrap_or_default();
        let all = names.iter().all(|name| listed.contains(name));
        if names.is_empty() || names.len() > MAX_FILES || !all {
            let expected = "an index of shards that are among the base's files";
            return Err(client.senseless(index, expected, "another"));
        }
        for name in &names {
            get(name)?;
        }
    }
    shelf.refer(&repo.revision, &commit)?;
    Ok(shelf.snapshot(&commit))
}

/// The commit that the revision means now, and the files there whose names are plain; others are never asked for.
fn list(client: &Client, repo: &Repo) -> Result<(String, BTreeSet<String>)> {
    let revision = repo.revision.replace('/', "%2F");
    let path = format!("/api/models/{}/revision/{revision}", repo.id);
    let what = "the list of its files";
    let text = client.text(&path, what, MAX_LIST_BYTES)?;
    let answer: Value = serde_json::from_str(&text)
        .map_err(|error| client.senseless(what, "JSON", &error.to_string()))?;
    let commit = answer["sha"].as_str().filter(|sha| name::is_commit(sha));
    let commit = commit.ok_or_else(|| client.senseless(what, "a commit in \"sha\"", "none"))?;
    let siblings = answer["siblings"].as_array();
    let siblings = siblings.ok_or_else(|| client.senseless(what, "\"siblings\"", "none"))?;
    let names = siblings
        .iter()
        .filter_map(|entry| entry["rfilename"].as_str());
    let names = names.filter(|name| name::file_is_plain(name));
    Ok((commit.to_owned(), names.map(str::to_owned).collect()))
}

//! What the hub can refuse: the name, the file, what was expected and what came. Advice stands apart in
//! [`Error::hint`]. A token never appears in any of them.

use std::path::PathBuf;

/// The hub's result.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a base was not found or fetched.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a folder nor a name that the hub could know.
    #[error(
        "{name:?} is neither a folder nor a name of the form owner/name or owner/name@revision"
    )]
    Name { name: String },
    /// The base that is built in could not be put into the cache.
    #[error("the pocket base: {reason}")]
    Pocket { reason: String },
    /// Offline, and the cache does not hold all of it.
    #[error("{name}: not complete in {} and offline", .cache.display())]
    Offline { name: String, cache: PathBuf },
    /// The server knows no such base, revision or file.
    #[error("{name}: {what}: the server has no such thing (404)")]
    Absent { name: String, what: String },
    /// The server wants to know who asks, or knows and says no.
    #[error("{name}: {what}: the server refuses access ({status}{code})")]
    Denied {
        name: String,
        what: String,
        status: u16,
        code: String,
        token_given: bool,
    },
    /// The server's answer does not make sense.
    #[error("{name}: {what}: expected {expected}, found {found}")]
    Answer {
        name: String,
        what: String,
        expected: String,
        found: String,
    },
    /// What arrived is not what the server announced; the file was removed.
    #[error("{name}: {file}: {what}: expected {expected}, found {found}; what arrived was removed")]
    Damaged {
        name: String,
        file: String,
        what: &'static str,
        expected: String,
        found: String,
    },
    /// The base has no file that a base needs.
    #[error("{name}: no {missing} among its files")]
    Incomplete { name: String, missing: &'static str },
    /// The connection failed more often than is worth trying.
    #[error("{name}: {what}: gave up after {attempts} attempts: {last}")]
    Network {
        name: String,
        what: String,
        attempts: u32,
        last: String,
    },
    /// Another process holds the download for too long.
    #[error("{}: held by another process for more than {seconds} s", .lock.display())]
    Locked { lock: PathBuf, seconds: u64 },
    /// The cache could not be read or written; the cause names the path.
    #[error("{0}")]
    Cache(#[from] std::io::Error),
    /// No place for a cache is known.
    #[error("no cache folder: none of HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and HOME is set")]
    NoCache,
}

impl Error {
    /// What a person may do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Name { .. } => Some("check the folder's path, or the base's name on the hub"),
            Error::Offline { .. } => Some(
                "fetch it once with a network (without --offline and HF_HUB_OFFLINE), or name a local folder",
            ),
            Error::Absent { .. } => Some("check the name and the revision on the hub"),
            Error::Denied {
                token_given: false, ..
            } => Some("accept the base's terms on the hub if it has some, and set HF_TOKEN"),
            Error::Denied { .. } => {
                Some("the token in use does not open this base: accept its terms with that account")
            }
            Error::Damaged { .. } => {
                Some("run it again; if it comes back, the server or a proxy changes files")
            }
            Error::Network { .. } => {
                Some("run it again: what has arrived is kept and the rest is fetched")
            }
            Error::Locked { .. } => Some("wait for the other download, or end it"),
            Error::Pocket { .. } => Some("set HF_HOME to a folder that can be written to"),
            Error::NoCache => Some("set HF_HOME to a folder with room for checkpoints"),
            Error::Answer { .. } => Some("check HF_ENDPOINT, and proxies on the way to it"),
            Error::Incomplete { .. } | Error::Cache(_) => None,
        }
    }
}

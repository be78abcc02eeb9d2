//! One file from the server into the cache: taken up where it stopped, checked, then named. It chooses no files.
//!
//! What holds at any kill: `blobs/<etag>` is either absent or whole and checked; what has arrived of an unfinished
//! file lies in `blobs/<etag>.incomplete`, and the next run asks for the rest only. One process fetches a file at a
//! time; the others wait for its lock.

use std::fs::TryLockError;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::Progress;
use super::cache::Shelf;
use super::client::{Client, Failure, Want, header, passing};
use super::error::{Error, Result};
use super::limits::{CHUNK_BYTES, MAX_CONNECTIONS, MAX_FILE_BYTES};

const LOCK_POLL: Duration = Duration::from_millis(50);

/// What the server announces of a file.
struct Facts {
    /// The blob's name: the content's sha256, or git's sha1 of it.
    etag: String,
    size: u64,
}

/// Fetches `file` of `commit`; gives the name of its blob, which is whole and checked.
pub(super) fn fetch(
    client: &Client,
    shelf: &Shelf,
    repo: &str,
    commit: &str,
    file: &str,
    progress: &dyn Progress,
) -> Result<String> {
    let path = format!("/{repo}/resolve/{commit}/{file}");
    let facts = facts(client, &path, file)?;
    let blob = shelf.blob(&facts.etag);
    let _lock = lock(client, &shelf.locks, &facts.etag)?;
    if fs_err::metadata(&blob).is_ok_and(|found| found.len() == facts.size) {
        progress.begin(file, facts.size, facts.size);
        progress.end(file);
        return Ok(facts.etag);
    }
    let place = shelf
        .folder
        .join("blobs")
        .join(format!("{}.incomplete", facts.etag));
    if let Some(parent) = place.parent() {
        fs_err::create_dir_all(parent)?;
    }
    receive(client, &path, file, &facts, &place, progress)?;
    if let Err(error) = check(client, file, &facts, &place) {
        fs_err::remove_file(&place)?;
        return Err(error);
    }
    fs_err::rename(&place, &blob)?;
    progress.end(file);
    Ok(facts.etag)
}

/// Asks for the head only; a file kept elsewhere has its facts in the linked headers.
fn facts(client: &Client, path: &str, file: &str) -> Result<Facts> {
    let answer = client.ask(path, file, Want::Facts)?;
    let headers = answer.headers();
    let etag = header(headers, "x-linked-etag").or_else(|| header(headers, "etag"));
    let etag = etag.unwrap_or_default();
    let etag = etag
        .trim_start_matches("W/")
        .trim_matches('"')
        .to_ascii_lowercase();
    let hash = matches!(etag.len(), 40 | 64) && etag.bytes().all(|mark| mark.is_ascii_hexdigit());
    if !hash {
        let expected = "an etag that is a sha256 or a git hash, to check the file by";
        return Err(client.senseless(file, expected, &format!("{etag:.80?}")));
    }
    let size = header(headers, "x-linked-size").or_else(|| header(headers, "content-length"));
    let size = size
        .and_then(|size| size.parse().ok())
        .filter(|size| *size <= MAX_FILE_BYTES);
    let size = size.ok_or_else(|| {
        client.senseless(file, &format!("a size of at most {MAX_FILE_BYTES}"), "none")
    })?;
    Ok(Facts { etag, size })
}

/// Holds the file's lock (the hub client's own, so that both respect each other) until dropped.
fn lock(client: &Client, folder: &Path, etag: &str) -> Result<fs_err::File> {
    fs_err::create_dir_all(folder)?;
    let path: PathBuf = folder.join(format!("{etag}.lock"));
    let file = fs_err::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)?;
    let begun = Instant::now();
    loop {
        match file.file().try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if begun.elapsed() > client.patience.lock => {
                return Err(Error::Locked {
                    lock: path,
                    seconds: client.patience.lock.as_secs(),
                });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
        }
    }
}

/// Brings the file at `place` to its announced size, over as many connections as that takes. Attempts count as
/// fruitless only if they bring no byte.
fn receive(
    client: &Client,
    path: &str,
    file: &str,
    facts: &Facts,
    place: &Path,
    progress: &dyn Progress,
) -> Result<()> {
    let mut partial = fs_err::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(place)?;
    let mut have = partial.metadata()?.len();
    if have > facts.size {
        partial.set_len(0)?;
        have = 0;
    }
    progress.begin(file, facts.size, have);
    let mut furthest = have;
    for _ in 0..MAX_CONNECTIONS {
        if have >= facts.size {
            break;
        }
        furthest = client.patiently(file, |_| {
            stretch(client, path, file, facts, &mut partial, &mut have, progress)?;
            if have > furthest {
                Ok(have)
            } else {
                Err(passing(format!("the connection was cut at byte {have}")))
            }
        })?;
    }
    if have < facts.size {
        return Err(Error::Network {
            name: client.name.clone(),
            what: file.to_owned(),
            attempts: MAX_CONNECTIONS,
            last: format!("{have} of {} bytes are here", facts.size),
        });
    }
    partial.sync_all()?;
    Ok(())
}

/// One connection's worth, from byte `have` on, which is moved along. A cut is no failure here: the caller sees how far
/// it got.
fn stretch(
    client: &Client,
    path: &str,
    file: &str,
    facts: &Facts,
    partial: &mut fs_err::File,
    have: &mut u64,
    progress: &dyn Progress,
) -> std::result::Result<(), Failure> {
    let disk = |error: std::io::Error| Failure::Final(error.into());
    let answer = client.attempt(path, file, Want::BodyFrom(*have))?;
    let from = match answer.status().as_u16() {
        206 => range_start(&header(answer.headers(), "content-range").unwrap_or_default()),
        200 => Some(0),
        _ => None,
    };
    if from != Some(*have) {
        partial.set_len(0).map_err(disk)?;
        *have = 0;
        progress.restart(file);
    }
    if from != Some(*have) {
        return Err(passing(
            "the server did not go on where it was asked to".to_owned(),
        ));
    }
    partial.seek(SeekFrom::Start(*have)).map_err(disk)?;
    let mut body = answer.into_body().into_reader();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        // A body that ends early shows in `have`, whether the connection was cut or fell silent.
        let Ok(read @ 1..) = body.read(&mut chunk) else {
            return Ok(());
        };
        if *have + read as u64 > facts.size {
            partial.set_len(0).map_err(disk)?;
            let expected = format!("{} bytes", facts.size);
            return Err(Failure::Final(client.senseless(file, &expected, "more")));
        }
        partial.write_all(&chunk[..read]).map_err(disk)?;
        *have += read as u64;
        progress.advance(file, read as u64);
    }
}

/// The first byte of `bytes 10-19/20`.
fn range_start(range: &str) -> Option<u64> {
    let (start, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    start.trim().parse().ok()
}

/// Size and hash against what was announced.
fn check(client: &Client, file: &str, facts: &Facts, place: &Path) -> Result<()> {
    let (found, what) = if facts.etag.len() == 64 {
        (hash(Sha256::new(), place)?, "sha256")
    } else {
        let mut git = Sha1::new();
        git.update(format!("blob {}\0", facts.size));
        (hash(git, place)?, "git hash")
    };
    if found == facts.etag {
        return Ok(());
    }
    Err(Error::Damaged {
        name: client.name.clone(),
        file: file.to_owned(),
        what,
        expected: facts.etag.clone(),
        found,
    })
}

fn hash<D: Digest>(mut digest: D, place: &Path) -> Result<String> {
    let mut file = fs_err::File::open(place)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => digest.update(&chunk[..read]),
        }
    }
    let mut hex = String::new();
    for byte in digest.finalize().iter() {
        hex.push_str(&format!("{byte:02x}"));
    }
    Ok(hex)
}

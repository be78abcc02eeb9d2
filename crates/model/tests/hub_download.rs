//! Fetching a base from a server that misbehaves: cut connections, wrong contents, refusals, redirects.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod hub_server;

use std::path::Path;
use std::time::{Duration, Instant};

use hub_server::{COMMIT, Files, Reply, Request, Server, etag};
use skillbelt_model::hub::{Error, Options, Patience, Unwatched, resolve};

const NAME: &str = "owner/name";
const SECRET: &str = "hf_secret_of_the_test";

fn options(cache: &Path, endpoint: String) -> Options {
    Options {
        cache: cache.to_owned(),
        endpoint,
        token: None,
        offline: false,
        patience: Patience {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(2),
            silence: Duration::from_secs(1),
            attempts: 4,
            back_off: Duration::from_millis(5),
            longest_wait: Duration::from_millis(300),
            lock: Duration::from_millis(300),
        },
    }
}

/// Resolves against a server with this script; gives the result, the cache and the server.
fn fetch(
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (Result<std::path::PathBuf, Error>, tempfile::TempDir, Server) {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::start(script);
    let result = resolve(NAME, &options(cache.path(), server.endpoint()), &Unwatched);
    (result, cache, server)
}

fn is_weights(request: &Request) -> bool {
    request.method == "GET" && request.path.ends_with("model.safetensors")
}

fn assert_whole(snapshot: &Path) {
    for (name, content) in Files::base().0 {
        let path = snapshot.join(&name);
        if name == "README.md" {
            assert!(!path.exists());
        } else {
            assert!(fs_err::read(path).unwrap() == content, "{name}");
        }
    }
}

/// No blob under a final name, and no revision recorded.
fn assert_nothing_claimed(cache: &Path) {
    let folder = cache.join("models--owner--name");
    assert!(!folder.join("refs/main").exists());
    assert!(
        !folder
            .join("snapshots")
            .join(COMMIT)
            .join("model.safetensors")
            .exists()
    );
    let weights = etag(&Files::base().0["model.safetensors"]);
    assert!(!folder.join("blobs").join(weights).exists());
}

#[test]
fn a_base_is_fetched_once_and_then_used_without_asking_anyone() {
    let files = Files::base();
    let (snapshot, cache, server) = fetch(move |request| files.answer(request));
    let snapshot = snapshot.unwrap();
    assert_whole(&snapshot);
    assert_eq!(
        snapshot,
        cache
            .path()
            .join("models--owner--name/snapshots")
            .join(COMMIT)
    );
    let reference = cache.path().join("models--owner--name/refs/main");
    assert_eq!(fs_err::read_to_string(reference).unwrap(), COMMIT);
    let asked = server.requests().len();
    let again = options(cache.path(), server.endpoint());
    assert_eq!(resolve(NAME, &again, &Unwatched).unwrap(), snapshot);
    let pinned = format!("{NAME}@{COMMIT}");
    let offline = Options {
        offline: true,
        ..again
    };
    assert_eq!(resolve(&pinned, &offline, &Unwatched).unwrap(), snapshot);
    assert_eq!(server.requests().len(), asked);
    let local = cache.path().to_str().unwrap();
    assert_eq!(resolve(local, &offline, &Unwatched).unwrap(), cache.path());
    let missing = resolve("owner/other", &offline, &Unwatched).unwrap_err();
    assert!(matches!(missing, Error::Offline { .. }), "{missing}");
    assert!(missing.hint().is_some());
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended() {
    let files = Files::base();
    let (snapshot, _cache, server) = fetch(move |request| {
        let mut reply = files.answer(request);
        if is_weights(request) && request.nth < 3 {
            reply.cut = Some(30_000);
        }
        reply
    });
    assert_whole(&snapshot.unwrap());
    let ranges: Vec<_> = server
        .bodies("model.safetensors")
        .into_iter()
        .map(|r| r.headers.get("range").cloned())
        .collect();
    assert_eq!(ranges.len(), 4);
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[3].as_deref(), Some("bytes=90000-"));
}

#[test]
fn what_an_earlier_run_left_is_kept_and_only_the_rest_is_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let weights = Files::base().0["model.safetensors"].clone();
    let blobs = cache.path().join("models--owner--name/blobs");
    fs_err::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", etag(&weights)));
    fs_err::write(partial, &weights[..150_000]).unwrap();
    let files = Files::base();
    let server = Server::start(move |request| files.answer(request));
    let snapshot = resolve(NAME, &options(cache.path(), server.endpoint()), &Unwatched).unwrap();
    assert_whole(&snapshot);
    let asked = server.bodies("model.safetensors");
    assert_eq!(asked[0].headers["range"], "bytes=150000-");
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let files = Files::base();
    let (snapshot, _cache, _server) = fetch(move |request| {
        let mut plain = request.clone();
        plain.headers.remove("range");
        let mut reply = files.answer(&plain);
        if is_weights(request) && request.nth == 0 {
            reply.cut = Some(50_000);
        }
        reply
    });
    assert_whole(&snapshot.unwrap());
}

#[test]
fn a_server_that_always_cuts_at_the_same_place_is_given_up() {
    let files = Files::base();
    let (result, cache, server) = fetch(move |request| {
        let mut plain = request.clone();
        plain.headers.remove("range");
        let mut reply = files.answer(&plain);
        reply.cut = is_weights(request).then_some(50_000);
        reply
    });
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert!(server.bodies("model.safetensors").len() < 10);
    assert_nothing_claimed(cache.path());
}

#[test]
fn changed_contents_are_refused_and_removed() {
    for file in ["model.safetensors", "config.json"] {
        let files = Files::base();
        let (result, cache, _server) = fetch(move |request| {
            let mut reply = files.answer(request);
            if request.path.ends_with(file) {
                reply.body[1] ^= 1;
            }
            reply
        });
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(file), "{error}");
        assert_nothing_claimed(cache.path());
        let blobs = fs_err::read_dir(cache.path().join("models--owner--name/blobs")).unwrap();
        let left = blobs
            .filter(|e| e.as_ref().unwrap().path().extension().is_some())
            .count();
        assert_eq!(left, 0, "the damaged file was removed");
    }
}

#[test]
fn a_file_without_a_hash_to_check_it_by_is_refused() {
    let files = Files::base();
    let (result, cache, _server) = fetch(move |request| {
        let mut reply = files.answer(request);
        reply.headers.retain(|(name, _)| name != "ETag");
        reply
    });
    assert!(matches!(result.unwrap_err(), Error::Answer { .. }));
    assert_nothing_claimed(cache.path());
}

#[test]
fn refusals_say_what_was_refused_and_what_to_do() {
    let (result, _cache, _server) = fetch(|_| Reply::status(404));
    assert!(matches!(result.unwrap_err(), Error::Absent { .. }));
    for status in [401, 403] {
        let (result, _cache, server) =
            fetch(move |_| Reply::status(status).header("X-Error-Code", "GatedRepo"));
        let error = result.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&status.to_string()) && text.contains("GatedRepo"),
            "{text}"
        );
        assert!(error.hint().unwrap().contains("HF_TOKEN"));
        assert_eq!(server.requests().len(), 1, "not tried again");
    }
}

#[test]
fn passing_failures_are_tried_again_and_the_servers_wish_is_kept() {
    let files = Files::base();
    let begun = Instant::now();
    let (snapshot, _cache, _server) =
        fetch(move |request| match (request.nth, is_weights(request)) {
            (0 | 1, false) if request.path.starts_with("/api") => Reply::status(500),
            (0, true) => Reply::status(429).header("Retry-After", 1),
            _ => files.answer(request),
        });
    assert_whole(&snapshot.unwrap());
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    let (result, _cache, server) = fetch(|_| Reply::status(503));
    assert!(matches!(
        result.unwrap_err(),
        Error::Network { attempts: 4, .. }
    ));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn the_token_goes_to_the_endpoint_and_not_where_it_redirects() {
    let store = Files::base();
    let elsewhere = Server::start(move |request| store.answer(request));
    let target = elsewhere.endpoint();
    let files = Files::base();
    let server = Server::start(move |request| {
        let mut reply = files.answer(request);
        if request.path.ends_with("model.safetensors") {
            let content = &files.0["model.safetensors"];
            reply = Reply::status(302)
                .header("Location", format!("{target}{}", request.path))
                .header("X-Linked-ETag", format!("\"{}\"", etag(content)))
                .header("X-Linked-Size", content.len());
        }
        reply
    });
    let cache = tempfile::tempdir().unwrap();
    let mut options = options(cache.path(), server.endpoint());
    options.token = Some(SECRET.to_owned());
    assert!(!format!("{options:?}").contains(SECRET));
    assert_whole(&resolve(NAME, &options, &Unwatched).unwrap());
    let expected = format!("Bearer {SECRET}");
    for request in server.requests() {
        assert_eq!(request.headers.get("authorization"), Some(&expected));
    }
    let there = elsewhere.requests();
    assert_eq!(there.len(), 1);
    assert!(!there[0].headers.contains_key("authorization"));
}

#[test]
fn endless_redirects_end() {
    let (result, _cache, server) =
        fetch(|request| Reply::status(302).header("Location", &request.path));
    assert!(matches!(result.unwrap_err(), Error::Answer { .. }));
    assert!(server.requests().len() < 10);
}

#[test]
fn shards_are_those_of_the_index_and_names_that_leave_the_folder_are_never_asked_for() {
    let mut files = Files::base();
    let weights = files.0.remove("model.safetensors").unwrap();
    let index = r#"{"weight_map": {"a": "part-1.safetensors", "b": "part-2.safetensors"}}"#;
    files
        .0
        .insert("model.safetensors.index.json".to_owned(), index.into());
    for name in [
        "part-1.safetensors",
        "part-2.safetensors",
        "part-3.safetensors",
        "../../config.json",
        "pytorch_model.bin",
    ] {
        files.0.insert(name.to_owned(), weights.clone());
    }
    let (snapshot, _cache, server) = fetch(move |request| files.answer(request));
    let snapshot = snapshot.unwrap();
    assert!(snapshot.join("part-1.safetensors").exists());
    assert!(snapshot.join("part-2.safetensors").exists());
    let asked: Vec<String> = server.requests().into_iter().map(|r| r.path).collect();
    let unwanted = ["part-3", "..", "pytorch_model", "README"];
    assert!(
        !asked
            .iter()
            .any(|path| unwanted.iter().any(|name| path.contains(name))),
        "{asked:?}"
    );
}

#[test]
fn an_incomplete_snapshot_is_not_used_offline() {
    let files = Files::base();
    let (snapshot, cache, server) = fetch(move |request| files.answer(request));
    fs_err::remove_file(snapshot.unwrap().join("model.safetensors")).unwrap();
    let mut options = options(cache.path(), server.endpoint());
    let bodies = server.bodies("model.safetensors").len();
    options.offline = true;
    assert!(matches!(
        resolve(NAME, &options, &Unwatched),
        Err(Error::Offline { .. })
    ));
    options.offline = false;
    assert_whole(&resolve(NAME, &options, &Unwatched).unwrap());
    assert_eq!(
        server.bodies("model.safetensors").len(),
        bodies,
        "the blob was still there"
    );
}

#[test]
fn a_file_that_another_process_fetches_is_waited_for() {
    let cache = tempfile::tempdir().unwrap();
    let locks = cache.path().join(".locks/models--owner--name");
    fs_err::create_dir_all(&locks).unwrap();
    let config = etag(&Files::base().0["config.json"]);
    let held = fs_err::File::create(locks.join(format!("{config}.lock"))).unwrap();
    held.file().lock().unwrap();
    let files = Files::base();
    let server = Server::start(move |request| files.answer(request));
    let options = options(cache.path(), server.endpoint());
    let error = resolve(NAME, &options, &Unwatched).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(held);
    assert_whole(&resolve(NAME, &options, &Unwatched).unwrap());
}

#[test]
fn two_downloads_at_once_fetch_each_file_once() {
    let cache = tempfile::tempdir().unwrap();
    let files = Files::base();
    let server = Server::start(move |request| files.answer(request));
    let mut options = options(cache.path(), server.endpoint());
    options.patience.lock = Duration::from_secs(5);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_whole(&resolve(NAME, &options, &Unwatched).unwrap()));
        }
    });
    assert_eq!(server.bodies("model.safetensors").len(), 1);
}

#[test]
fn the_environment_is_read_as_the_hub_client_reads_it() {
    let home = tempfile::tempdir().unwrap();
    fs_err::write(home.path().join("token"), format!("{SECRET}\n")).unwrap();
    let read = |extra: &[(&str, &str)]| {
        let mut known = vec![("HF_HOME", home.path().to_str().unwrap().to_owned())];
        known.extend(
            extra
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        Options::from_variables(move |name| {
            known
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
        .unwrap()
    };
    let plain = read(&[]);
    assert_eq!(plain.cache, home.path().join("hub"));
    assert_eq!(plain.token.as_deref(), Some(SECRET));
    assert!(!plain.offline && plain.endpoint.starts_with("https://"));
    let set = read(&[
        ("HF_TOKEN", "other"),
        ("HF_HUB_OFFLINE", "1"),
        ("HF_ENDPOINT", "http://mirror"),
    ]);
    assert_eq!(set.token.as_deref(), Some("other"));
    assert!(set.offline);
    assert_eq!(set.endpoint, "http://mirror");
}

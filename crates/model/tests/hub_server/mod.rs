//! A small server on the loopback that plays the hub and misbehaves as a test tells it to. It answers one request per
//! connection, at most `MAX_CONNECTIONS`, and ends with its owner.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha1::{Digest, Sha1};
use sha2::Sha256;

const MAX_CONNECTIONS: usize = 300;
const MAX_HEADERS: usize = 100;
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    /// How many requests of this method and path came before.
    pub nth: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of the body after which the connection is cut.
    pub cut: Option<usize>,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Reply {
            status,
            ..Reply::default()
        }
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// What the well-behaved hub holds.
#[derive(Clone, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    pub fn base() -> Self {
        let weights: Vec<u8> = (0..200_000_u32).map(|at| (at * 7 % 251) as u8).collect();
        let mut files = BTreeMap::new();
        files.insert("config.json".to_owned(), b"{}".to_vec());
        files.insert(
            "tokenizer.json".to_owned(),
            b"{\"version\": \"1.0\"}".to_vec(),
        );
        files.insert("README.md".to_owned(), b"not wanted".to_vec());
        files.insert("model.safetensors".to_owned(), weights);
        Files(files)
    }

    /// The answer of a hub that works: large files by sha256, small ones by git's hash.
    pub fn answer(&self, request: &Request) -> Reply {
        if request.path.starts_with("/api/models/") {
            let names = self
                .0
                .keys()
                .map(|name| serde_json::json!({"rfilename": name}));
            let list = serde_json::json!({"sha": COMMIT, "siblings": names.collect::<Vec<_>>()});
            let mut reply = Reply::status(200);
            reply.body = list.to_string().into_bytes();
            return reply;
        }
        let place = format!("/owner/name/resolve/{COMMIT}/");
        let name = request.path.strip_prefix(&place).unwrap_or_default();
        let Some(content) = self.0.get(name) else {
            return Reply::status(404);
        };
        let start = request.headers.get("range").map(|range| {
            let digits = range.trim_start_matches("bytes=").trim_end_matches('-');
            digits.parse::<usize>().expect("a range")
        });
        let mut reply = Reply::status(if start.is_some() { 206 } else { 200 });
        reply.body = content[start.unwrap_or(0)..].to_vec();
        if let Some(start) = start {
            let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
            reply = reply.header("Content-Range", range);
        }
        reply.header("ETag", format!("\"{}\"", etag(content)))
    }
}

pub fn etag(content: &[u8]) -> String {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    if content.len() > 1000 {
        return hex(&Sha256::digest(content));
    }
    let mut git = Sha1::new();
    git.update(format!("blob {}\0", content.len()));
    git.update(content);
    hex(&git.finalize())
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, ended) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().take(MAX_CONNECTIONS) {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                if let Ok(stream) = stream {
                    let _ = converse(stream, &log, &script);
                }
            }
        });
        Server {
            address,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().expect("the log").clone()
    }

    /// Requests for the body of a file.
    pub fn bodies(&self, file: &str) -> Vec<Request> {
        let wanted = |r: &Request| r.method == "GET" && r.path.ends_with(file);
        self.requests().into_iter().filter(wanted).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn converse(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    script: &Script,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    for _ in 0..MAX_HEADERS {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut seen = log.lock().expect("the log");
    let nth = seen
        .iter()
        .filter(|r| r.method == method && r.path == path)
        .count();
    let request = Request {
        method,
        path,
        headers,
        nth,
    };
    seen.push(request.clone());
    drop(seen);
    let reply = script(&request);
    let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
    stream.write_all(head.as_bytes())?;
    if request.method != "HEAD" {
        let end = reply.cut.unwrap_or(reply.body.len()).min(reply.body.len());
        stream.write_all(&reply.body[..end])?;
    }
    stream.flush()
}

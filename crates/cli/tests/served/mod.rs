//! A real `skillbelt serve` on a real socket, and a client of a few lines that sends exactly what it is
//! told to. Tiny belts, trained by the program itself.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::asked::{command, golden, run};

/// A server that is stopped when it is dropped.
pub struct Server {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The JSON of each event, and whether the end was told.
    pub fn events(&self) -> (Vec<Value>, bool) {
        let data = self
            .body
            .split("\n\n")
            .filter_map(|one| one.strip_prefix("data: "));
        let (ends, events): (Vec<&str>, Vec<&str>) = data.partition(|one| *one == "[DONE]");
        let events = events.iter().map(|one| serde_json::from_str(one).unwrap());
        (
            events.collect(),
            ends.len() == 1 && self.body.ends_with("[DONE]\n\n"),
        )
    }
}

impl Server {
    /// `skillbelt serve ARGUMENTS` on a free port of this machine.
    pub fn start(arguments: &[&str]) -> Server {
        let all = [&["serve", "--address", "127.0.0.1:0"], arguments].concat();
        let mut command = command(&all);
        command
            .env_remove("SKILLBELT_API_KEY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("no server: {}", log.lock().unwrap());
            };
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
            log.lock().unwrap().push_str(&(line + "\n"));
        };
        let heard = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Server {
            child,
            address,
            log,
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, "")
    }

    /// With further headers, each ending in a line end.
    pub fn post_with(&self, path: &str, body: &Value, headers: &str) -> Answer {
        self.send(&request(path, &body.to_string(), headers))
    }

    /// Answered with 200.
    pub fn asked(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        answer.json()
    }

    /// Sends these very bytes, and reads until the server closes.
    pub fn send(&self, bytes: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        read(&mut stream)
    }

    pub fn ask_to_stop(&self) {
        // SAFETY: sends a signal to a child that has not been waited for, so its id is its own.
        let sent = unsafe { libc::kill(self.child.id() as i32, libc::SIGTERM) };
        assert_eq!(sent, 0);
    }

    /// The exit code, once it has ended.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        let until = Instant::now() + within;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server did not end: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A request as it stands on the wire.
pub fn request(path: &str, body: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

/// Reads an answer until the connection is closed. A connection that breaks gives what had come.
pub fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _broken = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Answer {
            status: 0,
            headers: String::new(),
            body: text,
        };
    };
    let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut answer = Answer {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_owned(),
        body: String::new(),
    };
    answer.body = match answer.header("transfer-encoding") {
        Some(_) => unchunked(body),
        None => body.to_owned(),
    };
    answer
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        let Some(chunk) = after.get(..length) else {
            break;
        };
        body.push_str(chunk);
        rest = after[length..].trim_start_matches("\r\n");
    }
    body
}

/// A belt of a tiny run, with its base.
pub struct Trained {
    folder: tempfile::TempDir,
    pub base: PathBuf,
}

impl Trained {
    fn new(base: &str, recipe: &str) -> Trained {
        let folder = tempfile::tempdir().unwrap();
        let base = golden(base).canonicalize().unwrap();
        rows(folder.path());
        for (run_name, seed) in [("one", 3), ("two", 4)] {
            let text = format!(
                "base: {}\n{recipe}training: {{max_steps: 3, batch_size: 4, learning_rate: 1e-2, seed: {seed}}}\noutput: {run_name}\n",
                base.display()
            );
            let path = folder.path().join(format!("{run_name}.yaml"));
            fs_err::write(&path, text).unwrap();
            let arguments = ["train", path.to_str().unwrap(), "-q"];
            let answer = run(command(&arguments).current_dir(folder.path()), b"");
            assert_eq!(answer.code, Some(0), "{}", answer.err);
        }
        Trained { folder, base }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A server of both belts, with more arguments.
    pub fn serve(&self, rest: &[&str]) -> Server {
        let (one, two) = (self.path("one/belt"), self.path("two/belt"));
        let base = self.base.to_str().unwrap();
        Server::start(&[&[&one[..], &two[..], "--base", base], rest].concat())
    }
}

pub fn code(n: usize) -> String {
    format!("int f{n}(int a) {{ return a + {}; }}", n * 7 % 13)
}

fn rows(folder: &Path) {
    let write = |name: &str, row: &dyn Fn(usize) -> Value| {
        let lines: Vec<String> = (0..12).map(|n| row(n).to_string()).collect();
        fs_err::write(folder.join(name), lines.join("\n") + "\n").unwrap();
    };
    write(
        "sort.jsonl",
        &|n| json!({"id": format!("s{n}"), "text": code(n), "label": n % 3 == 0}),
    );
    write(
        "three.jsonl",
        &|n| json!({"text": code(n), "label": (["low", "mid", "high"][n % 3])}),
    );
    write(
        "pair.jsonl",
        &|n| json!({"func1": code(n), "func2": code(n + n % 2), "label": 1 - n % 2}),
    );
    write(
        "find.jsonl",
        &|n| json!({"query": format!("adds {} to f{n}", n * 7 % 13), "code": code(n)}),
    );
    write(
        "write.jsonl",
        &|n| json!({"source": format!("say {n}"), "target": format!("it is {n}")}),
    );
}

/// Two belts on an encoder, with a task of every kind that it answers.
pub fn encoder() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        Trained::new(
            "bert",
            "belt: {kind: lora, lora_r: 4}
tasks:
  sort: {type: classify, train: sort.jsonl, max_length: 60}
  three: {type: classify, train: three.jsonl, max_length: 60}
  joint: {type: pair, train: pair.jsonl, max_length: 60}
  apart: {type: pair, train: pair.jsonl, max_length: 60, encoding: separate}
  find: {type: retrieve, train: find.jsonl, max_length: 60, max_query_length: 30}
",
        )
    })
}

/// Two belts on a decoder, with parts of their own for each of two tasks.
pub fn decoder() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        Trained::new(
            "qwen2",
            "belt: {kind: task_lora, lora_r: 4}
tasks:
  sort: {type: classify, train: sort.jsonl, max_length: 60}
  write: {type: generate, train: write.jsonl, max_length: 60, max_target_length: 24}
",
        )
    })
}

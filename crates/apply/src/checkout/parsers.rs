//! Who parses: this process, or processes of their own that may die.
//!
//! Grammars are C code, and a text that nobody foresaw may bring one down. A worker is asked about one
//! text at a time over its standard streams: a length in four bytes, then JSON, both ways. When it dies
//! the text is tried once more with a new one, and then given up, by reason; no other text is touched.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Language;
use super::function::{Functions, functions_of};

/// The parser counts its steps and stops by itself; only one that hangs in C code needs so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a message. A worker that has lost its mind may announce any length.
const MESSAGE: u32 = 1 << 30;
/// Workers for one text.
const TRIES: usize = 2;

/// Parses texts. Shared by all threads.
pub struct Parsers {
    /// The program of the workers and its arguments, if they are apart.
    apart: Option<(PathBuf, Vec<String>)>,
    idle: Mutex<Vec<Worker>>,
    patience: Duration,
}

impl Parsers {
    /// Parses in this process, which a grammar may bring down.
    pub fn here() -> Parsers {
        Parsers {
            apart: None,
            idle: Mutex::default(),
            patience: PATIENCE,
        }
    }

    /// Parses in processes of this program, which does [`serve`] when it is called so. One is started
    /// for each thread that parses.
    pub fn apart(program: PathBuf, arguments: Vec<String>) -> Parsers {
        Parsers {
            apart: Some((program, arguments)),
            idle: Mutex::default(),
            patience: PATIENCE,
        }
    }

    /// The functions of a text, or why there are none, in a few words.
    pub fn parse(&self, language: Language, text: &str) -> Result<Functions, String> {
        let Some((program, arguments)) = &self.apart else {
            return functions_of(language, text);
        };
        let asked = serde_json::to_vec(&(language.name(), text)).unwrap_or_default();
        for _ in 0..TRIES {
            let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
            let worker = idle.map_or_else(|| Worker::started(program, arguments), Ok);
            let mut worker = worker.map_err(|_| "the parser could not be started")?;
            if let Some(answer) = worker.ask(asked.clone(), self.patience) {
                if let Ok(mut idle) = self.idle.lock() {
                    idle.push(worker);
                }
                return answer;
            }
        }
        Err("the parser died on it".to_owned())
    }
}

/// A process that parses, and the thread that speaks with it. Both end when it is dropped.
struct Worker {
    child: Child,
    ask: Sender<Vec<u8>>,
    answers: Receiver<io::Result<Vec<u8>>>,
}

impl Worker {
    fn started(program: &PathBuf, arguments: &[String]) -> io::Result<Worker> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (mut to, mut from) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
        let (ask, asked) = channel::<Vec<u8>>();
        let (answer, answers) = channel();
        std::thread::spawn(move || {
            while let Ok(message) = asked.recv() {
                let outcome = say(&mut to, &message).and_then(|()| hear(&mut from));
                let over = !matches!(outcome, Ok(Some(_)));
                let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
                let told = outcome.and_then(|bytes| bytes.ok_or_else(ended));
                if answer.send(told).is_err() || over {
                    return;
                }
            }
        });
        Ok(Worker {
            child,
            ask,
            answers,
        })
    }

    /// The answer, or nothing if the worker is no longer good for anything.
    fn ask(&mut self, message: Vec<u8>, patience: Duration) -> Option<Result<Functions, String>> {
        self.ask.send(message).ok()?;
        let bytes = self.answers.recv_timeout(patience).ok()?.ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to kill; waiting takes it off the list.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a worker does until nobody asks any more.
///
/// # Errors
/// A stream that ends in the middle of a message, or cannot be written to.
pub fn serve(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    while let Some(message) = hear(&mut from)? {
        let asked: (String, String) = serde_json::from_slice(&message)?;
        let answer = match asked.0.parse::<Language>() {
            Ok(language) => functions_of(language, &asked.1),
            Err(unknown) => Err(unknown.to_string()),
        };
        say(&mut to, &serde_json::to_vec(&answer)?)?;
    }
    Ok(())
}

fn say(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(message)?;
    to.flush()
}

/// The next message, or nothing at the end of the stream.
fn hear(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let mut first = Vec::new();
    match from.by_ref().take(1).read_to_end(&mut first)? {
        0 => return Ok(None),
        _ => from.read_exact(&mut length[1..])?,
    }
    length[0] = first[0];
    let length = u32::from_le_bytes(length);
    if length > MESSAGE {
        return Err(io::Error::other("a message beyond all measure"));
    }
    let mut message = Vec::new();
    let read = from.take(u64::from(length)).read_to_end(&mut message)?;
    match read == length as usize {
        true => Ok(Some(message)),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_answers_as_this_process_does_and_ends_with_the_stream() {
        let text = "def f():\n    return 1\n";
        let mut asked = Vec::new();
        for language in ["python", "cobol"] {
            say(&mut asked, &serde_json::to_vec(&(language, text)).unwrap()).unwrap();
        }
        let mut said = Vec::new();
        serve(&asked[..], &mut said).unwrap();
        let mut said = &said[..];
        let mut next = || {
            let message = hear(&mut said).unwrap().unwrap();
            serde_json::from_slice::<Result<Functions, String>>(&message).unwrap()
        };
        assert_eq!(next(), functions_of(Language::Python, text));
        assert!(next().unwrap_err().contains("cobol"));
        assert!(serve(&asked[..asked.len() - 1], io::sink()).is_err());
        assert!(serve(&[255, 255, 255, 255, 1][..], io::sink()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_worker_that_dies_is_tried_once_more_and_then_the_text_is_given_up() {
        let parsers = |script: &str| {
            let arguments = vec!["-c".to_owned(), script.to_owned()];
            Parsers {
                patience: Duration::from_millis(500),
                ..Parsers::apart("/bin/sh".into(), arguments)
            }
        };
        let ask = |script: &str| parsers(script).parse(Language::C, "int f(void) { return 1; }");
        let died = Err("the parser died on it".to_owned());
        assert_eq!(ask("kill -SEGV $$"), died);
        assert_eq!(ask("head -c 10 >/dev/null; exit 0"), died);
        assert_eq!(ask("printf 'abc'; cat >/dev/null"), died);
        let missing = Parsers::apart("/nowhere/at/all".into(), Vec::new());
        let told = missing.parse(Language::C, "int x;").unwrap_err();
        assert_eq!(told, "the parser could not be started");
    }
}

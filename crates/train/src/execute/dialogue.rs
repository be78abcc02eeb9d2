//! One Python sample judged: a guest that runs the candidate and a judge that runs the tests, each
//! in a sandbox of its own, with this process between them.
//!
//! The guest is asked for one value at a time, each time under a fresh number that it could not know
//! before, so nothing that was written earlier or is written later can stand for the answer. What it
//! answers is checked to be a value and nothing else before the judge sees it. The verdict comes from
//! the judge alone, and from this process where the guest gave no answer.

use skillbelt_sandbox::{Limits, Python, Sandbox, Session};

use super::Settings;
use super::problem::{Problem, Tests};
use super::sample::Sample;
use super::toolchain::Toolchains;
use super::verdict::Verdict;
use super::wire::{self, Frame};

const GUEST: &str = concat!(
    include_str!("python/values.py"),
    include_str!("python/guest.py")
);
const JUDGE: &str = concat!(
    include_str!("python/values.py"),
    include_str!("python/judge.py")
);

/// Questions of one set of tests. A test that asks more is not one that was written by hand.
const MOST_QUESTIONS: usize = 100_000;

type Result<T> = skillbelt_sandbox::Result<T>;

pub(super) fn judge(
    sandbox: &Sandbox,
    toolchains: &Toolchains,
    problem: &Problem,
    sample: &Sample,
    settings: &Settings,
) -> Result<Verdict> {
    let python = toolchains.python()?;
    let mut guest = Guest::start(sandbox, python, &settings.limits)?;
    let source = problem.source(&sample.code);
    for (kind, text) in guest_beginnings(problem, &source) {
        match guest.ask(kind, text.as_bytes())? {
            // What needs the candidate is set up a second time behind it.
            Answer::Raised(_) if kind == 'I' => {}
            Answer::Value(_) => {}
            Answer::Raised(name) => return Ok(Verdict::raised(&name)),
            Answer::Unparsed => return Ok(Verdict::DidNotParse),
            Answer::Broken => return Ok(Verdict::BrokenAnswer),
            Answer::Gone => return guest.gone(),
        }
    }
    let mut session = Judge::start(sandbox, python, problem, settings)?;
    for _ in 0..MOST_QUESTIONS {
        let Some(said) = session.hear()? else {
            return Ok(unsupported(session.why()?));
        };
        if said.word == session.nonce {
            return Ok(verdict(&said.body));
        }
        match guest.ask(said.kind, &said.body)? {
            Answer::Value(body) => session.tell('V', &body)?,
            Answer::Raised(name) => session.tell('X', name.as_bytes())?,
            Answer::Unparsed | Answer::Broken => return Ok(Verdict::BrokenAnswer),
            Answer::Gone => return guest.gone(),
        }
    }
    Ok(unsupported("its tests ask without end".to_owned()))
}

fn unsupported(reason: String) -> Verdict {
    Verdict::Unsupported { reason }
}

/// What the guest is given before the tests: what needs no candidate, the candidate, and what does.
fn guest_beginnings<'a>(problem: &'a Problem, source: &'a str) -> Vec<(char, &'a str)> {
    let setup = match &problem.tests {
        Tests::Python { setup, .. } => setup.as_str(),
        Tests::Check { .. } | Tests::Cases { .. } => "",
    };
    match setup.trim().is_empty() {
        true => vec![('L', source)],
        false => vec![('I', setup), ('L', source), ('S', setup)],
    }
}

/// What the judge says at the end: `[kind, test, about]`.
fn verdict(body: &[u8]) -> Verdict {
    let said = String::from_utf8_lossy(body);
    let mut parts = Vec::new();
    let mut rest = said.strip_prefix("L3:").unwrap_or_default();
    while let Some((item, after)) = first_item(rest) {
        parts.push(item);
        rest = after;
    }
    let [kind, test, about] = parts.as_slice() else {
        return unsupported("the judge's verdict cannot be read".to_owned());
    };
    match *kind {
        "passed" => Verdict::Passed,
        "wrong" => Verdict::WrongValue {
            test: usize::from_str_radix(test.trim_start_matches("0x"), 16).unwrap_or(0),
        },
        "raised" | "unfit" if *about != "MemoryError" || *kind == "raised" => {
            Verdict::raised(about)
        }
        "gone" => Verdict::BrokenAnswer,
        _ => unsupported((*about).to_owned()),
    }
}

/// A text or an integer at the beginning, and what comes after it.
fn first_item(bytes: &str) -> Option<(&str, &str)> {
    if let Some(rest) = bytes.strip_prefix('I') {
        return rest.split_once(';');
    }
    let (length, rest) = bytes.strip_prefix('S')?.split_once(':')?;
    rest.split_at_checked(length.parse().ok()?)
}

/// The process with the candidate.
struct Guest {
    session: Session,
}

/// What came back from it.
enum Answer {
    Value(Vec<u8>),
    Raised(String),
    Unparsed,
    /// Bytes that are no answer to the question.
    Broken,
    /// No more bytes will come.
    Gone,
}

impl Guest {
    fn start(sandbox: &Sandbox, python: &Python, limits: &Limits) -> Result<Guest> {
        let session = sandbox.start(&python.program(GUEST, limits.clone()))?;
        Ok(Guest { session })
    }

    fn ask(&mut self, kind: char, body: &[u8]) -> Result<Answer> {
        let nonce = nonce()?;
        let kind = if kind == 'I' { 'S' } else { kind };
        let mut question = format!("{nonce} {kind} {}\n", body.len()).into_bytes();
        question.extend(body);
        if !self.session.send(&question)? {
            return Ok(Answer::Gone);
        }
        let Some(bytes) = self.session.receive(&wire::complete)? else {
            return Ok(Answer::Gone);
        };
        Ok(match wire::frame(&bytes) {
            Some(Frame { word, kind, body }) if word == nonce => match kind {
                'V' if wire::is_value(&body) && body.starts_with(b"U2:") => Answer::Value(body),
                'X' if is_name(&body) => {
                    Answer::Raised(String::from_utf8_lossy(&body).into_owned())
                }
                'P' => Answer::Unparsed,
                _ => Answer::Broken,
            },
            _ => Answer::Broken,
        })
    }

    fn gone(self) -> Result<Verdict> {
        Ok(Verdict::of_ending(&self.session.finish()?))
    }
}

fn is_name(bytes: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_?.".contains(byte);
    !bytes.is_empty() && bytes.len() <= 100 && bytes.iter().all(plain)
}

/// The process with the tests.
struct Judge {
    session: Session,
    nonce: String,
}

impl Judge {
    fn start(
        sandbox: &Sandbox,
        python: &Python,
        problem: &Problem,
        settings: &Settings,
    ) -> Result<Judge> {
        let nonce = nonce()?;
        let session = sandbox.start(&python.program(JUDGE, settings.limits.clone()))?;
        let mut judge = Judge { session, nonce };
        let (setup, solution, tests, entry) = match &problem.tests {
            Tests::Python {
                setup,
                reference,
                tests,
                challenge,
            } => {
                let mut all = tests.clone();
                if settings.challenge {
                    all.extend(challenge.iter().cloned());
                }
                (setup.clone(), reference.clone(), all, String::new())
            }
            Tests::Check {
                prompt,
                solution,
                test,
                entry_point,
            } => {
                let solution = format!("{prompt}{solution}");
                (
                    String::new(),
                    solution,
                    vec![test.clone()],
                    entry_point.clone(),
                )
            }
            Tests::Cases { .. } => (String::new(), String::new(), Vec::new(), String::new()),
        };
        let tests: Vec<Vec<u8>> = tests.iter().map(|test| wire::text(test)).collect();
        let parts = [
            wire::text(&setup),
            wire::text(&solution),
            wire::list(&tests),
            wire::text(&entry),
        ];
        let nonce = judge.nonce.clone();
        judge.send(&nonce, &wire::list(&parts))?;
        Ok(judge)
    }

    fn send(&mut self, word: &str, body: &[u8]) -> Result<()> {
        let mut message = format!("{word} {}\n", body.len()).into_bytes();
        message.extend(body);
        self.session.send(&message)?;
        Ok(())
    }

    fn tell(&mut self, kind: char, body: &[u8]) -> Result<()> {
        self.send(kind.encode_utf8(&mut [0; 4]), body)
    }

    fn hear(&mut self) -> Result<Option<Frame>> {
        let bytes = self.session.receive(&wire::complete)?;
        Ok(bytes.and_then(|bytes| wire::frame(&bytes)))
    }

    /// Why there is no verdict.
    fn why(self) -> Result<String> {
        let ending = self.session.finish()?;
        let said = String::from_utf8_lossy(&ending.stderr);
        let last = said.lines().last().unwrap_or_default();
        Ok(format!(
            "its tests ended without a verdict: {:?} {last}",
            ending.end
        ))
    }
}

/// 128 bits that nobody could know before.
fn nonce() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0u8; 16];
    fs_err::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|source| skillbelt_sandbox::Error::system("fresh random bytes", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

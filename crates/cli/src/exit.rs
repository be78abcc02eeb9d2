//! How the program ends: what is said on stderr, and with which exit code.
//!
//! Codes: 0 everything was done; 1 a check found something, or a search nothing; 2 it could not be
//! done, or not for every input.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use skillbelt_model::{export, generate, hub, tokenizer};

/// The exit code of work that could not be done.
const COULD_NOT: u8 = 2;

/// The exit code of a check that found something.
const FOUND: u8 = 1;

/// The exit code of a search without an answer.
const NOTHING: u8 = 1;

/// Why the program stops.
#[derive(Debug)]
pub enum Failure {
    /// Something to tell: the fact, and what a person may do about it.
    Told {
        message: String,
        hint: Option<String>,
    },
    /// So many inputs were refused, each told on its own; the others were done.
    Rejected { rejected: usize, all: usize },
    /// A check found so many things, and the output tells them.
    Found { findings: u64 },
    /// What was searched for is not there. It is told by the exit code alone, as `grep` does.
    Nothing,
    /// Whoever read the output has gone. Not an error.
    NobodyListens,
}

impl Failure {
    pub fn told(message: impl Display) -> Failure {
        Failure::Told {
            message: message.to_string(),
            hint: None,
        }
    }

    pub fn with_hint(self, hint: impl Display) -> Failure {
        match self {
            Failure::Told { message, .. } => Failure::Told {
                message,
                hint: Some(hint.to_string()),
            },
            other => other,
        }
    }
}

/// Errors of the model's parts carry facts and hint apart.
macro_rules! from_error {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::Told { message: error.to_string(), hint: error.hint().map(|hint| hint.to_string()) }
            }
        }
    )*};
}
from_error!(
    skillbelt_model::Error,
    tokenizer::Error,
    generate::Error,
    hub::Error,
    export::Error,
    skillbelt_apply::quickstart::Error,
    skillbelt_harvest::Error,
    skillbelt_train::Error,
    skillbelt_apply::index::Error
);

impl From<skillbelt_engine::Error> for Failure {
    fn from(error: skillbelt_engine::Error) -> Failure {
        Failure::told(error)
    }
}

/// Writing the output failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::NobodyListens,
            _ => Failure::told(format_args!("writing the output: {error}")),
        }
    }
}

/// The exit code of a result, after saying on stderr what there is to say.
pub fn code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) | Err(Failure::NobodyListens) => ExitCode::SUCCESS,
        Err(Failure::Nothing) => ExitCode::from(NOTHING),
        Err(Failure::Found { findings }) => {
            say(format_args!("found: {findings}, as told above"));
            ExitCode::from(FOUND)
        }
        Err(Failure::Rejected { rejected, all }) => {
            say(format_args!(
                "error: {rejected} of {all} inputs were rejected, as told above"
            ));
            ExitCode::from(COULD_NOT)
        }
        Err(Failure::Told { message, hint }) => {
            say(format_args!("error: {message}"));
            if let Some(hint) = hint {
                say(format_args!("hint: {hint}"));
            }
            ExitCode::from(COULD_NOT)
        }
    }
}

/// A line on stderr. If nobody reads it, there is nobody to tell.
pub fn say(line: impl Display) {
    let _unheard = writeln!(io::stderr(), "{line}");
}

/// A defect of the program is told in one line and ends it with the exit code of work not done.
pub fn say_panics_shortly() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("no message");
        say(format_args!(
            "error: a defect of skillbelt at {place}: {message}"
        ));
        say("hint: please report it, with the command");
        std::process::exit(i32::from(COULD_NOT));
    }));
}

//! What became of one sample, in words that stand in files.

use serde::{Deserialize, Serialize};
use skillbelt_sandbox::{End, Ending};

/// What became of one sample. Only the first counts as solved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    Passed,
    /// A test found another value, at this place in the list of tests.
    WrongValue {
        test: usize,
    },
    /// It raised this, while it was loaded, called, or its value was worked with.
    Exception {
        name: String,
    },
    /// Not a program of its language, or one that does not compile.
    DidNotParse,
    Timeout,
    Memory,
    /// It wrote more than it may.
    Output,
    /// It asked the kernel for something that only an escape needs.
    Forbidden,
    /// It ended before it had answered.
    Exited {
        code: i32,
    },
    /// Ended by a signal.
    Crashed {
        signal: i32,
    },
    /// What it sent is not an answer to what was asked.
    BrokenAnswer,
    /// The tests could not be judged; nothing is said about the sample.
    Unsupported {
        reason: String,
    },
}

impl Verdict {
    pub fn passed(&self) -> bool {
        *self == Verdict::Passed
    }

    /// The word that stands in files.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::WrongValue { .. } => "wrong_value",
            Verdict::Exception { .. } => "exception",
            Verdict::DidNotParse => "did_not_parse",
            Verdict::Timeout => "timeout",
            Verdict::Memory => "memory",
            Verdict::Output => "output",
            Verdict::Forbidden => "forbidden",
            Verdict::Exited { .. } => "exited",
            Verdict::Crashed { .. } => "crashed",
            Verdict::BrokenAnswer => "broken_answer",
            Verdict::Unsupported { .. } => "unsupported",
        }
    }

    /// By the name of what was raised.
    pub(super) fn raised(name: &str) -> Verdict {
        match name {
            "MemoryError" => Verdict::Memory,
            name => Verdict::Exception {
                name: name.to_owned(),
            },
        }
    }

    /// Of a program that ended while an answer was waited for.
    pub(super) fn of_ending(ending: &Ending) -> Verdict {
        match ending.end {
            End::CpuTime | End::WallTime => Verdict::Timeout,
            End::Output => Verdict::Output,
            End::Forbidden => Verdict::Forbidden,
            End::Exited(code) => Verdict::Exited { code },
            End::Killed(signal) => Verdict::Crashed { signal },
        }
    }
}

/// One sample of one problem, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub task_id: String,
    /// The place of the sample among those of its problem, from zero.
    pub sample: usize,
    #[serde(flatten)]
    pub verdict: Verdict,
}

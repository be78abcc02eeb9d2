//! Faults on demand: the program dies at a named point, or the n-th call of a kind is refused by the
//! "operating system". What guarantees are tested with; without being asked it does nothing.
//!
//! `SKILLBELT_KILL_AT=POINT[:N]` dies when the point is reached for the n-th time, at once and
//! without any cleaning up. `SKILLBELT_FAIL_IO=write:N|fsync:N|rename:N` refuses the n-th such call.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Where a run can be made to die, in the order in which it comes by.
pub const POINTS: [&str; 16] = [
    "after-learn",
    "after-step",
    "during-eval",
    "after-eval",
    "snapshot",
    "before-write",
    "mid-file",
    "after-file",
    "before-manifest",
    "before-rename",
    "after-rename",
    "before-remove",
    "after-save",
    "before-belt",
    "half-belt",
    "before-report",
];

/// A call to the operating system that can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Write,
    Fsync,
    Rename,
}

impl Call {
    const ALL: [(&'static str, Call); 3] = [
        ("write", Call::Write),
        ("fsync", Call::Fsync),
        ("rename", Call::Rename),
    ];

    /// What a full or a failing disk says.
    fn refusal(self) -> io::Error {
        const NO_SPACE: i32 = 28;
        const IO_ERROR: i32 = 5;
        io::Error::from_raw_os_error(match self {
            Call::Write => NO_SPACE,
            Call::Fsync | Call::Rename => IO_ERROR,
        })
    }
}

/// What is to go wrong in this run.
#[derive(Debug, Default)]
pub struct Faults {
    death: Option<(String, u64)>,
    /// Dying is an error that unwinds instead of the end of the process: for tests in one process.
    unwinding: bool,
    refusal: Option<(Call, u64)>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    points: BTreeMap<String, u64>,
    calls: BTreeMap<Call, u64>,
    died: bool,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// As the two variables of the environment say.
    pub fn from_env() -> Result<Faults> {
        let read = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let mut faults = Faults::none();
        if let Some(text) = read("SKILLBELT_KILL_AT") {
            faults.death = Some(death(&text)?);
        }
        if let Some(text) = read("SKILLBELT_FAIL_IO") {
            faults.refusal = Some(refusal(&text)?);
        }
        Ok(faults)
    }

    /// The run "dies" by an error when it reaches the point for the n-th time.
    pub fn death_at(point: &str, count: u64) -> Faults {
        Faults {
            death: Some((point.to_owned(), count)),
            unwinding: true,
            ..Faults::default()
        }
    }

    /// The n-th call of a kind is refused.
    pub fn refusing(call: Call, count: u64) -> Faults {
        Faults {
            refusal: Some((call, count)),
            ..Faults::default()
        }
    }

    /// To be called at each of `POINTS`.
    pub fn reach(&self, point: &'static str) -> Result<()> {
        let Some((name, count)) = &self.death else {
            return Ok(());
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.points.entry(point.to_owned()).or_default();
        *times += 1;
        if name != point || *times != *count {
            return Ok(());
        }
        if !self.unwinding {
            std::process::abort();
        }
        seen.died = true;
        Err(Error::told(format_args!("died at {point}")))
    }

    /// To be called before each call to the operating system.
    pub fn call(&self, call: Call) -> io::Result<()> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = seen.calls.entry(call).or_default();
        *times += 1;
        match self.refusal {
            Some((refused, count)) if refused == call && *times == count => Err(call.refusal()),
            _ => Ok(()),
        }
    }

    /// Whether the run has "died": then nothing may be tidied any more.
    pub fn died(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.died
    }

    /// How often each point was passed and each call made, so that tests know what there is to break.
    pub fn calls(&self, call: Call) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.calls.get(&call).copied().unwrap_or(0)
    }
}

/// `POINT` or `POINT:N`.
fn death(text: &str) -> Result<(String, u64)> {
    let (point, count) = text.split_once(':').unwrap_or((text, "1"));
    match count.parse() {
        Ok(count) if POINTS.contains(&point) => Ok((point.to_owned(), count)),
        _ => Err(
            Error::told(format_args!("SKILLBELT_KILL_AT={text} names no point"))
                .with_hint(format_args!("POINT:N with one of {}", POINTS.join(", "))),
        ),
    }
}

/// `CALL:N`.
fn refusal(text: &str) -> Result<(Call, u64)> {
    let parsed = text.split_once(':').and_then(|(name, count)| {
        let (_, call) = Call::ALL.into_iter().find(|(known, _)| *known == name)?;
        Some((call, count.parse().ok()?))
    });
    parsed.ok_or_else(|| {
        Error::told(format_args!("SKILLBELT_FAIL_IO={text} names no call"))
            .with_hint("write:N, fsync:N or rename:N")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_deadly_only_when_it_is_reached_for_the_named_time() {
        let faults = Faults::death_at("after-step", 2);
        faults.reach("after-step").unwrap();
        faults.reach("after-save").unwrap();
        assert!(!faults.died());
        assert!(faults.reach("after-step").is_err());
        assert!(faults.died());
    }

    #[test]
    fn only_the_numbered_call_is_refused() {
        let faults = Faults::refusing(Call::Write, 2);
        faults.call(Call::Write).unwrap();
        faults.call(Call::Fsync).unwrap();
        let refused = faults.call(Call::Write).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        faults.call(Call::Write).unwrap();
        assert_eq!(faults.calls(Call::Write), 3);
    }

    #[test]
    fn what_names_no_point_or_call_is_told() {
        assert_eq!(death("after-step").unwrap(), ("after-step".to_owned(), 1));
        assert_eq!(refusal("fsync:4").unwrap(), (Call::Fsync, 4));
        for wrong in ["nowhere", "after-step:x"] {
            assert!(death(wrong).is_err());
        }
        for wrong in ["write", "read:1", "write:-1"] {
            assert!(refusal(wrong).is_err());
        }
    }
}

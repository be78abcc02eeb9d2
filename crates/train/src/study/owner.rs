//! Who works on a cell: enough to tell, from the same machine, whether that process still lives. From
//! another machine only the age of its heartbeat tells.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A process on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub host: String,
    pub pid: u32,
    /// Of this boot of the machine, and of the space in which the number of the process counts:
    /// containers share the one and not the other. Nothing where the system does not tell.
    pub boot: Option<String>,
    pub space: Option<String>,
    /// When the process began, in ticks since the boot: numbers of processes come again.
    pub began: Option<u64>,
    /// Of this claim; no other has it.
    pub token: String,
}

impl Owner {
    /// This process, with a token for one claim.
    pub fn me(token: String) -> Owner {
        let pid = std::process::id();
        Owner {
            host: line("/proc/sys/kernel/hostname")
                .or_else(|| std::env::var("HOSTNAME").ok())
                .unwrap_or_else(|| "unknown".to_owned()),
            pid,
            boot: line("/proc/sys/kernel/random/boot_id"),
            space: space(),
            began: began(pid),
            token,
        }
    }

    /// Whether it is certain that the process is gone. Never from another machine, another boot or
    /// another space of processes: there nothing is certain.
    pub fn is_gone(&self) -> bool {
        let me = Owner::me(String::new());
        let known = me.boot.is_some() && me.space.is_some() && self.began.is_some();
        let same = self.host == me.host && self.boot == me.boot && self.space == me.space;
        known && same && began(self.pid) != self.began
    }

    /// For a message.
    pub fn shown(&self) -> String {
        format!("{}, process {}", self.host, self.pid)
    }
}

fn space() -> Option<String> {
    let link = fs_err::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// When a process began; nothing if there is none, or if it is dead and only not yet buried.
fn began(pid: u32) -> Option<u64> {
    let text = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, after) = text.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

fn line(path: &str) -> Option<String> {
    let text = fs_err::read_to_string(Path::new(path)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_process_is_not_gone_and_an_ended_one_is() {
        let me = Owner::me("t".into());
        assert!(!me.is_gone());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let other = Owner {
            pid: child.id(),
            began: began(child.id()),
            ..me.clone()
        };
        assert!(!other.is_gone());
        child.kill().unwrap();
        // Not yet buried, then buried.
        let patience = std::time::Instant::now();
        while !other.is_gone() {
            assert!(patience.elapsed().as_secs() < 10);
        }
        child.wait().unwrap();
        assert!(other.is_gone());
        let again = Owner {
            began: me.began.map(|began| began + 1),
            ..me
        };
        assert!(again.is_gone(), "the number came again");
    }

    #[test]
    fn of_another_machine_boot_or_space_nothing_is_certain() {
        let gone = Owner {
            began: Some(1),
            ..Owner::me("t".into())
        };
        assert!(gone.is_gone());
        let elsewhere = |change: fn(&mut Owner)| {
            let mut other = gone.clone();
            change(&mut other);
            !other.is_gone()
        };
        assert!(elsewhere(|owner| owner.host += "x"));
        assert!(elsewhere(|owner| owner.boot = None));
        assert!(elsewhere(|owner| owner.space = Some("pid:[1]".into())));
    }
}

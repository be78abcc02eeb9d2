//! The parent's side of a start: pipes, the child in its namespaces, who the child is, and a look at
//! the namespaces from outside before the child may go on.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use fs_err::File;
use libc::c_int;

use super::call;
use super::groups::Group;
use super::inside::{self, Ends, NOBODY, Purpose};
use super::message::{LENGTH, Message};
use super::plan::Plan;
use super::tree::MOST_SHOWN;
use crate::error::{Error, Result};
use crate::layer::Layer;

/// A child that was let go, or why it was not.
pub(super) enum Running {
    Child(Child),
    Refused(Vec<(Layer, String)>),
}

/// The first process of a sandbox and the parent's ends of its pipes. Dropping it ends all of it.
#[derive(Debug)]
pub(super) struct Child {
    pid: libc::pid_t,
    pub input: Option<OwnedFd>,
    pub output: OwnedFd,
    pub error: OwnedFd,
    pub report: OwnedFd,
    /// Closes when this process ends, by whatever cause.
    _go: OwnedFd,
    _group: Option<Group>,
    waited: bool,
}

const NAMESPACES: [(Layer, c_int, &str); 7] = [
    (Layer::User, libc::CLONE_NEWUSER, "user"),
    (Layer::Processes, libc::CLONE_NEWPID, "pid"),
    (Layer::Files, libc::CLONE_NEWNS, "mnt"),
    (Layer::Network, libc::CLONE_NEWNET, "net"),
    (Layer::Ipc, libc::CLONE_NEWIPC, "ipc"),
    (Layer::HostName, libc::CLONE_NEWUTS, "uts"),
    (Layer::ControlGroups, libc::CLONE_NEWCGROUP, "cgroup"),
];

pub(super) fn launch(plan: &Plan, purpose: Purpose) -> Result<Running> {
    if plan.shown.len() > MOST_SHOWN {
        let message = format!(
            "{} paths are to be shown, at most {MOST_SHOWN} can be",
            plan.shown.len()
        );
        return Err(Error::Program(message));
    }
    let (input_end, input) = pipe()?;
    let (output, output_end) = pipe()?;
    let (error, error_end) = pipe()?;
    let (report, report_end) = pipe()?;
    let (go_end, go) = pipe()?;
    let ends = Ends {
        input: input_end.as_raw_fd(),
        output: output_end.as_raw_fd(),
        error: error_end.as_raw_fd(),
        go: go_end.as_raw_fd(),
        report: report_end.as_raw_fd(),
    };
    let wanted = NAMESPACES
        .iter()
        .filter(|(layer, ..)| plan.layers.has(*layer));
    let flags = wanted.fold(0, |flags, (_, flag, _)| flags | flag);
    let pid = match call::split(flags) {
        Ok(0) => inside::live(plan, ends, purpose),
        Ok(pid) => pid,
        Err(errno) => return Ok(Running::Refused(refused_namespaces(plan, errno))),
    };
    let mut child = Child {
        pid,
        input: Some(input),
        output,
        error,
        report,
        _go: go
            .try_clone()
            .map_err(|source| Error::system("a pipe", source))?,
        _group: Group::around(pid, plan),
        waited: false,
    };
    match child.identify(plan).and_then(|()| child.separate(plan)) {
        Ok(()) => {}
        Err(missing) => {
            child.kill();
            return Ok(Running::Refused(vec![missing]));
        }
    }
    let mut go = std::fs::File::from(go);
    go.write_all(b"g")
        .map_err(|source| Error::system("letting the child go", source))?;
    Ok(Running::Child(child))
}

/// The kernel does not say which namespace it refused, so each is tried alone (all but the first
/// inside of a user namespace, as they would be).
fn refused_namespaces(plan: &Plan, errno: c_int) -> Vec<(Layer, String)> {
    let reason = |errno| io::Error::from_raw_os_error(errno).to_string();
    let user = if plan.layers.has(Layer::User) {
        libc::CLONE_NEWUSER
    } else {
        0
    };
    let mut missing = Vec::new();
    for (layer, flag, _) in NAMESPACES
        .iter()
        .filter(|(layer, ..)| plan.layers.has(*layer))
    {
        match call::split(user | flag) {
            // SAFETY: the new child ends at once, and is waited for.
            Ok(0) => unsafe { libc::_exit(0) },
            Ok(pid) => {
                // SAFETY: a child of this process; its status is not wanted.
                unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
            }
            Err(errno) => missing.push((*layer, reason(errno))),
        }
        if *layer == Layer::User && !missing.is_empty() {
            break;
        }
    }
    if missing.is_empty() {
        missing.extend(
            plan.layers
                .iter()
                .take(1)
                .map(|layer| (layer, reason(errno))),
        );
    }
    missing
}

impl Child {
    /// Who the child is outside: nobody where this process may say so, else the same user.
    fn identify(&self, plan: &Plan) -> std::result::Result<(), (Layer, String)> {
        if !plan.layers.has(Layer::User) {
            return Ok(());
        }
        let write = |name: &str, line: String| -> io::Result<()> {
            let path = format!("/proc/{}/{name}", self.pid);
            let mut file = fs_err::OpenOptions::new().write(true).open(path)?;
            file.write_all(line.as_bytes())
        };
        // SAFETY: take nothing.
        let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
        let done = if user == 0 {
            write("uid_map", format!("{NOBODY} {NOBODY} 1"))
                .and_then(|()| write("gid_map", format!("{NOBODY} {NOBODY} 1")))
        } else {
            write("setgroups", "deny".to_owned())
                .and_then(|()| write("uid_map", format!("{NOBODY} {user} 1")))
                .and_then(|()| write("gid_map", format!("{NOBODY} {group} 1")))
        };
        done.map_err(|error| (Layer::User, error.to_string()))
    }

    /// Every namespace is another one than this process has.
    fn separate(&self, plan: &Plan) -> std::result::Result<(), (Layer, String)> {
        for (layer, _, name) in NAMESPACES
            .iter()
            .filter(|(layer, ..)| plan.layers.has(*layer))
        {
            let number = |of: &str| {
                fs_err::metadata(format!("/proc/{of}/ns/{name}")).map(|about| about.ino())
            };
            let differ = number("self")
                .and_then(|ours| Ok(ours != number(&self.pid.to_string())?))
                .map_err(|error| (*layer, error.to_string()))?;
            if !differ {
                return Err((*layer, "the child is in the same one".to_owned()));
            }
        }
        Ok(())
    }

    /// Ends every process of the sandbox. The kernel has ended them all when this returns.
    pub(super) fn kill(&mut self) {
        if !self.waited {
            // SAFETY: a child of this process that was not waited for, so the number is still its.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
            self.waited = true;
        }
    }

    pub(super) fn answer_of_probe(mut self) -> Result<Option<Message>> {
        let copy = self
            .report
            .try_clone()
            .map_err(|source| Error::system("a pipe", source))?;
        let mut bytes = Vec::new();
        std::fs::File::from(copy)
            .take(LENGTH as u64)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::system("the probe's answer", source))?;
        self.kill();
        Ok(Message::from_bytes(&bytes))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end to read from and the end to write to; neither stays open over the start of a program.
fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two numbers, which are then owned here alone.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(Error::system("a pipe", io::Error::last_os_error()));
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

/// Reads a small file of the kernel's.
pub(super) fn read_small(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(1 << 16)
        .read_to_string(&mut text)
        .ok()?;
    Some(text)
}

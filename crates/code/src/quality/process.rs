//! Runs a linter within limits: time, memory, size of what it writes.
//!
//! It is no sandbox: a linter is trusted to read programs, and only kept from never ending or from
//! filling the disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Wall time of one linter over all texts.
const TIME: Duration = Duration::from_secs(600);
/// Bytes that one file written by it may have, what it says among them.
const WRITTEN: u64 = 256 << 20;
/// Bytes of memory.
const MEMORY: u64 = 8 << 30;
/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(20);

/// What the program said. An error is why it said nothing that could be used.
pub fn run(
    program: &Path,
    arguments: &[&str],
    within: &Path,
    settings: &[(&str, &Path)],
) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{} could not be run: {error}", program.display());
    let said = tempfile::NamedTempFile::new().map_err(failed)?;
    let complaint = tempfile::NamedTempFile::new().map_err(failed)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(within)
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .stdout(said.reopen().map_err(failed)?)
        .stderr(complaint.reopen().map_err(failed)?);
    limited(&mut command);
    let mut child = command.spawn().map_err(failed)?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if begun.elapsed() > TIME => {
                end(&mut child);
                return Err(format!("{} took more than {TIME:?}", program.display()));
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let text = fs_err::read(said.path()).map_err(failed)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // Some end badly because they found something; then they have said so.
    if !status.success() && text.trim().is_empty() {
        let complaint = fs_err::read(complaint.path()).map_err(failed)?;
        let complaint = String::from_utf8_lossy(&complaint);
        let first = complaint.lines().next().unwrap_or("it said nothing");
        return Err(format!("{} failed ({status}): {first}", program.display()));
    }
    Ok(text)
}

#[cfg(unix)]
fn limited(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let limit = |what, bytes: u64| {
        let limit = libc::rlimit {
            rlim_cur: bytes as libc::rlim_t,
            rlim_max: bytes as libc::rlim_t,
        };
        // SAFETY: the call reads the struct, which lives through it.
        unsafe { libc::setrlimit(what, &raw const limit) };
    };
    command.process_group(0);
    // SAFETY: between fork and exec only `setrlimit` is called, which is safe there; nothing is
    // allocated and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            limit(libc::RLIMIT_FSIZE, WRITTEN);
            limit(libc::RLIMIT_AS, MEMORY);
            Ok(())
        });
    }
}

#[cfg(not(unix))]
fn limited(_: &mut Command) {}

/// Ends the program and what it started.
fn end(child: &mut std::process::Child) {
    #[cfg(unix)]
    // SAFETY: the child leads its own group and has not been waited for, so its number is its own.
    unsafe {
        libc::killpg(child.id() as libc::pid_t, libc::SIGKILL);
    }
    // It may be gone already; either way nothing is left to be done.
    let _ = child.kill();
    let _ = child.wait();
}

//! Several cells at once: so many processes of this program, each of which claims cells as processes
//! on other machines do. They stop when this process stops or dies, for then their stdin ends.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use skillbelt_train::study::plan::Arm;

use super::Study;
use crate::commands::Everywhere;
use crate::exit::Failure;

/// Between looks at the processes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the processes until all have ended.
pub fn run(
    study: &Study,
    out: &Path,
    stop: &Arc<AtomicBool>,
    everywhere: &Everywhere,
) -> Result<(), Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = everywhere.threads.map_or(cores, usize::from);
    let share = (threads / usize::from(study.jobs)).max(1);
    let mut children = Vec::new();
    for _ in 0..study.jobs {
        children.push(start(study, out, share, everywhere)?);
    }
    let mut failed = 0;
    while !children.is_empty() {
        if stop.load(Ordering::Relaxed) {
            // The end of its stdin tells each to save and give its cell up.
            children
                .iter_mut()
                .for_each(|child| drop(child.stdin.take()));
        }
        let mut living = Vec::new();
        for mut child in children {
            match child.try_wait()? {
                None => living.push(child),
                Some(status) => failed += usize::from(!status.success()),
            }
        }
        children = living;
        std::thread::sleep(LOOK_EVERY);
    }
    match failed {
        // What they have told stands above; cells that failed are told by the results.
        0 => Ok(()),
        some => Err(Failure::told(format_args!(
            "{some} of {} processes ended badly, as told above",
            study.jobs
        ))
        .with_hint("the same command goes on with what they have left")),
    }
}

fn start(
    study: &Study,
    out: &Path,
    threads: usize,
    everywhere: &Everywhere,
) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--threads", &threads.to_string()]);
    if everywhere.offline {
        command.arg("--offline");
    }
    if everywhere.quiet {
        command.arg("--quiet");
    }
    command.arg("study").arg(study.plan()).arg("--out").arg(out);
    command.args(["--worker", "--dead-after", &study.dead_after.to_string()]);
    for arm in &study.only {
        command.args(["--only", Arm::from(*arm).name()]);
    }
    if let Some(index) = study.index {
        command.args(["--index", &index.to_string()]);
    }
    if study.no_wait {
        command.arg("--no-wait");
    }
    Ok(command.stdin(Stdio::piped()).spawn()?)
}

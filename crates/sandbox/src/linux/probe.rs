//! Is every layer really there? A child builds them all and then, where the program would start,
//! tries what each of them forbids.
//!
//! That a system call succeeded proves nothing: some kernels and some containers accept one and do
//! nothing.

use libc::{c_int, c_ulong};

use super::call::errno;
use super::inside::{NOBODY, Purpose};
use super::launch::{self, Running};
use super::message::Message;
use super::plan::Plan;
use crate::error::Result;
use crate::layer::{Layer, Layers};
use crate::program::Program;
use crate::view::View;

/// Layers of those asked for that cannot be had, each with the reason.
pub(super) fn missing(layers: Layers) -> Result<Vec<(Layer, String)>> {
    let program = Program::new("/probe", View::new());
    let plan = Plan::new(layers, &program)?;
    let found = match launch::launch(&plan, Purpose::Probe)? {
        Running::Child(child) => child.answer_of_probe()?,
        Running::Refused(missing) => return Ok(missing),
    };
    let missing = |reason: &str| {
        let gone = layers.iter().map(|layer| (layer, reason.to_owned()));
        gone.collect::<Vec<_>>()
    };
    Ok(match found {
        Some(Message::Found(found)) => missing("it was built, and does not hold")
            .into_iter()
            .filter(|(layer, _)| !found.has(*layer))
            .collect(),
        Some(Message::Failed { layer, step, errno }) => {
            let said = std::io::Error::from_raw_os_error(errno);
            let reason = format!("{}: {said}", step.words());
            match layer {
                Some(layer) => vec![(layer, reason)],
                None => missing(&reason),
            }
        }
        _ => missing("the probe ended without an answer"),
    })
}

/// Which layers hold, from where the program would stand. Namespaces as such are compared by the
/// parent; see `launch.rs`.
pub(super) fn holding(plan: &Plan) -> Layers {
    let mut holding = plan.layers;
    for layer in Layer::ALL {
        let holds = match layer {
            Layer::User => is_nobody(),
            Layer::Processes => behind_the_first(),
            Layer::Files => own_tree(),
            Layer::Capabilities => no_rights(),
            Layer::SystemCalls => filtered(),
            Layer::Limits => limited(plan),
            Layer::Network | Layer::Ipc | Layer::HostName | Layer::ControlGroups => true,
        };
        if !holds {
            holding = holding.without(layer);
        }
    }
    holding
}

fn behind_the_first() -> bool {
    // SAFETY: takes nothing.
    unsafe { libc::getppid() == 1 }
}

fn is_nobody() -> bool {
    // SAFETY: takes nothing.
    unsafe { libc::getuid() == NOBODY && libc::geteuid() == NOBODY && libc::getgid() == NOBODY }
}

/// Nothing of the machine's tree, and nothing can be made at the root.
fn own_tree() -> bool {
    // SAFETY: paths that end in zero.
    unsafe {
        let gone = [c"/proc", c"/sys", c"/etc", c"/home", c"/root"]
            .iter()
            .all(|path| libc::access(path.as_ptr(), libc::F_OK) != 0 && errno() == libc::ENOENT);
        gone && libc::mkdir(c"/made".as_ptr(), 0o700) != 0 && errno() == libc::EROFS
    }
}

fn no_rights() -> bool {
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut sets = [u32::MAX; 6];
    // SAFETY: two structures of the length that their version says.
    unsafe {
        libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) == 0
            && sets == [0; 6]
            && libc::prctl(libc::PR_GET_NO_NEW_PRIVS, 0 as c_ulong, 0, 0, 0) == 1
    }
}

fn filtered() -> bool {
    const FILTER_MODE: c_int = 2;
    // SAFETY: numbers only. The last call asks and changes nothing.
    unsafe {
        libc::prctl(libc::PR_GET_SECCOMP, 0 as c_ulong, 0, 0, 0) == FILTER_MODE
            && libc::syscall(libc::SYS_personality, 0xffff_ffff_u64) == -1
            && errno() == libc::EPERM
    }
}

fn limited(plan: &Plan) -> bool {
    plan.limits.iter().all(|(resource, limit)| {
        let mut now = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: room for one limit.
        let asked = unsafe { libc::getrlimit(*resource as _, &raw mut now) };
        asked == 0 && now.rlim_cur == limit.rlim_cur && now.rlim_max == limit.rlim_max
    })
}

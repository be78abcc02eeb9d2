//! The child's side: two processes. The first is process 1 of the new namespaces; it builds every
//! layer, splits off the program, waits for it, tells how it ended and ends, upon which the kernel
//! ends whatever the program left running. The second becomes the program.
//!
//! Nothing here allocates, locks, unwinds or returns: see `call.rs`.

use std::ffi::CStr;

use libc::{c_int, c_uint, c_ulong};

use super::call::{self, Called, checked, close, close_range, errno, write_all};
use super::message::{Message, Step};
use super::plan::Plan;
use super::probe;
use super::tree;
use crate::layer::Layer;

/// Who the program is inside, and, where the parent is root, outside too.
pub(super) const NOBODY: c_uint = 65534;

/// The child's ends of the pipes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub input: c_int,
    pub output: c_int,
    pub error: c_int,
    /// The parent's word that the namespaces are as they should be; it closes when the parent dies.
    pub go: c_int,
    pub report: c_int,
}

/// A step that failed, with the layer that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    layer: Option<Layer>,
    step: Step,
    errno: c_int,
}

impl Failure {
    pub(super) fn of(layer: Layer, step: Step, errno: c_int) -> Failure {
        Failure {
            layer: Some(layer),
            step,
            errno,
        }
    }

    fn elsewhere(step: Step, errno: c_int) -> Failure {
        Failure {
            layer: None,
            step,
            errno,
        }
    }
}

/// What the second process does when all is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Program,
    /// Say which layers hold, and end.
    Probe,
}

/// All that the child ever does.
pub(super) fn live(plan: &Plan, ends: Ends, purpose: Purpose) -> ! {
    match first(plan, ends, purpose) {
        Ok(()) => leave(0),
        Err(failure) => tell(ends.report, failure),
    }
}

fn leave(code: c_int) -> ! {
    // SAFETY: ends this process at once, without destructors, which belong to the parent.
    unsafe { libc::_exit(code) }
}

fn tell(report: c_int, failure: Failure) -> ! {
    let Failure { layer, step, errno } = failure;
    let message = Message::Failed { layer, step, errno };
    let _ = write_all(report, &message.to_bytes());
    leave(1)
}

fn first(plan: &Plan, ends: Ends, purpose: Purpose) -> Result<(), Failure> {
    close_all_but(ends).map_err(|errno| Failure::elsewhere(Step::CloseFiles, errno))?;
    let mut word = [0u8];
    // SAFETY: room for one byte.
    if unsafe { libc::read(ends.go, word.as_mut_ptr().cast(), 1) } != 1 {
        leave(1);
    }
    // SAFETY: numbers only.
    unsafe {
        libc::setsid();
        libc::umask(0o022);
    }
    let files = plan.layers.has(Layer::Files);
    let copies = if files {
        Some(tree::copies(plan)?)
    } else {
        None
    };
    if plan.layers.has(Layer::User) {
        become_nobody().map_err(|errno| Failure::of(Layer::User, Step::BecomeUser, errno))?;
    }
    if let Some(copies) = &copies {
        tree::enter(plan, copies)?;
    } else {
        // SAFETY: a path that ends in zero; another working folder would do no harm.
        unsafe { libc::chdir(c"/tmp".as_ptr()) };
    }
    if plan.layers.has(Layer::HostName) {
        // SAFETY: as many bytes as said.
        checked(unsafe { libc::sethostname(c"sandbox".as_ptr(), 7) })
            .map_err(|errno| Failure::of(Layer::HostName, Step::HostName, errno))?;
    }
    end_with_parent(ends.go);
    if plan.layers.has(Layer::Capabilities) {
        give_up_rights()?;
    }
    let program = call::split(0).map_err(|errno| Failure::elsewhere(Step::Fork, errno))?;
    if program == 0 {
        match second(plan, ends, purpose) {
            Ok(()) => leave(0),
            Err(failure) => tell(SECOND_REPORT, failure),
        }
    }
    for file in [ends.input, ends.output, ends.error] {
        close(file);
    }
    wait_and_tell(plan, ends.report, program);
    Ok(())
}

fn close_all_but(ends: Ends) -> Called<()> {
    let mut kept = [ends.input, ends.output, ends.error, ends.go, ends.report];
    kept.sort_unstable();
    let mut next = 0;
    for file in kept {
        let file = file as c_uint;
        if file > next {
            close_range(next, file - 1)?;
        }
        next = file + 1;
    }
    close_range(next, c_uint::MAX)
}

fn become_nobody() -> Called<()> {
    // SAFETY: numbers only. Without the right to it (an ordinary user outside) the groups stay; they
    // are then unknown inside and give access to nothing that is shown.
    unsafe {
        libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>());
        checked(libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY) as c_int)?;
        checked(libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) as c_int)?;
    }
    Ok(())
}

/// From here on the kernel ends this process, and with it all of the others, when the parent ends.
fn end_with_parent(go: c_int) {
    let mut asked = libc::pollfd {
        fd: go,
        events: 0,
        revents: 0,
    };
    // SAFETY: numbers, and one entry to be polled.
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong, 0, 0, 0);
        // Had the parent ended before, no signal would come.
        if libc::poll(&raw mut asked, 1, 0) > 0 && asked.revents & libc::POLLHUP != 0 {
            leave(1);
        }
    }
}

/// No capability in any of the kernel's sets, no way to gain one.
fn give_up_rights() -> Result<(), Failure> {
    let at = |step| move |errno| Failure::of(Layer::Capabilities, step, errno);
    // `NOROOT`, `NO_SETUID_FIXUP`, `NO_CAP_AMBIENT_RAISE`, each with its lock.
    const LOCKED: c_ulong = 0x3 | 0xc | 0xc0;
    const LAST_CAPABILITY: c_ulong = 63;
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0u32; 6];
    // SAFETY: numbers, and two structures of the length that their version says.
    unsafe {
        checked(libc::prctl(libc::PR_SET_SECUREBITS, LOCKED, 0, 0, 0))
            .map_err(at(Step::DropCapabilities))?;
        for capability in 0..=LAST_CAPABILITY {
            if libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 {
                // The first that the kernel does not know.
                if errno() == libc::EINVAL {
                    break;
                }
                return Err(at(Step::DropCapabilities)(errno()));
            }
        }
        let cleared = libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr());
        checked(cleared as c_int).map_err(at(Step::DropCapabilities))?;
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
            .map_err(at(Step::NoNewPrivileges))?;
    }
    Ok(())
}

/// Where the second process keeps the report; closed by the kernel when the program starts.
const SECOND_REPORT: c_int = 3;

fn second(plan: &Plan, ends: Ends, purpose: Purpose) -> Result<(), Failure> {
    redirect(ends).map_err(|errno| Failure::elsewhere(Step::Redirect, errno))?;
    if plan.layers.has(Layer::Limits) {
        for (resource, limit) in &plan.limits {
            // SAFETY: a limit that lives.
            checked(unsafe { libc::setrlimit(*resource as _, limit) })
                .map_err(|errno| Failure::of(Layer::Limits, Step::SetLimit, errno))?;
        }
    }
    as_if_new();
    if plan.layers.has(Layer::SystemCalls) {
        filter(plan).map_err(|errno| Failure::of(Layer::SystemCalls, Step::Filter, errno))?;
    }
    if purpose == Purpose::Probe {
        let found = Message::Found(probe::holding(plan));
        let _ = write_all(SECOND_REPORT, &found.to_bytes());
        leave(0);
    }
    // SAFETY: texts that end in zero, in lists that end in null.
    unsafe {
        libc::execve(
            plan.arguments.first(),
            plan.arguments.pointers(),
            plan.environment.pointers(),
        )
    };
    Err(Failure::elsewhere(Step::Start, errno()))
}

/// Input, output, errors, and the report behind them; nothing else stays open.
fn redirect(ends: Ends) -> Called<()> {
    // First out of the way of the four numbers that are about to be taken.
    let mut files = [ends.input, ends.output, ends.error, ends.report];
    for file in &mut files {
        // SAFETY: numbers only.
        *file = checked(unsafe { libc::fcntl(*file, libc::F_DUPFD, 16) })?;
    }
    for (place, file) in (0..).zip(files) {
        let flags = if place == SECOND_REPORT {
            libc::O_CLOEXEC
        } else {
            0
        };
        // SAFETY: numbers only.
        checked(unsafe { libc::dup3(file, place, flags) })?;
    }
    close_range(SECOND_REPORT as c_uint + 1, c_uint::MAX)
}

/// Signals as a fresh program expects them.
fn as_if_new() {
    // SAFETY: a mask without members, and default actions.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        for signal in [libc::SIGPIPE, libc::SIGINT, libc::SIGTERM, libc::SIGXFSZ] {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
}

fn filter(plan: &Plan) -> Called<()> {
    if plan.filter.is_empty() {
        return Err(libc::ENOSYS);
    }
    let program = libc::sock_fprog {
        len: plan.filter.len() as libc::c_ushort,
        filter: plan.filter.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies as many steps as `len` says.
    unsafe {
        // The kernel wants this of a process without rights; it is there already with that layer.
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        checked(libc::syscall(libc::SYS_seccomp, mode, 0, &raw const program) as c_int)?;
    }
    Ok(())
}

/// Waits for the program, and for what it leaves behind as far as that ends by itself; then tells.
fn wait_and_tell(plan: &Plan, report: c_int, program: libc::pid_t) {
    let status = loop {
        let mut status = 0;
        // SAFETY: room for one status.
        let ended = unsafe { libc::waitpid(-1, &raw mut status, 0) };
        if ended == program {
            break status;
        }
        if ended < 0 && errno() != libc::EINTR {
            break libc::SIGKILL;
        }
    };
    // SAFETY: all-zero is a value of it, and the kernel fills it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut used);
        used
    };
    let micro = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
    let left = plan
        .collect
        .as_ref()
        .and_then(|(path, most)| open_plain(path, *most));
    let ended = Message::Ended {
        status,
        cpu_microseconds: micro(used.ru_utime) + micro(used.ru_stime),
        peak_bytes: used.ru_maxrss as u64 * 1024,
        collected: left.map(|(_, length)| length),
    };
    if write_all(report, &ended.to_bytes()).is_ok()
        && let Some((file, length)) = left
    {
        copy(file, report, length);
    }
}

/// The file that was to be left, if it is a plain file and not too long. The program may have put a
/// link or a pipe there.
fn open_plain(path: &CStr, most: usize) -> Option<(c_int, u64)> {
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: a path that ends in zero; all-zero is a value of `stat`.
    unsafe {
        let file = checked(libc::open(path.as_ptr(), flags)).ok()?;
        let mut about: libc::stat = std::mem::zeroed();
        checked(libc::fstat(file, &raw mut about)).ok()?;
        let length = u64::try_from(about.st_size).ok()?;
        let plain = about.st_mode & libc::S_IFMT == libc::S_IFREG;
        (plain && length <= most as u64).then_some((file, length))
    }
}

/// Copies exactly `length` bytes; the file may be cut meanwhile, and then zeros stand for the rest.
fn copy(file: c_int, to: c_int, mut length: u64) {
    let mut block = [0u8; 4096];
    while length > 0 {
        let wanted = length.min(block.len() as u64) as usize;
        // SAFETY: room for as many bytes.
        let got = unsafe { libc::read(file, block.as_mut_ptr().cast(), wanted) };
        if got <= 0 {
            block.fill(0);
        }
        let got = if got <= 0 { wanted } else { got as usize };
        if write_all(to, block.get(..got).unwrap_or_default()).is_err() {
            return;
        }
        length -= got as u64;
    }
}

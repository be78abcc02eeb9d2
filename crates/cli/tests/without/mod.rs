//! A machine that lacks something: a filter of system calls under which no network namespace can be
//! made, as many containers have it. It changes the started program alone.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Offsets into what a filter sees of a call: its number, and the low half of its first argument.
const NUMBER: u32 = 0;
const FIRST: u32 = 16;

/// The program sees every kind of namespace but this.
pub fn without_networks(command: &mut Command) -> &mut Command {
    let jump = |what: u32, than: u32, yes: u8, no: u8| libc::sock_filter {
        code: (libc::BPF_JMP | what | libc::BPF_K) as u16,
        jt: yes,
        jf: no,
        k: than,
    };
    let say = |what: u32, value: u32| libc::sock_filter {
        code: what as u16,
        jt: 0,
        jf: 0,
        k: value,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let refuse = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    let filter = [
        say(load, NUMBER),
        jump(libc::BPF_JEQ, libc::SYS_clone as u32, 1, 0),
        jump(libc::BPF_JEQ, libc::SYS_unshare as u32, 0, 2),
        say(load, FIRST),
        jump(libc::BPF_JSET, libc::CLONE_NEWNET as u32, 1, 0),
        say(libc::BPF_RET, libc::SECCOMP_RET_ALLOW),
        say(libc::BPF_RET, refuse),
    ];
    // SAFETY: between fork and exec only two system calls are made, with numbers and with a filter
    // that the closure owns.
    unsafe {
        command.pre_exec(move || {
            let program = libc::sock_fprog {
                len: filter.len() as u16,
                filter: filter.as_ptr().cast_mut(),
            };
            let (on, off): (libc::c_ulong, libc::c_ulong) = (1, 0);
            let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
            let asked = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, off, off, off) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) == 0;
            match asked {
                true => Ok(()),
                false => Err(std::io::Error::last_os_error()),
            }
        })
    }
}

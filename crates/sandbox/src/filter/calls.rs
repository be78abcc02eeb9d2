//! Which system calls are allowed, which end the program. Everything else is refused.

use libc::c_long;

use super::Rule;
use crate::limits::Sockets;

/// All rules. A number stands in it once.
pub(super) fn rules(forks: bool, sockets: Sockets) -> Vec<(c_long, Rule)> {
    let mut rules: Vec<(c_long, Rule)> = Vec::new();
    rules.extend(ALLOWED.iter().map(|number| (*number, Rule::Allow)));
    rules.extend(ALLOWED_OF_OLD.iter().map(|number| (*number, Rule::Allow)));
    rules.extend(ENDED.iter().map(|number| (*number, Rule::End)));
    rules.extend(ENDED_OF_OLD.iter().map(|number| (*number, Rule::End)));
    rules.extend(
        REFUSED
            .iter()
            .map(|number| (*number, Rule::Refuse(libc::EPERM))),
    );
    rules.extend(decided_by_arguments(forks));
    rules.extend(of_sockets(sockets));
    rules
}

fn decided_by_arguments(forks: bool) -> Vec<(c_long, Rule)> {
    let one_of = |argument, values: &[u32]| Rule::OneOf {
        argument,
        values: values.to_vec(),
    };
    let mut rules = vec![
        (libc::SYS_ioctl, one_of(1, &TERMINAL_AND_PIPE_QUESTIONS)),
        (libc::SYS_prctl, one_of(0, &OWN_PROCESS_QUESTIONS)),
        // Its own limits only; it cannot raise them.
        (libc::SYS_prlimit64, one_of(0, &[0])),
        (libc::SYS_clone, clone(forks)),
        (libc::SYS_mmap, shared_without_a_file_is_refused()),
    ];
    #[cfg(target_arch = "x86_64")]
    for number in [libc::SYS_fork, libc::SYS_vfork] {
        let rule = if forks { Rule::Allow } else { Rule::End };
        rules.push((number, rule));
    }
    rules
}

/// Threads always, processes where allowed, new namespaces never.
fn clone(forks: bool) -> Rule {
    const NAMESPACES: i32 = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET;
    Rule::Bits {
        argument: 0,
        needed: if forks { 0 } else { libc::CLONE_THREAD as u32 },
        barred: NAMESPACES as u32,
        otherwise: Box::new(Rule::End),
    }
}

/// Looking up the name of a user tries a local one, and goes on without it, so that is never more
/// than refused.
fn of_sockets(sockets: Sockets) -> [(c_long, Rule); 4] {
    let local = libc::AF_UNIX as u32;
    let otherwise = match sockets {
        Sockets::End => Rule::End,
        Sockets::Refuse | Sockets::Pairs => Rule::Refuse(libc::EACCES),
    };
    let pairs = match sockets {
        // The number of the local family is one bit, and all others are barred.
        Sockets::Pairs => Rule::Bits {
            argument: 0,
            needed: local,
            barred: !local,
            otherwise: Box::new(otherwise.clone()),
        },
        Sockets::End | Sockets::Refuse => otherwise.clone(),
    };
    // Through a pair, and to nobody who is named.
    let (send, receive) = match sockets {
        Sockets::Pairs => {
            let unnamed = Rule::OneOf {
                argument: 4,
                values: vec![0],
            };
            (unnamed, Rule::Allow)
        }
        Sockets::End | Sockets::Refuse => (Rule::End, Rule::End),
    };
    let one = Rule::RefuseIf {
        argument: 0,
        value: local,
        otherwise: Box::new(otherwise),
    };
    [
        (libc::SYS_socket, one),
        (libc::SYS_socketpair, pairs),
        (libc::SYS_sendto, send),
        (libc::SYS_recvfrom, receive),
    ]
}

/// Such memory counts against no limit on private memory.
fn shared_without_a_file_is_refused() -> Rule {
    let shared = Rule::Bits {
        argument: 3,
        needed: 0,
        barred: libc::MAP_SHARED as u32,
        otherwise: Box::new(Rule::Refuse(libc::EPERM)),
    };
    Rule::Bits {
        argument: 3,
        needed: 0,
        barred: libc::MAP_ANONYMOUS as u32,
        otherwise: Box::new(shared),
    }
}

/// `TCGETS`, `TIOCGWINSZ`, `TIOCGPGRP`, `FIONREAD`, `FIONBIO`, `FIONCLEX`, `FIOCLEX`.
const TERMINAL_AND_PIPE_QUESTIONS: [u32; 7] =
    [0x5401, 0x5413, 0x540F, 0x541B, 0x5421, 0x5450, 0x5451];

const OWN_PROCESS_QUESTIONS: [u32; 6] = [
    libc::PR_SET_NAME as u32,
    libc::PR_GET_NAME as u32,
    libc::PR_GET_DUMPABLE as u32,
    libc::PR_GET_SECCOMP as u32,
    libc::PR_GET_NO_NEW_PRIVS as u32,
    // Names for memory regions, which runtimes set.
    libc::PR_SET_VMA as u32,
];

const ALLOWED: [c_long; 127] = [
    // Files, inside the program's own tree.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_openat,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_lseek,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_fchdir,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_truncate,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_getdents64,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_readlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_utimensat,
    libc::SYS_umask,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_fadvise64,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    // Memory.
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_mincore,
    libc::SYS_msync,
    libc::SYS_brk,
    libc::SYS_membarrier,
    libc::SYS_mlock,
    libc::SYS_munlock,
    // Waiting.
    libc::SYS_pselect6,
    libc::SYS_ppoll,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime,
    libc::SYS_timerfd_gettime,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_futex,
    libc::SYS_restart_syscall,
    // Time.
    libc::SYS_gettimeofday,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_getitimer,
    libc::SYS_setitimer,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_timer_gettime,
    libc::SYS_timer_delete,
    libc::SYS_times,
    libc::SYS_getrusage,
    // Signals, which reach nothing outside of its process namespace.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_sigsuspend,
    libc::SYS_rt_sigpending,
    libc::SYS_sigaltstack,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_wait4,
    libc::SYS_waitid,
    // Threads and the process itself.
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getpgid,
    libc::SYS_setpgid,
    libc::SYS_getsid,
    libc::SYS_setsid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_capget,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_getpriority,
    libc::SYS_getcpu,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_getrandom,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrlimit,
];

/// Older names of the same, where the machine has them.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OF_OLD: [c_long; 28] = [
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_symlink,
    libc::SYS_readlink,
    libc::SYS_chmod,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_getdents,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_select,
    libc::SYS_poll,
    libc::SYS_epoll_create,
    libc::SYS_epoll_wait,
    libc::SYS_eventfd,
    libc::SYS_alarm,
    libc::SYS_pause,
    libc::SYS_time,
    libc::SYS_getpgrp,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OF_OLD: [c_long; 0] = [];

/// Runtimes try these and go on without them.
const REFUSED: [c_long; 17] = [
    libc::SYS_io_uring_setup,
    libc::SYS_memfd_create,
    libc::SYS_chroot,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    libc::SYS_setpriority,
    libc::SYS_personality,
    libc::SYS_sched_setaffinity,
    libc::SYS_sethostname,
];

/// Nothing that computes an answer needs these.
const ENDED: [c_long; 52] = [
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_setdomainname,
    libc::SYS_quotactl,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_mknodat,
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
];

#[cfg(target_arch = "x86_64")]
const ENDED_OF_OLD: [c_long; 4] = [
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
];
#[cfg(not(target_arch = "x86_64"))]
const ENDED_OF_OLD: [c_long; 0] = [];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_call_has_two_rules() {
        for forks in [false, true] {
            for sockets in [Sockets::End, Sockets::Refuse, Sockets::Pairs] {
                let rules = rules(forks, sockets);
                let numbers: BTreeSet<c_long> = rules.iter().map(|(number, _)| *number).collect();
                assert_eq!(numbers.len(), rules.len());
            }
        }
    }
}

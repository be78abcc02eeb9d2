//! The list of allowed system calls, as a program for the kernel's filter.
//!
//! Three answers: allowed, refused with an error (so that a runtime can fall back), and ended at
//! once, which is what calls get that only an escape needs. What no list names is refused.

mod calls;

#[cfg(test)]
use libc::c_long;
use libc::sock_filter;

use crate::limits::Sockets;

/// What becomes of one system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    Allow,
    /// Refused with this error.
    Refuse(i32),
    /// The program is ended.
    End,
    /// Allowed if the low half of this argument is one of these, else refused.
    OneOf {
        argument: u32,
        values: Vec<u32>,
    },
    /// Refused if the low half of this argument is this, else the other rule.
    RefuseIf {
        argument: u32,
        value: u32,
        otherwise: Box<Rule>,
    },
    /// Decided by bits of this argument: all of `needed` and none of `barred`, else the other rule.
    Bits {
        argument: u32,
        needed: u32,
        barred: u32,
        otherwise: Box<Rule>,
    },
}

/// The number by which the kernel knows this kind of machine; none where no list was made for it.
const MACHINE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xC000_003E)
} else if cfg!(target_arch = "aarch64") {
    Some(0xC000_00B7)
} else {
    None
};

/// Calls of the x32 interface have this bit set and would go past a list of numbers.
const X32: u32 = 0x4000_0000;

const RET_END: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const RET_ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const RET_ERROR: u32 = libc::SECCOMP_RET_ERRNO;

// Offsets in what the filter is shown of a call.
const AT_NUMBER: u32 = 0;
const AT_MACHINE: u32 = 4;
const AT_ARGUMENTS: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The filter for a program that may or may not start processes. Nothing on machines without a list.
pub(crate) fn program(forks: bool, sockets: Sockets) -> Option<Vec<sock_filter>> {
    let machine = MACHINE?;
    let mut code = vec![
        step(LOAD, AT_MACHINE, 0, 0),
        step(IF_EQUAL, machine, 1, 0),
        step(RETURN, RET_END, 0, 0),
        step(LOAD, AT_NUMBER, 0, 0),
        step(IF_AT_LEAST, X32, 0, 1),
        step(RETURN, RET_END, 0, 0),
    ];
    for (number, rule) in calls::rules(forks, sockets) {
        let body = compiled(&rule);
        let over = u8::try_from(body.len()).ok()?;
        code.push(step(IF_EQUAL, u32::try_from(number).ok()?, 0, over));
        code.extend(body);
    }
    code.push(step(RETURN, RET_ERROR | libc::ENOSYS as u32, 0, 0));
    Some(code)
}

fn step(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// Steps that end in a return on every way through them.
fn compiled(rule: &Rule) -> Vec<sock_filter> {
    match rule {
        Rule::Allow => vec![step(RETURN, RET_ALLOW, 0, 0)],
        Rule::Refuse(error) => vec![step(RETURN, RET_ERROR | *error as u32, 0, 0)],
        Rule::End => vec![step(RETURN, RET_END, 0, 0)],
        Rule::OneOf { argument, values } => {
            let mut code = vec![load_low(*argument)];
            for value in values {
                code.push(step(IF_EQUAL, *value, 0, 1));
                code.push(step(RETURN, RET_ALLOW, 0, 0));
            }
            code.push(step(RETURN, RET_ERROR | libc::EPERM as u32, 0, 0));
            code
        }
        Rule::RefuseIf {
            argument,
            value,
            otherwise,
        } => {
            let mut code = vec![load_low(*argument), step(IF_EQUAL, *value, 0, 1)];
            code.push(step(RETURN, RET_ERROR | libc::EACCES as u32, 0, 0));
            code.extend(compiled(otherwise));
            code
        }
        Rule::Bits {
            argument,
            needed,
            barred,
            otherwise,
        } => {
            // `needed` is one bit or none: the kernel's test asks for any bit of several.
            let mut code = vec![load_low(*argument), step(IF_ANY_BIT, *barred, 2, 0)];
            match needed {
                0 => code.push(step(IF_AT_LEAST, 0, 0, 1)),
                bit => code.push(step(IF_ANY_BIT, *bit, 0, 1)),
            }
            code.push(step(RETURN, RET_ALLOW, 0, 0));
            code.extend(compiled(otherwise));
            code
        }
    }
}

fn load_low(argument: u32) -> sock_filter {
    let low = if cfg!(target_endian = "big") { 4 } else { 0 };
    step(LOAD, AT_ARGUMENTS + 8 * argument + low, 0, 0)
}

/// What the filter would answer, for the tests: the same steps walked by hand.
#[cfg(test)]
fn answer(code: &[sock_filter], number: c_long, arguments: [u64; 6]) -> u32 {
    let word = |at: u32| match at {
        AT_NUMBER => number as u32,
        AT_MACHINE => MACHINE.unwrap(),
        at => {
            let at = at - AT_ARGUMENTS;
            (arguments[(at / 8) as usize] >> (8 * (at % 8))) as u32
        }
    };
    let (mut at, mut held) = (0, 0u32);
    loop {
        let step = code[at];
        at += 1;
        let jump = |yes: bool| usize::from(if yes { step.jt } else { step.jf });
        match step.code {
            LOAD => held = word(step.k),
            IF_EQUAL => at += jump(held == step.k),
            IF_AT_LEAST => at += jump(held >= step.k),
            IF_ANY_BIT => at += jump(held & step.k != 0),
            RETURN => return step.k,
            other => panic!("no such step: {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: u32 = RET_ERROR | libc::EPERM as u32;

    fn asked(forks: bool, number: c_long, arguments: [u64; 6]) -> u32 {
        answer(&program(forks, Sockets::End).unwrap(), number, arguments)
    }

    #[test]
    fn reading_is_allowed_and_tracing_ends_the_program() {
        assert_eq!(asked(false, libc::SYS_read, [0; 6]), RET_ALLOW);
        assert_eq!(asked(false, libc::SYS_ptrace, [0; 6]), RET_END);
        let internet = [libc::AF_INET as u64, 0, 0, 0, 0, 0];
        assert_eq!(asked(false, libc::SYS_socket, internet), RET_END);
        let local = [libc::AF_UNIX as u64, 0, 0, 0, 0, 0];
        let refused = RET_ERROR | libc::EACCES as u32;
        assert_eq!(asked(false, libc::SYS_socket, local), refused);
    }

    #[test]
    fn sockets_end_the_program_or_are_refused_and_only_pairs_may_be_had() {
        let refused = RET_ERROR | libc::EACCES as u32;
        let (local, internet) = (libc::AF_UNIX as u64, libc::AF_INET as u64);
        let expected = [
            (Sockets::End, RET_END, RET_END, RET_END),
            (Sockets::Refuse, refused, refused, refused),
            (Sockets::Pairs, refused, RET_ALLOW, refused),
        ];
        for (sockets, one, pair, pair_of_internet) in expected {
            let code = program(true, sockets).unwrap();
            let asked = |number, family| answer(&code, number, [family, 0, 0, 0, 0, 0]);
            assert_eq!(asked(libc::SYS_socket, internet), one);
            assert_eq!(asked(libc::SYS_socket, local), refused);
            assert_eq!(asked(libc::SYS_socketpair, local), pair);
            assert_eq!(asked(libc::SYS_socketpair, internet), pair_of_internet);
            for number in [libc::SYS_connect, libc::SYS_bind, libc::SYS_sendmsg] {
                assert_eq!(asked(number, 3), RET_END);
            }
            let to = |address| answer(&code, libc::SYS_sendto, [3, 0, 0, 0, address, 0]);
            let paired = sockets == Sockets::Pairs;
            assert_eq!(to(0) == RET_ALLOW, paired);
            assert_ne!(to(0x7fff_0000_1000), RET_ALLOW);
            assert_eq!(asked(libc::SYS_recvfrom, 3) == RET_ALLOW, paired);
        }
    }

    #[test]
    fn a_call_that_no_list_names_is_refused() {
        let unknown = RET_ERROR | libc::ENOSYS as u32;
        assert_eq!(asked(false, 9999, [0; 6]), unknown);
        assert_eq!(asked(false, libc::SYS_clone3, [0; 6]), unknown);
    }

    #[test]
    fn threads_are_allowed_processes_only_where_asked_and_namespaces_never() {
        let call = |flags: u64| [flags, 0, 0, 0, 0, 0];
        let thread = libc::CLONE_THREAD as u64 | libc::CLONE_VM as u64;
        for forks in [false, true] {
            assert_eq!(asked(forks, libc::SYS_clone, call(thread)), RET_ALLOW);
            let space = call(libc::CLONE_NEWUSER as u64 | thread);
            assert_eq!(asked(forks, libc::SYS_clone, space), RET_END);
        }
        let fork = call(libc::SIGCHLD as u64);
        assert_eq!(asked(false, libc::SYS_clone, fork), RET_END);
        assert_eq!(asked(true, libc::SYS_clone, fork), RET_ALLOW);
    }

    #[test]
    fn memory_shared_without_a_file_is_refused_and_private_memory_is_not() {
        let call = |flags: i32| [0, 4096, 3, flags as u64, u64::MAX, 0];
        let shared = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        assert_eq!(asked(false, libc::SYS_mmap, call(shared)), REFUSED);
        assert_eq!(asked(false, libc::SYS_mmap, call(private)), RET_ALLOW);
        assert_eq!(
            asked(false, libc::SYS_mmap, call(libc::MAP_SHARED)),
            RET_ALLOW
        );
    }

    #[test]
    fn pushing_characters_into_a_terminal_is_refused() {
        const PUSH: u64 = 0x5412;
        assert_eq!(
            asked(false, libc::SYS_ioctl, [0, PUSH, 0, 0, 0, 0]),
            REFUSED
        );
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_second_numbering_of_calls_does_not_go_past_the_list() {
        assert_eq!(asked(false, c_long::from(X32), [0; 6]), RET_END);
    }
}

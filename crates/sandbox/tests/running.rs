//! Programs that mean no harm run as they would outside, and what happens to them is told.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use skillbelt_sandbox::{End, Ending, Layer, Limits, Python, Sandbox, View};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::complete().unwrap());
static PYTHON: LazyLock<Python> = LazyLock::new(|| Python::find(None).unwrap());

fn run(source: &str, limits: Limits, input: &[u8]) -> Ending {
    let program = PYTHON.program(source, limits);
    SANDBOX.run(&program, input).unwrap()
}

fn said(ending: &Ending) -> String {
    String::from_utf8_lossy(&ending.stdout).into_owned()
}

#[test]
fn a_program_reads_its_input_and_its_output_and_exit_code_are_told() {
    let source = "import sys; print(sys.stdin.read()[::-1]); sys.exit(7)";
    let ending = run(source, Limits::default(), b"abc");
    assert_eq!(ending.end, End::Exited(7), "{ending:?}");
    assert_eq!(said(&ending), "cba\n");
    assert!(ending.cpu > Duration::ZERO && ending.peak_bytes > 1 << 20);
}

#[test]
fn the_whole_standard_library_can_be_imported() {
    let source = "
import importlib, sys
for name in ('json math re collections itertools functools heapq bisect random statistics string '
             'datetime decimal fractions cmath operator copy typing dataclasses enum textwrap array '
             'hashlib struct base64 zlib bz2 lzma threading queue asyncio ctypes sqlite3 ssl').split():
    print(name, file=sys.stderr)
    try: importlib.import_module(name)
    except ModuleNotFoundError as error:
        # An interpreter may have been built without some of them.
        if not error.name.startswith('_'): raise
print('all')
";
    let ending = run(source, Limits::default(), b"");
    assert_eq!(
        said(&ending),
        "all\n",
        "{:?} {}",
        ending.end,
        String::from_utf8_lossy(&ending.stderr)
    );
}

#[test]
fn a_busy_program_is_ended_by_its_cpu_time() {
    let limits = Limits {
        cpu_seconds: 1,
        ..Limits::default()
    };
    let ending = run("while True: pass", limits, b"");
    assert_eq!(ending.end, End::CpuTime, "{ending:?}");
    assert!(ending.cpu < Duration::from_millis(2500), "{ending:?}");
}

#[test]
fn a_sleeping_program_is_ended_by_the_clock() {
    let limits = Limits {
        wall: Duration::from_millis(300),
        ..Limits::default()
    };
    let ending = run("import time; time.sleep(100)", limits, b"");
    assert_eq!(ending.end, End::WallTime);
    assert!(ending.wall < Duration::from_secs(10));
}

#[test]
fn a_program_that_writes_without_end_is_ended_and_its_output_is_bounded() {
    let limits = Limits {
        output_bytes: 100_000,
        ..Limits::default()
    };
    let ending = run("while True: print('x' * 1000)", limits, b"");
    assert_eq!(ending.end, End::Output);
    assert!(ending.stdout.len() <= 100_000);
}

#[test]
fn a_forbidden_call_is_told_apart_from_a_crash() {
    let ending = run("import socket; socket.socket()", Limits::default(), b"");
    assert_eq!(ending.end, End::Forbidden);
    let ending = run("import os; os.abort()", Limits::default(), b"");
    assert_eq!(ending.end, End::Killed(libc::SIGABRT));
}

#[test]
fn a_session_is_asked_and_answers_in_turn() {
    let source = "
import sys
for line in sys.stdin: print(int(line) ** 2, flush=True)";
    let program = PYTHON.program(source, Limits::default());
    let mut session = SANDBOX.start(&program).unwrap();
    let line = |bytes: &[u8]| {
        bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| at + 1)
    };
    for number in [3u64, 12, 1_000_000_007] {
        assert!(session.send(format!("{number}\n").as_bytes()).unwrap());
        let answer = session.receive(&line).unwrap().unwrap();
        assert_eq!(answer, format!("{}\n", number * number).as_bytes());
    }
    assert_eq!(session.finish().unwrap().end, End::Exited(0));
}

#[test]
fn large_inputs_and_outputs_do_not_block_each_other() {
    let source = "
import sys
while True:
    block = sys.stdin.buffer.read1(65536)
    if not block: break
    sys.stdout.buffer.write(block)";
    let input: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
    let ending = run(source, Limits::default(), &input);
    assert!(ending.stdout == input, "{:?}", ending.end);
}

#[test]
fn a_file_that_is_left_behind_is_collected_and_given_files_are_read() {
    let source = "open('/tmp/out', 'w').write(open('/given/in').read() * 2)";
    let mut program = PYTHON.program(source, Limits::default());
    program.files = vec![(PathBuf::from("/given/in"), b"ab".to_vec())];
    program.collect = Some((PathBuf::from("/tmp/out"), 4));
    let ending = SANDBOX.run(&program, b"").unwrap();
    assert_eq!(
        ending.collected.as_deref(),
        Some(&b"abab"[..]),
        "{ending:?}"
    );
    program.collect = Some((PathBuf::from("/tmp/out"), 3));
    assert_eq!(SANDBOX.run(&program, b"").unwrap().collected, None);
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_no_ending() {
    let program = skillbelt_sandbox::Program::new("/no/such/program", View::new());
    let error = SANDBOX.run(&program, b"").unwrap_err();
    assert!(
        error.to_string().contains("starting the program"),
        "{error}"
    );
}

#[test]
fn sandboxes_run_beside_each_other_without_seeing_each_other() {
    let threads: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let source = format!("import os; print({number}, os.getpid(), os.listdir('/tmp'))");
                said(&run(&source, Limits::default(), b""))
            })
        })
        .collect();
    for (number, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), format!("{number} 2 []\n"));
    }
}

#[test]
fn a_complete_sandbox_has_every_layer() {
    for layer in Layer::ALL {
        assert!(SANDBOX.layers().has(layer), "{layer}");
    }
}

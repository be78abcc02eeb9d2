//! Candidates of every shape of problem, judged: what passes outside passes here, and what does not
//! is told apart by its kind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is not run says so")]

use std::time::Duration;

use skillbelt_train::execute::{self, Case, Language, Problem, Sample, Settings, Tests, Verdict};

/// States that this machine cannot have a complete sandbox.
const CANNOT: &str = "SKILLBELT_NO_SANDBOX";

fn cannot() -> bool {
    let cannot = std::env::var_os(CANNOT).is_some();
    if cannot {
        eprintln!("{CANNOT} is set: NOT RUN");
    }
    cannot
}

fn mbpp(setup: &str, reference: &str, tests: &[&str]) -> Problem {
    Problem {
        id: "1".to_owned(),
        tests: Tests::Python {
            setup: setup.to_owned(),
            reference: reference.to_owned(),
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            challenge: Vec::new(),
        },
    }
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.limits.cpu_seconds = 2;
    settings.limits.wall = Duration::from_secs(20);
    settings
}

fn verdicts(problem: Problem, codes: &[&str]) -> Vec<Verdict> {
    let sample = |(number, code): (usize, &&str)| Sample {
        problem: 0,
        number,
        code: (*code).to_owned(),
    };
    let samples: Vec<Sample> = codes.iter().enumerate().map(sample).collect();
    let outcomes = execute::run(&[problem], &samples, &settings()).unwrap();
    outcomes
        .into_iter()
        .map(|outcome| outcome.verdict)
        .collect()
}

fn passes(problem: Problem, code: &str) {
    assert_eq!(verdicts(problem, &[code]), [Verdict::Passed], "{code}");
}

#[test]
fn every_way_to_fail_has_its_own_verdict() {
    if cannot() {
        return;
    }
    let problem = mbpp(
        "",
        "def f(n): return n + 1",
        &["assert f(1) == 2", "assert f(5) == 6"],
    );
    let exception = |name: &str| Verdict::Exception {
        name: name.to_owned(),
    };
    let expected = [
        ("def f(n): return n + 1", Verdict::Passed),
        ("def f(n): return 2", Verdict::WrongValue { test: 1 }),
        ("def f(n): return 1 / 0", exception("ZeroDivisionError")),
        ("def g(n): return n", exception("NameError")),
        ("raise KeyError(1)", exception("KeyError")),
        ("def f(n) return n", Verdict::DidNotParse),
        ("", exception("NameError")),
        ("def f(n):\n    while True: pass", Verdict::Timeout),
        ("def f(n): return len('x' * (1 << 33))", Verdict::Memory),
        (
            "import socket\ndef f(n): socket.socket()",
            Verdict::Forbidden,
        ),
        (
            "import os\ndef f(n): os._exit(0)",
            Verdict::Exited { code: 0 },
        ),
        (
            "import os\ndef f(n): os.abort()",
            Verdict::Crashed {
                signal: libc_abort(),
            },
        ),
        (
            "def f(n):\n    while True: print('x' * 10000)",
            Verdict::Output,
        ),
    ];
    let codes: Vec<&str> = expected.iter().map(|(code, _)| *code).collect();
    for (found, (code, wanted)) in verdicts(problem, &codes).iter().zip(&expected) {
        assert_eq!(found, wanted, "{code}");
    }
}

/// The number of the signal that `abort` raises on Linux.
fn libc_abort() -> i32 {
    6
}

#[test]
fn tests_of_every_shape_are_judged() {
    if cannot() {
        return;
    }
    let same = "def f(n): return n";
    let shapes = [
        "assert math.isclose(f(1.0), 1.0, rel_tol=0.01)",
        "assert set(f([1, 2, 2])) == set([2, 1])",
        "assert f(True)",
        "assert not f(False)",
        "assert f(3) in (1, 3), 'message'",
        "assert abs(f(1.5) - 1.4999) < 1e-3",
        "assert all(f(i) == i for i in range(5))",
        "assert [f(i) for i in range(3)] == list(range(3))",
        "x = f(4)\nassert x == 4",
        "for i in range(3):\n    assert f(i) == i",
        "assert f(None) is None",
        "assert f({'a': (1, 2.5, b'x', {3})}) == {'a': (1, 2.5, b'x', {3})}",
        "assert f(10 ** 50) == 10 ** 50 and f('\\ud800') == '\\ud800' and f(2j) == 2j",
        "assert f(float('inf')) == float('inf') and f(f(2)) == 2",
    ];
    passes(mbpp("", same, &shapes), same);
}

#[test]
fn results_of_library_types_are_compared_by_what_they_hold() {
    if cannot() {
        return;
    }
    let code = "
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from fractions import Fraction
P = namedtuple('P', 'x y')
def f(n): return [Counter('aab'), OrderedDict(a=1), deque([1]), P(1, 2), Fraction(1, 3), range(3)][n]";
    let tests = [
        "assert f(0) == {'a': 2, 'b': 1}",
        "assert f(1) == {'a': 1}",
        "assert list(f(2)) == [1]",
        "assert f(3) == (1, 2)",
        "assert abs(f(4) * 3 - 1) < 1e-9",
        "assert f(5) == range(3)",
    ];
    passes(mbpp("", "", &tests), code);
}

#[test]
fn objects_of_the_candidate_stay_in_its_process() {
    if cannot() {
        return;
    }
    let code = "
class Node:
    def __init__(self, value): self.value, self.left = value, None
def depth(node): return 0 if node is None else 1 + depth(node.left)";
    let setup = "root = Node(1)\nroot.left = Node(2)";
    let tests = ["assert depth(root) == 2", "assert depth(Node(3)) == 1"];
    passes(mbpp(setup, code, &tests), code);
}

#[test]
fn a_function_may_be_called_like_a_built_in_one() {
    if cannot() {
        return;
    }
    let code = "def sum(a, b): return a * b";
    passes(mbpp("", code, &["assert sum(2, 5) == 10"]), code);
}

#[test]
fn a_test_that_asks_nothing_is_never_passed() {
    if cannot() {
        return;
    }
    for test in [
        "assert True",
        "f(1)",
        "assert sum([1]) == 1",
        "assert f(1) ==",
    ] {
        let found = verdicts(mbpp("", "", &[test]), &["def f(n): return n"]);
        assert!(
            matches!(found[0], Verdict::Unsupported { .. }),
            "{test} {found:?}"
        );
    }
}

#[test]
fn a_result_that_cannot_be_sent_is_not_compared() {
    if cannot() {
        return;
    }
    let code = "def f(n): return object()";
    let found = verdicts(mbpp("", code, &["assert f(1) == 1"]), &[code]);
    assert!(matches!(found[0], Verdict::Unsupported { .. }), "{found:?}");
    passes(
        mbpp("", code, &["assert f(1) is not None", "assert f(1)"]),
        code,
    );
}

fn human_eval() -> Problem {
    Problem {
        id: "H/0".to_owned(),
        tests: Tests::Check {
            prompt: "from typing import List\n\ndef double(x: int) -> int:\n    return 2 * x\n\n\
                     def doubled(xs: List[int]) -> List[int]:\n    \"\"\"Double all.\"\"\"\n"
                .to_owned(),
            solution: "    return [double(x) for x in xs]\n".to_owned(),
            test: "import random\ndef check(candidate):\n    for _ in range(20):\n        \
                   xs = [random.randint(0, 9) for _ in range(4)]\n        \
                   assert candidate(xs) == [double(x) for x in xs]\n        \
                   assert candidate(xs=[]) == []\n"
                .to_owned(),
            entry_point: "doubled".to_owned(),
        },
    }
}

#[test]
fn a_check_function_is_run_where_no_candidate_is() {
    if cannot() {
        return;
    }
    let codes = [
        "    return [2 * x for x in xs]\n",
        "def doubled(xs):\n    return [double(x) for x in xs]\n",
        "    return xs\n",
        "    xs.clear()\n    return []\n",
    ];
    let found = verdicts(human_eval(), &codes);
    assert_eq!(found[..2], [Verdict::Passed, Verdict::Passed], "{found:?}");
    assert_eq!(found[2], Verdict::WrongValue { test: 0 });
    // What is done to an argument is seen by the check, as it would be outside.
    assert_eq!(found[3], Verdict::Passed);
}

fn cases(language: Language, cases: &[(&str, &str)]) -> Problem {
    let case = |(input, output): &(&str, &str)| Case {
        input: (*input).to_owned(),
        output: (*output).to_owned(),
    };
    Problem {
        id: "P".to_owned(),
        tests: Tests::Cases {
            language,
            prefix: String::new(),
            suffix: "\n".to_owned(),
            cases: cases.iter().map(case).collect(),
        },
    }
}

/// A program that adds two numbers, one that subtracts, one that is none.
const PROGRAMS: [(Language, &str, &str); 5] = [
    (
        Language::Python,
        "python3",
        "a, b = map(int, input().split())\nprint(a + b)",
    ),
    (
        Language::JavaScript,
        "node",
        "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number);\nconsole.log(a + b);",
    ),
    (
        Language::Java,
        "java",
        "public class Main { public static void main(String[] x) { var s = new java.util.Scanner(System.in);\n\
         int a = s.nextInt(), b = s.nextInt(); System.out.println(a + b); } }",
    ),
    (
        Language::Cpp,
        "g++",
        "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << std::endl; }",
    ),
    (
        Language::Rust,
        "rustc",
        "fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap();\n\
         let n: Vec<i64> = s.split_whitespace().map(|x| x.parse().unwrap()).collect(); println!(\"{}\", n[0] + n[1]); }",
    ),
];

fn there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

#[test]
fn programs_with_input_and_output_are_judged_in_every_language_that_is_there() {
    if cannot() {
        return;
    }
    for (language, program, code) in PROGRAMS {
        if !there(program) {
            eprintln!("{program} is not on this machine: {language} NOT RUN");
            continue;
        }
        let problem = cases(language, &[("1 2\n", "3"), ("20 22\n", "42\n")]);
        let wrong = code
            .replace("a + b", "a - b")
            .replace("n[0] + n[1]", "n[0] - n[1]");
        let found = verdicts(problem, &[code, &wrong]);
        assert_eq!(
            found,
            [Verdict::Passed, Verdict::WrongValue { test: 0 }],
            "{language}"
        );
    }
}

#[test]
fn outcomes_do_not_depend_on_threads_and_scores_count_every_problem() {
    if cannot() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (problems, predictions) = (folder.path().join("p"), folder.path().join("s"));
    let mut lines = (String::new(), String::new());
    for i in 0..6 {
        lines.0 += &format!("{{\"task_id\": {i}, \"test_list\": [\"assert f({i}) == {i}\"]}}\n");
        let code = if i % 2 == 0 {
            "def f(n): return n"
        } else {
            "def f(n): return 0"
        };
        let again = "def f(n): return n";
        lines.1 += &format!("{{\"task_id\": {i}, \"samples\": [\"{code}\", \"{again}\", \"\"]}}\n");
    }
    fs_err::write(&problems, lines.0).unwrap();
    fs_err::write(&predictions, lines.1).unwrap();
    let mut settings = settings();
    settings.k = vec![1, 2, 3];
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| execute::score(&problems, &predictions, &settings).unwrap())
    };
    let (one, four) = (on(1), on(4));
    assert_eq!(one, four);
    let values: Vec<f64> = one.pass.iter().map(|pass| pass.value).collect();
    // Three problems have two of three right, three have one.
    let expected = [0.5, (1.0 + 2.0 / 3.0) / 2.0, 1.0];
    for (value, expected) in values.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-12, "{values:?}");
    }
    settings.k = vec![4];
    assert!(execute::score(&problems, &predictions, &settings).is_err());
    fs_err::write(&predictions, "{\"task_id\": 0, \"code\": \"\"}\n").unwrap();
    let error = execute::score(&problems, &predictions, &settings).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("5 of 6 problems have no prediction"),
        "{error}"
    );
}

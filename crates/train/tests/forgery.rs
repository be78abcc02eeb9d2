//! Every file of `attacks/forgery` is a candidate that does not solve its problem and tries to pass
//! all the same. One test for each file; a naive harness, which some of them do fool, is the control.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is not run says so")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use skillbelt_sandbox::{End, Ending, Limits, Python, Sandbox};
use skillbelt_train::execute::{self, Problem, Sample, Settings, Tests, Verdict};

/// States that this machine cannot have a complete sandbox: then attacks are told as not run instead
/// of failing.
const CANNOT: &str = "SKILLBELT_NO_SANDBOX";

/// A harness that lives in the process of the candidate, and how many of the attacks fooled it when
/// they were counted (CPython 3.11; `docs/execution.md` has the numbers too).
struct Naive {
    /// How it decides.
    by: &'static str,
    /// The program, with `{candidate}` and `{tests}` as texts of Python in it.
    program: &'static str,
    passed: fn(&Ending) -> bool,
    fooled: usize,
}

const NAIVE: [Naive; 2] = [
    Naive {
        by: "exit code",
        program: "exec({candidate} + '\\n' + {tests})",
        passed: |ending| ending.end == End::Exited(0),
        fooled: 21,
    },
    Naive {
        by: "last word printed",
        program: "def verdict():
    names = {'__name__': 'candidate'}
    try:
        exec({candidate}, names)
        exec({tests}, names)
    except BaseException: return 'failed'
    return 'passed'
print(verdict())",
        passed: |ending| ending.stdout.trim_ascii_end().ends_with(b"passed"),
        fooled: 11,
    },
];

const TESTS: [&str; 3] = [
    "assert squares(3) == [1, 4, 9]",
    "assert squares(1) == [1]",
    "assert squares(5) == [1, 4, 9, 16, 25]",
];

fn problem() -> Problem {
    Problem {
        id: "squares".to_owned(),
        tests: Tests::Python {
            setup: String::new(),
            reference: "def squares(n): return [i * i for i in range(1, n + 1)]".to_owned(),
            tests: TESTS.map(str::to_owned).to_vec(),
            challenge: Vec::new(),
        },
    }
}

fn settings() -> Settings {
    Settings {
        limits: Limits {
            cpu_seconds: 2,
            wall: Duration::from_secs(10),
            ..Limits::default()
        },
        ..Settings::default()
    }
}

fn verdict(code: &str) -> Result<Verdict, Failed> {
    let sample = Sample {
        problem: 0,
        number: 0,
        code: code.to_owned(),
    };
    let outcomes = execute::run(&[problem()], &[sample], &settings()).map_err(|error| {
        format!("{error}; a test that cannot run fails; {CANNOT}=1 states that this machine cannot")
    })?;
    Ok(outcomes.into_iter().next().unwrap().verdict)
}

fn attacks() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("attacks/forgery");
    let mut files: Vec<PathBuf> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| {
        let source = fs_err::read_to_string(file).unwrap();
        let lines: Vec<&str> = source.lines().take(2).collect();
        assert!(
            lines[0].starts_with("# Tries: ") && lines[1].starts_with("# Must: "),
            "{}",
            file.display()
        );
        (
            file.file_stem()
                .unwrap()
                .to_string_lossy()
                .replace('_', " "),
            source,
        )
    };
    files.iter().map(read).collect()
}

/// An attack passes under no name, is judged at all, and is a program.
fn holds(source: &str) -> Result<(), Failed> {
    match verdict(source)? {
        Verdict::Passed | Verdict::DidNotParse => Err("the attack passed, or did not parse".into()),
        // Only a result that cannot be sent may end so, and never for want of a judge.
        Verdict::Unsupported { reason } if !reason.starts_with("a result of type") => {
            Err(reason.into())
        }
        _ => Ok(()),
    }
}

fn honest_candidates_pass() -> Result<(), Failed> {
    let right = [
        "def squares(n): return [i * i for i in range(1, n + 1)]",
        "class Mine(list): pass\ndef squares(n): return Mine(i * i for i in range(1, n + 1))",
        "print('passed')\ndef squares(n):\n    print(n)\n    return [i ** 2 for i in range(1, n + 1)]",
    ];
    for code in right {
        match verdict(code)? {
            Verdict::Passed => {}
            other => return Err(format!("{other:?}: {code}").into()),
        }
    }
    Ok(())
}

/// The tests run in the process of the candidate. The sandbox around it guards the machine and not
/// the verdict. Wrong candidates that attack nothing do not pass there, and right ones do.
fn a_naive_harness_is_fooled(naive: &Naive, attacks: &[(String, String)]) -> Result<(), Failed> {
    let sandbox = Sandbox::complete()?;
    let python = Python::find(None)?;
    let passes = |candidate: &str| -> Result<bool, Failed> {
        let text = |text: &str| serde_json::to_string(text).unwrap();
        let program = naive.program.replace("{candidate}", &text(candidate));
        let program = program.replace("{tests}", &text(&TESTS.join("\n")));
        let ending = sandbox.run(&python.program(&program, settings().limits), b"")?;
        Ok((naive.passed)(&ending))
    };
    assert!(passes(
        "def squares(n): return [i * i for i in range(1, n + 1)]"
    )?);
    assert!(!passes("def squares(n): return [1]")?);
    let mut fooled = Vec::new();
    for (name, source) in attacks {
        if passes(source)? {
            fooled.push(name.as_str());
        }
    }
    let told = format!(
        "{} of {} attacks fool a harness in their process that goes by the {}: {}",
        fooled.len(),
        attacks.len(),
        naive.by,
        fooled.join(", ")
    );
    eprintln!("{told}");
    match fooled.len() >= naive.fooled {
        true => Ok(()),
        false => Err(told.into()),
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let cannot = std::env::var_os(CANNOT).is_some() || cfg!(not(target_os = "linux"));
    if cannot {
        eprintln!("{CANNOT} is set, or this is not Linux: NO ATTACK IS RUN on this machine");
    }
    let attacks = attacks();
    assert!(attacks.len() >= 30, "only {} attacks", attacks.len());
    let mut trials = vec![Trial::test(
        "honest candidates pass",
        honest_candidates_pass,
    )];
    trials.extend(NAIVE.iter().map(|naive| {
        let attacks = attacks.clone();
        let name = format!("a naive harness that goes by the {} is fooled", naive.by);
        Trial::test(name, move || a_naive_harness_is_fooled(naive, &attacks))
    }));
    trials.extend(
        attacks
            .into_iter()
            .map(|(name, source)| Trial::test(format!("attack {name}"), move || holds(&source))),
    );
    let trials = trials
        .into_iter()
        .map(|trial| trial.with_ignored_flag(cannot));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
